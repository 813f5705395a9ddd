"""Every kind of order that the tests know: what is bought, with which card, and what follows."""

import random
from collections.abc import Iterable

from tests.e2e.books import UNITS
from tests.e2e.stack import Stack
from tests.e2e.steps import (
    authenticate,
    cancel,
    cancel_and_pay_back,
    cancel_in_shop_too,
    cannot_charge,
    cannot_refund_balance,
    charge,
    collect_by_hand,
    fail_to_authenticate,
    falls_due,
    fits_by_an_edit,
    held_by_others,
    hold_again,
    is_cancelled_in_shop,
    is_cancelled_over_limit,
    is_held_over_limit,
    pay,
    refund_all,
    refund_balance,
    refund_deposit,
    refund_one,
    refund_some,
    release,
    release_by_force,
    send,
    send_link,
    send_one,
    take_all_off,
    take_one_off,
    tried_again,
)
from tests.e2e.stories import Shelf, Step, Story

Line = tuple[str, str]
Kind = tuple[tuple[Line, ...], str, tuple[Step, ...]]
FULL: tuple[Line, ...] = (("drop", "full"),)
DEPOSIT: tuple[Line, ...] = (("drop", "partial"),)
# What is bought, with which card, and what becomes of it; quantities and discounts are by chance.
# Of what is paid back of edited orders, nothing may stay behind. Those that are late are not heard of
# before what happens to them first.
EDITED: dict[str, Kind] = {
    "full, edited, refunded": (FULL, "works", (take_one_off, refund_all)),
    "full, edited, cancelled": (FULL, "works", (take_one_off, cancel_in_shop_too)),
    "full, emptied, refunded": (FULL, "works", (take_all_off, refund_all)),
    "deposit, edited, refunded": (DEPOSIT, "works", (take_one_off, refund_all)),
    "deposit, edited, cancelled": (DEPOSIT, "works", (take_one_off, cancel_and_pay_back)),
    "deposit, edited, charged, refunded": (DEPOSIT, "works", (take_one_off, charge, refund_all)),
    "deposit, charged, edited, refunded": (DEPOSIT, "works", (charge, take_one_off, refund_all)),
    "deposit, charged, edited, parts refunded": (
        DEPOSIT,
        "works",
        (charge, take_one_off, refund_balance, refund_deposit),
    ),
    "deposit, charged, edited, cancelled": (
        DEPOSIT,
        "works",
        (charge, take_one_off, cancel_in_shop_too),
    ),
    "deposit, emptied, refunded": (DEPOSIT, "works", (take_all_off, refund_all)),
    "deposit, charged, emptied, refunded": (DEPOSIT, "works", (charge, take_all_off, refund_all)),
    "mixed, edited, refunded": ((*FULL, ("stock", "")), "works", (take_one_off, refund_all)),
    "mixed deposit, edited, refunded": (
        (*DEPOSIT, ("stock", "")),
        "works",
        (charge, take_one_off, refund_all),
    ),
    "late, full, edited": (FULL, "works", (take_one_off, refund_all)),
    "late, full, part refunded": (FULL, "works", (refund_some, refund_all)),
    "late, deposit, edited": (DEPOSIT, "works", (take_one_off, charge, refund_all)),
    "late, deposit, paid": (DEPOSIT, "works", (pay, take_one_off, refund_all)),
    "late, deposit, emptied": (DEPOSIT, "works", (take_all_off, refund_all)),
    "late, mixed, edited": ((*DEPOSIT, ("stock", "")), "works", (take_one_off, refund_all)),
}
KINDS: dict[str, Kind] = {
    **EDITED,
    "full": (FULL, "works", ()),
    "full, shipped": (FULL, "works", (release, send)),
    "full, part refunded": (FULL, "works", (refund_some, release)),
    "full, one refunded": (FULL, "works", (refund_one, release, send)),
    "full, refunded": (FULL, "works", (refund_some, refund_all)),
    "deposit": (DEPOSIT, "works", (cannot_refund_balance,)),
    "deposit, charged": (DEPOSIT, "works", (charge, cannot_charge, release, send)),
    "deposit, due": (DEPOSIT, "works", (falls_due, release)),
    "deposit, part fulfilled": (DEPOSIT, "works", (charge, release, send_one)),
    "deposit, part fulfilled, refunded": (
        DEPOSIT,
        "works",
        (charge, release, send_one, refund_all),
    ),
    "deposit, edited": (DEPOSIT, "works", (take_one_off, charge, release)),
    "deposit, edited later": (DEPOSIT, "works", (charge, take_one_off, release)),
    "deposit, one refunded": (DEPOSIT, "works", (refund_one, charge)),
    "deposit, merchant's refund": (DEPOSIT, "works", (refund_some, charge, refund_deposit)),
    "mixed": ((*FULL, ("stock", "")), "works", (release, send)),
    "mixed, refunded": ((*FULL, ("stock", "")), "works", (refund_all,)),
    "mixed deposit": ((*DEPOSIT, ("stock", "")), "works", (charge, release, send)),
    "mixed, cancelled": ((*DEPOSIT, ("stock", "")), "works", (charge, cancel_and_pay_back)),
    "two offers": ((*DEPOSIT, ("second", "partial")), "works", (charge, release)),
    "two ways": ((*FULL, ("second", "partial")), "works", (falls_due, refund_balance)),
    "split": ((("split", "full"), ("stock", "")), "works", (send,)),
    "on fulfillment": ((("sent", "partial"),), "works", (send,)),
    "named": ((("named", "named"),), "works", (release,)),
    "cancelled early": (DEPOSIT, "works", (cancel,)),
    "cancelled early, paid back": (DEPOSIT, "works", (cancel_and_pay_back,)),
    "cancelled late": (DEPOSIT, "works", (charge, release, cancel_and_pay_back)),
    "cancelled everywhere": (DEPOSIT, "works", (cancel_in_shop_too,)),
    "cancelled everywhere late": (DEPOSIT, "works", (charge, cancel_in_shop_too)),
    "cancelled in shop": (DEPOSIT, "works", (is_cancelled_in_shop,)),
    "cancelled in shop late": (FULL, "works", (release, is_cancelled_in_shop)),
    "declines": (DEPOSIT, "declines", (charge, tried_again, send_link, pay, release)),
    "declines, cancelled": (DEPOSIT, "declines", (falls_due, cancel_and_pay_back)),
    "declines once": (DEPOSIT, "declines_1", (charge, tried_again, refund_balance)),
    "declines twice": (DEPOSIT, "declines_2", (falls_due, tried_again, tried_again)),
    "loses answer": (DEPOSIT, "loses_answer", (charge, cannot_charge, release)),
    "authenticates": (DEPOSIT, "needs_authentication", (charge, authenticate, release)),
    "does not authenticate": (
        DEPOSIT,
        "needs_authentication",
        (charge, fail_to_authenticate, pay),
    ),
    "pays while awaited": (DEPOSIT, "needs_authentication", (charge, pay)),
    "expired": (DEPOSIT, "expired", (cannot_charge, send_link, pay)),
    "no card": (DEPOSIT, "none", (cannot_charge, send_link, pay, release)),
    "by hand": (DEPOSIT, "none", (collect_by_hand, release)),
    "forced": (DEPOSIT, "works", (release_by_force, charge)),
    "refunds": (DEPOSIT, "works", (charge, refund_balance, refund_deposit)),
    "refund": (DEPOSIT, "works", (charge, refund_all)),
    "deposit back": (DEPOSIT, "works", (refund_deposit,)),
    "held again": (FULL, "works", (release, hold_again, release)),
    "others": (FULL, "works", (held_by_others, release)),
    "over, held": ((("few", "full"),), "works", (is_held_over_limit, release)),
    "over, edited": ((("few", "full"),), "works", (is_held_over_limit, fits_by_an_edit, release)),
    "over, cancelled": ((("strict", "full"),), "works", (is_cancelled_over_limit,)),
    "over, accepted": ((("lax", "partial"),), "works", (charge,)),
}


def written(
    stack: Stack,
    shelves: dict[str, Shelf],
    currency: str,
    seed: int,
    number: int,
    of: Iterable[str] = KINDS,
) -> list[Story]:
    """Write so many stories, every kind among them if there are enough, in an order by chance."""
    chance = random.Random(seed)  # noqa: S311 - a test is to be the same at every run
    kinds = [*of]
    chance.shuffle(kinds)
    stories = []
    for count in range(number):
        kind = kinds[count % len(kinds)]
        sold, card, steps = KINDS[kind]
        lines = [
            (name, option, 3 if kind.startswith("over") else chance.choice((2, 3)), discount)
            for name, option in sold
            for discount in [str(UNITS[currency] * chance.choice((0, 0, 1, 333)))]
        ]
        stories.append(
            Story(kind, count, lines, card, [Story.begin, *steps], stack, shelves, currency)
        )
    chance.shuffle(stories)
    return stories

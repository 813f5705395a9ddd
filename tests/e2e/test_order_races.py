"""Orders that several processes work on at once, some of which are killed: each thing once."""

import asyncio
import random
import signal
from collections import Counter
from typing import Any

import pytest

from openstoq.preorders.orders.jobs import reconcile
from tests.e2e.audit import books_agree
from tests.e2e.killing import bury, killing
from tests.e2e.stack import Offer, Stack, gathered
from tests.factories.patience import until

MANY = 40
ORDERS = "/preorders/orders"
OVER = "preorder-over-limit"


async def _bought(stack: Stack, offer: Offer, option: str, number: int) -> list[int]:
    """Have so many shoppers buy a unit of the offer's variants in turn; return the orders."""
    plan = await offer.plan(option)
    placed = [
        stack.control(
            "POST",
            "orders",
            lines=[{"variant_id": offer.variants[one % len(offer.variants)], "plan_id": plan}],
            customer={"email": f"{option}-{one}@example.com", "name": "Ada Byron"},
        )
        for one in range(number)
    ]
    return [order["id"] for order in await gathered(*placed)]


async def _clicked(stack: Stack, order_id: int, action: str, clicks: int, **body: Any) -> list[int]:
    """Click several times at once; return the statuses of the answers, sorted."""
    path = f"{ORDERS}/{order_id}/{action}"
    answers = await asyncio.gather(*(stack.try_("POST", path, **body) for _ in range(clicks)))
    return sorted(answer.status_code for answer in answers)


async def _charges(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await stack.control("GET", "charges"))["charges"]
    return found


async def _cancelled_while_charged(stack: Stack, order_id: int) -> None:
    """Ask for a charge and for a cancellation at once, and once more for what was refused."""
    both = {"refund_deposit": True, "refund_balance": True}
    charged, cancelled = await asyncio.gather(
        _clicked(stack, order_id, "payments/charge_balance", 1),
        _clicked(stack, order_id, "cancel", 2, **both),
    )
    assert charged in ([202], [409])
    assert cancelled in ([202, 409], [409, 409])
    if cancelled == [409, 409]:

        async def is_cancelled() -> bool:
            answer = await stack.try_("POST", f"{ORDERS}/{order_id}/cancel", **both)
            assert answer.status_code == 202 or "under way" in answer.text, answer.text
            return answer.status_code == 202

        await until(is_cancelled)


@pytest.mark.timeout(1800)
async def test_many_clicks_on_several_apis_do_each_thing_once(stack: Stack):
    await stack.open(apis=3, workers=2)
    variants = await stack.variants("49.90", "17.35")
    await stack.settled()
    offer = await stack.offer(variants, deposit=30)
    await stack.settled()
    charged, cancelled = (
        await _bought(stack, offer, "partial", 5),
        await _bought(stack, offer, "partial", 6),
    )
    released, refunded = (
        await _bought(stack, offer, "full", 4),
        await _bought(stack, offer, "full", 4),
    )
    await stack.settled()
    # A charge takes long enough to be interfered with.
    await stack.control("PATCH", "charges", delay=0.5)
    await stack.control("POST", "faults", on="webhooks", fault="duplicate", count=100)
    await stack.control("POST", "faults", fault="lose", operation="OrderChargeMandate", count=2)
    await stack.control("POST", "faults", fault="lose", operation="RefundCreate", count=2)
    clicks = [
        *(_clicked(stack, one, "payments/charge_balance", 5) for one in charged),
        *(_clicked(stack, one, "release", 5, tag_with="once") for one in released),
        *(_clicked(stack, one, "payments/refund", 5) for one in refunded),
    ]
    racing = [_cancelled_while_charged(stack, one) for one in cancelled]
    answers = await gathered(*clicks, *racing, at_once=12)
    assert answers[: len(clicks)] == [[202, 409, 409, 409, 409]] * len(clicks)
    await stack.settled()

    charges = await _charges(stack)
    asked = Counter(one["order_id"] for one in charges)
    assert {one: asked[one] for one in charged} == dict.fromkeys(charged, 1)
    for one in charged:
        told, shown, _ = await books_agree(stack, one, charges)
        assert (told["state"], shown["outstanding"]) == ("balance_collected", "0.00")
    for one in released:
        told, shown, _ = await books_agree(stack, one, charges)
        assert (told["state"], told["any_held"]) == ("released", False)
        assert shown["tags"].count("once") == 1
    for one in refunded:
        told, shown, _ = await books_agree(stack, one, charges)
        assert (told["state"], len(shown["refunds"])) == ("refunded", 1)
    for one in cancelled:
        told, shown, _ = await books_agree(stack, one, charges)
        assert (told["state"], asked[one] <= 1) == ("cancelled", True)
        assert shown["refunded"] == shown["received"]


async def _counted(stack: Stack, offer: Offer) -> int:
    """Count the units of an offer by its variants, which its lines have to agree with."""
    told = [
        (await stack.ask("GET", f"/preorders/product_variants/{one}"))["preorder_count"]
        for one in offer.variants
    ]
    lines = "SELECT coalesce(sum(counted), 0) AS n FROM preorder_lines WHERE offer_id = $1"
    (row,) = await stack.query(lines, offer.id)
    assert sum(told) == row["n"]
    return int(row["n"])


@pytest.mark.timeout(1800)
async def test_fifty_buyers_of_ten_units_never_get_eleven(stack: Stack):
    await stack.open(apis=2, workers=3)
    variants = await stack.variants("49.90", "17.35", "8.05")
    await stack.settled()
    offer = await stack.offer(variants, limits={"total": {"max": 10}})
    await stack.settled()
    # All are told of at once: the workers stand still while the shoppers buy.
    for worker in stack.workers:
        worker.send_signal(signal.SIGSTOP)
    orders = await _bought(stack, offer, "full", 50)
    for worker in stack.workers:
        worker.send_signal(signal.SIGCONT)
    await stack.settled()
    assert await _counted(stack, offer) == 10
    told = {one: await stack.ask("GET", f"{ORDERS}/{one}") for one in orders}
    accepted = [one for one in orders if not told[one]["exceeded"]]
    assert len(accepted) == 10
    for one in orders:
        shown = await stack.control("GET", f"orders/{one}")
        assert (OVER in shown["tags"]) == (one not in accepted)
        assert told[one]["all_held"]

    # While eight of the ten are cancelled at once, twelve others buy.
    for variant in variants:
        # In stock, so that the shop refuses none of them: our limit is what is to be kept.
        await stack.control("POST", "stock", variant_id=variant, available=100)
    _, *statuses = await asyncio.gather(
        _bought(stack, offer, "full", 12),
        *(_clicked(stack, one, "cancel", 2) for one in accepted[:8]),
    )
    assert statuses == [[202, 409]] * 8
    await stack.settled()
    (row,) = await stack.query(
        "SELECT sum(counted) AS units FROM preorder_lines JOIN preorder_orders"
        " USING (shop_id, order_id) WHERE cancelled_at IS NULL"
    )
    assert 2 <= await _counted(stack, offer) == row["units"] <= 10


@pytest.mark.timeout(1800)
async def test_killed_processes_charge_refund_and_release_once(stack: Stack):
    seed = 20_262
    await stack.open(apis=2, workers=2)
    variants = await stack.variants("49.90", "17.35", "8.05")
    await stack.settled()
    offer = await stack.offer(variants, deposit=40)
    await stack.settled()
    called_off = await _bought(stack, offer, "full", MANY)
    charged = await _bought(stack, offer, "partial", 10)
    released = await _bought(stack, offer, "full", 5)
    await stack.settled()

    for fault in ("throttled", "status", "close", "lose"):
        await stack.control("POST", "faults", fault=fault, count=2)
    for operation in ("OrderChargeMandate", "RefundCreate"):
        await stack.control("POST", "faults", fault="lose", operation=operation, count=2)
    job = await stack.insist(
        f"{ORDERS}/bulk_cancel", order_ids=called_off, refund_deposit=True, notify_customer=True
    )
    clicking = asyncio.gather(
        gathered(*(stack.insist(f"{ORDERS}/{one}/payments/charge_balance") for one in charged)),
        gathered(*(stack.insist(f"{ORDERS}/{one}/release", tag_with="go") for one in released)),
    )

    async def left() -> int:
        """How much money still has to move."""
        return await stack.count(
            "(SELECT 1 FROM preorder_payments WHERE status IN ('pending', 'processing') UNION ALL"
            " SELECT generate_series(1, total - processed) FROM bulk_jobs"
            " WHERE status = 'running' AND id LIKE 'bulk_orders_%') AS work"
        )

    killed = await killing(stack, random.Random(seed), left)  # noqa: S311 - always the same
    await clicking
    assert killed
    await bury(stack)
    await stack.control("DELETE", "faults")
    await stack.settled()
    await stack.enqueue(reconcile)
    await stack.settled()

    told = await stack.ask("GET", job["status_url"].removeprefix("/api/v2/external"))
    assert (told["status"], told["processed"], told["failed"]) == ("completed", MANY, [])
    charges = await _charges(stack)
    audits = gathered(
        *(books_agree(stack, one, charges) for one in [*called_off, *charged, *released])
    )
    found = {shown["id"]: (told["state"], shown) for told, shown, _ in await audits}
    for one in called_off:
        state, shown = found[one]
        assert (state, len(shown["refunds"]), shown["refunded"]) == (
            "cancelled",
            1,
            shown["received"],
        )
    assert Counter(one["order_id"] for one in charges) == dict.fromkeys(charged, 1)
    for one in charged:
        state, shown = found[one]
        assert (state, shown["outstanding"], shown["refunded"]) == (
            "balance_collected",
            "0.00",
            "0.00",
        )
    for one in released:
        state, shown = found[one]
        assert (state, "go" in shown["tags"]) == ("released", True)
    # A mail that was cut short is sent again as the same message.
    mails = await stack.mails("full-")
    assert len(set(mails)) == len({to for to, _ in mails}) == len(called_off)
    assert await _counted(stack, offer) == len(charged) + len(released)

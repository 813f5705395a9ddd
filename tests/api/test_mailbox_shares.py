"""How much a mailbox gets that nobody confirmed."""

from uuid import UUID

import pytest

from openstoq.back_in_stock.notifications.links import CONFIRM, link
from openstoq.back_in_stock.notifications.single_mails import ask_returned
from openstoq.back_in_stock.signups.rules import MOST_UNASKED
from tests.api.stranger_shop import OWN, app, asked_of, merchant, runtime, signed_up, stranger
from tests.factories.catalogs import VARIANT, product, save, variant
from tests.factories.fixtures import key, shop
from tests.factories.waitlists import rows, run_of

__all__ = ["app", "key", "merchant", "runtime", "shop", "stranger"]

# How much of it a mailbox gets

NAMES = ["ada@gmail.com", "a.da@gmail.com", "ada+x@googlemail.com"]


async def catalogue_of(database, shop, count):
    """Save a product of that many variants."""
    await save(database, shop, product(*(variant(VARIANT + n) for n in range(count))))


async def test_more_than_a_mailbox_may_have_unasked_waits_to_be_confirmed(
    database, shop, stranger, merchant, runtime
):
    await catalogue_of(database, shop, 100)
    answers = [await signed_up(stranger, NAMES[n % 3], number=VARIANT + n) for n in range(50)]
    of_another = await signed_up(stranger, "bob@gmail.com")
    # Nothing of an answer tells it.
    told = [{**one, **dict.fromkeys(OWN | {"shopify_variant_id"})} for one in answers]
    assert all(one == {**of_another, **dict.fromkeys(OWN | {"shopify_variant_id"})} for one in told)
    held = [row for row in await rows(database, shop, "signups") if row["optin_required"]]
    assert {str(row["id"]) for row in held} == {one["id"] for one in answers[MOST_UNASKED:]}
    assert await asked_of(database, shop) == []
    # A merchant may add what it likes.
    await signed_up(merchant, NAMES[0], number=VARIANT + 60)
    assert len([1 for row in await rows(database, shop, "signups") if row["optin_held"]]) == 30
    await ask_returned.handler(run_of(runtime, shop))
    assert {one["signup_id"] for one in await asked_of(database, shop)} == {
        str(row["id"]) for row in held
    }


async def test_who_confirms_once_may_have_more(database, shop, stranger, runtime):
    await catalogue_of(database, shop, 100)
    waiting = [await signed_up(stranger, number=VARIANT + n) for n in range(50)]
    bobs = await signed_up(stranger, "ada+bob@example.com", number=VARIANT)
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE signups SET product_id = variant_id")
    address = link(runtime, CONFIRM, shop.id, UUID(waiting[-1]["id"]))
    assert (await stranger.post(address)).status_code == 200
    unconfirmed = {
        str(row["id"])
        for row in await rows(database, shop, "signups")
        if row["optin_required"] and row["optin_confirmed_at"] is None
    }
    freed = {one["id"] for one in [*waiting[: 2 * MOST_UNASKED], waiting[-1]]}
    assert unconfirmed == {one["id"] for one in [*waiting, bobs]} - freed
    more = await signed_up(stranger, number=VARIANT + 60)
    async with database.transaction(shop.id) as db:
        assert await db.fetchval("SELECT NOT optin_held FROM signups WHERE id = $1", more["id"])


@pytest.mark.parametrize(
    ("change", "is_held"),
    [
        ("notified_at = now()", True),
        ("notified_at = now() - interval '25 hours'", False),
        ("blocked_at = now()", False),
    ],
)
async def test_what_was_told_today_counts_and_what_ended_does_not(
    database, shop, stranger, change, is_held
):
    await catalogue_of(database, shop, 100)
    for n in range(MOST_UNASKED):
        await signed_up(stranger, number=VARIANT + n)
    async with database.transaction(shop.id) as db:
        await db.execute(f"UPDATE signups SET {change}")  # noqa: S608 - a test's own words
    last = await signed_up(stranger, number=VARIANT + 60)
    (row,) = [row for row in await rows(database, shop, "signups") if str(row["id"]) == last["id"]]
    assert row["optin_held"] is row["optin_required"] is is_held

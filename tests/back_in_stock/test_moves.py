"""Moving signups keeps one of those that would repeat each other, and the shopper's consent."""

import asyncio

import pytest

from openstoq.back_in_stock.restock.jobs import follow_replacements, on_variant_replaced
from openstoq.back_in_stock.signups import moves
from openstoq.catalog.model import VariantReplaced
from openstoq.kernel.ids import new_id
from tests.factories.catalogs import (
    PRODUCT,
    VARIANT,
    product,
    save,
    seconds_after_noon,
    somebody_waits,
    variant,
)
from tests.factories.patience import until
from tests.factories.waitlists import make_signup, make_waitlist, rows, run_of

OTHER, THIRD = VARIANT + 1, VARIANT + 2
UNCONFIRMED = {"optin_required": True}
CONFIRMED = {"optin_required": True, "optin_confirmed_at": seconds_after_noon(-5)}


@pytest.fixture
async def known(database, shop):
    numbers = (VARIANT, OTHER, THIRD)
    await save(database, shop, product(*(variant(number) for number in numbers)))


async def replace(database, shop):
    """Delete all variants but OTHER, which was made in their place."""
    async with database.transaction(shop.id) as db:
        await db.execute(
            "UPDATE variants SET deleted_at = now(), replaced_by = $1 WHERE id <> $1", OTHER
        )


async def follow(database, shop, **changes):
    await replace(database, shop)
    async with database.transaction(shop.id) as db:
        return await moves.follow(db, shop.id, seconds_after_noon(0), **changes)


async def transfer(database, shop):
    async with database.transaction(shop.id) as db:
        return await moves.transfer(
            db,
            shop.id,
            from_variant_id=VARIANT,
            from_product_id=None,
            to_variant_id=OTHER,
            to_product_id=PRODUCT,
            scope="pending",
            now=seconds_after_noon(0),
        )


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("move", [follow, transfer])
@pytest.mark.parametrize(
    ("moved", "confirmed_at"),
    [
        (CONFIRMED, seconds_after_noon(-5)),
        ({}, seconds_after_noon(-60)),
        (UNCONFIRMED, None),
    ],
)
async def test_a_consent_has_blocks_with_the_signup_of_the_target(
    database, shop, move, moved, confirmed_at
):
    await make_signup(database, shop, seconds=-60, **moved)
    kept = await make_signup(database, shop, variant_id=OTHER, seconds=-10, **UNCONFIRMED)
    await move(database, shop)
    (row,) = await rows(database, shop, "signups")
    assert (row["id"], row["optin_confirmed_at"]) == (kept, confirmed_at)


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("move", [follow, transfer])
async def test_a_confirmed_signup_of_the_target_stays_as_it_is(database, shop, move):
    await make_signup(database, shop, seconds=-60)
    kept = await make_signup(database, shop, variant_id=OTHER, seconds=-10, **CONFIRMED)
    await move(database, shop)
    (row,) = await rows(database, shop, "signups")
    assert (row["id"], row["optin_confirmed_at"]) == (kept, CONFIRMED["optin_confirmed_at"])


@pytest.mark.usefixtures("known")
async def test_of_moved_signups_the_confirmed_one_has_blocks(database, shop):
    await make_signup(database, shop, seconds=-90, **UNCONFIRMED)
    kept = await make_signup(database, shop, variant_id=THIRD, seconds=-60, **CONFIRMED)
    await follow(database, shop)
    assert [row["id"] for row in await rows(database, shop, "signups")] == [kept]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("move", [follow, transfer])
@pytest.mark.parametrize("is_repeated", [True, False])
async def test_a_signup_whose_message_sets_out_meanwhile_stays(database, shop, move, is_repeated):
    signup = await make_signup(database, shop)
    if is_repeated:
        await make_signup(database, shop, variant_id=OTHER)
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE signups SET wave_id = $2 WHERE id = $1", signup, new_id())
        moving = asyncio.create_task(move(database, shop))
        await until(lambda: somebody_waits(database))
    await moving
    found = {row["id"]: row["variant_id"] for row in await rows(database, shop, "signups")}
    assert found[signup] == VARIANT
    assert len(found) == 1 + is_repeated


@pytest.mark.usefixtures("known")
async def test_a_signup_confirmed_meanwhile_keeps_its_confirmation(database, shop):
    signup = await make_signup(database, shop, **UNCONFIRMED)
    kept = await make_signup(database, shop, variant_id=OTHER, **UNCONFIRMED)
    async with database.transaction(shop.id) as db:
        await db.execute(
            "UPDATE signups SET optin_confirmed_at = $2 WHERE id = $1",
            signup,
            seconds_after_noon(-5),
        )
        moving = asyncio.create_task(follow(database, shop))
        await until(lambda: somebody_waits(database))
    await moving
    (row,) = await rows(database, shop, "signups")
    assert (row["id"], row["optin_confirmed_at"]) == (kept, seconds_after_noon(-5))


@pytest.mark.usefixtures("known")
async def test_a_long_waitlist_follows_in_several_transactions(database, runtime, shop):
    await make_waitlist(database, shop, moves.MOST_FOLLOWED + 1)
    await replace(database, shop)

    async def moved():
        found = await rows(database, shop, "signups")
        return sum(row["variant_id"] == OTHER for row in found)

    async with runtime.work(shop.id, request_id="test") as work:
        await on_variant_replaced(work, VariantReplaced(VARIANT, OTHER, PRODUCT))
        assert [effect.job for effect in work.effects] == [follow_replacements.name]
    assert await moved() == moves.MOST_FOLLOWED
    await follow_replacements.handler(run_of(runtime, shop))
    assert await moved() == moves.MOST_FOLLOWED + 1

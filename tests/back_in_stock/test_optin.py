"""Asking shoppers to confirm: who is asked, and how often whatever forms are filled in."""

import asyncio

import asyncpg
import pytest

from openstoq.back_in_stock.notifications.single_mails import (
    MOST_OF_A_SHOP,
    MOST_OF_ALL,
    send_optin_request,
)
from openstoq.back_in_stock.signups import store
from openstoq.back_in_stock.signups.new_signups import ADDED_BY_STRANGER
from openstoq.kernel.ids import new_id
from openstoq.shops import store as shops
from tests.factories.catalogs import PRODUCT, VARIANT, product, save, seconds_after_noon, variant
from tests.factories.shops import make_shop
from tests.factories.waitlists import make_signup, rows, run_of, set_settings

ADA = "ada@example.com"
DAY = 24 * 3600


@pytest.fixture(autouse=True)
async def careful(database, shop, sold_out):
    """A shop that asks everybody, with many products of two variants."""
    await with_products(database, shop)


@pytest.fixture
async def owner(database_url):
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def with_products(database, shop):
    await set_settings(database, shop, {"compliance": {"optin_required": True}})
    made = [
        product(
            *(variant(VARIANT + n * 10 + one, product_id=PRODUCT + n * 10) for one in (0, 1)),
            id=PRODUCT + n * 10,
        )
        for n in range(40)
    ]
    await save(database, shop, *made)


async def ask(runtime, shop, *signup_ids):
    for signup_id in signup_ids:
        await send_optin_request.handler(run_of(runtime, shop), signup_id=signup_id)


async def sign_up(database, shop, number, contact=ADA, **columns):
    return await make_signup(
        database, shop, contact, variant_id=VARIANT + number, vouched=False, **columns
    )


async def test_a_contact_is_asked_once_a_day_about_a_product(database, runtime, shop, relay, watch):
    first, second = [await sign_up(database, shop, n) for n in (0, 1)]
    await ask(runtime, shop, first, second)
    assert relay.recipients == [ADA]
    bobs = await sign_up(database, shop, 0, "bob@example.com")
    await ask(runtime, shop, bobs)
    assert relay.recipients == [ADA, "bob@example.com"]
    # Deleting one and signing up again asks nobody anew, unless a day has passed.
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE signups SET notified_at = now() WHERE id = $1", second)
    third = await sign_up(database, shop, 1)
    await ask(runtime, shop, third)
    assert len(relay.taken) == 2
    watch.show(DAY + 1)
    await ask(runtime, shop, third)
    assert relay.recipients == [ADA, "bob@example.com", ADA]


async def test_a_mail_that_the_relay_did_not_take_is_sent_again(database, runtime, shop, relay):
    first = await sign_up(database, shop, 0)
    await ask(runtime, shop, first, first)
    assert [email.id for email in relay.taken] == [first, first]


NAMES = {
    ADA: [ADA, "ada+1@example.com", "ada+shop.2@example.com"],
    "a.da@gmail.com": [
        "a.da@gmail.com",
        "ada@gmail.com",
        "a.d.a+x@gmail.com",
        "ada@googlemail.com",
    ],
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
async def test_another_name_of_a_mailbox_is_no_other_recipient(
    database, runtime, shop, relay, names
):
    ids = [await sign_up(database, shop, 0, name) for name in names]
    await asyncio.gather(*(ask(runtime, shop, one) for one in ids))
    assert len(relay.taken) == 1
    for n, name in enumerate(names * 3, 1):
        await ask(runtime, shop, await sign_up(database, shop, n * 10, name))
    assert len(relay.taken) == MOST_OF_A_SHOP
    for n in range(5):
        other = await make_shop(database, f"other-{n}.myshopify.com")
        await with_products(database, other)
        for number in range(MOST_OF_A_SHOP):
            name = names[number % len(names)]
            await ask(runtime, other, await sign_up(database, other, number * 10, name))
    assert len(relay.taken) == MOST_OF_ALL
    # Mails go where they were asked for, to the letter.
    assert set(relay.recipients) <= set(names)
    assert {row["contact"] for row in await rows(database, shop, "signups")} == set(names)


async def test_a_handful_a_day_for_everything_of_a_shop(database, runtime, shop, relay, watch):
    ids = [await sign_up(database, shop, n * 10) for n in range(8)]
    await asyncio.gather(*(ask(runtime, shop, one) for one in ids))
    assert relay.recipients == [ADA] * MOST_OF_A_SHOP
    assert len(await rows(database, shop, "signups")) == 8
    watch.show(DAY + 1)
    await ask(runtime, shop, await sign_up(database, shop, 300))
    assert len(relay.taken) == MOST_OF_A_SHOP + 1


async def test_hundreds_of_forms_at_once_are_one_mail(database, runtime, shop, relay):
    ids = [
        await sign_up(database, shop, n % 2, notified_at=seconds_after_noon(-1)) for n in range(60)
    ]
    await asyncio.gather(*(ask(runtime, shop, one) for one in ids))
    assert relay.recipients == [ADA]


async def test_a_few_more_over_all_shops(database, runtime, shop, relay):
    for n in range(7):
        other = await make_shop(database, f"other-{n}.myshopify.com")
        await with_products(database, other)
        for number in range(MOST_OF_A_SHOP):
            await ask(runtime, other, await sign_up(database, other, number * 10))
    assert relay.recipients == [ADA] * MOST_OF_ALL
    await ask(runtime, shop, await sign_up(database, shop, 0))
    assert len(relay.taken) == MOST_OF_ALL
    # Another contact is not touched by it.
    await ask(runtime, shop, await sign_up(database, shop, 0, "bob@example.com"))
    assert len(relay.taken) == MOST_OF_ALL + 1


async def test_what_all_shops_share_names_nobody_and_is_forgotten(database, runtime, shop, owner):
    await ask(runtime, shop, await sign_up(database, shop, 0))
    (row,) = await owner.fetch("SELECT * FROM asked_contacts")
    assert "ada" not in row["contact"]
    async with database.transaction(None) as db:
        assert await shops.forget_requests(db, 10) == 0
        await owner.execute(
            "UPDATE asked_contacts SET asked_at = ARRAY[now() - interval '25 hours']"
        )
        assert await shops.may_ask(db, row["contact"], most=1) is True
        assert await shops.may_ask(db, row["contact"], most=1) is False
    await owner.execute("UPDATE asked_contacts SET asked_at = ARRAY[now() - interval '25 hours']")
    async with database.transaction(None) as db:
        assert await shops.forget_requests(db, 10) == 1


async def test_confirming_is_for_the_variants_that_were_not_asked_about(
    database, runtime, shop, relay
):
    asked, same, other = [await sign_up(database, shop, n) for n in (0, 1, 10)]
    bobs = await sign_up(database, shop, 1, "bob@example.com")
    await ask(runtime, shop, asked, same)
    async with database.transaction(shop.id) as db:
        assert await store.confirm(db, shop.id, asked, seconds_after_noon(5)) is True
    confirmed = {
        row["id"] for row in await rows(database, shop, "signups") if row["optin_confirmed_at"]
    }
    assert confirmed == {asked, same}
    assert not confirmed & {other, bobs}


async def test_what_a_mailbox_has_is_looked_up_by_key(database, shop):
    """Under row-level security too, where a condition that could leak is no way into an index."""
    async with database.transaction(shop.id) as db:
        plan = await db.fetch(
            f"EXPLAIN {ADDED_BY_STRANGER}",
            *(shop.id, new_id(), new_id(), f"email:{ADA}", "email", ADA, VARIANT, PRODUCT, None),
            *(1, "test", None, None, None, None, None, seconds_after_noon(0), ADA),
        )
    lines = [row[0] for row in plan]
    (place,) = [n for n, line in enumerate(lines) if "signups_unasked" in line]
    assert "mailbox = " in lines[place + 1]

"""Migrations of a database that is in use: what they make of the rows that are there."""

from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest

from openstoq.back_in_stock.signups.model import Contact
from openstoq.db.migrate import migrate
from openstoq.kernel.ids import new_id


@pytest.fixture
async def empty_url(postgres_url):
    """The address of a database in which nothing was migrated yet."""
    name = f"test_{uuid4().hex}"
    async with connected(postgres_url) as server:
        await server.execute(f"CREATE DATABASE {name}")
        yield f"{postgres_url.rsplit('/', 1)[0]}/{name}"
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def connected(url):
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def made_shop(db):
    shop_id = new_id()
    await db.execute(
        "INSERT INTO shops (shop_id, domain, name) VALUES ($1, $2, 'Shop')",
        shop_id,
        f"{shop_id}.myshopify.com",
    )
    return shop_id


DOCUMENTS = (
    "widget, inventory, shipping, payments, limits, checkout, countdown, integrations, markets, "
    "advanced"
)


async def made_offer(db, shop_id, *, full_plan_id=None, partial_plan_id=None):
    offer_id = new_id()
    await db.execute(
        f"""
        INSERT INTO offers (shop_id, id, name, source, full_plan_id, partial_plan_id, created_at,
                            updated_at, {DOCUMENTS})
        VALUES ($1, $2, 'Old', 'custom', $3, $4, now(), now() {", '{}'" * 10})
        """,  # noqa: S608 - constants
        shop_id,
        offer_id,
        full_plan_id,
        partial_plan_id,
    )
    return offer_id


async def test_plans_that_offers_have_are_remembered(empty_url):
    applied = await migrate(empty_url, up_to="0009_item_order")
    assert applied[-1] == "0009_item_order"
    async with connected(empty_url) as db:
        shop_id = await made_shop(db)
        both = await made_offer(db, shop_id, full_plan_id=1, partial_plan_id=2)
        await made_offer(db, shop_id)
        one = await made_offer(db, shop_id, partial_plan_id=3)
        assert (await migrate(empty_url))[0] == "0010_offer_plans"
        rows = await db.fetch("SELECT * FROM offer_plans ORDER BY plan_id")
    assert [tuple(row) for row in rows] == [
        (shop_id, 1, both, "full"),
        (shop_id, 2, both, "partial"),
        (shop_id, 3, one, "partial"),
    ]


async def test_variants_that_were_stopped_go_on_when_there_is_more(empty_url):
    await migrate(empty_url, up_to="0016_country")
    async with connected(empty_url) as db:
        shop_id = await made_shop(db)
        offer_id = await made_offer(db, shop_id)
        await db.execute(
            """
            INSERT INTO preorder_variants (shop_id, variant_id, preorder_count, policy_asked)
            VALUES ($1, 1, 5, 'deny'), ($1, 2, 4, 'deny'), ($1, 3, 5, 'continue')
            """,
            shop_id,
        )
        await db.execute(
            """
            INSERT INTO offer_variants
                (shop_id, offer_id, variant_id, product_id, max_count, attached_at)
            SELECT $1, $2, id, 9, 5, now() FROM generate_series(1, 3) AS id
            """,
            shop_id,
            offer_id,
        )
        assert (await migrate(empty_url))[0] == "0017_sold_out"
        rows = await db.fetch(
            """
            SELECT variant_id FROM preorder_variants
            WHERE sold_out AND stopped AND revision > synced_revision + 1
            """
        )
    assert [row["variant_id"] for row in rows] == [1]


async def test_ids_that_anybody_could_send_are_dropped_and_whole_catalogues_known(empty_url):
    await migrate(empty_url, up_to="0017_sold_out")
    async with connected(empty_url) as db:
        shops = [await made_shop(db) for _ in range(4)]
        await db.execute(
            """
            INSERT INTO customers (shop_id, id, identity, shopify_id, created_at, updated_at)
            VALUES ($1, $1, 'email:ada@example.com', 77, now(), now())
            """,
            shops[0],
        )
        # Pulls of everything: never begun, the first under way, ended; and one of changes.
        await db.execute(
            """
            INSERT INTO catalog_pulls (shop_id, started_at, finished_at, updated_since)
            VALUES ($1, now(), NULL, NULL), ($2, now(), now(), NULL), ($3, now(), NULL, now())
            """,
            *shops[1:],
        )
        await migrate(empty_url)
        assert await db.fetchval("SELECT shopify_id FROM customers") is None
        whole = await db.fetch("SELECT shop_id FROM catalog_pulls WHERE complete")
    assert {row["shop_id"] for row in whole} == set(shops[2:])


async def test_signups_of_before_are_counted_by_mailbox(empty_url):
    await migrate(empty_url, up_to="0021_lanes")
    contacts = ["ada@example.com", "ada+x+y@example.com", "a.d.a@gmail.com", "ada@gmail.com",
                "a.da+x@googlemail.com", "ada@googlemail.com", "+x@example.com", "a.b@notgmail.com",
                "a.b+x@gmail.com.example"]  # fmt: skip
    async with connected(empty_url) as db:
        shop_id = await made_shop(db)
        await db.execute(
            """
            INSERT INTO customers (shop_id, id, identity, created_at, updated_at)
            VALUES ($1, $1, 'x', now(), now())
            """,
            shop_id,
        )
        for channel, contact in [*(("email", one) for one in contacts), ("push", "a+b@gmail.com")]:
            await db.execute(
                """
                INSERT INTO signups (shop_id, id, customer_id, channel, contact, variant_id,
                                     product_id, quantity, source, created_at, updated_at)
                VALUES ($1, $2, $1, $3, $4, 1, 1, 1, 'test', now(), now())
                """,
                shop_id,
                new_id(),
                channel,
                contact,
            )
        await migrate(empty_url)
        rows = await db.fetch("SELECT channel, contact, mailbox FROM signups")
    assert len(rows) == len(contacts) + 1
    for row in rows:
        expected = Contact(channel=row["channel"], address=row["contact"]).mailbox
        assert row["mailbox"] == expected, row["contact"]


async def test_texts_are_kept_under_the_tags_that_are_asked_for(empty_url):
    await migrate(empty_url, up_to="0021_lanes")
    async with connected(empty_url) as db:
        shop_id = await made_shop(db)
        offers = [await made_offer(db, shop_id) for _ in range(2)]
        texts = [
            (offers[0], "zh-Hant-TW", "a"), (offers[0], "zh-TW", "a"), (offers[0], "zh-Hant-TW", "b"),
            (offers[0], "sr-Cyrl-RS", "a"), (offers[0], "he-IL", "a"), (offers[1], "fr", "a"),
        ]  # fmt: skip
        await db.executemany(
            "INSERT INTO offer_translations VALUES ($1, $2, $3, $4, $3)",
            [(shop_id, *one) for one in texts],
        )
        before = dict(await db.fetch("SELECT id, revision FROM offers"))
        await migrate(empty_url)
        rows = await db.fetch("SELECT offer_id, locale, path, value FROM offer_translations")
        after = dict(await db.fetch("SELECT id, revision FROM offers"))
    assert {tuple(row) for row in rows} == {
        (offers[0], "zh-TW", "a", "zh-TW"), (offers[0], "zh-TW", "b", "zh-Hant-TW"),
        (offers[0], "sr-RS", "a", "sr-Cyrl-RS"), (offers[0], "he", "a", "he-IL"),
        (offers[1], "fr", "a", "fr"),
    }  # fmt: skip
    assert after[offers[0]] > before[offers[0]]
    assert after[offers[1]] == before[offers[1]]


async def test_locations_of_before_are_assumed_to_sell_online_and_may_be_deleted(empty_url):
    await migrate(empty_url, up_to="0024_counted")
    insert = """
        INSERT INTO locations (shop_id, id, name, active, changed_at)
        VALUES ($1, $2, $3, $4, now())
    """
    async with connected(empty_url) as db:
        shop_id = await made_shop(db)
        await db.execute(insert, shop_id, 1, "Here", True)
        await db.execute(insert, shop_id, 2, "deleted", False)
        await migrate(empty_url)
        await db.execute(insert, shop_id, 3, "There", True)
        assumed = await db.fetch("SELECT id FROM locations WHERE sells_online_assumed")
        deleted = await db.fetch("SELECT id FROM locations WHERE deleted_at = changed_at")
    assert [row["id"] for row in assumed] == [1, 2]
    assert [row["id"] for row in deleted] == [2]

"""Lists so long that the database keeps the number of their rows: pages, totals and searches."""

import itertools
import json
from datetime import timedelta

import asyncpg
import pytest

from openstoq.back_in_stock.signups import store
from openstoq.back_in_stock.signups.projections import SHOWN_STATUS, SIGNUP
from openstoq.back_in_stock.signups.store import Filter
from openstoq.kernel.paging import Page
from tests.factories.catalogs import NOON
from tests.factories.shops import make_shop

SIGNUPS = 6_000
DELETED = 3


@pytest.fixture
async def owner(database_url):
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def shop(database, owner):
    """A shop with many sign-ups for seven variants of three products, many of the same moment."""
    shop = await make_shop(database)
    await owner.execute(
        """
        INSERT INTO products (shop_id, id, title, handle, status, updated_at)
        SELECT $1, n, 'P' || n, 'p' || n, 'active', now() FROM generate_series(0, 2) n
        """,
        shop.id,
    )
    await owner.execute(
        """
        INSERT INTO variants (shop_id, id, product_id, title, price, inventory_item_id,
                              inventory_policy, tracked, position, updated_at, available, deleted_at)
        SELECT $1, n, n % 3, 'V' || n, 1, n, 'deny', true, n, now(), 0,
               CASE WHEN n = $2 THEN now() END
        FROM generate_series(1, 7) n
        """,
        shop.id,
        DELETED,
    )
    await fill(owner, shop, 1, SIGNUPS)
    return shop


async def fill(owner, shop, first, last):
    await owner.execute(
        """
        WITH people AS (
            INSERT INTO customers (shop_id, id, identity, email, created_at, updated_at)
            SELECT $1, gen_random_uuid(), 'email:shopper' || n || '@example.com',
                   'shopper' || n || '@example.com', now(), now()
            FROM generate_series($2::integer, $3::integer) n RETURNING id, email
        )
        INSERT INTO signups (shop_id, id, customer_id, channel, contact, variant_id, product_id,
                             quantity, source, created_at, updated_at, notified_at, unsubscribed_at,
                             blocked_at)
        SELECT $1, gen_random_uuid(), id, CASE WHEN n % 11 = 0 THEN 'sms' ELSE 'email' END, email,
               1 + n % 7, (1 + n % 7) % 3, 1, 'test',
               $4::timestamptz - interval '1 minute' * (n / 500 * 500), now(),
               CASE WHEN n % 3 = 0 THEN now() END, CASE WHEN n % 100 = 0 THEN now() END,
               CASE WHEN n % 701 = 0 THEN now() END
        FROM (SELECT *, substr(email, 8, strpos(email, '@') - 8)::integer AS n FROM people) people
        """,
        shop.id,
        first,
        last,
        NOON,
    )


async def asked(database, shop, wanted, page):
    async with database.transaction(shop.id) as db:
        json_, total = await store.page(db, shop.id, wanted, page, projection=SIGNUP)
    return [row["id"] for row in json.loads(json_)], total


async def expected(owner, shop, wanted, page):
    rows = await owner.fetch(
        f"""
        SELECT s.id FROM signups s WHERE s.shop_id = $1
          AND ($2::text IS NULL OR s.channel = $2)
          AND ($3::text IS NULL OR {SHOWN_STATUS} = $3)
          AND ($4::boolean IS NULL OR (s.notified_at IS NOT NULL) = $4)
          AND ($5::bigint IS NULL OR s.variant_id = $5)
          AND ($6::bigint IS NULL OR s.product_id = $6)
          AND ($7::timestamptz IS NULL OR s.created_at >= $7)
          AND ($8::timestamptz IS NULL OR s.created_at < $8)
          AND ($9::text IS NULL OR strpos(s.contact, $9) > 0)
        ORDER BY s.created_at DESC, s.id DESC
        """,  # noqa: S608 - a constant
        shop.id,
        wanted.channel,
        wanted.status,
        wanted.notified,
        wanted.variant_id,
        wanted.product_id,
        wanted.since,
        wanted.before,
        wanted.email,
    )
    ids = [str(row["id"]) for row in rows]
    return ids[page.offset : page.offset + page.size], len(ids)


FILTERS = [
    Filter(),
    *(Filter(status=one) for one in ("pending", "notified", "unsubscribed", "blocked", "orphaned")),
    Filter(channel="sms"),
    Filter(channel="push"),
    Filter(notified=True),
    Filter(notified=False, channel="email"),
    Filter(variant_id=2),
    Filter(variant_id=DELETED, status="pending"),
    Filter(variant_id=DELETED, status="orphaned"),
    Filter(variant_id=99),
    Filter(product_id=1, status="notified"),
    Filter(product_id=2, variant_id=5),
    Filter(since=NOON - timedelta(minutes=2_500), before=NOON - timedelta(minutes=1_000)),
    Filter(since=NOON - timedelta(minutes=2_600), status="pending", variant_id=4),
    Filter(before=NOON - timedelta(minutes=4_999), channel="email"),
    Filter(since=NOON + timedelta(days=1)),
]
PAGES = [Page(1, 50), Page(2, 200), Page(7, 50), Page(20, 120), Page(120, 50), Page(1_000, 50)]


async def is_right(database, owner, shop):
    for wanted, page in zip(FILTERS * 2, itertools.cycle(PAGES), strict=False):
        assert await asked(database, shop, wanted, page) == await expected(
            owner, shop, wanted, page
        ), (wanted, page)


async def blocks(owner, shop):
    return await owner.fetchval(
        "SELECT count(*) FROM list_blocks WHERE shop_id = $1 AND series = 'signups'", shop.id
    )


async def test_every_page_and_total_of_a_long_list(database, owner, shop):
    assert await blocks(owner, shop) > 0
    await is_right(database, owner, shop)


async def test_what_changed_since_is_counted(database, owner, shop):
    await owner.execute("DELETE FROM signups WHERE variant_id = 1 AND notified_at IS NULL")
    await owner.execute("UPDATE signups SET notified_at = now() WHERE variant_id = 2")
    await owner.execute("UPDATE signups SET variant_id = 4, product_id = 1 WHERE variant_id = 5")
    await owner.execute("UPDATE signups SET updated_at = now(), wave_id = gen_random_uuid()")
    await owner.execute(
        "DELETE FROM customers WHERE id IN (SELECT customer_id FROM signups LIMIT 10)"
    )
    await fill(owner, shop, SIGNUPS + 1, SIGNUPS + 30)
    await is_right(database, owner, shop)
    await fill(owner, shop, SIGNUPS + 31, 2 * SIGNUPS)
    await is_right(database, owner, shop)


async def test_changes_that_are_not_committed_do_not_count(database, database_url, owner, shop):
    other = await asyncpg.connect(database_url)
    async with other.transaction():
        await other.execute("DELETE FROM signups WHERE variant_id = 1")
        # Others go on meanwhile, and fold what they changed.
        await fill(owner, shop, SIGNUPS + 1, 2 * SIGNUPS)
        await is_right(database, owner, shop)
    await is_right(database, owner, shop)
    await owner.execute("SELECT fold_list($1, 'signups', 1)", shop.id)
    await is_right(database, owner, shop)
    await other.close()


async def test_rows_that_changed_alike_are_noted_together(database, owner):
    shop = await make_shop(database, "together.myshopify.com")
    await fill(owner, shop, 1, 700)
    await owner.execute("DELETE FROM list_change_sets")
    await owner.execute("UPDATE signups SET notified_at = now() WHERE variant_id = 2")
    rows = await owner.fetch(
        "SELECT change, cardinality(ids) AS keys, kind FROM list_change_sets WHERE shop_id = $1",
        shop.id,
    )
    changed = await owner.fetchval("SELECT sum(change) FROM list_changes WHERE change > 0")
    assert sum(row["change"] * row["keys"] for row in rows) == 0
    assert sum(row["keys"] for row in rows) == 2 * changed
    assert len(rows) == len({(row["change"], row["kind"]) for row in rows})


async def test_a_table_that_has_grown_is_analyzed(owner, shop):
    assert (
        await owner.fetchval("SELECT reltuples FROM pg_class WHERE oid = 'signups'::regclass") > 0
    )


async def test_a_short_list_is_counted(database, owner):
    shop = await make_shop(database, "short.myshopify.com")
    await fill(owner, shop, 1, 700)
    assert await blocks(owner, shop) == 0
    await is_right(database, owner, shop)


async def test_an_erased_shop_leaves_no_counts(database, owner, shop):
    await owner.execute("DELETE FROM shops WHERE shop_id = $1", shop.id)
    assert await owner.fetchval("SELECT count(*) FROM list_blocks") == 0
    assert await owner.fetchval("SELECT count(*) FROM list_changes") == 0


@pytest.mark.parametrize(
    "text",
    [
        "shopper1234@example.com",
        "hopper77",
        "r5999@",
        "12@example.com",
        "nobody@example.com",
        "234@exa",
        "per_",
    ],
)
async def test_parts_of_contacts_are_found(database, owner, shop, text):
    wanted = Filter(email=text)
    assert await asked(database, shop, wanted, Page(1, 200)) == await expected(
        owner, shop, wanted, Page(1, 200)
    )
    both = Filter(email=text.upper(), status="pending")
    page, _ = await asked(database, shop, both, Page(1, 200))
    assert (
        page == (await expected(owner, shop, Filter(email=text, status="pending"), Page(1, 200)))[0]
    )


async def test_a_text_of_many_contacts_is_counted_to_the_row_after_the_page(database, owner, shop):
    wanted = Filter(email="@example")
    for number in (1, 3):
        page = Page(number, 50)
        ids, total = await asked(database, shop, wanted, page)
        assert ids == (await expected(owner, shop, wanted, page))[0]
        assert total == number * 50 + 1
    ids, total = await asked(database, shop, wanted, Page(SIGNUPS // 50, 50))
    assert (len(ids), total) == (50, SIGNUPS)
    assert await asked(database, shop, wanted, Page(SIGNUPS, 50)) == ([], 0)


async def test_another_shop_is_not_searched(database, owner, shop):
    other = await make_shop(database, "other.myshopify.com")
    assert await asked(database, other, Filter(email="shopper1234@"), Page(1, 50)) == ([], 0)
    async with database.transaction(other.id) as db:
        found = await db.fetchval(
            "SELECT find_contacts($1, $2, NULL, 10)", shop.id, ["shopper1234@"]
        )
    assert found == []

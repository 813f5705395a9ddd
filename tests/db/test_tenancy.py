"""The migrated schema keeps shops apart, twice, and could be sharded by shop_id."""

import asyncpg
import pytest

from openstoq.db.tables import DISTRIBUTED, LOCAL, REFERENCE
from openstoq.kernel.ids import new_id
from openstoq.shops import store
from tests.factories.shops import make_key, make_shop

# The directory itself: its own key is shop_id, and a domain names one shop.
UNIQUE_ELSEWHERE = {("shops", "shops_domain_key")}


@pytest.fixture
async def owner(database_url):
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def tenant_tables(owner):
    rows = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row["tablename"] for row in rows} - {*LOCAL}


async def test_the_lists_of_tables_are_those_of_the_schema(owner):
    assert await tenant_tables(owner) == {*REFERENCE, *DISTRIBUTED}
    rows = await owner.fetch(
        """
        SELECT c.relname, r.relname AS target FROM pg_constraint f
        JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class r ON r.oid = f.confrelid
        WHERE f.contype = 'f' AND f.connamespace = 'public'::regnamespace
        """
    )
    # Citus refuses a foreign key from a reference table to a distributed one.
    assert {row["target"] for row in rows if row["relname"] in REFERENCE} <= {*REFERENCE}


async def test_every_key_leads_with_shop_id(owner):
    rows = await owner.fetch(
        """
        SELECT r.relname AS table, i.relname AS index, x.indisprimary AS primary,
               (SELECT attname FROM pg_attribute
                WHERE attrelid = r.oid AND attnum = x.indkey[0]) AS first
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class r ON r.oid = x.indrelid
        WHERE x.indisunique AND r.relnamespace = 'public'::regnamespace
        """
    )
    tables = await tenant_tables(owner)
    assert {row["table"] for row in rows if row["primary"]} >= tables
    wrong = {
        (row["table"], row["index"])
        for row in rows
        if row["table"] in tables and row["first"] != "shop_id"
    }
    assert wrong == UNIQUE_ELSEWHERE


async def test_every_foreign_key_includes_shop_id(owner):
    rows = await owner.fetch(
        """
        SELECT conname, conrelid::regclass::text AS table,
               (SELECT attname FROM pg_attribute
                WHERE attrelid = conrelid AND attnum = conkey[1]) AS first
        FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace
        """
    )
    assert rows
    assert [row["conname"] for row in rows if row["first"] != "shop_id"] == []


async def test_every_tenant_table_is_protected(owner):
    rows = await owner.fetch(
        """
        SELECT c.relname, c.relrowsecurity, p.polname, pg_get_expr(p.polqual, c.oid) AS rule,
               pg_get_expr(p.polwithcheck, c.oid) AS written
        FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
        """
    )
    tables = await tenant_tables(owner)
    protected = {
        row["relname"]
        for row in rows
        if row["relrowsecurity"] and row["rule"] == row["written"] == "(shop_id = current_shop())"
    }
    assert protected == tables


async def test_the_app_role_owns_nothing_and_cannot_bypass(owner):
    role = await owner.fetchrow("SELECT * FROM pg_roles WHERE rolname = 'openstoq_app'")
    assert (role["rolsuper"], role["rolbypassrls"], role["rolcanlogin"]) == (False, False, False)
    assert (
        await owner.fetchval("SELECT count(*) FROM pg_class WHERE relowner = $1", role["oid"]) == 0
    )


TRIGGERS = """
    SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace
"""
OF_COUNTS = {"count_new", "count_changed", "count_gone"}


async def test_tenant_tables_have_only_the_triggers_that_count_rows(owner):
    assert {row["tgname"] for row in await owner.fetch(TRIGGERS)} == OF_COUNTS


async def test_no_triggers_where_citus_is(owner):
    drops = await owner.fetch(
        "SELECT DISTINCT format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass) AS drop "
        "FROM pg_trigger t WHERE t.tgname = ANY($1)",
        list(OF_COUNTS),
    )
    transaction = owner.transaction()
    await transaction.start()
    for row in drops:
        await owner.execute(row["drop"])
    # An extension of that name is all that is asked for.
    await owner.execute("UPDATE pg_extension SET extname = 'citus' WHERE extname = 'plpgsql'")
    await owner.execute("CALL keep_counts('signups', 'nothing')")
    assert await owner.fetch(TRIGGERS) == []
    await transaction.rollback()


async def test_another_shops_rows_do_not_exist(database):
    mine, other = await make_shop(database), await make_shop(database, "other.myshopify.com")
    await make_key(database, other)
    async with database.transaction(mine.id) as db:
        assert await db.fetchval("SELECT count(*) FROM shops") == 1
        assert await db.fetchval("SELECT count(*) FROM api_keys") == 0
        assert (
            await db.execute("UPDATE shops SET name = 'x' WHERE domain LIKE 'other%'") == "UPDATE 0"
        )
        assert await db.execute("DELETE FROM api_keys") == "DELETE 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(mine.id) as db:
            await store.save(
                db, other.id, domain="x.myshopify.com", name="x", now=other.installed_at
            )


async def test_without_a_shop_nothing_exists(database):
    await make_shop(database)
    async with database.transaction(None) as db:
        assert await db.fetchval("SELECT count(*) FROM shops") == 0


async def test_a_statement_outside_of_shops_sees_none_of_the_shop_before(database):
    shop = await make_shop(database)
    await make_key(database, shop)
    for _ in range(3):
        row = await database.run_alone(shop.id, "SELECT count(*) FROM shops")
        assert row[0] == 1
        row = await database.call("SELECT count(*) FROM shops")
        assert row[0] == 0


async def test_a_transaction_commits_whole_or_not_at_all(database):
    shop = await make_shop(database)

    async def write_and_fail():
        async with database.transaction(shop.id) as db:
            await store.add_key(db, shop.id, name="k", now=shop.installed_at)
            raise LookupError

    with pytest.raises(LookupError):
        await write_and_fail()
    async with database.transaction(shop.id) as db:
        assert await store.keys(db, shop.id) == []


async def test_settings_do_not_leak_through_the_pool(database):
    shop = await make_shop(database)
    async with database.transaction(shop.id):
        pass
    row = await database.call(
        "SELECT current_user::text AS who, current_setting('openstoq.shop_id', true) AS shop"
    )
    assert row["who"] != "openstoq_app"
    assert not row["shop"]


async def test_erasing_a_shop_leaves_nothing(database):
    shop = await make_shop(database)
    await make_key(database, shop)
    async with database.transaction(shop.id) as db:
        assert await store.erase(db, shop.id) is False
        assert await store.mark_uninstalled(db, shop.id, shop.installed_at) is True
        assert await store.erase(db, shop.id) is True
        assert await store.keys(db, shop.id) == []
    assert await store.shop_of_domain(database, shop.domain) is None
    assert new_id() != shop.id

"""The rules for statements, and the recorder that applies them to what the application sends."""

import pytest

from tests.db.recorder import APPLICATION
from tests.db.statement_rules import Schema, breaches, migrated_schema

SCHEMA = Schema({"shops", "signups", "waves", "variants"}, {"created_at", "started_at"})

KEPT = [
    "SELECT id FROM signups WHERE shop_id = $1 AND id = ANY($2)",
    (
        "SELECT s.id FROM signups s JOIN variants v ON v.shop_id = $1 AND v.id = s.variant_id"
        " WHERE s.shop_id = $1"
    ),
    (
        "SELECT s.id FROM signups s LEFT JOIN variants v ON v.shop_id = $1::uuid AND v.id = s.variant_id"
        " WHERE (s.shop_id = $1 AND (s.id = $2 OR s.id = $3))"
    ),
    "SELECT s.id FROM signups s, variants v WHERE s.shop_id = $1 AND v.shop_id = $1",
    "SELECT t.id FROM unnest($1::uuid[]) AS t(id)",
    "WITH waves AS (SELECT 1 AS id) SELECT id FROM waves",
    "WITH w AS (INSERT INTO waves (id, shop_id) VALUES ($2, $1) RETURNING id) SELECT id FROM w",
    (
        "INSERT INTO waves (shop_id, id) SELECT $1, id FROM unnest($2::uuid[]) AS t(id)"
        " ON CONFLICT (shop_id, id) DO UPDATE SET started_at = excluded.started_at"
    ),
    "INSERT INTO waves (shop_id, started_at) VALUES ($1, now())",
    "INSERT INTO waves (id, shop_id) (SELECT $2, $1 UNION ALL SELECT $3, $1)",
    "UPDATE waves w SET started_at = now(), n = coalesce(w.n, $2) WHERE w.shop_id = $1",
    "UPDATE waves SET n = CASE WHEN id = $2 THEN greatest(n, 1) END WHERE shop_id = $1",
    (
        "UPDATE waves SET started_at = CASE WHEN $2::boolean THEN $3::timestamptz END"
        " WHERE shop_id = $1 AND ($2::boolean IS NULL OR n = 1)"
    ),
    (
        "WITH w AS (SELECT coalesce(jsonb_agg(1), now()) AS x) UPDATE waves SET n = coalesce(w.x, 1)"
        " FROM w, (SELECT coalesce(now(), $2) AS y) z WHERE waves.shop_id = $1"
    ),
    "DELETE FROM signups s USING variants v WHERE s.shop_id = $1 AND v.shop_id = $1",
    (
        "DELETE FROM signups s WHERE s.shop_id = $1 AND NOT EXISTS ("
        "SELECT FROM unnest($2::int[], $3::int[]) AS t(a, b) WHERE t.a = s.a AND t.b = s.b)"
    ),
    "SELECT id FROM queue.pgqueuer WHERE shop_id = $1",
]
BROKEN = [
    ("SELECT id FROM signups", "signups (signups) has no condition shop_id = $n of its own"),
    ("SELECT id FROM signups WHERE id = $1", "no condition shop_id"),
    ("SELECT id FROM signups WHERE shop_id = $1 OR id = $2", "no condition shop_id"),
    (
        "SELECT s.id FROM signups s JOIN variants v ON v.shop_id = s.shop_id WHERE s.shop_id = $1",
        "v (variants) has no condition shop_id",
    ),
    (
        "SELECT s.id FROM signups s LEFT JOIN variants v ON s.shop_id = $1 AND v.shop_id = $1",
        "s (signups) has no condition shop_id",
    ),
    (
        (
            "SELECT (SELECT count(*) FROM waves w WHERE w.shop_id = s.shop_id) FROM signups s"
            " WHERE s.shop_id = $1"
        ),
        "w (waves) has no condition shop_id",
    ),
    (
        "WITH w AS (SELECT id FROM waves) SELECT s.id FROM signups s, w WHERE s.shop_id = $1",
        "waves (waves) has no condition shop_id",
    ),
    ("UPDATE waves SET n = 1 WHERE id = $1", "no condition shop_id"),
    ("SELECT id FROM public.waves", "no condition shop_id"),
    ("WITH waves AS (SELECT id FROM waves) SELECT id FROM waves", "no condition shop_id"),
    ("INSERT INTO waves (id, shop_id) SELECT * FROM unnest($1::uuid[])", "no parameter"),
    ("INSERT INTO waves (id, shop_id) SELECT $2, $1 UNION ALL SELECT $3, $4 + 1", "no parameter"),
    ("INSERT INTO waves DEFAULT VALUES", "no parameter"),
    ("DELETE FROM signups WHERE shop_id IN (SELECT $1::uuid)", "no condition shop_id"),
    ("INSERT INTO waves (id) VALUES ($1)", "no parameter as their shop_id"),
    ("INSERT INTO waves VALUES ($1, $2)", "no parameter as their shop_id"),
    (
        "INSERT INTO waves (shop_id, id) SELECT s.shop_id, s.id FROM signups s WHERE s.shop_id = $1",
        "no parameter as their shop_id",
    ),
    (
        (
            "INSERT INTO waves (shop_id) VALUES ($1) ON CONFLICT (shop_id) DO UPDATE"
            " SET started_at = now()"
        ),
        "CURRENT_TIMESTAMP is not immutable, and stands in ON CONFLICT",
    ),
    (
        (
            "INSERT INTO waves AS w (shop_id) VALUES ($1) ON CONFLICT (shop_id) DO UPDATE"
            " SET n = 1 WHERE w.started_at < now()"
        ),
        "CURRENT_TIMESTAMP is not immutable, and stands in ON CONFLICT",
    ),
    (
        (
            "INSERT INTO waves AS w (shop_id) VALUES ($1) ON CONFLICT (shop_id) DO UPDATE"
            " SET started_at = w.started_at - make_interval(mins => $2)"
        ),
        "is not immutable",
    ),
    (
        "UPDATE waves SET started_at = coalesce(started_at, now()) WHERE shop_id = $1",
        "CURRENT_TIMESTAMP is not immutable, and stands in coalesce of update",
    ),
    (
        "UPDATE waves SET x = CASE WHEN n = 1 THEN random() END WHERE shop_id = $1",
        "is not immutable, and stands in case of update",
    ),
    (
        (
            "UPDATE waves SET started_at = coalesce($2::timestamptz - $3::interval, x)"
            " WHERE shop_id = $1"
        ),
        "is not immutable, and stands in coalesce of update",
    ),
    (
        "UPDATE waves SET x = CASE WHEN y THEN own_function(z) END WHERE shop_id = $1",
        "own_function() is not immutable, and stands in case of update",
    ),
    (
        "DELETE FROM waves WHERE shop_id = $1 AND coalesce(started_at <= clock_timestamp(), false)",
        "is not immutable, and stands in coalesce of delete",
    ),
    (
        (
            "DELETE FROM waves WHERE shop_id = $1 AND (a, b) NOT IN ("
            "SELECT * FROM unnest($2::int[], $3::int[]))"
        ),
        "NOT EXISTS",
    ),
    ("DELETE FROM waves WHERE shop_id = $1 AND false", "depends on no row"),
    ("DELETE FROM waves WHERE shop_id = $1 AND $2 IN ('a', 'b')", "depends on no row"),
    (
        (
            "UPDATE waves w SET n = 1 WHERE w.shop_id = $1 AND NOT EXISTS ("
            "SELECT FROM queue.pgqueuer q WHERE q.payload = w.payload)"
        ),
        "queue.pgqueuer is in a statement with waves",
    ),
]


@pytest.mark.parametrize("text", KEPT)
def test_a_statement_that_keeps_the_rules_is_let_through(text):
    assert breaches(text, SCHEMA) == []


@pytest.mark.parametrize(("text", "sentence"), BROKEN)
def test_a_statement_that_breaks_a_rule_is_refused(text, sentence):
    (found,) = breaches(text, SCHEMA)
    assert sentence in found


def test_the_schema_is_read_from_the_migrations():
    schema = migrated_schema()
    assert {"created_at", "orders_upto", "sync_lease_until"} <= schema.moments
    assert {"shops", "preorder_orders"} <= schema.tenant_tables


async def test_what_the_application_sends_is_recorded_and_what_a_test_sends_is_not(
    database, recorder
):
    source = """
async def fetch(db): await db.fetch(text.format("fetch"))
async def fetchval(db): await db.fetchval(text.format("fetchval"))
async def fetchrow(db): await db.fetchrow(text.format("fetchrow"))
async def execute(db): await db.execute(text.format("execute"))
async def executemany(db): await db.executemany(text.format("executemany"), [()])
async def prepare(db): await db.prepare(text.format("prepare"))
async def cursor(db): [row async for row in db.cursor(text.format("cursor"))]
"""
    breaking = "SELECT count(*) AS {} FROM waves"
    sent = {"text": breaking}
    file = APPLICATION / "catalog" / "store.py"
    exec(compile(source, str(file), "exec"), sent)  # noqa: S102 - ours
    names = [name for name, value in sent.items() if callable(value)]
    async with database.transaction(None) as db:
        await db.fetch(breaking.format("fetch"))
        assert recorder.check() == []
        for _ in range(2):
            for name in names:
                await sent[name](db)
            found = recorder.check()
            assert [one.splitlines()[0] for one in found] == [
                f"catalog/store.py, {name}: waves (waves) has no condition shop_id = $n of its own"
                for name in names
            ]
    assert len(names) == 7
    assert recorder.check() == []

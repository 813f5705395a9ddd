"""Rules that every statement keeps, so that the tables can be distributed by shop_id with Citus.

A shop's rows are on one node then. A statement must say for each of its tables which shop it means,
or it is sent to all nodes. Citus also refuses some statements that PostgreSQL runs.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlglot import exp, parse_one

from openstoq.db.migrations import versions
from openstoq.db.tables import DISTRIBUTED, REFERENCE

# The functions that are allowed where Citus takes only immutable ones. Another one may be added if
# `provolatile` in pg_proc is 'i' for it.
IMMUTABLE = frozenset(
    {"array_append", "array_cat", "array_length", "array_prepend", "array_remove", "cardinality",
     "count", "jsonb_array_length", "jsonb_set", "length", "lower", "make_interval", "max", "min",
     "nullif", "sum", "upper"}
)  # fmt: skip
# These look like functions to the parser, and are operators or expressions of their own.
_OPERATORS = (
    exp.And, exp.Or, exp.Case, exp.If, exp.Coalesce, exp.Cast, exp.Greatest, exp.Least, exp.Array,
    exp.JSONExtract, exp.JSONExtractScalar, exp.JSONBExtract, exp.JSONBExtractScalar,
    exp.JSONArrayContains, exp.JSONBContains, exp.Exists,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Schema:
    """What the rules need to know of the tables.

    `tenant_tables` are those with rows of shops. `moments` are the names of their columns of the
    type timestamptz: PostgreSQL adds an interval to one by the time zone of the session.
    """

    tenant_tables: Collection[str]
    moments: Collection[str]


@cache
def migrated_schema() -> Schema:
    """Return what the rules need to know of the tables that the migrations make."""
    scripts = Path(versions.__file__).parent.glob("*.sql")
    moments = {
        column
        for script in scripts
        for column in re.findall(r"(\w+)\s+timestamptz\b", script.read_text(encoding="utf-8"))
    }
    return Schema({*REFERENCE, *DISTRIBUTED}, moments)


def breaches(text: str, schema: Schema) -> list[str]:
    """Return a sentence for each rule that a statement breaks."""
    statement = parse_one(text, dialect="postgres")
    return [*dict.fromkeys(_breaches(statement, schema))]


def _breaches(statement: exp.Expr, schema: Schema) -> Iterator[str]:
    tenants = {
        table
        for table in statement.find_all(exp.Table)
        if table.name in schema.tenant_tables
        and table.db in {"", "public"}
        and not _is_query(table, statement)
    }
    for table in tenants:
        yield from _about_shop(table, tenants)
    queued = [table.name for table in statement.find_all(exp.Table) if table.db == "queue"]
    if tenants and queued:
        yield f"queue.{queued[0]} is in a statement with {min(table.name for table in tenants)}"
    yield from _about_conditions(statement, tenants)
    if tenants:
        yield from _about_functions(statement, schema)


def _is_query(table: exp.Table, statement: exp.Expr) -> bool:
    """Return whether a name stands for a query before the statement, and not for a table."""
    around = {cte.alias for cte in _ancestors(table) if isinstance(cte, exp.CTE)}
    named = {cte.alias for cte in statement.find_all(exp.CTE)}
    return not table.db and table.name in named - around


def _ancestors(node: exp.Expr) -> Iterator[exp.Expr]:
    while node.parent is not None:
        node = node.parent
        yield node


def _about_shop(table: exp.Table, tenants: Collection[exp.Table]) -> Iterator[str]:
    level = table.find_ancestor(exp.Select, exp.Update, exp.Delete, exp.Insert)
    if isinstance(level, exp.Insert):
        if not all(_is_parameter(shop) for shop in _inserted_shops(level)):
            yield f"the rows inserted into {table.name} have no parameter as their shop_id"
        return
    if level is None:
        yield f"{table.name} is read without a condition"
        return
    beside = [one for one in tenants if one.find_ancestor(*_LEVELS) is level]
    for condition in _conditions(level, table):
        column = condition.this if isinstance(condition, exp.EQ) else None
        if (
            isinstance(column, exp.Column)
            and column.name == "shop_id"
            and _is_parameter(condition.expression)
            and (column.table == table.alias_or_name or (not column.table and len(beside) == 1))
        ):
            return
    yield f"{table.alias_or_name} ({table.name}) has no condition shop_id = $n of its own"


_LEVELS = (exp.Select, exp.Update, exp.Delete, exp.Insert)


def _inserted_shops(insert: exp.Insert) -> Iterator[exp.Expr | None]:
    """Yield what each row has as its shop_id; None if it has none."""
    target = insert.this
    columns = [one.name for one in target.expressions] if isinstance(target, exp.Schema) else []
    for row in _rows(insert.expression):
        values = dict(zip(columns, row.expressions if row is not None else (), strict=False))
        yield values.get("shop_id")


def _rows(query: exp.Expr | None) -> Iterator[exp.Expr | None]:
    if isinstance(query, exp.SetOperation):
        yield from _rows(query.left)
        yield from _rows(query.right)
    elif isinstance(query, exp.Subquery):
        yield from _rows(query.this)
    elif isinstance(query, exp.Values):
        yield from query.expressions
    else:
        yield query


def _is_parameter(value: exp.Expr | None) -> bool:
    while isinstance(value, exp.Cast | exp.Paren | exp.Alias):
        value = value.this
    return isinstance(value, exp.Parameter)


def _conditions(level: exp.Expr, table: exp.Table) -> Iterator[exp.Expr]:
    """Yield the conditions that a row of `table` has to meet, each of them."""
    where = level.args.get("where")
    if where is not None:
        yield from _conjuncts(where.this)
    for join in level.find_all(exp.Join):
        on = join.args.get("on")
        outer = join.side or join.kind == "FULL"
        if on is None or join.find_ancestor(*_LEVELS) is not level:
            continue
        # An outer join returns rows of its left side that do not meet its condition.
        if not outer or (join.side == "LEFT" and join.this is table):
            yield from _conjuncts(on)


def _conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    while isinstance(condition, exp.Paren):
        condition = condition.this
    if isinstance(condition, exp.And):
        yield from _conjuncts(condition.this)
        yield from _conjuncts(condition.expression)
    else:
        yield condition


def _about_conditions(statement: exp.Expr, tenants: Collection[exp.Table]) -> Iterator[str]:
    levels = {id(table.find_ancestor(*_LEVELS)) for table in tenants}
    for clause in statement.find_all(exp.Where, exp.Join, exp.Having):
        condition = clause.args.get("on") if isinstance(clause, exp.Join) else clause.this
        if condition is None or id(clause.find_ancestor(*_LEVELS)) not in levels:
            continue
        for part in _conjuncts(condition):
            is_true = isinstance(part, exp.Boolean) and part.this
            if not is_true and part.find(exp.Column, exp.Query) is None:
                yield f"the condition {_sql(part)} depends on no row: do not send the statement"
    for negation in statement.find_all(exp.Not):
        among = negation.this
        if isinstance(among, exp.In) and among.args.get("query") is not None:
            yield f"{_sql(among.this)} NOT IN (a query): write NOT EXISTS"


def _about_functions(statement: exp.Expr, schema: Schema) -> Iterator[str]:
    for conflict in statement.find_all(exp.OnConflict):
        for part in (*conflict.expressions, conflict.args.get("where")):
            for found in _not_immutable(part, schema) if part is not None else ():
                yield f"{found} is not immutable, and stands in ON CONFLICT DO UPDATE"
    for change in statement.find_all(exp.Update, exp.Delete):
        # What stands before the change, or in its FROM, is evaluated as a query.
        for part in (*change.expressions, change.args.get("where")):
            for choice in part.find_all(exp.Case, exp.Coalesce) if part is not None else ():
                for found in _not_immutable(choice, schema):
                    yield f"{found} is not immutable, and stands in {choice.key} of {change.key}"


def _not_immutable(part: exp.Expr, schema: Schema) -> Iterator[str]:
    for node in part.walk():
        if isinstance(node, exp.Anonymous) and node.name.lower() not in IMMUTABLE:
            yield f"{node.name}()"
        elif isinstance(node, exp.Func) and not isinstance(node, (*_OPERATORS, exp.Anonymous)):
            names = {name.lower() for name in node.sql_names()}
            if not names & IMMUTABLE:
                yield _sql(node)
        elif isinstance(node, exp.Add | exp.Sub) and any(
            _is_moment(side, schema) for side in (node.left, node.right)
        ):
            yield _sql(node)


def _is_moment(side: exp.Expr, schema: Schema) -> bool:
    if isinstance(side, exp.Cast):
        return side.to.this in {exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.INTERVAL}
    if isinstance(side, exp.Interval):
        return True
    return isinstance(side, exp.Column) and side.name in schema.moments


def _sql(part: exp.Expr) -> str:
    return part.sql("postgres")

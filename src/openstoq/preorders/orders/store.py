"""Preorder orders, their lines and their ledger, in PostgreSQL."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from openstoq.db.conditions import Conditions
from openstoq.db.long_lists import Chosen, LongList
from openstoq.db.pool import Connection
from openstoq.kernel.documents import readable
from openstoq.kernel.paging import Page
from openstoq.preorders.orders.model import (
    UNDER_WAY,
    Decisions,
    Line,
    Payment,
    PreorderOrder,
    ShopFacts,
    Snapshot,
    State,
    Synced,
)

log = structlog.get_logger(__name__)

_ORDER = """
    order_id, id, name, placed_at, customer_id, customer_name, email, phone, locale, country,
    market_id, currency, read_at, shop_updated_at, shop_cancelled_at, total, received, refunded,
    outstanding, at_checkout, deposit, balance, due_at, snapshot, state, collect, collected_at,
    released_at, cancelled_at, cancel_reason, exceeded, hold_wanted, held_again_at, split_wanted,
    tags_wanted, tags_unwanted, cancel_wanted, cancel_asked_at, paid_wanted, revision, synced_revision,
    sync_error, created_at, updated_at
"""
_LINE_FACTS = """
    offer_id, variant_id, product_id, market_id, plan_id, payment, title,
    variant_title, sku, ordered, current, unfulfilled, counted, unit_price, total, deposit,
    balance, exceeded, added
"""
_LINE = f"line_id AS id, {_LINE_FACTS}"
_LINE_WRITTEN = f"line_id, order_id, created_at, {_LINE_FACTS}"
_PAYMENT = """
    id, kind, part, mode, amount, currency, status, idempotency_key, created_at, reference,
    transaction_id, parent_id, gateway, attempts, error, note, notify, begun_at, retry_at,
    settled_at, returned_before
"""
# The columns of an order's facts, decisions and sync state, by field.
FACTS = {one.name: one.name for one in fields(ShopFacts) if one.name != "snapshot"} | {
    "updated_at": "shop_updated_at",
    "cancelled_at": "shop_cancelled_at",
}
DECISIONS = {one.name: one.name for one in fields(Decisions)}
# Only the runs that sync an order write these columns.
SYNCED = {
    "revision": "synced_revision",
    "error": "sync_error",
    "cancel_asked_at": "cancel_asked_at",
}
_PARTS = {*FACTS.values(), *DECISIONS.values(), *SYNCED.values(), "snapshot"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """The filter of a list of orders; None matches any value.

    Orders placed at `since` or later, and earlier than `before`, match.
    """

    state: State | None = None
    offer_id: UUID | None = None
    variant_id: int | None = None
    customer_id: int | None = None
    since: datetime | None = None
    before: datetime | None = None

    def where(self, shop_id: UUID) -> Conditions:
        """Return the filter as a condition on preorder_orders, with the alias o."""
        where = self._where(shop_id)
        where.add_unless_none("o.placed_at >= {}", self.since)
        where.add_unless_none("o.placed_at < {}", self.before)
        return where

    def chosen(self, shop_id: UUID) -> Chosen:
        """Return the filter in the form that a LongList takes."""
        return Chosen(
            where=self._where(shop_id),
            kinds=[self.state] if self.state is not None else None,
            since=self.since,
            before=self.before,
            is_counted=(self.offer_id, self.variant_id, self.customer_id) == (None, None, None),
        )

    def _where(self, shop_id: UUID) -> Conditions:
        where = Conditions()
        where.add("o.shop_id = {}", shop_id)
        where.add_unless_none("o.state = {}", self.state)
        where.add_unless_none("o.customer_id = {}", self.customer_id)
        for column, value in (("offer_id", self.offer_id), ("variant_id", self.variant_id)):
            where.add_unless_none(
                "EXISTS (SELECT FROM preorder_lines l WHERE l.shop_id = $1 "
                f"AND l.order_id = o.order_id AND l.{column} = {{}})",
                value,
            )
        return where


async def load(
    db: Connection, shop_id: UUID, order_ids: Sequence[int], *, lock: bool = False
) -> dict[int, PreorderOrder]:
    """Return the preorders among these orders, mapped by Shopify id.

    With `lock`, they are locked, the lowest id first.
    """
    rows = await db.fetch(
        f"""
        SELECT {_ORDER} FROM preorder_orders WHERE shop_id = $1 AND order_id = ANY($2)
        ORDER BY order_id {"FOR UPDATE" if lock else ""}
        """,  # noqa: S608 - constants
        shop_id,
        order_ids,
    )
    return {order.order_id: order for order in await _complete(db, shop_id, rows)}


async def load_order(
    db: Connection, shop_id: UUID, order_id: int, *, lock: bool = False
) -> PreorderOrder | None:
    """Return an order, or None if it is not a preorder."""
    return (await load(db, shop_id, [order_id], lock=lock)).get(order_id)


async def load_under_way(
    db: Connection, shop_id: UUID, order_id: int, payment_id: UUID
) -> tuple[PreorderOrder, Payment] | None:
    """Lock an order; return it with a ledger entry, or None if the entry is not under way."""
    order = await load_order(db, shop_id, order_id, lock=True)
    payment = order.payment(payment_id) if order is not None else None
    if order is None or payment is None or payment.status not in UNDER_WAY:
        return None
    return order, payment


async def order_ids_of(db: Connection, shop_id: UUID, order_ids: Sequence[UUID]) -> list[int]:
    """Return the Shopify ids of orders, given our ids of the orders."""
    rows = await db.fetch(
        "SELECT order_id FROM preorder_orders WHERE shop_id = $1 AND id = ANY($2)",
        shop_id,
        order_ids,
    )
    return [row["order_id"] for row in rows]


async def find_known(
    db: Connection, shop_id: UUID, *, ids: Sequence[UUID] = (), order_ids: Sequence[int] = ()
) -> list[int]:
    """Return the Shopify ids of the given orders, without those that are not stored preorders.

    `ids` holds our ids of orders, `order_ids` their ids in Shopify. An order may be given by
    either.
    """
    rows = await db.fetch(
        """
        SELECT order_id FROM preorder_orders
        WHERE shop_id = $1 AND (id = ANY($2) OR order_id = ANY($3)) ORDER BY order_id
        """,
        shop_id,
        ids,
        order_ids,
    )
    return [row["order_id"] for row in rows]


_ORDERS = LongList("preorder_orders", "o", "placed_at")


async def page(
    db: Connection, shop_id: UUID, wanted: Filter, page: Page
) -> tuple[list[PreorderOrder], int]:
    """Return a page of orders, the newest first, and the number of orders on all pages."""
    shown = "SELECT coalesce(array_agg(o.order_id ORDER BY o.placed_at DESC, o.id DESC), '{}') FROM {rows} o"
    ids, total = await _ORDERS.page(db, wanted.chosen(shop_id), page, shown=shown)
    found = await load(db, shop_id, ids)
    return [found[order_id] for order_id in ids], total


async def save(db: Connection, shop_id: UUID, order: PreorderOrder) -> None:
    """Insert or update an order, without its lines and its ledger.

    The sync state of a stored order is kept, except that a new revision clears the sync error.

    If another transaction is inserting the same new order, this transaction waits, and then
    overwrites that order, maybe with older data. To prevent that, call `lock_name` before reading
    the data to be saved.
    """
    columns = _columns(_ORDER)
    whole = (
        {name: getattr(order, name) for name in columns if name not in _PARTS}
        | {column: getattr(order.facts, name) for name, column in FACTS.items()}
        | {column: getattr(order.decisions, name) for name, column in DECISIONS.items()}
    )
    row = {name: value for name, value in whole.items() if value is not None}
    row |= {"snapshot": order.facts.snapshot.document, "synced_revision": 0}
    written = [name for name in columns if name not in SYNCED.values()]
    await db.execute(
        f"""
        INSERT INTO preorder_orders (shop_id, {_ORDER})
        SELECT $1, {_ORDER} FROM jsonb_populate_record(NULL::preorder_orders, $2)
        ON CONFLICT (shop_id, order_id) DO UPDATE
        SET {", ".join(f"{name} = excluded.{name}" for name in written)},
            sync_error = CASE WHEN excluded.revision = preorder_orders.revision
                THEN preorder_orders.sync_error END
        """,  # noqa: S608 - constants
        shop_id,
        row,
    )


async def save_lines(
    db: Connection, shop_id: UUID, order: PreorderOrder, lines: Iterable[Line]
) -> None:
    """Insert or update lines of an order."""
    rows = [
        asdict(line)
        | {"line_id": line.id, "order_id": order.order_id, "created_at": order.placed_at}
        for line in lines
    ]
    await db.execute(
        f"""
        INSERT INTO preorder_lines (shop_id, {_LINE_WRITTEN})
        SELECT $1, {_LINE_WRITTEN} FROM jsonb_populate_recordset(NULL::preorder_lines, $2)
        ON CONFLICT (shop_id, line_id) DO UPDATE
        SET market_id = excluded.market_id, ordered = excluded.ordered,
            current = excluded.current, unfulfilled = excluded.unfulfilled, counted = excluded.counted,
            total = excluded.total, deposit = excluded.deposit, balance = excluded.balance,
            exceeded = excluded.exceeded, added = excluded.added
        """,  # noqa: S608 - constants
        shop_id,
        rows,
    )


async def save_payments(
    db: Connection, shop_id: UUID, payments: Mapping[int, Iterable[Payment]], now: datetime
) -> None:
    """Insert or update ledger entries, which are given by the Shopify id of their order."""
    rows = [
        asdict(payment) | {"order_id": order_id, "updated_at": now}
        for order_id, entries in payments.items()
        for payment in entries
    ]
    if not rows:
        return
    await db.execute(
        f"""
        INSERT INTO preorder_payments (shop_id, order_id, updated_at, {_PAYMENT})
        SELECT $1, order_id, updated_at, {_PAYMENT}
        FROM jsonb_populate_recordset(NULL::preorder_payments, $2)
        ON CONFLICT (shop_id, id) DO UPDATE
        SET mode = excluded.mode, status = excluded.status,
            idempotency_key = excluded.idempotency_key,
            reference = excluded.reference, transaction_id = excluded.transaction_id,
            gateway = excluded.gateway, attempts = excluded.attempts, error = excluded.error,
            amount = excluded.amount, begun_at = excluded.begun_at,
            retry_at = excluded.retry_at, settled_at = excluded.settled_at,
            returned_before = excluded.returned_before, updated_at = excluded.updated_at
        """,  # noqa: S608 - constants
        shop_id,
        rows,
    )


async def note_cancel_requested(
    db: Connection, shop_id: UUID, order_id: int, now: datetime
) -> None:
    """Record when the cancellation of an order was requested from Shopify."""
    await db.execute(
        "UPDATE preorder_orders SET cancel_asked_at = $3 WHERE shop_id = $1 AND order_id = $2",
        shop_id,
        order_id,
        now,
    )


async def lock_name(db: Connection, shop_id: UUID, order_id: int) -> None:
    """Lock an order's id against other transactions, even if the order is not stored."""
    await db.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"order:{shop_id}:{order_id}"
    )


async def _complete(db: Connection, shop_id: UUID, rows: Sequence[Any]) -> list[PreorderOrder]:
    ids = [row["order_id"] for row in rows]
    if not ids:
        return []
    lines: dict[int, list[Line]] = defaultdict(list)
    found = await db.fetch(
        f"""
        SELECT order_id, {_LINE} FROM preorder_lines
        WHERE shop_id = $1 AND order_id = ANY($2) ORDER BY line_id
        """,  # noqa: S608 - constants
        shop_id,
        ids,
    )
    for row in found:
        facts = dict(row)
        lines[facts.pop("order_id")].append(Line(**facts))
    payments: dict[int, list[Payment]] = defaultdict(list)
    found = await db.fetch(
        f"""
        SELECT order_id, {_PAYMENT} FROM preorder_payments
        WHERE shop_id = $1 AND order_id = ANY($2) ORDER BY created_at, id
        """,  # noqa: S608 - constants
        shop_id,
        ids,
    )
    for row in found:
        facts = dict(row)
        payments[facts.pop("order_id")].append(Payment(**facts))
    return [
        PreorderOrder(
            **{name: value for name, value in row.items() if name not in _PARTS},
            facts=ShopFacts(snapshot=_snapshot(row), **_part(row, FACTS)),
            decisions=Decisions(**_part(row, DECISIONS)),
            synced=Synced(**_part(row, SYNCED)),
            lines=tuple(lines[row["order_id"]]),
            payments=tuple(payments[row["order_id"]]),
        )
        for row in rows
    ]


def _part(row: Any, columns: Mapping[str, str]) -> dict[str, Any]:
    return {name: row[column] for name, column in columns.items()}


def _snapshot(row: Any) -> Snapshot:
    """Parse an order's snapshot, with a default for each value that cannot be read.

    The next reading of the order replaces the snapshot.
    """
    snapshot, problems = readable(Snapshot, row["snapshot"], "snapshot")
    if problems:
        log.warning("order.unreadable", order_id=row["order_id"], problems=problems)
    return snapshot


def _columns(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]

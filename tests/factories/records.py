"""Orders as the shop has them and as we do, and ledgers, for tests that need no database."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from openstoq.commerce.orders import (
    FulfillmentLine,
    FulfillmentOrder,
    Hold,
    Mandate,
    Order,
    OrderLine,
    PaymentSchedule,
    Transaction,
)
from openstoq.kernel.ids import new_id
from openstoq.preorders.offers.capabilities.payments import Deposit, Options, PartialOption
from openstoq.preorders.offers.capabilities.payments import Payments as Terms
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.orders import state
from openstoq.preorders.orders.model import (
    Decisions,
    Line,
    Payment,
    PreorderOrder,
    ShopFacts,
    Snapshot,
    Synced,
)
from openstoq.preorders.orders.store import DECISIONS, FACTS, SYNCED

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
CARD = Mandate(id="gid://shopify/PaymentMandate/1", label="Visa ending with 4242", usable=True)

_keys = count(1)


def money(amount: Any) -> Decimal:
    """Return an amount; text keeps its decimals."""
    return Decimal(str(amount))


def sale(id: int, amount: Any, **facts: Any) -> Transaction:
    """Return a payment that succeeded `id` minutes after noon."""
    known: dict[str, Any] = {
        "kind": "sale",
        "status": "success",
        "gateway": "shopify_payments",
        "parent_id": None,
        "processed_at": NOON + id * MINUTE,
    }
    return Transaction(id=id, amount=money(amount), **(known | facts))


def refund_of(parent: Transaction, id: int, amount: Any, **facts: Any) -> Transaction:
    """Return what was paid back of a payment."""
    return sale(id, amount, kind="refund", parent_id=parent.id, **facts)


def schedule(due: Any, **facts: Any) -> PaymentSchedule:
    """Return a payment schedule of which this amount is left."""
    known: dict[str, Any] = {"id": 71, "due_at": NOON + 30 * DAY, "completed_at": None}
    return PaymentSchedule(balance_due=money(due), **(known | facts))


def order_line(id: int = 1, total: Any = 100, quantity: int = 1, **facts: Any) -> OrderLine:
    """Return a line of an order, nothing of which was removed or sent."""
    known: dict[str, Any] = {
        "title": "Trail Jacket",
        "variant_title": "Blue / M",
        "sku": "TJ-BM",
        "variant_id": 10 + id,
        "product_id": 5,
        "plan_id": None,
        "current": quantity,
        "unfulfilled": facts.get("current", quantity),
        "unit_price": money(total) / quantity,
        "properties": {},
    }
    return OrderLine(id=id, quantity=quantity, total=money(total), **(known | facts))


def shop_order(**facts: Any) -> Order:
    """Return an order as the shop has it; what was paid and paid back is of its transactions."""
    moved: dict[str, Decimal] = {"sale": money(0), "capture": money(0), "refund": money(0)}
    for one in facts.get("transactions", ()):
        if one.status == "success" and one.kind in moved:
            moved[one.kind] += one.amount
    received = facts.get("received", moved["sale"] + moved["capture"])
    total = money(facts.pop("total", 100))
    goods = sum((one.total for one in facts.get("lines", ())), money(0))
    known: dict[str, Any] = {
        "id": 1001,
        "name": "#1001",
        "created_at": NOON,
        "updated_at": NOON,
        "cancelled_at": None,
        "cancel_reason": None,
        "closed_at": None,
        "test": False,
        "tags": (),
        "email": "ada@example.com",
        "phone": None,
        "locale": "en",
        "country": "DE",
        "currency": "USD",
        "financial_status": None,
        "fulfillment_status": None,
        "can_mark_paid": False,
        "original_total": max(total, goods),
        "received": received,
        "refunded": moved["refund"],
        "outstanding": max(total - received + moved["refund"], money(0)),
        "status_url": None,
        "collection_url": None,
        "customer": None,
        "lines": (),
        "schedules": (),
        "mandates": (),
        "transactions": (),
        "fulfillment_orders": (),
    }
    return Order(total=total, **(known | facts))


def offer(deposit: Deposit | None = None, **facts: Any) -> Offer:
    """Return an offer that is paid in full, or by a deposit."""
    terms = Terms()
    if deposit is not None:
        terms.options = Options(full=None, partial=PartialOption(deposit=deposit))
    known: dict[str, Any] = {"created_at": NOON, "updated_at": NOON, "payments": terms}
    return Offer(**({"id": new_id()} | known | facts))


def preorder_line(id: int = 1, offer_id: UUID | None = None, **facts: Any) -> Line:
    """Return a preordered line of one unit at 100, 20 of them a deposit."""
    known: dict[str, Any] = {
        "variant_id": 10 + id,
        "product_id": 5,
        "market_id": None,
        "plan_id": 61,
        "payment": "partial",
        "title": "Trail Jacket",
        "variant_title": "Blue / M",
        "sku": "TJ-BM",
        "ordered": 1,
        "current": 1,
        "unfulfilled": 1,
        "counted": 1,
        "unit_price": money(100),
        "total": money(100),
        "deposit": money(20),
        "balance": money(80),
        "exceeded": None,
    }
    return Line(id=id, offer_id=offer_id or new_id(), **(known | facts))


def entry(amount: Any, **facts: Any) -> Payment:
    """Return an entry of a ledger: a charge of the balance that succeeded."""
    known: dict[str, Any] = {
        "id": new_id(),
        "kind": "balance",
        "part": "balance",
        "mode": "auto",
        "currency": "USD",
        "status": "succeeded",
        "idempotency_key": f"key-{next(_keys)}",
        "created_at": NOON,
    }
    return Payment(amount=money(amount), **(known | facts))


def deposit_of(amount: Any, **facts: Any) -> Payment:
    """Return what was paid at checkout."""
    return entry(amount, **({"kind": "deposit", "part": "deposit", "mode": "checkout"} | facts))


def refund_entry(amount: Any, **facts: Any) -> Payment:
    """Return what we paid back of a deposit."""
    return entry(amount, **({"kind": "refund", "part": "deposit", "mode": "refund"} | facts))


def preorder(**facts: Any) -> PreorderOrder:
    """Return a preorder of 100, of which the deposit of 20 was paid.

    What is given goes where it belongs: to the order itself, its facts, its decisions, what of it
    was synced (`synced_revision`, `sync_error`) or its snapshot.
    """
    known: dict[str, Any] = {
        "order_id": 1001,
        "id": new_id(),
        "name": "#1001",
        "placed_at": NOON,
        "customer_id": None,
        "customer_name": None,
        "email": "ada@example.com",
        "phone": None,
        "locale": "en",
        "country": "DE",
        "market_id": None,
        "currency": "USD",
        "shop_updated_at": NOON,
        "shop_cancelled_at": None,
        "total": money(100),
        "received": money(20),
        "refunded": money(0),
        "outstanding": money(80),
        "deposit": money(20),
        "balance": money(80),
        "due_at": NOON + 30 * DAY,
        "state": "awaiting_balance",
        "collect": "when_due",
        "collected_at": None,
        "synced_revision": 1,
        "created_at": NOON,
        "updated_at": NOON,
        "lines": (preorder_line(),),
    }
    known |= facts

    def part(columns: Mapping[str, str]) -> dict[str, Any]:
        return {name: known.pop(column) for name, column in columns.items() if column in known}

    snapshot = known.pop("snapshot", None) or Snapshot(
        **part({name: name for name in Snapshot.model_fields})
    )
    shop_facts = ShopFacts(snapshot=snapshot, **part(FACTS))
    decisions, synced = Decisions(**part(DECISIONS)), Synced(**part(SYNCED))
    return PreorderOrder(facts=shop_facts, decisions=decisions, synced=synced, **known)


def fulfillment_order(id: int, *lines: FulfillmentLine, **facts: Any) -> FulfillmentOrder:
    """Return an open fulfillment order that may be held and split."""
    known: dict[str, Any] = {
        "status": "open",
        "location": "Warehouse",
        "fulfill_at": None,
        "holds": (),
        "actions": frozenset({"hold", "split"}),
    }
    return FulfillmentOrder(id=id, lines=lines, **(known | facts))


def units(line_id: int, quantity: int = 1, *, id: int | None = None) -> FulfillmentLine:
    """Return units of a line that are still to be sent."""
    return FulfillmentLine(
        id=id or 900 + line_id,
        line_id=line_id,
        variant_id=10 + line_id,
        total=quantity,
        remaining=quantity,
    )


def hold(id: int, handle: str | None = "openstoq-1001", *, ours: bool = True) -> Hold:
    """Return a hold: ours, unless said otherwise."""
    return Hold(id=id, handle=handle, reason="other", note=None, ours=ours)


def paid(one: PaymentSchedule, at: datetime) -> PaymentSchedule:
    """Return a schedule as it is once it was paid."""
    return replace(one, completed_at=at, balance_due=money(0))


def settled(order: PreorderOrder, *payments: Payment) -> PreorderOrder:
    """Settle an order with this ledger, a day after it was placed."""
    state.derive(order, payments, NOON + DAY)
    return order

"""The ledger of an order's payments, reconciled with Shopify's transactions: decisions only."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from openstoq.commerce.orders import Order, Transaction
from openstoq.kernel.ids import new_id
from openstoq.preorders.orders.ledger.amounts import worth
from openstoq.preorders.orders.model import (
    UNDER_WAY,
    ZERO,
    Part,
    Payment,
    PreorderOrder,
)

# The gateway of the transaction that Shopify records when an order is marked as paid.
BY_HAND = "manual"
MONEY_IN = frozenset({"sale", "capture"})


@dataclass(frozen=True, slots=True)
class PartTotals:
    """The amount of a deposit or a balance, the part received, and the part refunded."""

    amount: Decimal
    received: Decimal
    refunded: Decimal

    @property
    def refundable(self) -> Decimal:
        """The amount that can still be refunded."""
        return max(self.received - self.refunded, ZERO)


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """The totals of a preorder's money, excluding the money for the order's other goods."""

    deposit: PartTotals
    balance: PartTotals

    @property
    def received(self) -> Decimal:
        """The amount received in all."""
        return self.deposit.received + self.balance.received

    @property
    def refunded(self) -> Decimal:
        """The amount refunded in all."""
        return self.deposit.refunded + self.balance.refunded


def ledger_totals(order: PreorderOrder, *, expected: bool = False) -> LedgerTotals:
    """Add up the ledger.

    If an order has only preorders, all money received is the preorder's, whatever is left of
    the order. If it has other goods, the amount paid at checkout above the deposit is for those
    goods. With `expected`, refunds under way count as done, so that nothing is refunded twice.
    """
    done = [
        one
        for one in order.payments
        if one.status == "succeeded" or (expected and one.kind == "refund" and _pends(one))
    ]
    paid = came_at_checkout(done)
    collected = _sum(one for one in done if one.kind == "balance")
    others = max(paid - order.deposit, ZERO) if order.facts.snapshot.has_other_lines else ZERO
    received = paid - others
    refunds = [one for one in done if one.kind == "refund" and one.part == "deposit"]
    by_hand = _sum(one for one in refunds if one.mode != "refund")
    ours = _sum(one for one in refunds if one.mode == "refund")
    surplus = max(received + collected - worth(order.lines, order.currency), ZERO)
    ours += _of_preorder(by_hand, others, order.facts.snapshot.others_removed, surplus)
    back = _sum(one for one in done if one.kind == "refund" and one.part == "balance")
    return LedgerTotals(
        deposit=PartTotals(order.deposit, received, min(ours, received)),
        balance=PartTotals(order.balance, collected, min(back, collected)),
    )


def _of_preorder(
    by_hand: Decimal, others: Decimal, others_removed: Decimal, surplus: Decimal
) -> Decimal:
    """Return the preorder's part of the manual refunds; the rest is for the order's other goods.

    Manual refunds are attributed in this order: removed other goods, removed preorder units,
    remaining other goods, remaining preorder units. So the price that the remaining other goods
    still cost never counts as a refund of the preorder.
    """
    left = by_hand - min(by_hand, others, others_removed)
    of_surplus = min(left, surplus)
    others_left = max(others - others_removed, ZERO)
    return of_surplus + max(left - of_surplus - others_left, ZERO)


def reconcile(
    order: Order, known: Sequence[Payment], now: datetime, *, at_checkout: Decimal
) -> list[Payment]:
    """Return the new and changed entries that bring the ledger in line with Shopify.

    `at_checkout` is the amount of the order that was due at checkout. A payment that we began
    is matched by its amount, because Shopify does not say who requested a transaction.
    """
    book = _Book(order, known, at_checkout)
    book.take_incoming()
    book.take_outgoing()
    if order.outstanding <= 0:
        book.call_off(now)
    else:
        book.correct()
    return book.changed


class _Book:
    """The ledger during its reconciliation with an order's transactions."""

    def __init__(self, order: Order, known: Sequence[Payment], at_checkout: Decimal) -> None:
        self._order = order
        self._at_checkout = at_checkout
        self._entries = {one.id: one for one in known}
        self._by_transaction = {
            one.transaction_id: one for one in known if one.transaction_id is not None
        }
        self._changed: dict[UUID, Payment] = {}

    @property
    def changed(self) -> list[Payment]:
        """The entries that have to be saved."""
        return list(self._changed.values())

    def take_incoming(self) -> None:
        """Enter payments: as the deposit until `at_checkout` is reached, then as the balance."""
        running = ZERO
        for one in _in_time(self._order, MONEY_IN):
            part: Part = "deposit" if running == 0 or running < self._at_checkout else "balance"
            running += one.amount
            if not self._is_entered(one):
                begun = self._begun(one) if part == "balance" else None
                entry = begun or _incoming(self._order, one, part)
                self._write(_settled(replace(entry, amount=one.amount), one))

    def take_outgoing(self) -> None:
        """Enter refunds."""
        for one in _in_time(self._order, {"refund"}):
            if not self._is_entered(one):
                parent = self._by_transaction.get(one.parent_id or 0)
                part = parent.part if parent is not None else "deposit"
                asked = self._asked(one)
                self._write(_settled(asked or _outgoing(self._order, one, part), one))

    def call_off(self, now: datetime) -> None:
        """Void pending charges and call off retries, because nothing is left to pay.

        A manually recorded payment that Shopify never recorded becomes void as well.
        """
        was_cancelled = self._order.cancelled_at is not None
        error = "the order was cancelled" if was_cancelled else "nothing was left to pay by then"
        for entry in list(self._entries.values()):
            if entry.is_untold or (entry.kind == "balance" and entry.status == "pending"):
                self._write(replace(entry, status="void", error=error, settled_at=now))
            elif entry.retry_at is not None:
                self._write(replace(entry, retry_at=None))

    def correct(self) -> None:
        """Set a manually recorded payment to the outstanding amount, which Shopify will record."""
        for entry in list(self._entries.values()):
            if entry.is_untold and entry.amount != self._order.outstanding:
                self._write(replace(entry, amount=self._order.outstanding))

    def _write(self, entry: Payment) -> None:
        self._entries[entry.id] = self._changed[entry.id] = entry
        if entry.transaction_id is not None:
            self._by_transaction[entry.transaction_id] = entry

    def _is_entered(self, transaction: Transaction) -> bool:
        entry = self._by_transaction.get(transaction.id)
        if entry is None and transaction.kind == "capture":
            # The entry was known by its authorization, which moves no money itself.
            entry = self._by_transaction.pop(transaction.parent_id or 0, None)
        if entry is None:
            return False
        settled = _settled(replace(entry, amount=transaction.amount), transaction)
        if settled != entry:
            self._write(settled)
        return True

    def _begun(self, transaction: Transaction) -> Payment | None:
        """Find the charge that created a transaction.

        A manually recorded payment is matched regardless of amount, because Shopify records
        whatever was outstanding when it marked the order as paid, which may differ from our
        amount.
        """
        if transaction.gateway == BY_HAND:
            untold = (one for one in self._entries.values() if one.is_untold)
            return next(untold, None)
        return self._maker(transaction, lambda one: one.kind == "balance" and not one.is_untold)

    def _asked(self, transaction: Transaction) -> Payment | None:
        """Find the refund that created a transaction."""
        return self._maker(
            transaction,
            lambda one: one.kind == "refund" and one.parent_id == transaction.parent_id,
        )

    def _maker(self, transaction: Transaction, fits: Callable[[Payment], bool]) -> Payment | None:
        """Find our entry that created a transaction; entries under way come before ended ones."""
        fitting = [
            one
            for one in self._entries.values()
            if fits(one)
            and one.transaction_id is None
            and one.amount == transaction.amount
            and one.status in UNDER_WAY | {"succeeded"}
            # An entry that was never handed over cannot have made a transaction.
            and (one.status != "pending" or one.attempts > 0)
        ]
        return min(fitting, key=lambda one: one.status == "succeeded", default=None)


def came_at_checkout(payments: Iterable[Payment]) -> Decimal:
    """Return the amount that was paid at checkout."""
    return _sum(one for one in payments if one.kind == "deposit" and one.status == "succeeded")


def collected_at(payments: Iterable[Payment], order: PreorderOrder) -> datetime | None:
    """Return when the last part of the balance was paid, or None if it is not paid in full."""
    paid = [one for one in payments if one.kind == "balance" and one.status == "succeeded"]
    if order.balance <= 0 or _sum(paid) < order.balance:
        return None
    return max(one.settled_at or one.created_at for one in paid)


def _sum(payments: Iterable[Payment]) -> Decimal:
    return sum((one.amount for one in payments), ZERO)


def _pends(payment: Payment) -> bool:
    return payment.status in UNDER_WAY


def _in_time(order: Order, kinds: Iterable[str]) -> list[Transaction]:
    wanted = frozenset(kinds)
    times = {one.id: one.processed_at or order.created_at for one in order.transactions}

    def time(one: Transaction) -> tuple[datetime, int]:
        # A capture may come late, but its payment was agreed when it was authorized.
        agreed = one.parent_id if one.kind == "capture" else None
        return times.get(agreed or one.id, times[one.id]), one.id

    return sorted(
        (one for one in order.transactions if one.kind in wanted and one.status == "success"),
        key=time,
    )


def _settled(entry: Payment, transaction: Transaction) -> Payment:
    return replace(
        entry,
        status="succeeded",
        transaction_id=transaction.id,
        gateway=transaction.gateway,
        error=None,
        retry_at=None,
        settled_at=entry.settled_at or transaction.processed_at or entry.created_at,
    )


def _incoming(order: Order, transaction: Transaction, part: Part) -> Payment:
    return Payment(
        id=new_id(),
        kind=part,
        part=part,
        mode="checkout" if part == "deposit" else "link",
        amount=transaction.amount,
        currency=order.currency,
        status="succeeded",
        idempotency_key=f"transaction:{transaction.id}",
        created_at=transaction.processed_at or order.created_at,
    )


def _outgoing(order: Order, transaction: Transaction, part: Part) -> Payment:
    return Payment(
        id=new_id(),
        kind="refund",
        part=part,
        mode="manual",
        amount=transaction.amount,
        currency=order.currency,
        status="succeeded",
        idempotency_key=f"transaction:{transaction.id}",
        parent_id=transaction.parent_id,
        created_at=transaction.processed_at or order.updated_at,
    )

"""The ledger of an order's payments, reconciled with Shopify's transactions. No I/O."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from openstoq.commerce.orders import Order, Transaction
from openstoq.kernel.ids import new_id
from openstoq.preorders.orders.ledger import authorizations
from openstoq.preorders.orders.model import (
    ZERO,
    Part,
    Payment,
)

# The gateway of the transaction that Shopify records when an order is marked as paid.
BY_HAND = "manual"
MONEY_IN = frozenset({"sale", "capture"})


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
    """The ledger during its reconciliation with an order's transactions.

    A transaction has one entry, or two if it paid for the deposit and for the balance.
    """

    def __init__(self, order: Order, known: Sequence[Payment], at_checkout: Decimal) -> None:
        self._order = order
        self._at_checkout = at_checkout
        self._entries = {one.id: one for one in known}
        self._by_transaction: dict[int, list[Payment]] = defaultdict(list)
        for one in known:
            if one.transaction_id is not None:
                self._by_transaction[one.transaction_id].append(one)
        self._changed: dict[UUID, Payment] = {}

    @property
    def changed(self) -> list[Payment]:
        """The entries that have to be saved."""
        return list(self._changed.values())

    def take_incoming(self) -> None:
        """Enter the payments that are not in the ledger yet.

        Payments are for the amount due at checkout until that is paid, and then for the balance. A
        payment may be larger than what is still due at checkout. If we requested such a payment, it
        is for the balance alone. Otherwise it is divided between the deposit and the balance.

        A payment may be authorized first and captured later. Its division is decided when it is
        authorized, so that no payment made before the capture is entered for the same amount due.
        """
        due = self._at_checkout
        reserved: dict[int, Decimal] = {}
        for one in authorizations.movements(self._order):
            if one.kind == "authorization":
                reserved[one.id] = self._reserved(one, due)
                due -= reserved[one.id]
            elif one.kind == "void":
                due += reserved.pop(one.parent_id or 0, ZERO)
            elif one.kind in MONEY_IN:
                own = reserved.pop(one.parent_id or 0, ZERO) if one.kind == "capture" else ZERO
                due = self._take(one, due + own)
                if own > one.amount and one.parent_id is not None:
                    # The rest of the authorization is captured later, or never.
                    reserved[one.parent_id] = min(own - one.amount, due)
                    due -= reserved[one.parent_id]

    def _take(self, payment: Transaction, due: Decimal) -> Decimal:
        """Enter a payment, and return what is still due at checkout after it."""
        if not self._is_entered(payment):
            begun = self._begun(payment) if payment.amount > due else None
            if begun is not None:
                self._write(_settled(replace(begun, amount=payment.amount), payment))
            else:
                self._enter(payment, min(payment.amount, due))
        paid = sum(each.amount for each in self._of(payment) if each.part == "deposit")
        return max(due - paid, ZERO)

    def _reserved(self, authorization: Transaction, due: Decimal) -> Decimal:
        """Return how much of an authorization is for what is due at checkout."""
        known = self._of(authorization)
        if known:
            return min(total_of(one for one in known if one.part == "deposit"), due)
        is_begun = authorization.amount > due and self._begun(authorization) is not None
        return ZERO if is_begun else min(authorization.amount, due)

    def _enter(self, transaction: Transaction, at_checkout: Decimal) -> None:
        """Enter a payment; `at_checkout` is the part of it that was due at checkout."""
        parts: dict[Part, Decimal] = {
            "deposit": at_checkout,
            "balance": transaction.amount - at_checkout,
        }
        for part, amount in parts.items():
            if amount > 0:
                entry = replace(_incoming(self._order, transaction, part), amount=amount)
                self._write(_settled(entry, transaction))

    def take_outgoing(self) -> None:
        """Enter the refunds in Shopify that are not in the ledger yet."""
        for one in _in_time(self._order, {"refund"}):
            if self._is_entered(one):
                continue
            asked = self._asked(one)
            if asked is not None:
                self._write(_settled(replace(asked, amount=one.amount), one))
                continue
            for part, amount in self._refunded_parts(one).items():
                entry = replace(_outgoing(self._order, one, part), amount=amount)
                self._write(_settled(entry, one))

    def _refunded_parts(self, refund: Transaction) -> dict[Part, Decimal]:
        paid = {one.part: one for one in self._by_transaction.get(refund.parent_id or 0, ())}
        if "balance" not in paid or "deposit" not in paid:
            return {next(iter(paid), "deposit"): refund.amount}
        left = max(paid["balance"].amount - returned(self._entries.values(), paid["balance"]), ZERO)
        parts: dict[Part, Decimal] = {
            "balance": min(refund.amount, left),
            "deposit": refund.amount - min(refund.amount, left),
        }
        return {part: amount for part, amount in parts.items() if amount > 0}

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
        """Correct manually recorded payments that Shopify has not recorded yet.

        They get the outstanding amount, because that is the amount that Shopify will record.
        """
        for entry in list(self._entries.values()):
            if entry.is_untold and entry.amount != self._order.outstanding:
                self._write(replace(entry, amount=self._order.outstanding))

    def _write(self, entry: Payment) -> None:
        self._entries[entry.id] = self._changed[entry.id] = entry
        if entry.transaction_id is not None:
            same = self._by_transaction[entry.transaction_id]
            same[:] = [*(one for one in same if one.id != entry.id), entry]

    def _of(self, transaction: Transaction) -> list[Payment]:
        """Return the entries of a transaction."""
        return self._by_transaction.get(transaction.id, [])

    def _is_entered(self, transaction: Transaction) -> bool:
        found = self._of(transaction)
        if not found and transaction.kind == "capture":
            # The entry was known by its authorization, which moves no money itself.
            found = self._by_transaction.pop(transaction.parent_id or 0, [])
        for entry in list(found):
            amount = transaction.amount if len(found) == 1 else entry.amount
            settled = _settled(replace(entry, amount=amount), transaction)
            if settled != entry:
                self._write(settled)
        return bool(found)

    def _begun(self, transaction: Transaction) -> Payment | None:
        """Find the charge that created a transaction, or return None.

        A manually recorded payment is matched whatever its amount is. Shopify records the amount
        that was outstanding when it marked the order as paid, and our amount may differ.
        """
        if transaction.gateway == BY_HAND:
            untold = (one for one in self._entries.values() if one.is_untold)
            return next(untold, None)
        return self._maker(transaction, lambda one: one.kind == "balance" and not one.is_untold)

    def _asked(self, transaction: Transaction) -> Payment | None:
        """Find the refund that created a transaction, or return None."""
        return self._maker(
            transaction,
            lambda one: one.kind == "refund" and one.parent_id == transaction.parent_id,
        )

    def _maker(self, transaction: Transaction, fits: Callable[[Payment], bool]) -> Payment | None:
        """Find our entry that created a transaction, or return None.

        If several entries fit, one that is under way is preferred.
        """
        fitting = [
            one
            for one in self._entries.values()
            if fits(one)
            and one.transaction_id is None
            and one.amount == transaction.amount
            and one.stands
            # An entry that was never handed to Shopify cannot have created a transaction.
            and (one.status != "pending" or one.attempts > 0)
        ]
        return min(fitting, key=lambda one: one.status == "succeeded", default=None)


def returned(payments: Iterable[Payment], paid: Payment) -> Decimal:
    """Return how much of a payment was refunded or is being refunded."""
    return total_of(
        one
        for one in payments
        if one.kind == "refund"
        and (one.parent_id, one.part) == (paid.transaction_id, paid.part)
        and one.stands
    )


def incoming(order: Order) -> list[Transaction]:
    """Return an order's successful payments, sorted by time."""
    return _in_time(order, MONEY_IN)


def came_at_checkout(payments: Iterable[Payment]) -> Decimal:
    """Return the amount that was paid at checkout."""
    return total_of(one for one in payments if one.kind == "deposit" and one.status == "succeeded")


def total_of(payments: Iterable[Payment]) -> Decimal:
    """Add up the amounts of entries."""
    return sum((one.amount for one in payments), ZERO)


def _in_time(order: Order, kinds: Iterable[str]) -> list[Transaction]:
    wanted = frozenset(kinds)
    return [one for one in authorizations.movements(order) if one.kind in wanted]


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
        idempotency_key=f"transaction:{transaction.id}:{part}",
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
        idempotency_key=f"transaction:{transaction.id}:{part}",
        parent_id=transaction.parent_id,
        created_at=transaction.processed_at or order.updated_at,
    )

"""Add up an order's ledger: what was received and refunded of the deposit and of the balance."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from openstoq.preorders.orders.ledger.amounts import worth
from openstoq.preorders.orders.ledger.entries import came_at_checkout, total_of
from openstoq.preorders.orders.model import ZERO, Part, Payment, PreorderOrder


@dataclass(frozen=True, slots=True)
class PartTotals:
    """The totals of a deposit or a balance: the amount, the money received, the money refunded.

    `for_others` is the part of `received` that paid for the order's other goods.
    """

    amount: Decimal
    received: Decimal
    refunded: Decimal
    for_others: Decimal = ZERO

    @property
    def refundable(self) -> Decimal:
        """The amount that can still be refunded."""
        return max(self.own - self.refunded, ZERO)

    @property
    def own(self) -> Decimal:
        """The money received for the preorder itself."""
        return self.received - self.for_others


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """The totals of a preorder's money, excluding the money for the order's other goods."""

    deposit: PartTotals
    balance: PartTotals

    @property
    def received(self) -> Decimal:
        """The amount received in all."""
        return self.deposit.own + self.balance.own

    @property
    def refunded(self) -> Decimal:
        """The amount refunded in all."""
        return self.deposit.refunded + self.balance.refunded


def ledger_totals(order: PreorderOrder, *, expected: bool = False) -> LedgerTotals:
    """Add up the ledger.

    If an order has only preorders, all money received is the preorder's, even after units were
    removed. If an order has other goods, the money received at checkout beyond the deposit was paid
    for those goods. With `expected`, refunds under way count as done, so that nothing is refunded
    twice.
    """
    done = [
        one
        for one in order.payments
        if one.status == "succeeded" or (expected and one.kind == "refund" and one.stands)
    ]
    snapshot = order.facts.snapshot
    paid = came_at_checkout(done)
    others = max(paid - order.deposit, ZERO) if snapshot.has_other_lines else ZERO
    collected = total_of(one for one in done if one.kind == "balance")
    later = _paid_for_others(order, collected)
    received = paid - others
    surplus = max(received + collected - later - worth(order.lines, order.currency), ZERO)
    removed = snapshot.others_removed
    ours, by_hand = _refunded(done, "deposit")
    ours += _of_preorder(by_hand, others, removed, surplus)
    back, by_hand = _refunded(done, "balance")
    back += _of_preorder(by_hand, later, max(removed - others, ZERO), ZERO)
    return LedgerTotals(
        deposit=PartTotals(order.deposit, received, min(ours, received)),
        balance=PartTotals(order.balance, collected, min(back, collected - later), later),
    )


def collected_at(order: PreorderOrder) -> datetime | None:
    """Return when the last part of the balance was paid.

    Returns None if the balance is not paid in full.
    """
    if order.balance <= 0 or ledger_totals(order).balance.own < order.balance:
        return None
    paid = [one for one in order.payments if one.kind == "balance" and one.status == "succeeded"]
    return max(one.settled_at or one.created_at for one in paid)


def _refunded(payments: Iterable[Payment], part: Part) -> tuple[Decimal, Decimal]:
    """Return two amounts refunded of a part of the price.

    The first was refunded by us, the second by the merchant in Shopify.
    """
    refunds = [one for one in payments if one.kind == "refund" and one.part == part]
    by_us = total_of(one for one in refunds if one.mode == "refund")
    return by_us, total_of(refunds) - by_us


def _paid_for_others(order: PreorderOrder, collected: Decimal) -> Decimal:
    """Return how much of the money collected after checkout paid for an order's other goods.

    If another app's plan sold some of these goods, the payment schedules show how much was paid for
    them. Otherwise the other goods are those that an edit added, and the preorder is paid first.
    """
    snapshot = order.facts.snapshot
    if snapshot.others_deferred > 0:
        return max(collected - min(_paid_of_own(order, collected), order.balance), ZERO)
    if not snapshot.others_added:
        return ZERO
    ours = max(order.balance - snapshot.others_added, ZERO)
    return min(max(collected - ours, ZERO), snapshot.others_added)


def _paid_of_own(order: PreorderOrder, collected: Decimal) -> Decimal:
    """Return how much of the money collected after checkout was paid for our lines.

    If nothing is outstanding, this is the whole balance. Otherwise it is the collected money that
    was not paid for other schedules. It is at least the money that we charged automatically, plus
    the money that was marked as paid here and is not recorded in Shopify yet.
    """
    if order.facts.outstanding <= 0:
        return order.balance
    by_us = total_of(
        one
        for one in order.payments
        if one.kind == "balance"
        and one.status == "succeeded"
        and (one.mode == "auto" or one.is_untold)
    )
    return max(collected - order.facts.snapshot.others_paid, by_us)


def _of_preorder(
    by_hand: Decimal, others: Decimal, others_removed: Decimal, surplus: Decimal
) -> Decimal:
    """Return which part of the manual refunds, `by_hand`, was for goods on preorder.

    `others` is the price of the goods that are not on preorder, `others_removed` the price of those
    among them that were removed, and `surplus` what was collected for removed preorder units. The
    manual refunds are attributed in this order: removed other goods, removed preorder units,
    remaining other goods, remaining preorder units. So the price of the remaining other goods never
    counts as a refund of the preorder.
    """
    left = by_hand - min(by_hand, others, others_removed)
    of_surplus = min(left, surplus)
    others_left = max(others - others_removed, ZERO)
    return of_surplus + max(left - of_surplus - others_left, ZERO)

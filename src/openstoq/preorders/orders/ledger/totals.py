"""Add up an order's ledger: what was received and refunded of the deposit and of the balance."""

from dataclasses import dataclass
from decimal import Decimal

from openstoq.preorders.orders.ledger.amounts import worth
from openstoq.preorders.orders.ledger.entries import came_at_checkout, pends, total_of
from openstoq.preorders.orders.model import ZERO, PreorderOrder


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
        return max(self.received - self.for_others - self.refunded, ZERO)


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """The totals of a preorder's money, excluding the money for the order's other goods."""

    deposit: PartTotals
    balance: PartTotals

    @property
    def received(self) -> Decimal:
        """The amount received in all."""
        return self.deposit.received + self.balance.received - self.balance.for_others

    @property
    def refunded(self) -> Decimal:
        """The amount refunded in all."""
        return self.deposit.refunded + self.balance.refunded


def ledger_totals(order: PreorderOrder, *, expected: bool = False) -> LedgerTotals:
    """Add up the ledger.

    If an order has only preorders, all money received is the preorder's, even after units were
    removed. If it has other goods, they were paid with the amount received at checkout that exceeds
    the deposit. With `expected`, refunds under way count as done, so that nothing is refunded
    twice.
    """
    done = [
        one
        for one in order.payments
        if one.status == "succeeded" or (expected and one.kind == "refund" and pends(one))
    ]
    paid = came_at_checkout(done)
    collected = total_of(one for one in done if one.kind == "balance")
    others = max(paid - order.deposit, ZERO) if order.facts.snapshot.has_other_lines else ZERO
    received = paid - others
    refunds = [one for one in done if one.kind == "refund" and one.part == "deposit"]
    by_hand = total_of(one for one in refunds if one.mode != "refund")
    ours = total_of(one for one in refunds if one.mode == "refund")
    later = _paid_for_others(order, collected)
    surplus = max(received + collected - later - worth(order.lines, order.currency), ZERO)
    ours += _of_preorder(by_hand, others, order.facts.snapshot.others_removed, surplus)
    back = total_of(one for one in done if one.kind == "refund" and one.part == "balance")
    return LedgerTotals(
        deposit=PartTotals(order.deposit, received, min(ours, received)),
        balance=PartTotals(order.balance, collected, min(back, collected - later), later),
    )


def _paid_for_others(order: PreorderOrder, collected: Decimal) -> Decimal:
    """Return how much of the money collected after checkout paid for an order's other goods.

    Goods that an edit added are paid after the preorder. If our lines share a schedule with another
    app's lines, everything collected beyond the preorder's balance is for those lines.
    """
    snapshot = order.facts.snapshot
    if snapshot.shares_schedules:
        return max(collected - order.balance, ZERO)
    if not snapshot.others_added:
        return ZERO
    ours = max(order.balance - snapshot.others_added, ZERO)
    return min(max(collected - ours, ZERO), snapshot.others_added)


def _of_preorder(
    by_hand: Decimal, others: Decimal, others_removed: Decimal, surplus: Decimal
) -> Decimal:
    """Return the preorder's part of the manual refunds; the rest is for the order's other goods.

    Manual refunds are attributed first to removed other goods, then to removed preorder units, then
    to remaining other goods, and last to remaining preorder units. So the price of the remaining
    other goods never counts as a refund of the preorder.
    """
    left = by_hand - min(by_hand, others, others_removed)
    of_surplus = min(left, surplus)
    others_left = max(others - others_removed, ZERO)
    return of_surplus + max(left - of_surplus - others_left, ZERO)

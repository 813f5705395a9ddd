"""Divide the price of a preorder into deposit and balance, to the last cent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from openstoq.kernel.money import Money, allocate
from openstoq.preorders.orders.model import ZERO, Line, PreorderOrder


@dataclass(frozen=True, slots=True)
class Share:
    """A line's price, of which `balance` is paid later."""

    total: Decimal
    balance: Decimal

    @property
    def deposit(self) -> Decimal:
        """The amount paid at checkout."""
        return self.total - self.balance


def of_units(total: Decimal, units: int, of: int, currency: str) -> Decimal:
    """Return the price of `units` units of a line, if `of` units of it cost `total`."""
    if of == 0:
        return ZERO
    return Money(total * units / of, currency).amount


def worth(lines: Iterable[Line], currency: str) -> Decimal:
    """Return the price of the units left in these lines."""
    return sum((price_left(one, currency) for one in lines), ZERO)


def price_left(line: Line, currency: str) -> Decimal:
    """Return the price of the units left in a line, including units that an edit added."""
    units = min(line.current, line.ordered)
    return of_units(line.total, units, line.ordered, currency) + line.added


def shares(
    totals: Sequence[Decimal], later: Sequence[Decimal], balance: Decimal, currency: str
) -> list[Share]:
    """Divide the balance of an order between its lines.

    `later` holds, for each line, the amount that the line's own terms leave to be paid later.
    Shopify may round these amounts differently, so their sum may differ from `balance`, the balance
    of the whole order. `balance` decides. It is divided in proportion to `later`, and no line gets
    more than its price. If `balance` exceeds the sum of all prices, the excess is left out, because
    it is for other things, such as shipping.
    """
    weights = list(later)
    if sum(weights, ZERO) <= 0:
        weights = list(totals)
    parts = _within(totals, allocate(balance, weights, currency), currency)
    return [Share(total, part) for total, part in zip(totals, parts, strict=True)]


def _within(most: Sequence[Decimal], parts: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Cap each part at its limit in `most`; move the excess to parts below their limits, if any."""
    kept = [min(part, limit) for part, limit in zip(parts, most, strict=True)]
    room = [limit - part for part, limit in zip(kept, most, strict=True)]
    over = min(sum(parts, ZERO) - sum(kept, ZERO), sum(room, ZERO))
    return [a + b for a, b in zip(kept, allocate(over, room, currency), strict=True)]


def left(order: PreorderOrder) -> list[Line]:
    """Return an order's lines, with each line's amounts for the units that it has now.

    The order's current balance is divided between the units left. If units were removed after they
    were paid for, deposit and balance together exceed the price of the units left. Both are then
    reduced in proportion until together they equal that price. If no units are left, or the order
    was cancelled in Shopify, the amounts are as agreed at checkout.
    """
    if order.is_empty:
        return list(order.lines)
    currency, price = order.currency, worth(order.lines, order.currency)
    balance = max(order.balance - order.facts.snapshot.others_added, ZERO)
    deposit = sum((one.deposit for one in order.lines), ZERO)
    if deposit + balance > price:
        balance, _ = allocate(price, [balance, deposit], currency)
    totals = [price_left(one, currency) for one in order.lines]
    later = [_later(one, total, currency) for one, total in zip(order.lines, totals, strict=True)]
    return [
        replace(line, total=share.total, deposit=share.deposit, balance=share.balance)
        for line, share in zip(order.lines, shares(totals, later, balance, currency), strict=True)
    ]


def _later(line: Line, total: Decimal, currency: str) -> Decimal:
    """Return how much of `total`, the price of the units left in a line, is to be paid later.

    Units that an edit added are paid later in full, so they never raise the deposit.
    """
    if line.added:
        return total - line.deposit
    return of_units(line.balance, line.current, line.ordered, currency)

"""The money of an order: its price when it was placed, its price now, and its payments."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from shopify_sandbox.money import Bag, Exchange
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.payments import PAYMENTS, PaymentSchedule, PaymentTerms, Transaction
from shopify_sandbox.records.refunds import Refund
from shopify_sandbox.records.taxes import ZERO, Tax, Taxation, merge


@dataclass(slots=True, eq=False, kw_only=True)
class OrderMoney:
    """An order's price and its payments, in the shopper's currency.

    `taxation` is that of every line that does not have its own. `shipping` is the price of the
    shipping, of which `shipping_refunded` was paid back. `allowances` is money that was paid back
    beyond the price of what was taken back; it lowers the order's price. `unpaid_when_cancelled` is
    the amount that was still outstanding when the order was cancelled.
    """

    exchange: Exchange
    lines: list[LineItem]
    taxation: Taxation = field(default_factory=Taxation)
    shipping: Decimal = ZERO
    shipping_taxation: Taxation = field(default_factory=Taxation)
    shipping_refunded: Decimal = ZERO
    allowances: Decimal = ZERO
    unpaid_when_cancelled: Decimal = ZERO
    cancelled_at: datetime | None = None
    payment_terms: PaymentTerms | None = None
    transactions: list[Transaction] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)

    @property
    def currency(self) -> str:
        """Return the currency of the order's amounts, which is the shopper's."""
        return self.exchange.presentment

    @property
    def taxes_included(self) -> bool:
        """Return whether the prices include the taxes."""
        return self.taxation.included

    @property
    def subtotal(self) -> Decimal:
        """Return the price of all lines after discounts.

        Units that edits or refunds have removed are still included.
        """
        return _sum(_PARTS["subtotal"](self))

    @property
    def current_subtotal(self) -> Decimal:
        """Return the price of the units that are left."""
        return _sum(_PARTS["current_subtotal"](self))

    @property
    def discounts(self) -> Decimal:
        """Return the sum of the discounts."""
        return _sum(_PARTS["discounts"](self))

    @property
    def current_discounts(self) -> Decimal:
        """Return the sum of the discounts on the units that are left."""
        return _sum(_PARTS["current_discounts"](self))

    @property
    def current_shipping(self) -> Decimal:
        """Return the part of the shipping's price that was not paid back.

        For a cancelled order it is 0.
        """
        return ZERO if self.cancelled_at else self.shipping - self.shipping_refunded

    @property
    def taxes(self) -> list[tuple[Tax, Decimal]]:
        """Return each tax on the lines and the shipping, before refunds."""
        return merge(_taxes(self))

    @property
    def current_taxes(self) -> list[tuple[Tax, Decimal]]:
        """Return each tax on what is left of the order."""
        return merge(_current_taxes(self))

    @property
    def tax(self) -> Decimal:
        """Return the sum of all taxes, before refunds."""
        return _sum(_PARTS["tax"](self))

    @property
    def current_tax(self) -> Decimal:
        """Return the sum of all taxes on what is left of the order."""
        return _sum(_PARTS["current_tax"](self))

    @property
    def original_total(self) -> Decimal:
        """Return the order's price before edits and refunds."""
        return _sum(_PARTS["original_total"](self))

    @property
    def total(self) -> Decimal:
        """Return the price of all units that were ever in the order, and of its shipping.

        Units that edits added are included, and so are units that edits or refunds removed.
        """
        return _sum(_PARTS["total"](self))

    @property
    def current_total(self) -> Decimal:
        """Return the order's price after edits and refunds."""
        return _sum(_PARTS["current_total"](self))

    @property
    def received(self) -> Decimal:
        """Return the money that was paid, before refunds."""
        return _sum(_PARTS["received"](self))

    @property
    def refunded(self) -> Decimal:
        """Return the money that was paid back."""
        return _sum(_PARTS["refunded"](self))

    @property
    def net_payment(self) -> Decimal:
        """Return the money that the shop has received, after refunds."""
        return self.received - self.refunded

    @property
    def outstanding(self) -> Decimal:
        """Return the amount that is still to be paid."""
        return max(ZERO, self.current_total - self.net_payment)

    @property
    def payments(self) -> list[Transaction]:
        """Return the successful payments to the shop, oldest first."""
        return self.moves(*PAYMENTS)

    @property
    def authorized(self) -> Decimal:
        """Return the money that was authorized and not captured or voided yet."""
        return _sum(self.capturable(each) for each in self.moves("AUTHORIZATION"))

    @property
    def payable(self) -> Decimal:
        """Return the part of the outstanding amount that nobody has authorized."""
        return max(ZERO, self.outstanding - self.authorized)

    @property
    def open_schedules(self) -> list[PaymentSchedule]:
        """Return the schedules by which the rest is to be paid, the earliest first."""
        return self.payment_terms.open_schedules if self.payment_terms else []

    @property
    def open_schedule(self) -> PaymentSchedule | None:
        """Return the schedule that is to be paid next."""
        return next(iter(self.open_schedules), None)

    @property
    def financial_status(self) -> str:
        """Return Shopify's displayFinancialStatus."""
        if not self.received:
            if self.cancelled_at:
                return "VOIDED"
            if self.authorized:
                return "AUTHORIZED"
            return "PENDING" if self.outstanding else "PAID"
        if self.refunded:
            return "REFUNDED" if self.refunded >= self.received else "PARTIALLY_REFUNDED"
        owed = self.outstanding or self.unpaid_when_cancelled
        return "PARTIALLY_PAID" if owed else "PAID"

    @property
    def can_mark_as_paid(self) -> bool:
        """Return whether anything is left to be marked as paid."""
        return self.payable > 0

    def shipping_taxes(self, price: Decimal) -> list[tuple[Tax, Decimal]]:
        """Return the amount of each tax on the shipping at a price of `price`."""
        return self.shipping_taxation.amounts(price, self.currency)

    def shipping_cost(self, price: Decimal) -> Decimal:
        """Return the amount to pay for shipping at `price`, with taxes that are added to it."""
        return self.shipping_taxation.cost(price, self.currency)

    def shipping_worth(self, price: Decimal) -> Decimal:
        """Return the amount by which the order gets cheaper if `price` of the shipping is given back."""
        left = self.current_shipping
        return self.shipping_cost(left) - self.shipping_cost(left - price)

    def refundable(self, payment: Transaction) -> Decimal:
        """Return how much of a payment can still be paid back."""
        back = (each.amount for each in self.moves("REFUND") if each.parent is payment)
        return payment.amount - _sum(back)

    def capturable(self, authorization: Transaction) -> Decimal:
        """Return how much of an authorization can still be captured."""
        ends = self.moves("CAPTURE", "VOID")
        return authorization.amount - _sum(
            each.amount for each in ends if each.parent is authorization
        )

    def bag(self, amount: Decimal) -> Bag:
        """Return an amount of the order in both currencies."""
        return self.exchange.bag(amount)

    def total_bag(self, name: str) -> Bag:
        """Return the amount in the property `name`, in both currencies.

        As at Shopify, the parts of the amount are converted and rounded separately. So the sum in
        the shop's currency may be a cent off the converted amount.
        """
        if name == "net_payment":
            return self.total_bag("received") - self.total_bag("refunded")
        if name == "outstanding":
            if not self.outstanding:
                return self.bag(ZERO)
            return self.total_bag("current_total") - self.total_bag("net_payment")
        parts = _PARTS[name](self) if name in _PARTS else [getattr(self, name)]
        return sum((self.bag(each) for each in parts), self.bag(ZERO))

    def moves(self, *kinds: str) -> list[Transaction]:
        """Return the successful transactions of the given kinds, oldest first."""
        return [
            each for each in self.transactions if each.kind in kinds and each.status == "SUCCESS"
        ]


def _taxes(about: OrderMoney) -> list[tuple[Tax, Decimal]]:
    parts = [part for each in about.lines for part in each.taxes(each.quantity)]
    return parts + about.shipping_taxes(about.shipping)


def _current_taxes(about: OrderMoney) -> list[tuple[Tax, Decimal]]:
    if about.cancelled_at:
        return []
    parts = [part for each in about.lines for part in each.taxes(each.current_quantity)]
    return parts + about.shipping_taxes(about.current_shipping)


def _current_lines(about: OrderMoney) -> list[LineItem]:
    return [] if about.cancelled_at else about.lines


def _current_total(about: OrderMoney) -> list[Decimal]:
    if about.cancelled_at:
        return []
    goods = [each.cost(each.current_quantity) for each in about.lines]
    return [*goods, about.shipping_cost(about.current_shipping), -about.allowances]


def _discount_left(line: LineItem) -> Decimal:
    return line.unit_price * line.current_quantity - line.current_total


# The parts that each sum is made of.
_PARTS: dict[str, Callable[[OrderMoney], list[Decimal]]] = {
    "subtotal": lambda about: [each.total for each in about.lines],
    "current_subtotal": lambda about: [each.current_total for each in _current_lines(about)],
    "discounts": lambda about: [each.discount for each in about.lines],
    "current_discounts": lambda about: [_discount_left(each) for each in _current_lines(about)],
    "tax": lambda about: [amount for _, amount in _taxes(about)],
    "current_tax": lambda about: [amount for _, amount in _current_taxes(about)],
    "original_total": lambda about: [
        *(each.cost(each.ordered_quantity) for each in about.lines),
        about.shipping_cost(about.shipping),
    ],
    "total": lambda about: [
        *(each.cost(each.quantity) for each in about.lines),
        about.shipping_cost(about.shipping),
    ],
    "current_total": _current_total,
    "received": lambda about: [each.amount for each in about.payments],
    "refunded": lambda about: [each.amount for each in about.moves("REFUND")],
}


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)

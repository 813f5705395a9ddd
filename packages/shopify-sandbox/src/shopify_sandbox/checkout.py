"""The checkout: the price of a cart, the part due now, the due date of the rest, and the order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from shopify_sandbox import cards, fulfillment, ledger, order_stock
from shopify_sandbox.ids import random_text
from shopify_sandbox.money import Exchange, Money
from shopify_sandbox.records.catalogue import Variant
from shopify_sandbox.records.customers import Customer
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.origins import WEB, Origin
from shopify_sandbox.records.payments import (
    GATEWAY,
    GIFT_CARD,
    PaymentSchedule,
    PaymentTerms,
    Transaction,
)
from shopify_sandbox.records.plans import SellingPlan
from shopify_sandbox.records.taxes import ZERO, Tax, Taxation
from shopify_sandbox.shop import MerchantAction, Shop
from shopify_sandbox.webhooks import order_news

_DURATION = TypeAdapter(timedelta)


class CheckoutError(Exception):
    """A cart that cannot be bought; the text is a sentence."""


@dataclass(frozen=True, kw_only=True)
class CartLine:
    """A line that a shopper puts into the cart.

    `discount` comes off the whole line, not off each unit. `taxes` are those of this line alone; if
    they are None, the line has the taxes of the cart.
    """

    variant: Variant
    quantity: int
    plan: SellingPlan | None = None
    properties: dict[str, str] = field(default_factory=dict)
    discount: Decimal = ZERO
    taxes: tuple[Tax, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """A shopper, and the country that the order is sent to (ISO 3166 alpha-2).

    `origin` is where the shopper buys, and for which company.
    """

    email: str | None = None
    name: str | None = None
    phone: str | None = None
    locale: str = "en"
    country: str | None = None
    origin: Origin = WEB


@dataclass(frozen=True, kw_only=True)
class Pricing:
    """The charges of a cart besides its goods, and the way that the cart is paid.

    `taxes` apply to every taxable line that has no `taxes` of its own. `shipping_taxes` apply to
    the shipping; if they are None, `taxes` apply to the shipping too. Without an `exchange`, the
    shopper pays in the shop's currency.

    The amount due at checkout is paid from the `gift_card` first. What the gift card does not cover
    is paid at once if the shop `captures`, and otherwise only authorized. The amount due later
    becomes one payment schedule or, with `schedule_by_plan`, one for each selling plan.
    """

    shipping: Decimal = ZERO
    taxes: tuple[Tax, ...] = ()
    taxes_included: bool = False
    shipping_taxes: tuple[Tax, ...] | None = None
    exchange: Exchange | None = None
    schedule_by_plan: bool = False
    gift_card: Decimal = ZERO
    captures: bool = True


def place(
    shop: Shop,
    cart: Sequence[CartLine],
    buyer: Buyer,
    *,
    card: str = cards.WORKS,
    pricing: Pricing | None = None,
    tags: Sequence[str] = (),
    note: str | None = None,
) -> Order:
    """Buy a cart: charge what is due now, take the stock, and announce the order.

    Raises CheckoutError, and changes nothing, if the cart cannot be sold.
    """
    pricing = pricing or Pricing()
    exchange = pricing.exchange or Exchange.none(shop.config.currency)
    _check(shop, cart, exchange, buyer.origin)
    action = shop.action()
    moment = shop.moment()
    order = Order(
        id=next(shop.ids),
        number=next(shop.order_numbers),
        token=random_text(32),
        exchange=exchange,
        country=buyer.country,
        created_at=moment,
        processed_at=moment,
        updated_at=moment,
        lines=[_line(shop, each, pricing, exchange) for each in cart],
        customer=_customer(shop, buyer),
        email=buyer.email,
        phone=buyer.phone,
        locale=buyer.locale,
        taxation=_taxation(pricing, None),
        shipping=Money(pricing.shipping, exchange.presentment).amount,
        shipping_taxation=_taxation(pricing, pricing.shipping_taxes),
        origin=buyer.origin,
        tags=sorted(tags),
        note=note,
    )
    order.payment_terms = _terms(shop, order, cart, by_plan=pricing.schedule_by_plan)
    if order.payment_terms is not None and card != cards.NONE:
        order.mandates.append(cards.vault(shop, card))
    shop.orders[order.id] = order
    payments = _payments(shop, order, pricing)
    order_news.of_order(shop, order, "orders/create", action)
    for each in payments:
        order_news.of_transaction(shop, order, each, action)
    if not order.outstanding:
        order_news.of_order(shop, order, "orders/paid", action)
    _send_from_stock(shop, order, cart, action)
    return order


def unit_price(variant: Variant, plan: SellingPlan | None, exchange: Exchange) -> Decimal:
    """Return the price of one unit with the plan's adjustment, in the shopper's currency."""
    price = exchange.price(variant.price)
    for policy in plan.pricing_policies if plan else ():
        value = policy["adjustment_value"]
        match policy["adjustment_type"]:
            case "PERCENTAGE":
                price -= price * Decimal(str(value["percentage"])) / 100
            case "FIXED_AMOUNT":
                price -= exchange.converted(Decimal(value["amount"]))
            case _:
                price = exchange.price(Decimal(value["amount"]))
    return Money(max(ZERO, price), exchange.presentment).amount


def due_at_checkout(plan: SellingPlan | None, line: LineItem) -> Decimal:
    """Return the part of a line's cost that is charged at checkout.

    Without a plan that is the whole cost. With a deposit it is a part of the line's price, and the
    same part of the line's taxes.
    """
    cost = line.cost(line.quantity)
    if plan is None or not line.total:
        return cost
    charge = plan.billing_policy["checkout_charge"]
    if charge["type"] == "PERCENTAGE":
        share = cost * Decimal(str(charge["value"]["percentage"])) / 100
    else:
        amount = line.exchange.converted(Decimal(charge["value"]["amount"]))
        share = cost * (amount * line.quantity) / line.total
    return min(cost, Money(share, line.currency).amount)


def balance_due(plan: SellingPlan, moment: datetime) -> datetime | None:
    """Return the date when the rest of a line is due; None if it is due when the line is sent."""
    policy = plan.billing_policy
    match policy["remaining_balance_charge_trigger"]:
        case "EXACT_TIME":
            exact: datetime = policy["remaining_balance_charge_exact_time"]
            return exact
        case "TIME_AFTER_CHECKOUT":
            wait = policy["remaining_balance_charge_time_after_checkout"]
            return moment + _DURATION.validate_python(wait)
    return None


def _check(shop: Shop, cart: Sequence[CartLine], exchange: Exchange, origin: Origin = WEB) -> None:
    if not cart:
        raise CheckoutError("The cart is empty.")
    wanted: dict[Variant, int] = {}
    for each in cart:
        variant, plan = each.variant, each.plan
        wanted[variant] = wanted.get(variant, 0) + each.quantity
        if variant.product.status != "ACTIVE":
            raise CheckoutError(f"{variant.product.title} is not on sale.")
        if plan is not None and origin != WEB:
            raise CheckoutError(
                "Selling plans are sold neither at a point of sale nor to a company."
            )
        if plan is not None and not any(
            plan.id in group.plans and variant.id in group.variant_ids
            for group in shop.plan_groups.values()
        ):
            raise CheckoutError(f"{variant.display_name} is not sold under the plan {plan.id}.")
        if each.discount > unit_price(variant, plan, exchange) * each.quantity:
            raise CheckoutError("A discount cannot be more than its line costs.")
    if origin.location is not None:
        # The staff of a shop may sell what the system has no stock of.
        return
    for variant, quantity in wanted.items():
        bounded = variant.inventory_item.tracked and variant.inventory_policy == "DENY"
        if bounded and quantity > variant.sellable_online_quantity:
            raise CheckoutError(f"{variant.display_name} is sold out.")


def _taxation(pricing: Pricing, own: tuple[Tax, ...] | None) -> Taxation:
    return Taxation(pricing.taxes if own is None else own, pricing.taxes_included)


def _line(shop: Shop, wanted: CartLine, pricing: Pricing, exchange: Exchange) -> LineItem:
    taxes = wanted.taxes if wanted.variant.taxable else ()
    line = LineItem(
        id=next(shop.ids),
        variant=wanted.variant,
        quantity=wanted.quantity,
        current_quantity=wanted.quantity,
        unit_price=unit_price(wanted.variant, wanted.plan, exchange),
        exchange=exchange,
        requires_shipping=wanted.variant.inventory_item.requires_shipping,
        selling_plan_id=wanted.plan.id if wanted.plan else None,
        selling_plan_name=wanted.plan.name if wanted.plan else None,
        discount=Money(wanted.discount, exchange.presentment).amount,
        taxation=_taxation(pricing, taxes),
        properties=dict(wanted.properties),
    )
    line.due_at_checkout = due_at_checkout(wanted.plan, line)
    return line


def _payments(shop: Shop, order: Order, pricing: Pricing) -> list[Transaction]:
    shipping = order.shipping_cost(order.shipping)
    due = sum((each.due_at_checkout for each in order.lines), shipping)
    by_gift_card = min(due, Money(pricing.gift_card, order.currency).amount)
    kind = "SALE" if pricing.captures else "AUTHORIZATION"
    parts = [("SALE", by_gift_card, GIFT_CARD), (kind, due - by_gift_card, GATEWAY)]
    return [
        ledger.record(shop, order, kind, amount, gateway=gateway)
        for kind, amount, gateway in parts
        if amount
    ]


def _terms(
    shop: Shop, order: Order, cart: Sequence[CartLine], *, by_plan: bool
) -> PaymentTerms | None:
    groups: dict[int | None, list[tuple[LineItem, SellingPlan]]] = {}
    for wanted, line in zip(cart, order.lines, strict=True):
        if wanted.plan and line.deferred:
            key = wanted.plan.id if by_plan else None
            groups.setdefault(key, []).append((line, wanted.plan))
    if not groups:
        return None
    schedules = [_schedule(shop, order, parts) for parts in groups.values()]
    dated = all(each.due_at for each in schedules)
    return PaymentTerms(
        id=next(shop.ids),
        kind="FIXED" if dated else "FULFILLMENT",
        name="Fixed" if dated else "Due on fulfillment",
        schedules=schedules,
        created_at=order.created_at,
    )


def _schedule(
    shop: Shop, order: Order, parts: list[tuple[LineItem, SellingPlan]]
) -> PaymentSchedule:
    dates = [balance_due(plan, order.created_at) for _, plan in parts]
    rest = sum((line.deferred for line, _ in parts), ZERO)
    return PaymentSchedule(
        id=next(shop.ids),
        currency=order.currency,
        issued_at=order.created_at,
        # It has one due date: fulfillment takes precedence over dates, then the earliest date.
        due_at=None if None in dates else min(date for date in dates if date),
        total=rest,
        balance=rest,
        lines=[line for line, _ in parts],
    )


def _customer(shop: Shop, buyer: Buyer) -> Customer | None:
    if buyer.email is None and buyer.phone is None:
        return None
    moment = shop.moment()
    found = next((each for each in shop.customers.values() if _is(each, buyer)), None)
    if found is None:
        found = Customer(id=next(shop.ids), created_at=moment, updated_at=moment)
        shop.customers[found.id] = found
    found.email, found.phone = buyer.email or found.email, buyer.phone or found.phone
    if buyer.name:
        first, _, last = buyer.name.partition(" ")
        found.first_name, found.last_name = first, last or None
    found.locale, found.updated_at = buyer.locale, moment
    return found


def _is(customer: Customer, buyer: Buyer) -> bool:
    if buyer.email is not None:
        return (customer.email or "").casefold() == buyer.email.casefold()
    return customer.phone == buyer.phone


def _send_from_stock(
    shop: Shop, order: Order, cart: Sequence[CartLine], action: MerchantAction
) -> None:
    locations: dict[LineItem, Any] = {
        line: order.origin.location or fulfillment.location_for(shop, line.variant)
        for line in order.lines
    }
    fulfillment.route(shop, order, action)
    now = {
        line: line.quantity
        for line, wanted in zip(order.lines, cart, strict=True)
        if not _reserved_later(wanted.plan)
    }
    places = {line: place.id for line, place in locations.items() if place is not None}
    order_stock.take(shop, now, places, action, there_only=order.origin.location is not None)


def _reserved_later(plan: SellingPlan | None) -> bool:
    policy = plan.inventory_policy if plan else None
    return policy is not None and policy["reserve"] == "ON_FULFILLMENT"

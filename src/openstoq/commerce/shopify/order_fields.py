"""Parse an order in a response of the Admin API."""

from collections.abc import Iterator
from decimal import Decimal

from openstoq.commerce.orders import (
    FulfillmentLine,
    FulfillmentOrder,
    Hold,
    Mandate,
    Order,
    OrderCustomer,
    OrderLine,
    PaymentSchedule,
    PointOfSale,
    Transaction,
)
from openstoq.commerce.shopify.fields import Fields
from openstoq.commerce.shopify.schedules import Bag, convert_due
from openstoq.kernel.places import country_code, locale_tag


def order(node: Fields) -> Order:
    """Parse an order, with the first page of its lines and of its fulfillment orders."""
    collection = node.inside("paymentCollectionDetails")
    return Order(
        id=node.id("id"),
        name=node.text("name"),
        created_at=node.moment("createdAt"),
        updated_at=node.moment("updatedAt"),
        cancelled_at=node.moment_or_none("cancelledAt"),
        cancel_reason=lowered_or_none(node, "cancelReason"),
        closed_at=node.moment_or_none("closedAt"),
        test=node.flag_or_none("test") is True,
        tags=node.texts("tags"),
        email=node.text_or_none("email"),
        phone=node.text_or_none("phone"),
        locale=locale_tag(node.text("customerLocale")),
        country=_country(node),
        currency=node.text("currencyCode"),
        financial_status=lowered_or_none(node, "displayFinancialStatus"),
        fulfillment_status=lowered_or_none(node, "displayFulfillmentStatus"),
        can_mark_paid=node.flag_or_none("canMarkAsPaid") is True,
        original_total=shop_amount(node, "originalTotalPriceSet"),
        total=shop_amount(node, "currentTotalPriceSet"),
        received=shop_amount(node, "totalReceivedSet"),
        refunded=shop_amount(node, "totalRefundedSet"),
        outstanding=shop_amount(node, "totalOutstandingSet"),
        status_url=node.text_or_none("statusPageUrl"),
        collection_url=collection.text_or_none("additionalPaymentCollectionUrl"),
        customer=_customer(node.inside("customer")) if node.has("customer") else None,
        lines=tuple(lines(node.inside("lineItems"), taxes_included=taxes_included(node))),
        schedules=tuple(_schedules(node)),
        mandates=tuple(_mandate(each) for each in collection.each("vaultedPaymentMethods")),
        transactions=tuple(_transaction(each) for each in node.distinct("transactions")),
        fulfillment_orders=tuple(
            fulfillment_order(each) for each in node.inside("fulfillmentOrders").distinct("nodes")
        ),
        point_of_sale=_point_of_sale(node),
        by_company=node.inside("purchasingEntity").text("__typename") == "PurchasingCompany",
    )


def taxes_included(node: Fields) -> bool:
    """Return whether an order's prices include their taxes."""
    return node.flag_or_none("taxesIncluded") is True


def lines(connection: Fields, *, taxes_included: bool) -> Iterator[OrderLine]:
    """Parse the order lines on a page.

    A line's total includes its taxes, because Shopify charges and refunds the taxes with
    the line.
    """
    for node in connection.distinct("nodes"):
        quantity = node.count("quantity")
        unit_price = shop_amount(node, "originalUnitPriceSet")
        # Shopify's own discounted totals leave out the discounts on the whole order.
        discount = sum(
            (shop_amount(each, "allocatedAmountSet") for each in node.each("discountAllocations")),
            Decimal(0),
        )
        taxes = sum((shop_amount(each, "priceSet") for each in node.each("taxLines")), Decimal(0))
        yield OrderLine(
            id=node.id("id"),
            title=node.text("title"),
            variant_title=node.text_or_none("variantTitle"),
            sku=node.text_or_none("sku"),
            variant_id=node.inside("variant").id_or_none("id"),
            product_id=node.inside("product").id_or_none("id"),
            plan_id=node.inside("sellingPlan").id_or_none("sellingPlanId"),
            quantity=quantity,
            current=node.count("currentQuantity"),
            unfulfilled=node.count("unfulfilledQuantity"),
            unit_price=unit_price,
            total=unit_price * quantity - discount + (Decimal(0) if taxes_included else taxes),
            properties={
                each.text("key"): each.text("value") for each in node.each("customAttributes")
            },
            left_online=_left_online(node.inside("variant")),
        )


def fulfillment_order(node: Fields) -> FulfillmentOrder:
    """Parse a fulfillment order, with the first page of its lines."""
    return FulfillmentOrder(
        id=node.id("id"),
        status=node.text("status").lower(),
        location=node.inside("assignedLocation").text_or_none("name"),
        fulfill_at=node.moment_or_none("fulfillAt"),
        holds=tuple(hold(each) for each in node.distinct("fulfillmentHolds")),
        lines=tuple(fulfillment_lines(node.inside("lineItems"))),
        actions=frozenset(each.text("action").lower() for each in node.each("supportedActions")),
    )


def fulfillment_lines(connection: Fields) -> Iterator[FulfillmentLine]:
    """Parse a page of a fulfillment order's lines."""
    for node in connection.distinct("nodes"):
        yield FulfillmentLine(
            id=node.id("id"),
            line_id=node.inside("lineItem").id("id"),
            variant_id=node.inside("variant").id_or_none("id"),
            total=node.count("totalQuantity"),
            remaining=node.count("remainingQuantity"),
        )


def hold(node: Fields) -> Hold:
    """Parse a hold, the reason why a fulfillment order waits."""
    return Hold(
        id=node.id("id"),
        handle=node.text_or_none("handle"),
        reason=node.text("reason").lower(),
        note=node.text_or_none("reasonNotes"),
        ours=node.flag_or_none("heldByRequestingApp") is True,
    )


def shop_amount(node: Fields, name: str) -> Decimal:
    """Parse an amount in the shop's own currency."""
    return node.inside(name).inside("shopMoney").amount("amount")


def lowered_or_none(node: Fields, name: str) -> str | None:
    """Parse an enum value, which may be null, and convert it to lower case."""
    told = node.text_or_none(name)
    return told.lower() if told is not None else None


def _left_online(variant: Fields) -> int | None:
    name = "sellableOnlineQuantity"
    return variant.count(name) if variant.has(name) else None


def _country(node: Fields) -> str | None:
    sent_to = country_code(node.inside("shippingAddress").text("countryCodeV2"))
    return sent_to or country_code(
        node.inside("retailLocation").inside("address").text("countryCode")
    )


def _point_of_sale(node: Fields) -> PointOfSale | None:
    """Return the point of sale of an order, or None if the order was not placed in person.

    Staff can complete a point-of-sale order in Shopify's admin. Shopify then names no location, and
    the point of sale counts as one that sells online.
    """
    if not node.has("retailLocation"):
        is_there = node.text("sourceName").lower() == "pos"
        return PointOfSale(sells_online=True) if is_there else None
    place = node.inside("retailLocation")
    return PointOfSale(sells_online=place.flag_or_none("fulfillsOnlineOrders") is not False)


def _customer(node: Fields) -> OrderCustomer:
    names = (node.text("firstName"), node.text("lastName"))
    return OrderCustomer(
        id=node.id("id"),
        name=" ".join(name for name in names if name) or None,
        email=node.inside("defaultEmailAddress").text_or_none("emailAddress"),
        phone=node.inside("defaultPhoneNumber").text_or_none("phoneNumber"),
        locale=locale_tag(node.text("locale")),
    )


def _schedules(node: Fields) -> list[PaymentSchedule]:
    connection = node.inside("paymentTerms").inside("paymentSchedules")
    found = connection.distinct("nodes")
    due = [each.inside("balanceDue").amount("amount") for each in found]
    currency = node.text("currencyCode")
    if any(each.inside("balanceDue").text("currencyCode") not in (currency, "") for each in found):
        due = convert_due(
            due,
            price=_bag(node, "originalTotalPriceSet"),
            outstanding=_bag(node, "totalOutstandingSet"),
            currency=currency,
        )
    return [
        PaymentSchedule(
            id=each.id("id"),
            due_at=each.moment_or_none("dueAt"),
            completed_at=each.moment_or_none("completedAt"),
            balance_due=left,
        )
        for each, left in zip(found, due, strict=True)
    ]


def _bag(node: Fields, name: str) -> Bag:
    shown = node.inside(name).inside("presentmentMoney").amount_or_none("amount")
    return Bag(shop_amount(node, name), shown or Decimal(0))


def _mandate(node: Fields) -> Mandate:
    instrument = node.inside("paymentInstrument")
    label, usable = "Another payment method", True
    match instrument.text("__typename"):
        case "VaultCreditCard":
            brand = instrument.text("brand").replace("_", " ").strip() or "card"
            digits = instrument.text("lastDigits")
            label = brand if brand != brand.lower() else brand.capitalize()
            label = f"{label} ending with {digits}" if digits else label
            usable = instrument.flag_or_none("expired") is not True
        case "VaultPaypalBillingAgreement":
            label, usable = "PayPal", instrument.flag_or_none("inactive") is not True
    return Mandate(id=node.text("id"), label=label, usable=usable)


def _transaction(node: Fields) -> Transaction:
    return Transaction(
        id=node.id("id"),
        kind=node.text("kind").lower(),
        status=node.text("status").lower(),
        amount=shop_amount(node, "amountSet"),
        gateway=node.text_or_none("gateway"),
        parent_id=node.inside("parentTransaction").id_or_none("id"),
        processed_at=node.moment_or_none("processedAt"),
        error_code=lowered_or_none(node, "errorCode"),
    )

"""Resolvers of an order's payment terms, stored cards, transactions, refunds and jobs."""

from typing import Any

from shopify_sandbox import ledger
from shopify_sandbox.admin.connections import connection
from shopify_sandbox.admin.money_fields import bag, money, money_bag, shipping_lines
from shopify_sandbox.admin.records import Info, Resolver, find, shop_of
from shopify_sandbox.ids import gid
from shopify_sandbox.money import Money
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.payments import Mandate, PaymentSchedule, PaymentTerms, Transaction
from shopify_sandbox.records.refunds import Refund
from shopify_sandbox.records.taxes import ZERO
from shopify_sandbox.shop import Shop


def _job(_: Any, info: Info, id: str) -> dict[str, Any] | None:
    job = shop_of(info).work.ask(id)
    return {"id": job.id, "done": job.done} if job else None


def _payment_status(
    _: Any, info: Info, order_id: str, payment_reference_id: str
) -> dict[str, Any] | None:
    shop, order = shop_of(info), find(info, order_id, Order)
    charge = shop.charges.get(payment_reference_id)
    if charge is None or charge.order is not order:
        return None
    shop.work.ask(charge.job_id)
    return {
        "payment_reference_id": charge.reference,
        "status": charge.status,
        "error_message": charge.error,
        "translated_error_message": charge.error,
        "transactions": charge.transactions,
    }


def _collection(order: Order, info: Info) -> dict[str, Any]:
    address = f"{shop_of(info).order_url(order)}/pay" if order.payable else None
    return {"additional_payment_collection_url": address, "vaulted_payment_methods": order.mandates}


def _is_capturable(record: Transaction, info: Info) -> bool:
    order = _order_with(shop_of(info), record, "transactions")
    return record in order.moves("AUTHORIZATION") and order.capturable(record) > 0


def _instrument(mandate: Mandate, _: Info) -> dict[str, Any]:
    return {
        "__typename": "VaultCreditCard",
        "brand": mandate.brand,
        "expired": mandate.expired,
        "expiry_month": mandate.expiry_month,
        "expiry_year": mandate.expiry_year,
        "last_digits": mandate.last_digits,
        "name": "Card holder",
    }


def _any_due(shop: Shop, terms: PaymentTerms) -> bool:
    return any(ledger.is_due(shop, each) for each in terms.schedules)


def _order_with(shop: Shop, record: Any, name: str) -> Order:
    return next(each for each in shop.orders.values() if record in _members(each, name))


def _members(order: Order, name: str) -> list[Any]:
    value = getattr(order, name)
    return value if isinstance(value, list) else [value]


def _terms_of(schedule: PaymentSchedule, info: Info) -> PaymentTerms:
    found = (each.payment_terms for each in shop_of(info).orders.values())
    return next(each for each in found if each and schedule in each.schedules)


def _plain(path: str) -> Resolver:
    # Shopify was recorded to state schedules in the shopper's currency alone.
    return lambda schedule, _: money(Money(getattr(schedule, path), schedule.currency))


def _belongs(name: str) -> Resolver:
    return lambda record, info: _order_with(shop_of(info), record, name)


def _adjustments(refund: Refund) -> list[dict[str, Any]]:
    if not refund.discrepancy:
        return []
    return [
        {
            "number": refund.id + 1,
            "id": gid("OrderAdjustment", refund.id + 1),
            "amount_set": money_bag(refund.bag(-refund.discrepancy)),
            "tax_amount_set": money_bag(refund.bag(ZERO)),
            "reason": "REFUND_DISCREPANCY",
        }
    ]


def _refunded_shipping(refund: Refund, info: Info) -> list[dict[str, Any]]:
    part = refund.shipping
    if part is None:
        return []
    (line,) = shipping_lines(_order_with(shop_of(info), refund, "refunds"))
    return [
        {
            "number": part.id,
            "id": gid("RefundShippingLine", part.id),
            "shipping_line": line,
            "subtotal_amount_set": money_bag(refund.bag(part.subtotal)),
            "tax_amount_set": money_bag(refund.bag(part.tax)),
        }
    ]


FIELDS: dict[str, Resolver] = {
    "QueryRoot.job": _job,
    "QueryRoot.orderPaymentStatus": _payment_status,
    "Order.paymentCollectionDetails": _collection,
    "OrderTransaction.amountSet": bag("amount"),
    "OrderTransaction.order": _belongs("transactions"),
    "OrderTransaction.parentTransaction": lambda record, _: record.parent,
    "OrderTransaction.test": lambda *_: False,
    "PaymentMandate.paymentInstrument": _instrument,
    "OrderTransaction.manuallyCapturable": _is_capturable,
    "OrderTransaction.multiCapturable": _is_capturable,
    "PaymentSchedule.amount": _plain("total"),
    "PaymentSchedule.balanceDue": _plain("balance"),
    "PaymentSchedule.due": lambda schedule, info: ledger.is_due(shop_of(info), schedule),
    "PaymentSchedule.paymentTerms": _terms_of,
    "PaymentSchedule.totalBalance": _plain("balance"),
    "PaymentTerms.due": lambda terms, info: _any_due(shop_of(info), terms),
    "PaymentTerms.order": _belongs("payment_terms"),
    "PaymentTerms.overdue": lambda terms, info: _any_due(shop_of(info), terms),
    "PaymentTerms.paymentSchedules": lambda terms, _, **page: connection(terms.schedules, **page),
    "PaymentTerms.paymentTermsName": lambda terms, _: terms.name,
    "PaymentTerms.paymentTermsType": lambda terms, _: terms.kind,
    "PaymentTerms.translatedName": lambda terms, _: terms.name,
    "Refund.order": _belongs("refunds"),
    "Refund.orderAdjustments": lambda refund, _, **page: connection(_adjustments(refund), **page),
    "Refund.processedAt": lambda refund, _: refund.created_at,
    "Refund.refundLineItems": lambda refund, _, **page: connection(refund.lines, **page),
    "Refund.refundShippingLines": lambda refund, info, **page: connection(
        _refunded_shipping(refund, info), **page
    ),
    "Refund.totalRefundedSet": bag("total"),
    "Refund.transactions": lambda refund, _, **page: connection(refund.transactions, **page),
    "Refund.updatedAt": lambda refund, _: refund.created_at,
    "RefundLineItem.lineItem": lambda record, _: record.line,
    "RefundLineItem.restocked": lambda record, _: record.restock_type != "NO_RESTOCK",
    "RefundLineItem.priceSet": lambda record, _: money_bag(record.bag(record.line.unit_price)),
    "RefundLineItem.subtotalSet": bag("subtotal"),
    "RefundLineItem.totalTaxSet": bag("tax"),
}

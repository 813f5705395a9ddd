"""The bodies of webhooks about an order's money."""

from decimal import Decimal

from shopify_sandbox.ids import gid
from shopify_sandbox.money import Bag, Money
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.records.orders import Order
from shopify_sandbox.records.payments import PaymentSchedule, PaymentTerms, Transaction
from shopify_sandbox.records.taxes import ZERO, Tax
from shopify_sandbox.shop import Payload, Shop
from shopify_sandbox.webhooks.catalogue_payloads import local


def transaction(shop: Shop, about: Order, record: Transaction) -> Payload:
    """Return a transaction as the body of its webhook, with amounts in the shopper's currency."""
    zero = {"amount": text(about.currency, ZERO), "currency": about.currency}
    shop_zero = {"amount": text(about.exchange.shop, ZERO), "currency": about.exchange.shop}
    return {
        "id": record.id,
        "order_id": about.id,
        "kind": record.kind.lower(),
        "gateway": record.gateway,
        "status": record.status.lower(),
        "message": record.message,
        "created_at": local(shop, record.created_at),
        "test": about.test,
        "authorization": None,
        "location_id": None,
        "user_id": None,
        "parent_id": record.parent.id if record.parent else None,
        "processed_at": local(shop, record.processed_at),
        "device_id": None,
        "error_code": record.error_code.lower() if record.error_code else None,
        "source_name": about.origin.source_name,
        "receipt": {},
        "amount": text(about.currency, record.amount),
        "currency": about.currency,
        "payment_id": f"{about.name}.{about.transactions.index(record) + 1}",
        "total_unsettled_set": {"presentment_money": zero, "shop_money": shop_zero},
        "manual_payment_gateway": record.gateway == "manual",
        "amount_rounding": None,
        "admin_graphql_api_id": gid("OrderTransaction", record.id),
    }


def schedule(shop: Shop, about: Order, record: PaymentSchedule) -> Payload:
    """Return a schedule as the body of payment_schedules/due.

    The body does not tell which order the schedule belongs to. As in GraphQL, its amounts are in
    the shopper's currency.
    """
    terms = about.payment_terms
    balance = text(about.currency, record.balance)
    return {
        "amount": balance,
        "balance_due": balance,
        "completed_at": local(shop, record.completed_at),
        "created_at": local(shop, about.created_at),
        "currency": about.currency,
        "due_at": local(shop, record.due_at),
        "id": record.id,
        "issued_at": local(shop, record.issued_at),
        "payment_terms_id": terms.id if terms else None,
        "presentment_currency": about.currency,
        "total_balance": balance,
        "total_price": text(about.currency, about.total),
        "updated_at": local(shop, about.updated_at),
        "admin_graphql_api_id": gid("PaymentSchedule", record.id),
    }


def terms(shop: Shop, about: Order, record: PaymentTerms) -> Payload:
    """Return payment terms as an order's body contains them."""
    moment = local(shop, record.created_at)
    return {
        "id": record.id,
        "created_at": moment,
        "due_in_days": record.due_in_days,
        "payment_schedules": [
            {
                "id": each.id,
                "amount": text(about.currency, each.total),
                "currency": about.currency,
                "issued_at": local(shop, each.issued_at),
                "due_at": local(shop, each.due_at),
                "completed_at": local(shop, each.completed_at),
                "created_at": moment,
                "updated_at": moment,
            }
            for each in record.schedules
        ],
        "payment_terms_name": record.name,
        "payment_terms_type": record.kind.lower(),
        "updated_at": moment,
    }


def text(currency: str, amount: Decimal) -> str:
    """Return an amount as text, with the decimals of the currency."""
    return str(Money(amount, currency))


def money_set(amounts: Bag) -> Payload:
    """Return an amount in the shop's currency and in the shopper's."""
    return {"shop_money": _money(amounts.shop), "presentment_money": _money(amounts.presentment)}


def price(name: str, amounts: Bag) -> Payload:
    """Return the two fields with which Shopify states an amount.

    The field `name` has the amount in the shop's currency. The other field, whose name ends with
    _set, has it in both currencies.
    """
    return {name: str(amounts.shop), f"{name}_set": money_set(amounts)}


def taxes(about: Order | LineItem, parts: list[tuple[Tax, Decimal]]) -> list[Payload]:
    """Return the taxes in `parts`, each with its amount in both currencies.

    `about` is the order or the line that is taxed; the taxes of the shipping are the order's.
    """
    return [
        {
            "channel_liable": False,
            **price("price", about.bag(amount)),
            "rate": float(tax.rate),
            "title": tax.title,
        }
        for tax, amount in parts
    ]


def _money(amount: Money) -> Payload:
    return {"amount": str(amount), "currency_code": amount.currency}

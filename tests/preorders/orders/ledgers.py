"""Orders of the shop, and the ledger that is read of them."""

from openstoq.preorders.orders.ledger.entries import reconcile
from tests.factories.records import (
    DAY,
    NOON,
    money,
    sale,
    shop_order,
)

LATER = NOON + DAY


DEPOSIT, BALANCE = sale(1, 20), sale(2, 80)


def shop(*transactions, **facts):
    return shop_order(transactions=transactions, **facts)


def book_of(order, known=(), *, at_checkout=20):
    """Read an order once more: the ledger as it is then."""
    found = reconcile(order, known, LATER, at_checkout=money(at_checkout))
    changed = {one.id: one for one in found}
    again = [changed.pop(one.id, one) for one in known]
    return [*again, *changed.values()]


def entries(book):
    return [(one.kind, one.part, one.mode, one.amount, one.status) for one in book]


CAME = ("deposit", "deposit", "checkout", money(20), "succeeded")


BY_LINK = ("balance", "balance", "link", money(80), "succeeded")


CHARGED = ("balance", "balance", "auto", money(80), "succeeded")


def facts(book):
    return sorted((one.transaction_id, one.kind, one.part, one.amount) for one in book)

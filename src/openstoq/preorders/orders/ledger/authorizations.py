"""Money that a shopper agreed to pay and that was not, or not yet, taken. No I/O.

A shop may authorize payments and capture them later, also in parts. An authorization says what
its captures are for. Shopify states the money as outstanding until it is captured.
"""

from datetime import datetime
from decimal import Decimal

from openstoq.commerce.orders import Order, Transaction
from openstoq.preorders.orders.model import ZERO


def time_of(order: Order, one: Transaction) -> datetime:
    """Return when a transaction was made; without a time, it counts as made with the order."""
    return one.processed_at or order.created_at


def movements(order: Order) -> list[Transaction]:
    """Return an order's successful transactions, sorted by time."""
    return sorted(
        (one for one in order.transactions if one.status == "success"),
        key=lambda one: (time_of(order, one), one.id),
    )


def agreed(order: Order) -> list[Transaction]:
    """Return what a shopper agreed to pay, sorted by time: sales and authorizations.

    A capture counts only if its authorization is not among the transactions.
    """
    known = {one.id for one in order.transactions if one.kind == "authorization"}
    return [
        one
        for one in movements(order)
        if one.kind in ("sale", "authorization")
        or (one.kind == "capture" and one.parent_id not in known)
    ]


def uncaptured(order: Order, *, voided: bool) -> Decimal:
    """Return the authorized money that was not captured: what was voided, or what was not."""
    found = movements(order)
    ended = {one.parent_id for one in found if one.kind == "void"}
    return sum(
        (
            max(one.amount - captured(order, one), ZERO)
            for one in found
            if one.kind == "authorization" and (one.id in ended) == voided
        ),
        ZERO,
    )


def captured(order: Order, authorization: Transaction) -> Decimal:
    """Return how much of an authorization was captured."""
    return sum(
        (
            one.amount
            for one in movements(order)
            if one.kind == "capture" and one.parent_id == authorization.id
        ),
        ZERO,
    )

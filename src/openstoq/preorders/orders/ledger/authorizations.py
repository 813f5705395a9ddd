"""Authorized money: the shopper has agreed to pay it, but it may be taken later or never. No I/O.

A shop may authorize payments and capture them later, even in several parts. The captures are for
the same part of the price as their authorization. Until the money is captured, Shopify counts it as
outstanding.
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
    """Return the transactions in which the shopper agreed to pay, sorted by time.

    These are the sales and the authorizations. A capture counts only if its authorization is not
    among the order's transactions.
    """
    known = {one.id for one in order.transactions if one.kind == "authorization"}
    return [
        one
        for one in movements(order)
        if one.kind in ("sale", "authorization")
        or (one.kind == "capture" and one.parent_id not in known)
    ]


def uncaptured(order: Order, *, voided: bool) -> Decimal:
    """Return the authorized money that was not captured.

    With `voided`, only voided authorizations count. Without it, only authorizations that were not
    voided count.
    """
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

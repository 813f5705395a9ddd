"""Decisions about preorder orders: the state of one, and what may be done to it in which state."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from openstoq.preorders.orders.model import PreorderOrder, State

Action = Literal[
    "hold",
    "release",
    "split",
    "charge",
    "send_link",
    "refund_deposit",
    "refund_balance",
    "cancel",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an order's state is made of; `received` and `refunded` are of its preorder alone."""

    is_cancelled: bool
    is_fulfilled: bool
    is_released: bool
    has_balance: bool
    balance_is_open: bool
    received: Decimal
    refunded: Decimal


def state(facts: Facts) -> State:
    """Compile the state.

    Cancelled before refunded before fulfilled before released before what became of the balance.
    """
    if facts.is_cancelled:
        return "cancelled"
    if facts.received > 0 and facts.refunded >= facts.received:
        return "refunded"
    if facts.is_fulfilled:
        return "fulfilled"
    if facts.is_released:
        return "released"
    if facts.balance_is_open:
        return "awaiting_balance"
    return "balance_collected" if facts.has_balance else "placed"


_OVER: dict[State, str] = {
    "fulfilled": "the preorder was fulfilled already; nothing is held any more",
    "cancelled": "the preorder was cancelled, which is final; the shopper has to order again",
    "refunded": "the preorder was refunded, which is final; the shopper has to order again",
}
_NOTHING_LEFT: dict[State, str] = {
    "placed": "nothing is left to pay: the preorder was paid in full at checkout",
    "balance_collected": "the balance was collected already; GET payments shows when",
}

# What a state forbids, and how to go on. An action that a state is not named for is legal in it;
# the truth table of the tests names each pair.
OBSTACLES: dict[Action, dict[State, str]] = {
    "hold": _OVER,
    "release": _OVER
    | {"released": "the order was released already; use fulfillment/apply_holds to hold it again"},
    "split": _OVER,
    "charge": _NOTHING_LEFT
    | {
        "cancelled": _OVER["cancelled"],
        "refunded": _OVER["refunded"],
    },
    "send_link": _NOTHING_LEFT
    | {
        "cancelled": _OVER["cancelled"],
        "refunded": _OVER["refunded"],
    },
    "refund_deposit": {"refunded": "everything was refunded already; GET payments shows when"},
    "refund_balance": {
        "placed": "the preorder has no balance: it was paid in full at checkout; use refund",
        "awaiting_balance": "the balance was not collected yet, so nothing can be refunded of it; "
        "cancel the preorder instead",
        "refunded": "everything was refunded already; GET payments shows when",
    },
    "cancel": {
        "fulfilled": "the preorder was fulfilled already; refund it instead",
        "cancelled": "the preorder was cancelled already; use payments/refund for its money",
        "refunded": "the preorder was refunded already, which ends it",
    },
}


def obstacle(action: Action, order: PreorderOrder) -> str | None:
    """Return why an order's state forbids an action, or None."""
    return OBSTACLES[action].get(order.state)


def owes(order: PreorderOrder) -> bool:
    """Tell whether an order's balance is still to be collected, released or not."""
    return (
        order.balance > 0
        and order.outstanding > 0
        and order.collected_at is None
        and order.cancelled_at is None
    )


def unreleasable(order: PreorderOrder, *, force: bool) -> str | None:
    """Return why an order cannot be released, or None."""
    if (forbidden := obstacle("release", order)) is not None:
        return forbidden
    if owes(order) and not force:
        return (
            f"the balance of {order.outstanding} {order.currency} was not collected yet; collect "
            "it with payments/charge_balance, or release with force: true"
        )
    return None


def unchargeable(order: PreorderOrder, *, auto: bool) -> str | None:
    """Return why an order's balance cannot be charged, or marked as collected, or None."""
    if (forbidden := obstacle("charge", order)) is not None:
        return forbidden
    if not owes(order):
        return _NOTHING_LEFT["balance_collected"]
    if order.charge_under_way is not None:
        return "a charge of the balance is under way already; GET payments shows how it ends"
    if auto and order.mandate is None:
        return (
            "the shopper left no payment method that can be charged; send them a link with "
            "payments/send_collection_url, or pass mode: manual if the money came another way"
        )
    return None


def uncancellable(order: PreorderOrder) -> str | None:
    """Return why a preorder cannot be cancelled, or None."""
    if (forbidden := obstacle("cancel", order)) is not None:
        return forbidden
    charge = order.charge_under_way
    if charge is not None and charge.status != "pending":
        return (
            "a charge of the balance is under way; wait until GET payments shows its end, then "
            "cancel again"
        )
    return None

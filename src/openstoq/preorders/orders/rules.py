"""Rules for actions on preorder orders: which states allow an action, and why others forbid it."""

from collections.abc import Collection
from typing import Literal

from openstoq.kernel.money import Money
from openstoq.preorders.orders.model import Part, Payment, PreorderOrder, State

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
RefundAction = Literal["refund_deposit", "refund_balance"]


_OVER: dict[State, str] = {
    "fulfilled": "the preorder was fulfilled already, so no item is left to ship; use "
    "payments/refund to pay money back",
    "cancelled": "the preorder was cancelled, which is final; the shopper has to order again, and "
    "holds that are left are released in Shopify",
    "refunded": "the preorder was refunded, which is final; the shopper has to order again",
}
_NO_BALANCE = (
    "the preorder was paid in full at checkout, so it has no balance; payments/refund pays it back"
)
_COLLECTED = "the balance was collected already; GET payments shows when"
_AT_THE_BANK = (
    "a charge of the balance is under way, and the shopper's bank wants them to confirm it; mail "
    "them the link again with payments/send_collection_url, or wait until GET payments shows its "
    "end, in three days at the latest; then {}"
)
_CHARGED = "a charge of the balance is under way; wait until GET payments shows its end, then {}"
_UNRECORDED = (
    "the balance was marked as collected, and Shopify has not recorded that yet; wait until GET "
    "payments shows its shopify_transaction_id, then {}"
)
_PAID_BACK = "everything was paid back already; GET payments shows when"
_CHARGE_NOTHING: dict[State, str] = {
    "placed": _NO_BALANCE,
    "balance_collected": _COLLECTED,
    "cancelled": _OVER["cancelled"],
    "refunded": _OVER["refunded"],
}

# The reason why a state forbids an action, with what to do instead. An action is legal in a state
# that has no entry; the truth table of the tests names each pair.
OBSTACLES: dict[Action, dict[State, str]] = {
    "hold": _OVER,
    "release": _OVER
    | {"released": "the order was released already; use fulfillment/apply_holds to hold it again"},
    "split": _OVER,
    "charge": _CHARGE_NOTHING,
    "send_link": _CHARGE_NOTHING,
    "refund_deposit": {"refunded": _PAID_BACK},
    "refund_balance": {
        "placed": _NO_BALANCE,
        "awaiting_balance": "the balance was not collected yet, so nothing of it can be paid back; "
        "use cancel to end the preorder",
        "refunded": _PAID_BACK,
    },
    "cancel": {
        "fulfilled": "the preorder was fulfilled already; use payments/refund to pay it back",
        "cancelled": "the preorder was cancelled already; use payments/refund for its money",
        "refunded": "the preorder was refunded already, which ends it; to end the order as well, "
        "cancel it in Shopify",
    },
}


def obstacle(action: Action, order: PreorderOrder) -> str | None:
    """Return the reason why an order's state forbids an action.

    The result is None if the state allows the action.
    """
    return OBSTACLES[action].get(order.state)


def owes(order: PreorderOrder) -> bool:
    """Return whether an order's balance still has to be collected.

    An order that was released already may still owe its balance.
    """
    return (
        order.balance > 0
        and order.facts.outstanding > 0
        and order.collected_at is None
        and order.decisions.cancelled_at is None
    )


def unreleasable(order: PreorderOrder, *, force: bool) -> str | None:
    """Return the reason why an order cannot be released, or None if it can.

    With `force`, only the order's state can be a reason. A balance that is still owed or was
    refunded is then no obstacle.
    """
    if (forbidden := obstacle("release", order)) is not None:
        return forbidden
    if force:
        return None
    if owes(order):
        owed = f"{Money(order.facts.outstanding, order.currency)} {order.currency}"
        return (
            f"the balance of {owed} was not collected yet; collect it with "
            "payments/charge_balance, or release with force: true"
        )
    if any(one.kind == "refund" and one.part == "balance" for one in _standing(order)):
        return (
            "the balance was paid back, at least in part; release with force: true if the preorder "
            "is to be shipped nevertheless"
        )
    return None


def unchargeable(order: PreorderOrder, *, auto: bool) -> str | None:
    """Return the reason why an order's balance cannot be collected now, or None if it can.

    With `auto`, the balance is to be charged to the saved payment method. Without `auto`, it is to
    be marked as collected.
    """
    if (forbidden := obstacle("charge", order)) is not None:
        return forbidden
    if not owes(order):
        return _COLLECTED if order.balance > 0 else _NO_BALANCE
    if (charging := _charging(order, "charge what is still owed")) is not None:
        return charging
    if order.refund_under_way is not None:
        return (
            "a refund is under way; wait until GET payments shows its end, then charge what is "
            "still owed"
        )
    return _uncollectable_by_card(order) if auto else None


def _uncollectable_by_card(order: PreorderOrder) -> str | None:
    """Return the reason why the saved payment method cannot be charged with what is owed.

    Returns None if it can be charged.
    """
    if order.open_schedule is None and order.facts.snapshot.others_due > 0:
        return (
            "what is owed has no payment schedule of its own, and charging the card would collect "
            "another app's schedule too; send the shopper a link with payments/send_collection_url"
        )
    if order.mandate is None:
        return (
            "the shopper left no payment method that can be charged; send them a link with "
            "payments/send_collection_url, or pass mode: manual if the money came another way"
        )
    return None


def unrefundable(action: RefundAction, order: PreorderOrder, parts: Collection[Part]) -> str | None:
    """Return the reason why these parts cannot be refunded now, or None if they can.

    The caller checks whether any money is left to refund.
    """
    if (forbidden := obstacle(action, order)) is not None:
        return forbidden
    then = "ask for the refund again"
    return _charging(order, then) or _unrecorded(order, parts, then)


def uncancellable(order: PreorderOrder, *, in_shop: bool, refund: Collection[Part]) -> str | None:
    """Return the reason why a preorder cannot be cancelled now, or None if it can.

    `refund` names the parts of the price that are to be refunded with the cancellation. With
    `in_shop`, the order is to be cancelled in Shopify as well. A charge that has not been handed to
    Shopify yet is no obstacle: it becomes void.
    """
    if (forbidden := obstacle("cancel", order)) is not None:
        return forbidden
    if in_shop and any(line.unfulfilled < line.current for line in order.lines):
        return (
            "a part of the order was sent already, so Shopify does not cancel the order; cancel "
            "the preorder without cancel_shopify_order, or pay money back with payments/refund"
        )
    if (unrecorded := _unrecorded(order, refund, "cancel again")) is not None:
        return unrecorded
    charge = order.charge_under_way
    if charge is not None and charge.status == "pending":
        return None
    return _charging(order, "cancel again")


def _unrecorded(order: PreorderOrder, parts: Collection[Part], then: str) -> str | None:
    """Return an error sentence if Shopify has not recorded yet that a balance was marked as paid.

    Shopify cannot pay such a balance back. `then` is what to do once Shopify has recorded the
    payment. The result is None if no record is missing, or if the balance is not in `parts`.
    """
    if "balance" in parts and any(one.is_untold for one in order.payments):
        return _UNRECORDED.format(then)
    return None


def _charging(order: PreorderOrder, then: str) -> str | None:
    """Return an error sentence about the charge that is under way.

    The result is None if no charge is under way. `then` is what to do once the charge has ended.
    """
    charge = order.charge_under_way
    if charge is None:
        return None
    sentence = _AT_THE_BANK if charge.status == "authenticate" else _CHARGED
    return sentence.format(then)


def _standing(order: PreorderOrder) -> list[Payment]:
    """Return the entries of the ledger that have succeeded or are under way."""
    return [one for one in order.payments if one.stands]

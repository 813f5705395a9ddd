"""Charge, mark as paid, refund and cancel orders."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

from openstoq.commerce.orders import PaymentStatus, Refund, RefundPart
from openstoq.commerce.port import CommerceRefused, CommerceUnavailable
from openstoq.commerce.shopify.answers import reading
from openstoq.commerce.shopify.client import Client
from openstoq.commerce.shopify.fields import Fields
from openstoq.commerce.shopify.order_fields import shop_amount
from openstoq.kernel.ids import gid
from openstoq.kernel.money import Money

_State = Literal["processing", "succeeded", "partial", "failed", "authenticate"]
# A charge of any other status, such as one that Shopify adds later, may still succeed or fail.
_STATES: dict[str, _State] = {
    "SUCCESS": "succeeded",
    "CAPTURED": "succeeded",
    "PURCHASED": "succeeded",
    "AUTHORIZED": "succeeded",
    # A refunded payment had been paid.
    "REFUNDED": "succeeded",
    # From 2026-10 on: a gift card was charged, for example, and the card for the rest declined.
    "PARTIAL_SUCCESS": "partial",
    "ERROR": "failed",
    "VOIDED": "failed",
    "RETRYABLE": "failed",
    "REDIRECT_REQUIRED": "authenticate",
}
_UNDER_WAY = "currently in progress"
_SOON = 5.0


async def charge(
    client: Client,
    order_id: int,
    mandate_id: str,
    *,
    key: str,
    schedule_id: int | None,
    amount: Money | None,
) -> str:
    """Start a charge and return its reference; a repeated call with the same key has no effect."""
    part: dict[str, Any] = {}
    if schedule_id is not None:
        part["paymentScheduleId"] = gid("PaymentSchedule", schedule_id)
    if amount is not None:
        part["amount"] = {"amount": str(amount), "currencyCode": amount.currency}
    answer = await client.execute(
        "OrderChargeMandate", id=gid("Order", order_id), mandateId=mandate_id, key=key, **part
    )
    with reading("OrderChargeMandate"):
        reference = answer.payload("orderCreateMandatePayment").text("paymentReferenceId")
        if not reference:
            raise ValueError("paymentReferenceId must be there when nothing was refused")
    return reference


async def status(client: Client, order_id: int, reference: str) -> PaymentStatus:
    """Read the state of a charge; a charge that Shopify does not know yet counts as processing."""
    answer = await client.execute(
        "OrderPaymentStatus", id=gid("Order", order_id), reference=reference
    )
    with reading("OrderPaymentStatus"):
        told = answer.whole(optional=frozenset({"transactions"})).inside("orderPaymentStatus")
        state = _STATES.get(told.text("status"), "processing")
        error = told.text("translatedErrorMessage") or told.text("errorMessage") or None
        if state == "failed":
            error = error or "The payment failed, and the payment provider does not say why."
        elif state == "partial":
            error = error or "Only a part of the payment came, and Shopify does not say why."
        return PaymentStatus(
            state=state,
            error=error,
            transaction_ids=tuple(each.id("id") for each in told.each("transactions")),
        )


async def mark_paid(client: Client, order_id: int) -> None:
    """Mark an order as paid, unless it already is."""
    try:
        answer = await client.execute("OrderMarkAsPaid", input={"id": gid("Order", order_id)})
        answer.payload("orderMarkAsPaid")
    except CommerceRefused:
        # The refusal has no code. So the order's state decides, instead of the refusal's sentence.
        order = await _standing(client, order_id)
        if order.has("cancelledAt") or order.flag_or_none("fullyPaid") is not True:
            raise


async def refund(
    client: Client,
    order_id: int,
    parts: Sequence[RefundPart],
    *,
    key: str,
    note: str | None,
    notify: bool,
) -> Refund:
    """Refund parts of payments; a repeated call with the same key does not refund again."""
    wanted = await _refund_input(client, order_id, parts) | {"note": note, "notify": notify}
    answer = await client.execute("RefundCreate", input=wanted, key=key)
    try:
        payload = answer.payload("refundCreate")
    except CommerceRefused as refused:
        # Refusals of a refund have no code. Only the sentence shows that this one is not final: an
        # earlier request with the same key is still running.
        if any(_UNDER_WAY in refusal.message for refusal in refused.refusals):
            raise CommerceUnavailable(str(refused), retry_after=_SOON) from None
        raise
    with reading("RefundCreate"):
        made = payload.inside("refund")
        transactions = made.inside("transactions").each("nodes")
        return Refund(
            made.id("id"),
            shop_amount(made, "totalRefundedSet"),
            tuple(each.id("id") for each in transactions),
        )


async def cancel(
    client: Client, order_id: int, *, reason: str, note: str | None, notify: bool, restock: bool
) -> None:
    """Request the cancellation of an order, unless it is already cancelled."""
    try:
        answer = await client.execute(
            "OrderCancel",
            orderId=gid("Order", order_id),
            reason=reason.upper(),
            restock=restock,
            notify=notify,
            note=note,
        )
        answer.payload("orderCancel")
    except CommerceRefused:
        # Shopify has no code for an order that is cancelled already.
        if not (await _standing(client, order_id)).has("cancelledAt"):
            raise


async def _standing(client: Client, order_id: int) -> Fields:
    answer = await client.execute("OrderStanding", id=gid("Order", order_id))
    with reading("OrderStanding"):
        return answer.whole().inside("order")


async def _refund_input(
    client: Client, order_id: int, parts: Sequence[RefundPart]
) -> dict[str, Any]:
    """Return Shopify's input for a refund, with amounts in the currency that the shopper paid in."""
    answer = await client.execute("OrderCurrencies", id=gid("Order", order_id))
    with reading("OrderCurrencies"):
        told = answer.whole()
        if not told.has("order"):
            raise CommerceRefused(f"the shop has no order {order_id}")
        order = told.inside("order")
        ours, theirs = order.text("currencyCode"), order.text("presentmentCurrencyCode")
        paid = {each.id("id"): each.inside("amountSet") for each in order.each("transactions")}
        transactions = []
        for part in parts:
            if part.transaction_id not in paid:
                raise CommerceRefused(f"order {order_id} has no payment {part.transaction_id}")
            amount = _presented(part, paid[part.transaction_id], theirs)
            transactions.append(
                {
                    "orderId": gid("Order", order_id),
                    "parentId": gid("OrderTransaction", part.transaction_id),
                    "kind": "REFUND",
                    "gateway": part.gateway,
                    "amount": str(amount),
                }
            )
    refunded: dict[str, Any] = {"orderId": gid("Order", order_id), "transactions": transactions}
    # Shopify wants the currency only if it differs from the shop's.
    return refunded if ours == theirs else refunded | {"currency": theirs}


def _presented(part: RefundPart, paid: Fields, currency: str) -> Money:
    """Convert the amount of a refund to the currency in which the payment was made.

    Two sums are converted and rounded: the sum of the payment's earlier refunds, and that sum plus
    this refund. The result is the difference. So the refunds of a whole payment add up to the
    payment, although amounts are rounded. A refund that is retried with the same key must have the
    same amount. So the caller stores `part.before`, the sum of the earlier refunds, for the retry.
    """
    ours = paid.inside("shopMoney").amount("amount")
    theirs = paid.inside("presentmentMoney").amount("amount")
    rate = theirs / ours if ours and ours != theirs else Decimal(1)
    after = Money((part.before + part.amount) * rate, currency).amount
    return Money(after - Money(part.before * rate, currency).amount, currency)

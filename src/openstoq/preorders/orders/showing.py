"""Showing a preorder order: its records as the shapes of `views`."""

from decimal import Decimal

from openstoq.kernel.money import Money
from openstoq.preorders.offers.model import Sync
from openstoq.preorders.orders import ledger, lines
from openstoq.preorders.orders.effects import ours
from openstoq.preorders.orders.ledger import PartStanding
from openstoq.preorders.orders.model import Payment, PreorderOrder
from openstoq.preorders.orders.views import (
    BalanceView,
    BuyerView,
    EntryView,
    FulfillmentLineView,
    FulfillmentOrderView,
    FulfillmentView,
    HoldView,
    LineView,
    OrderView,
    PartStatus,
    PartView,
    PaymentsSummary,
    PaymentsView,
    TotalsView,
)


def order_view(order: PreorderOrder) -> OrderView:
    """Show an order."""
    held = _held(order)
    return OrderView(
        id=order.id,
        shopify_order_id=order.order_id,
        name=order.name,
        state=order.state,
        test=order.snapshot.test,
        created_at=order.placed_at,
        updated_at=order.updated_at,
        customer=BuyerView(
            id=order.customer_id,
            name=order.customer_name,
            email=order.email,
            phone=order.phone,
        ),
        country=order.country,
        market_id=order.market_id,
        currency=order.currency,
        totals=TotalsView(
            total=_amount(order, order.total),
            received=_amount(order, order.received),
            refunded=_amount(order, order.refunded),
            outstanding=_amount(order, order.outstanding),
        ),
        payments=payments_summary(order),
        lines=_lines(order),
        offer_ids=list(dict.fromkeys(line.offer_id for line in order.lines)),
        exceeded=order.exceeded,
        released_at=order.released_at,
        cancelled_at=order.cancelled_at,
        cancel_reason=order.cancel_reason,
        all_held=bool(held) and all(held),
        any_held=any(held),
        tags=list(order.snapshot.tags),
        financial_status=order.snapshot.financial_status,
        fulfillment_status=order.snapshot.fulfillment_status,
        sync=sync_view(order),
    )


def payments_view(order: PreorderOrder) -> PaymentsView:
    """Show an order's money with its ledger."""
    return PaymentsView(
        **dict(payments_summary(order)),
        ledger=[
            EntryView(
                id=one.id,
                kind=one.kind,
                part=one.part,
                mode=one.mode,
                amount=_amount(order, one.amount),
                currency=one.currency,
                status=one.status,
                attempts=one.attempts,
                error=one.error,
                shopify_transaction_id=one.transaction_id,
                created_at=one.created_at,
                settled_at=one.settled_at,
            )
            for one in order.payments
        ],
    )


def payments_summary(order: PreorderOrder) -> PaymentsSummary:
    """Show how an order's money stands."""
    standing = ledger.standing(order)
    last = next((one for one in reversed(order.payments) if one.kind == "balance"), None)
    retry = next((one for one in order.payments if one.retry_at is not None), None)
    return PaymentsSummary(
        currency=order.currency,
        deposit=_part(order, standing.deposit, None),
        balance=BalanceView(
            **dict(_part(order, standing.balance, last)),
            due_at=order.due_at,
            collect=order.collect,
            next_attempt_at=retry.retry_at if retry else None,
            error=last.error if last else None,
        ),
        total_outstanding=_amount(order, order.outstanding),
        refunded=_amount(order, standing.refunded),
        charged_at=order.collected_at,
        has_payment_method=order.mandate is not None,
        collection_url=order.snapshot.collection_url,
    )


def fulfillment_view(order: PreorderOrder, hold_reason_note: str | None) -> FulfillmentView:
    """Show an order's fulfillment orders."""
    held = _held(order)
    preordered = {line.id for line in order.lines}
    return FulfillmentView(
        all_held=bool(held) and all(held),
        any_held=any(held),
        hold_reason_note=hold_reason_note,
        released_at=order.released_at,
        fulfillment_orders=[
            FulfillmentOrderView(
                id=one.id,
                status=one.status,
                location=one.location,
                fulfill_at=one.fulfill_at,
                held=bool(one.holds),
                holds=[
                    HoldView(
                        id=hold.id,
                        handle=hold.handle,
                        reason=hold.reason,
                        reason_note=hold.note,
                        held_by_us=hold.ours,
                    )
                    for hold in one.holds
                ],
                lines=[
                    FulfillmentLineView(
                        line_id=line.line_id,
                        shopify_variant_id=line.variant_id,
                        quantity=line.total,
                        remaining=line.remaining,
                        is_preorder=line.line_id in preordered,
                    )
                    for line in one.lines
                ],
            )
            for one in order.snapshot.fulfillment_orders
        ],
        sync=sync_view(order),
    )


def sync_view(order: PreorderOrder) -> Sync:
    """Return whether the shop agrees with what was decided about an order."""
    if order.sync_error is not None:
        return Sync(state="failed", error=order.sync_error)
    behind = order.synced_revision < order.revision
    return Sync(state="pending" if behind else "synced", error=None)


def _held(order: PreorderOrder) -> list[bool]:
    """Whether each fulfillment order with preordered items to send is held by us."""
    preordered = {line.id for line in order.lines}
    return [
        bool(ours(one.holds))
        for one in order.snapshot.fulfillment_orders
        if any(line.line_id in preordered and line.remaining > 0 for line in one.lines)
    ]


def _lines(order: PreorderOrder) -> list[LineView]:
    return [
        LineView(
            id=line.id,
            offer_id=line.offer_id,
            shopify_variant_id=line.variant_id,
            shopify_product_id=line.product_id,
            selling_plan_id=line.plan_id,
            payment=line.payment,
            title=line.title,
            variant_title=line.variant_title,
            sku=line.sku,
            quantity=line.ordered,
            current=line.current,
            unfulfilled=line.unfulfilled,
            counted=line.quantity,
            unit_price=_amount(order, line.unit_price),
            total=_amount(order, line.total),
            deposit=_amount(order, line.deposit),
            balance=_amount(order, line.balance),
            exceeded=line.exceeded,
        )
        for line in lines.left(order)
    ]


def _part(order: PreorderOrder, part: PartStanding, last: Payment | None) -> PartView:
    return PartView(
        amount=_amount(order, part.amount),
        received=_amount(order, part.received),
        refunded=_amount(order, part.refunded),
        status=_part_status(order, part, last),
    )


def _part_status(order: PreorderOrder, part: PartStanding, last: Payment | None) -> PartStatus:
    if part.amount <= 0:
        return "none"
    if part.refunded > 0 and part.refundable == 0:
        return "refunded"
    if part.received >= part.amount or (last is not None and order.collected_at is not None):
        return "paid"
    if last is not None and last.status in ("pending", "processing", "authenticate"):
        return last.status
    return "void" if order.cancelled_at is not None else "outstanding"


def _amount(order: PreorderOrder, amount: Decimal) -> Decimal:
    return Money(amount, order.currency).amount

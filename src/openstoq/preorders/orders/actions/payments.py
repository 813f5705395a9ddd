"""Actions on a preorder's money: read it, charge the balance, mail a payment link, and refund."""

from typing import Literal

from openstoq.actions.action import ActionSet
from openstoq.actions.context import Context
from openstoq.errors import Conflict
from openstoq.kernel.ids import new_id
from openstoq.kernel.types import Text
from openstoq.preorders.orders import mails, rules, saving
from openstoq.preorders.orders.actions.orders import NAME, PATH, load
from openstoq.preorders.orders.events import OrderDecided, RefundBegun
from openstoq.preorders.orders.ledger import refund_plan
from openstoq.preorders.orders.ledger.refund_plan import Reason
from openstoq.preorders.orders.model import Part, PreorderOrder
from openstoq.preorders.orders.payments import charges
from openstoq.preorders.orders.rules import RefundAction
from openstoq.preorders.orders.views.payments import PaymentsView, payments_view

payments = ActionSet(f"{NAME}.payments", f"{PATH}/{{id}}/payments", load=load)


@payments.get(name="read", aliases=("what is still to be paid", "how did the charge end"))
async def read(_: Context, order: PreorderOrder) -> PaymentsView:
    """Read the deposit, remaining balance, and refund state of a preorder order.

    ledger lists every payment, charge and refund, including a charge that is still under way.
    """
    return payments_view(order)


@payments.post(
    "/charge_balance", aliases=("collect the balance", "charge the saved card"), destructive=True
)
async def charge_balance(
    context: Context, order: PreorderOrder, *, mode: Literal["auto", "manual"] = "auto"
) -> PaymentsView:
    """Charge the remaining balance.

    auto uses the customer's saved payment method; manual just marks balance collected, in Shopify
    too. auto may fail if declined: poll GET payments. 409 when nothing is left to pay, a charge
    is under way, or there is no saved payment method.
    """
    obstacle = rules.unchargeable(order, auto=mode == "auto")
    if obstacle is not None:
        raise Conflict(obstacle)
    if mode == "auto":
        await charges.begin(context, order)
    else:
        await charges.mark_collected(context, order)
        await context.publish(OrderDecided(order.order_id))
    return payments_view(order)


@payments.post("/send_collection_url", aliases=("mail a payment link", "ask for the balance"))
async def send_collection_url(context: Context, order: PreorderOrder) -> PaymentsView:
    """Send the remaining-balance payment-collection URL to the customer.

    Idempotent: calling twice resends the email with a fresh URL. 409 when nothing is left to pay
    or the order has no e-mail address.
    """
    check_linkable(order)
    context.enqueue(
        mails.send_payment_link, order_id=order.order_id, notice_id=new_id(), why="asked"
    )
    return payments_view(order)


@payments.post("/refund", aliases=("pay everything back",), destructive=True)
async def refund(
    context: Context,
    order: PreorderOrder,
    *,
    notify_customer: bool = False,
    note: Text | None = None,
) -> PaymentsView:
    """Refund the entire preorder (deposit + balance).

    The money is paid back in the background: the ledger of GET payments shows the outcome of
    each refund.
    """
    return await _refund(
        context, order, "refund_deposit", ("deposit", "balance"), Reason(note, notify_customer)
    )


@payments.post("/refund_balance", aliases=("pay the balance back",), destructive=True)
async def refund_balance(
    context: Context,
    order: PreorderOrder,
    *,
    notify_customer: bool = False,
    note: Text | None = None,
) -> PaymentsView:
    """Refund the remaining-balance portion of a preorder.

    Only valid after the balance was collected. The money is paid back in the background: the
    ledger of GET payments shows the outcome.
    """
    return await _refund(
        context, order, "refund_balance", ("balance",), Reason(note, notify_customer)
    )


@payments.post("/refund_deposit", aliases=("pay the deposit back",), destructive=True)
async def refund_deposit(
    context: Context,
    order: PreorderOrder,
    *,
    notify_customer: bool = False,
    note: Text | None = None,
) -> PaymentsView:
    """Refund the deposit portion of a preorder.

    The money is paid back in the background: the ledger of GET payments shows the outcome.
    """
    return await _refund(
        context, order, "refund_deposit", ("deposit",), Reason(note, notify_customer)
    )


def check_linkable(order: PreorderOrder) -> None:
    """Raise Conflict unless the shopper can be mailed a link to pay the balance."""
    obstacle = rules.obstacle("send_link", order)
    if obstacle is None and not rules.owes(order):
        obstacle = "nothing is left to pay; GET payments shows how it was paid"
    if obstacle is None and order.facts.email is None:
        obstacle = (
            "the order has no e-mail address; add one to the order in Shopify, then send the link "
            "again"
        )
    if obstacle is not None:
        raise Conflict(obstacle)


async def _refund(
    context: Context,
    order: PreorderOrder,
    action: RefundAction,
    parts: tuple[Part, ...],
    reason: Reason,
) -> PaymentsView:
    obstacle = rules.unrefundable(action, order, parts)
    if obstacle is not None:
        raise Conflict(obstacle)
    found = refund_plan.refunds(order, parts, reason, context.runtime.clock())
    if not found:
        raise Conflict(
            f"nothing is left to refund of the {' and the '.join(parts)}, or it was not paid "
            "through Shopify; GET payments lists all payments and refunds"
        )
    await saving.save(context, order, before=order.lines, payments=found)
    for one in found:
        await context.publish(RefundBegun(order.order_id, one.id))
    return payments_view(order)


ACTIONS = tuple(payments)

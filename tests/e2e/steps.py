"""What may happen to an order, and what that makes of its books."""

from datetime import timedelta

from openstoq.preorders.orders.jobs import read_order
from tests.e2e.books import UNITS, ZERO
from tests.e2e.stories import Story

OVER = "preorder-over-limit"


async def _tries(story: Story) -> None:
    """The kept card is charged: what the books say depends on the card."""
    if story.card == "declines" or story.declines:
        story.declines = max(story.declines - 1, 0)
    elif story.card != "needs_authentication":
        story.books.collect()


async def charge(story: Story) -> None:
    await story.ask("payments/charge_balance", mode="auto")
    await _tries(story)


async def cannot_charge(story: Story) -> None:
    await story.is_refused("payments/charge_balance", mode="auto")


async def falls_due(story: Story) -> None:
    """The merchant moves the day to today; what is due is collected after every round.

    The webhook that it is due names no order, so the order is read as for one that does.
    """
    await story.happens("due")
    await story.stack.enqueue(read_order, order_id=story.order["id"])
    await _tries(story)


async def tried_again(story: Story) -> None:
    """The days until the next try have passed."""
    rows = await story.stack.query(
        "UPDATE preorder_payments SET retry_at = retry_at - $2::interval"
        " WHERE order_id = $1 AND retry_at IS NOT NULL RETURNING id",
        story.order["id"],
        timedelta(days=30),
    )
    assert rows, f"{story}: no try is planned"
    await _tries(story)


async def authenticate(story: Story) -> None:
    await story.happens("authenticate")
    story.books.collect()


async def fail_to_authenticate(story: Story) -> None:
    await story.happens("authenticate", succeed=False)


async def collect_by_hand(story: Story) -> None:
    await story.ask("payments/charge_balance", mode="manual")
    story.books.collect()


async def send_link(story: Story) -> None:
    await story.ask("payments/send_collection_url")


async def pay(story: Story) -> None:
    await story.happens("pay")
    story.books.collect()


async def release(story: Story) -> None:
    await story.ask("release", tag_with=f"wave-{story.number}")
    story.books.released, story.books.held = True, False
    story.books.tags.add(f"wave-{story.number}")


async def release_by_force(story: Story) -> None:
    await story.is_refused("release")
    await story.ask("release", force=True)
    story.books.released, story.books.held = True, False


async def hold_again(story: Story) -> None:
    await story.ask("fulfillment/apply_holds")
    story.books.released, story.books.held = False, True


async def held_by_others(story: Story) -> None:
    told = await story.stack.control("GET", f"orders/{story.order['id']}/fulfillment")
    for one in told["fulfillment_orders"]:
        await story.stack.control(
            "POST", f"fulfillment_orders/{one['id']}/holds", by="another_app", note="fraud?"
        )
    story.books.others_hold = True


async def send(story: Story) -> None:
    """Everything is sent."""
    await story.happens("fulfill")
    for line in story.books.lines:
        line.sent = line.left
    if any(name == "sent" for name, *_ in story.lines):
        await _tries(story)


async def send_one(story: Story) -> None:
    """One unit of the first line is sent."""
    told = await story.stack.control("GET", f"orders/{story.order['id']}/fulfillment")
    first = story.order["lines"][0]["id"]
    one = next(
        one
        for one in told["fulfillment_orders"]
        if any(line["line_item_id"] == first for line in one["lines"])
    )
    line = {"line_item_id": first, "quantity": 1}
    await story.happens("fulfill", fulfillment_order_id=one["id"], lines=[line])
    story.books.lines[0].sent += 1


async def take_one_off(story: Story) -> None:
    """The merchant edits the order: one unit of the first line less."""
    await _edit(story, story.books.lines[0].left - 1)


async def take_all_off(story: Story) -> None:
    """The merchant edits the order: nothing of the first line is left."""
    await _edit(story, 0)


async def fits_by_an_edit(story: Story) -> None:
    """A unit less is not over the limit any more, so that all that are left count."""
    await take_one_off(story)
    for line in story.books.preordered:
        line.counted = True
    story.books.tags.remove(OVER)


async def _edit(story: Story, left: int) -> None:
    line = story.books.lines[0]
    line.left = left
    edited = {"id": story.order["lines"][0]["id"], "quantity": line.left}
    await story.happens("edit", lines=[edited])
    if not any(one.left for one in story.books.preordered):
        story.books.cancel()


async def refund_some(story: Story) -> None:
    """The merchant pays some money back."""
    amount = UNITS[story.currency] * 150
    await story.happens("refund", amount=str(amount))
    story.books.pay_back(amount)
    story.books.deposit_back += amount


async def refund_one(story: Story) -> None:
    """The merchant takes a unit back, and pays what is not owed any more."""
    await story.happens("refund", lines=[{"id": story.order["lines"][0]["id"], "quantity": 1}])
    story.books.take_back(story.books.lines[0])


async def refund_deposit(story: Story) -> None:
    await story.ask("payments/refund_deposit", note="sorry")
    paid = sum((line.due for line in story.books.preordered), ZERO)
    story.books.pay_back(paid - story.books.deposit_back)
    story.books.paid_back = story.books.back >= paid + story.books.later


async def refund_balance(story: Story) -> None:
    await story.ask("payments/refund_balance")
    story.books.pay_back(story.books.later)


async def cannot_refund_balance(story: Story) -> None:
    await story.is_refused("payments/refund_balance")


async def refund_all(story: Story) -> None:
    await story.ask("payments/refund")
    paid = sum((line.due for line in story.books.preordered), ZERO) + story.books.later
    story.books.pay_back(paid - story.books.back)
    story.books.paid_back = True


async def cancel(story: Story) -> None:
    await story.ask("cancel", reason="customer")
    story.books.cancel()


async def cancel_and_pay_back(story: Story) -> None:
    await story.ask("cancel", refund_deposit=True, refund_balance=True, notify_customer=True)
    paid = sum((line.due for line in story.books.preordered), ZERO) + story.books.later
    story.books.pay_back(paid - story.books.back)
    story.books.cancel()


async def cancel_in_shop_too(story: Story) -> None:
    await story.ask("cancel", refund_deposit=True, refund_balance=True, cancel_shopify_order=True)
    story.books.back = story.books.came
    story.books.cancel(in_shop=True)


async def is_cancelled_in_shop(story: Story) -> None:
    """The merchant cancels it in the shop's admin, which pays everything back."""
    await story.happens("cancel")
    story.books.back = story.books.came
    story.books.cancel(in_shop=True)


async def is_held_over_limit(story: Story) -> None:
    """It was placed over a limit: nothing of it counts, and it is held and tagged."""
    for line in story.books.preordered:
        line.counted = False
    story.books.tags.add(OVER)


async def is_cancelled_over_limit(story: Story) -> None:
    story.books.back = story.books.came
    story.books.cancel(in_shop=True)

"""A mail of each kind about one order."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from openstoq.messaging.notices import Notice
from openstoq.messaging.order_mails import (
    Decline,
    Item,
    OrderFacts,
    Received,
    cancellation,
    held_again,
    payment_request,
    receipt,
    shipping_update,
    uncollected,
)
from tests.messaging.reading import assert_fit_for_the_wire, body, parsed

NUMBER = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


WRITTEN = datetime(2026, 7, 1, 12, 30, 15, tzinfo=UTC)


NOTICE = Notice(
    id=NUMBER,
    written_at=WRITTEN,
    sender="shop@nordwand.example",
    sender_name="Nordwand",
    recipient="ada@example.com",
    message_id_domain="mail.nordwand.example",
    reply_to="hello@nordwand.example",
)


ORDER = OrderFacts(
    shop_name="Nordwand",
    shop_url="https://nordwand.example",
    locale="en",
    timezone="Europe/Berlin",
    name="#1001",
    customer_name="Ada Lovelace",
    currency="EUR",
    items=(
        Item(title="Trail Jacket", variant_title="Blue / M", quantity=2),
        Item(title="Expedition Mug", variant_title=None, quantity=1),
    ),
    order_url="https://nordwand.example/orders/abc?key=1&locale=en",
)


PAY = "https://pay.example/collect?order=1&key=a"


# Midnight in Berlin, and still the day before in UTC.
DAY = datetime(2026, 7, 13, 22, 30, tzinfo=UTC)


def asked(order=ORDER, notice=NOTICE, **changes):
    facts = {
        "why": "asked",
        "amount": Decimal("1249.5"),
        "due_at": DAY,
        "pay_url": PAY,
        "received": Received(deposit=Decimal(250)),
    }
    return payment_request(notice, order, **facts | changes)


def received(order=ORDER, notice=NOTICE, outstanding=0):
    came = Received(deposit=Decimal(20), balance=Decimal(80))
    return receipt(notice, order, received=came, outstanding=Decimal(outstanding))


def every_kind(order, notice=NOTICE, words="Words"):
    """One mail of each kind, with what a merchant or a provider says in it."""
    declined = Decline("declined", DAY)
    return {
        "asked": asked(order, notice),
        "due": asked(order, notice, why="due"),
        "declined": asked(order, notice, why="declined", decline=declined),
        "authenticate": asked(order, notice, why="authenticate"),
        "received": received(order, notice),
        "cancelled": cancellation(notice, order, why="asked", reason=words, refund=Decimal(20)),
        "exceeded": cancellation(notice, order, why="exceeded", reason=None, refund=Decimal(20)),
        "shipping": shipping_update(notice, order, subject=words, header=words, description=words),
        "uncollected": uncollected(
            notice, order, amount=Decimal(80), error=words, order_url="https://shop.example/1"
        ),
        "held_again": held_again(
            notice, order, amount=Decimal(80), order_url="https://shop.example/1"
        ),
    }


KINDS = sorted(every_kind(ORDER))


def said(content):
    """Both bodies, after making sure that the message is well-formed."""
    assert_fit_for_the_wire(content)
    message = parsed(content)
    return body(message, "plain"), body(message, "html")

"""The mails about preorders: payment requests, receipts, cancellations, shipping updates."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from openstoq.messaging import mime
from openstoq.messaging.compose import colon, day, language, money, texts, written
from openstoq.messaging.notices import Notice, notice_headers, presentable

# No mail client shows more of a preheader in its list of mails.
LONGEST_PREHEADER = 150

Why = Literal["asked", "due", "declined", "authenticate"]
# The causes of a declined payment: general, or one that the shopper can remedy.
Cause = Literal["declined", "expired", "funds"]
# The platform's reasons for a cancellation for which we have a sentence.
KNOWN_REASONS = ("customer", "inventory", "declined")
# The platform's reasons for a cancellation that are not shown to shoppers.
UNTOLD_REASONS = ("fraud", "staff", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A line of the order: the names of what was ordered, and the number of units."""

    title: str
    variant_title: str | None
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """The facts that every mail about an order contains.

    `locale` is the reader's locale; dates are written in `timezone`. `order_url` is the shopper's
    own page of the order, or None if the shop has not sent its address.
    """

    shop_name: str
    shop_url: str
    locale: str | None
    timezone: str
    name: str
    customer_name: str | None
    currency: str
    items: tuple[Item, ...]
    order_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """The amounts received for the deposit and for the balance, each less its refunds."""

    deposit: Decimal = Decimal(0)
    balance: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Decline:
    """The reason why the last charge failed, and the time of the next charge, if there is one."""

    cause: Cause
    again_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Figure:
    label: str
    value: str
    is_main: bool = False


@dataclass(frozen=True, slots=True)
class _Button:
    label: str
    url: str


def payment_request(
    notice: Notice,
    order: OrderFacts,
    *,
    why: Why,
    amount: Decimal,
    due_at: datetime | None,
    pay_url: str,
    received: Received,
    decline: Decline | None = None,
) -> bytes:
    """Return the mail that asks a shopper to pay the balance of an order.

    `why` is the reason for asking. `received` is what was paid already. `decline` says why the last
    charge failed; it is used only if `why` is "declined". Raises ValueError if `pay_url` is not a
    web address.
    """
    again_at = decline.again_at if decline is not None else None
    words = _words(order, f"payment_{why}", amount=amount, date=again_at)
    said = [words["greeting"]]
    if why == "declined":
        cause: Cause = decline.cause if decline is not None else "declined"
        said += [words[cause], words["again" if again_at is not None else "last"]]
    else:
        said += [words["intro"], words["hint"]]
    figures = [
        *_received(order, words, received),
        _Figure(words["to_pay"], words["amount"], is_main=True),
    ]
    if due_at is not None:
        figures.append(_Figure(words["due"], day(due_at, order.timezone, order.locale)))
    button = _Button(words["button"], mime.web_address(pay_url))
    return _mail(notice, order, words, said, figures=figures, button=button)


def receipt(
    notice: Notice, order: OrderFacts, *, received: Received, outstanding: Decimal
) -> bytes:
    """Return the mail that notifies a shopper that the balance was paid.

    `outstanding` is the amount still to be paid, for instance for units that were added since.
    """
    words = _words(order, "balance_received", amount=received.balance)
    said = [words["greeting"], words["intro"], words["left" if outstanding > 0 else "done"]]
    figures = [
        *_received(order, words, received, main="balance"),
        _Figure(words["to_pay"], money(outstanding, order.currency, order.locale)),
    ]
    return _mail(notice, order, words, said, figures=figures)


def cancellation(
    notice: Notice,
    order: OrderFacts,
    *,
    why: Literal["asked", "exceeded"],
    reason: str | None,
    refund: Decimal,
) -> bytes:
    """Return the mail that notifies a shopper that a preorder was cancelled.

    `reason` is the merchant's text, or one of the platform's reasons, some of which are not passed
    on to the shopper. An order that was cancelled for exceeding a limit has no reason. `refund` is
    the amount that the shopper gets back.
    """
    words = _words(order, f"cancellation_{why}", amount=refund, reason=reason)
    word = words["given_reason"].lower() if why == "asked" else ""
    said = [words["greeting"], words[word if word in KNOWN_REASONS else "other"]]
    if word and word not in (*KNOWN_REASONS, *UNTOLD_REASONS):
        said.append(words["given"])
    if refund <= 0:
        return _mail(notice, order, words, said)
    figures = [_Figure(words["refunded"], words["amount"], is_main=True)]
    return _mail(notice, order, words, [*said, words["refund"]], figures=figures)


def shipping_update(
    notice: Notice, order: OrderFacts, *, subject: str, header: str, description: str
) -> bytes:
    """Return the mail in which a merchant informs a shopper of the progress of an order."""
    words = _words(order) | {
        "subject": mime.single_line(subject),
        "preheader": mime.single_line(description)[:LONGEST_PREHEADER],
        "heading": mime.single_line(header),
    }
    return _mail(notice, order, words, _paragraphs(description))


def uncollected(
    notice: Notice, order: OrderFacts, *, amount: Decimal, error: str | None, order_url: str
) -> bytes:
    """Return the mail that notifies a merchant that a balance could not be collected."""
    order = _for_merchant(order)
    words = _words(order, "uncollected", amount=amount, reason=error)
    answer = [words["error"]] if error else []
    said = [words["greeting"], words["intro"], *answer, words["todo"]]
    figures = [_Figure(words["to_pay"], words["amount"], is_main=True)]
    button = _Button(words["button"], mime.web_address(order_url))
    return _mail(notice, order, words, said, figures=figures, button=button)


def held_again(notice: Notice, order: OrderFacts, *, amount: Decimal, order_url: str) -> bytes:
    """Return the mail that notifies a merchant that an unpaid preorder was put back on hold."""
    order = _for_merchant(order)
    words = _words(order, "held_again", amount=amount)
    said = [words["greeting"], words["intro"], words["todo"]]
    figures = [_Figure(words["to_pay"], words["amount"], is_main=True)]
    button = _Button(words["button"], mime.web_address(order_url))
    return _mail(notice, order, words, said, figures=figures, button=button)


def _for_merchant(order: OrderFacts) -> OrderFacts:
    """Return the facts for a mail to the merchant: without the shopper's name and order page."""
    return replace(order, customer_name=None, order_url=None)


def _received(
    order: OrderFacts, words: Mapping[str, str], received: Received, main: str | None = None
) -> Iterator[_Figure]:
    """Yield a line for the deposit paid already, and a line for the balance paid already.

    If nothing was paid for one of them, its line is left out. `main`, "deposit" or "balance", is
    the line to emphasise.
    """
    for part, amount in (("deposit", received.deposit), ("balance", received.balance)):
        if amount > 0:
            shown = money(amount, order.currency, order.locale)
            yield _Figure(words[part], shown, is_main=part == main)


def _words(
    order: OrderFacts,
    section: str | None = None,
    *,
    amount: Decimal = Decimal(0),
    date: datetime | None = None,
    reason: str | None = None,
) -> dict[str, str]:
    """Return the texts of an order mail in the reader's language.

    These are the texts that all order mails share, and those of the kind of mail `section`.
    """
    values = {
        "shop_name": mime.single_line(order.shop_name),
        "order": mime.single_line(order.name),
        "name": presentable(order.customer_name),
        "amount": money(amount, order.currency, order.locale),
        "date": day(date, order.timezone, order.locale) if date is not None else "",
        "given_reason": mime.single_line(reason or ""),
    }
    spoken = language(order.locale)
    words = texts(spoken, "order", values)
    if values["name"]:
        words["greeting"] = words["greeting_named"]
    return words | (texts(spoken, section, values) if section is not None else {}) | values


def _mail(
    notice: Notice,
    order: OrderFacts,
    words: Mapping[str, str],
    paragraphs: Sequence[str],
    *,
    figures: Sequence[_Figure] = (),
    button: _Button | None = None,
) -> bytes:
    items = [
        {
            "title": mime.single_line(item.title),
            "variant_title": mime.single_line(item.variant_title or "") or None,
            "quantity": item.quantity,
        }
        for item in order.items
    ]
    shared = {
        "texts": words,
        "colon": colon(language(order.locale)),
        "language": language(order.locale),
        "shop_url": mime.web_address(order.shop_url),
        "order_url": mime.web_address_or_none(order.order_url),
        "paragraphs": [paragraph.split("\n") for paragraph in paragraphs],
        "items": items,
        "figures": [asdict(figure) for figure in figures],
        "button": asdict(button) if button is not None else None,
        "brand": notice.brand.variables(),
    }
    return notice_headers(notice, words["subject"]) + mime.alternative(
        written("order.txt.liquid", shared).encoded({}),
        written("order.html.liquid", shared).encoded({}),
    )


def _paragraphs(text: str) -> list[str]:
    """Split a text into paragraphs at blank lines, without control characters."""
    lines = [mime.single_line(line) for line in text.splitlines()]
    return [part for part in re.split(r"\n{2,}", "\n".join(lines).strip("\n")) if part]

"""Render mails as complete messages: the back-in-stock alert, and mails outside any wave."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from openstoq.messaging import mime
from openstoq.messaging.brand import Brand
from openstoq.messaging.compose import (
    Body,
    colon,
    isolated,
    language,
    money,
    texts,
    written,
)
from openstoq.messaging.forms import ALERT_MAIL, FORMS, OPTIN_MAIL
from openstoq.messaging.letter import Letter, OwnParts
from openstoq.messaging.notices import Notice, notice_headers, presentable

ALERT, OPTIN = FORMS[ALERT_MAIL], FORMS[OPTIN_MAIL]
# The templates' variables that differ between recipients.
GAPS = tuple(ALERT.gaps)

# A placeholder for the name in the greeting; no name contains it, as it is a control character.
_NAME = "\x00"
_UTM = "utm_source=openstoq&utm_medium=email&utm_campaign=back-in-stock&utm_content="


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFacts:
    """The facts that all alerts about a variant share.

    `sender` is an address without a name. Replies go to `reply_to`; if it is None, they go to the
    sender. A price of zero means that the price is unknown, and is not shown.
    """

    shop_name: str
    shop_url: str
    sender: str
    product_title: str
    variant_title: str | None
    product_url: str
    image_url: str | None
    price: Decimal
    currency: str
    message_id_domain: str
    reply_to: str | None = None
    brand: Brand = field(default_factory=Brand)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """The shopper to whom an alert is sent.

    `written_at` is the message's date. It and `notification_id` stay the same if the alert is sent
    again.
    """

    notification_id: UUID
    written_at: datetime
    address: str
    name: str | None
    unsubscribe_url: str


class Prepared:
    """An alert that is complete except for the recipient's own parts."""

    def __init__(self, facts: AlertFacts, locale: str | None, own: OwnParts) -> None:
        spoken = language(locale)
        shown = _shown(facts, locale)
        sentences = texts(spoken, "alert", shown | {"name": _NAME})
        self._named, self._unnamed = sentences.pop("greeting_named"), sentences.pop("greeting")
        self._link = _tagged(mime.web_address(facts.product_url))
        domain = mime.message_id_domain(facts.message_id_domain)
        self._numbered = (
            mime.header("Message-ID", f"<%(number)b@{domain}>")
            + mime.header("X-Openstoq-Notification", "%(number)b")
            + mime.header("Idempotency-Key", "%(number)b")
        )
        self._headers = (
            mime.from_header(facts.brand.sender_name or facts.shop_name, facts.sender)
            + mime.reply_to_header(facts.reply_to)
            + mime.header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
            + mime.common_headers()
        )
        self.shared: dict[str, Any] = {
            **shown,
            "texts": sentences,
            "colon": colon(spoken),
            "language": spoken,
            "brand": facts.brand.variables(),
        }
        """The variables that are the same for all recipients."""
        self.letter = Letter(ALERT, own, self.shared)
        if not self.letter.body("subject").has_gaps:
            self._headers += mime.text_header("Subject", self.letter.line("subject", {}))

    @property
    def text(self) -> Body:
        """The body in plain text."""
        return self.letter.body("text")

    @property
    def html(self) -> Body:
        """The body in HTML."""
        return self.letter.body("html")

    def personal(self, recipient: Recipient) -> bytes:
        """Return the complete message for `recipient`, 7-bit unless the address is not ASCII.

        Raises ValueError for an address or a link that cannot be put in a message.
        """
        fillings = self.fillings(recipient)
        return (
            mime.header("To", mime.mailbox(recipient.address))
            + mime.date_header(recipient.written_at)
            + self._numbered % {b"number": str(recipient.notification_id).encode()}
            + mime.header("List-Unsubscribe", f"<{fillings['unsubscribe_url']}>")
            + self._headers
            + self._personal_subject(fillings)
            + mime.alternative(
                self.letter.encoded("text", fillings), self.letter.encoded("html", fillings)
            )
        )

    def _personal_subject(self, fillings: Mapping[str, str | None]) -> bytes:
        if not self.letter.body("subject").has_gaps:
            return b""
        return mime.text_header("Subject", self.letter.line("subject", fillings))

    def fillings(self, recipient: Recipient) -> dict[str, str | None]:
        """Return the values for the gaps in both bodies, keyed by the names in GAPS.

        A shopper without a name has None, because to Liquid an empty text is true.
        """
        name = presentable(recipient.name)
        before, after = self._link
        return {
            "name": name or None,
            "greeting": self._named.replace(_NAME, isolated(name)) if name else self._unnamed,
            "product_link": f"{before}{recipient.notification_id}{after}",
            "unsubscribe_url": mime.web_address(recipient.unsubscribe_url),
        }


def prepare_alert(facts: AlertFacts, locale: str | None, own: OwnParts | None = None) -> Prepared:
    """Write the parts of an alert that are the same for all recipients with this `locale`.

    `own` are the shop's own templates for the locale. Raises ValueError for a sender or a product
    link that cannot be put in a message.
    """
    return Prepared(facts, locale, own if own is not None else OwnParts())


class OptinRequest:
    """The mail that asks a shopper to confirm a signup."""

    def __init__(
        self,
        *,
        shop_name: str,
        product_title: str,
        confirm_url: str,
        locale: str | None,
        shop_url: str = "",
        brand: Brand | None = None,
        own: OwnParts | None = None,
    ) -> None:
        spoken = language(locale)
        shown = {
            "shop_name": mime.single_line(shop_name),
            "product_title": mime.single_line(product_title),
        }
        self.shared: dict[str, Any] = {
            **shown,
            "shop_url": mime.web_address_or_none(shop_url),
            "texts": texts(spoken, "optin", shown),
            "colon": colon(spoken),
            "language": spoken,
            "confirm_url": mime.web_address(confirm_url),
            "brand": (brand or Brand()).variables(),
        }
        """The variables of the templates."""
        self.letter = Letter(OPTIN, own if own is not None else OwnParts(), self.shared)

    def content(self, notice: Notice) -> bytes:
        """Return the complete message."""
        return notice_headers(notice, self.letter.line("subject", {})) + mime.alternative(
            self.letter.encoded("text", {}), self.letter.encoded("html", {})
        )


def optin_request(notice: Notice, **facts: Any) -> bytes:
    """Return the mail that asks a shopper to confirm a signup, from the facts of OptinRequest."""
    return OptinRequest(**facts).content(notice)


def customer_data(notice: Notice, *, shop_name: str, subject_of: str, data: bytes) -> bytes:
    """Return the mail that sends a merchant the data stored about a customer, as JSON."""
    shown = {"shop_name": mime.single_line(shop_name), "subject_of": mime.single_line(subject_of)}
    return notice_headers(
        notice, f"Data stored about {shown['subject_of']}"
    ) + mime.with_attachment(
        written("customer_data.txt.liquid", shown).encoded({}), "customer-data.json", data
    )


def _shown(facts: AlertFacts, locale: str | None) -> dict[str, str | None]:
    return {
        "shop_name": mime.single_line(facts.shop_name),
        "shop_url": mime.web_address(facts.shop_url),
        "product_title": mime.single_line(facts.product_title),
        "variant_title": mime.single_line(facts.variant_title or "") or None,
        "image_url": mime.web_address_or_none(facts.image_url),
        "price": money(facts.price, facts.currency, locale) if facts.price else None,
    }


def _tagged(url: str) -> tuple[str, str]:
    """Return the product's link with UTM parameters, in two parts.

    The notification's id belongs between the parts.
    """
    page, sign, fragment = url.partition("#")
    joint = "" if page.endswith(("?", "&")) else "&" if "?" in page else "?"
    return f"{page}{joint}{_UTM}", f"{sign}{fragment}"

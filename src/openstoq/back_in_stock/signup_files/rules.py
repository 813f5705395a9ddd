"""Decide about a file's rows, without I/O: what a row says, or why it cannot be imported."""

import re
from datetime import UTC, datetime

from openstoq.back_in_stock.signup_files.model import FileRow, Skipped, StagedRow, Surroundings
from openstoq.back_in_stock.signups.model import Channel, Contact
from openstoq.back_in_stock.signups.rules import InvalidContactError, contact_of
from openstoq.kernel import days, texts
from openstoq.kernel.days import start_of
from openstoq.kernel.ids import shopify_id
from openstoq.kernel.places import country_code, locale_tag

# In their words, statuses of ours and of other apps. A shopper who was told already does not wait.
WAITING = frozenset(
    {"active", "new", "open", "pending", "queued", "subscribed", "unsent", "waiting"}
)
NOT_WAITING = frozenset({
    "blocked", "bounced", "canceled", "cancelled", "closed", "completed", "converted", "deleted",
    "delivered", "engaged", "expired", "failed", "inactive", "notified", "orphaned", "purchased",
    "sent", "unsubscribed",
})  # fmt: skip
_YES = frozenset({"1", "confirmed", "on", "opted in", "subscribed", "t", "true", "y", "yes"})
_NO = frozenset({
    "0", "f", "false", "n", "no", "not subscribed", "off", "opted out", "unconfirmed",
    "unsubscribed",
})  # fmt: skip
_CHANNELS: dict[str, Channel] = {
    "email": "email", "e-mail": "email", "mail": "email", "sms": "sms", "phone": "sms",
    "text": "sms", "push": "push",
}  # fmt: skip
_KINDS = {"variant_id": "ProductVariant", "product_id": "Product", "market_id": "Market"}
_NO_DATE = frozenset({"-", "0", "false", "n", "never", "no", "none", "null"})
_ROUNDED = re.compile(r"[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+")
_ZONE = re.compile(r"\s*(UTC|GMT)$")
_MOST = 1_000_000
_LONGEST = 255
_FIRST_YEAR = 2000


class UnreadableRowError(ValueError):
    """A row that cannot be imported; the message says why."""


def is_waiting(cells: dict[str, str]) -> bool:
    """Return whether the row's shopper still waits, as far as the file says.

    Raises UnreadableRowError for a status that we do not know.
    """
    status = cells.get("status", "pending").lower()
    if status in NOT_WAITING:
        return False
    if status not in WAITING:
        raise UnreadableRowError(
            f"status must be pending for a shopper who waits, and notified, unsubscribed or blocked "
            f"for others; it is {_shown(status)}"
        )
    return cells.get("notified_at", "-").lower() in _NO_DATE


def row_of(
    cells: dict[str, str], *, line: int, zone: str, country: str | None, now: datetime
) -> FileRow:
    """Return what a row says; raise UnreadableRowError if it cannot be imported.

    Dates without an offset are in `zone`, the shop's time zone. National phone numbers are those of
    the row's country or, if the row names none, of `country`, the shop's country.
    """
    variant_id, product_id = _id(cells, "variant_id"), _id(cells, "product_id")
    sku = _line(cells, "sku")
    if variant_id is None and sku is None and product_id is None:
        raise UnreadableRowError("neither variant_id nor sku says which variant it is")
    own = country_code(cells.get("country", ""))
    contact = _contact(cells, own or country)
    others = {one: _other(cells, one, own or country) for one in ("email", "phone")}
    if contact.channel != "push":
        others["email" if contact.channel == "email" else "phone"] = contact.address
    return FileRow(
        line=line,
        contact=contact,
        variant_id=variant_id,
        product_id=product_id,
        sku=sku,
        market_id=_id(cells, "market_id"),
        quantity=_quantity(cells),
        email=others["email"],
        phone=others["phone"],
        name=_line(cells, "name"),
        locale=locale_tag(cells.get("language", "")),
        country=own,
        optin_confirmed=_flag(cells, "optin_confirmed"),
        accepts_marketing=_flag(cells, "accepts_marketing"),
        signed_up_at=_moment(cells, zone, now),
    )


def skipped(row: StagedRow, around: Surroundings) -> Skipped | None:
    """Return why a valid row is not imported, or None if it is.

    The reason is "known" if the shopper already waits, or if a signup of the shopper here is as new
    as the row or newer. Thus a second import of the file does not put shoppers on the waitlist
    again who were notified after the first import.
    """
    known = around.signups.get((row.contact, row.channel, row.variant_id, row.market_id))
    if known is not None and (
        known.waits or row.signed_up_at is None or known.latest >= row.signed_up_at
    ):
        return "known"
    if row.identity in around.unsubscribed:
        return "unsubscribed"
    # No restock would follow, and an alert now would be sent because of the import.
    return "in_stock" if row.variant_id in around.for_sale else None


def _contact(cells: dict[str, str], country: str | None) -> Contact:
    given = cells.get("contact")
    phone = _phone(cells)
    channel = _channel(cells, given, phone)
    try:
        return contact_of(
            channel,
            email=cells.get("email") or given,
            phone=phone or given,
            push=given,
            country=country,
        )
    except InvalidContactError as error:
        raise UnreadableRowError(str(error)) from error


def _channel(cells: dict[str, str], given: str | None, phone: str | None) -> Channel:
    if "channel" in cells:
        channel = _CHANNELS.get(cells["channel"].lower())
        if channel is None:
            raise UnreadableRowError(
                f"channel must be email, sms or push; it is {_shown(cells['channel'])}"
            )
        return channel
    if "email" in cells or "@" in (given or ""):
        return "email"
    if phone or given:
        return "sms"
    raise UnreadableRowError("it has neither an e-mail address nor a phone number")


def _phone(cells: dict[str, str]) -> str | None:
    phone, code = cells.get("phone"), cells.get("calling_code", "").lstrip("+0")
    if phone and code.isdigit() and not phone.startswith(("+", "00")):
        return f"+{code}{phone.lstrip('0')}"
    return phone


def _other(cells: dict[str, str], field: str, country: str | None) -> str | None:
    """Return the shopper's e-mail address or phone number, as `field` says.

    Returns None if it is missing or invalid: the row can be imported without it.
    """
    try:
        if field == "email":
            return contact_of("email", email=cells.get("email")).address
        return contact_of("sms", phone=_phone(cells), country=country).address
    except InvalidContactError:
        return None


def _id(cells: dict[str, str], field: str) -> int | None:
    text = cells.get(field, "")
    # Some apps write 0 for the only variant of a product.
    if text in {"", "0"}:
        return None
    if _ROUNDED.fullmatch(text):
        raise UnreadableRowError(
            f"{field} {text} was rounded by a spreadsheet; export the file again, and format the "
            "column as text"
        )
    try:
        return shopify_id(text, _KINDS[field])
    except ValueError as error:
        raise UnreadableRowError(f"{field} {error}; it is {_shown(text)}") from error


def _quantity(cells: dict[str, str]) -> int:
    text = cells.get("quantity", "1").removesuffix(".0")
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST))):
        raise UnreadableRowError(f"quantity must be a whole number; it is {_shown(text)}")
    if not 1 <= int(text) <= _MOST:
        raise UnreadableRowError(f"quantity must be from 1 to {_MOST}; it is {text}")
    return int(text)


def _flag(cells: dict[str, str], field: str) -> bool | None:
    text = cells.get(field, "").lower()
    if text in _YES or text in _NO:
        return text in _YES
    if text:
        raise UnreadableRowError(f"{field} must be true or false; it is {_shown(text)}")
    return None


def _line(cells: dict[str, str], field: str) -> str | None:
    text = cells.get(field)
    if text is None:
        return None
    if len(text) > _LONGEST:
        raise UnreadableRowError(f"{field} may have {_LONGEST} characters; it has {len(text)}")
    try:
        return texts.line(text) or None
    except ValueError as error:
        raise UnreadableRowError(f"{field} {error}") from error


def _moment(cells: dict[str, str], zone: str, now: datetime) -> datetime | None:
    text = cells.get("signed_up_at")
    if text is None:
        return None
    written = _ZONE.sub("+00:00", text).replace(" +", "+").replace(" -", "-").replace("/", "-")
    try:
        moment = start_of(days.read(written), zone)
    except ValueError as error:
        raise UnreadableRowError(
            "signed_up_at must be a date such as 2026-05-31, or with a time 2026-05-31T09:30:00Z; "
            f"it is {_shown(text)}"
        ) from error
    if moment is None or moment > now or moment < datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC):
        raise UnreadableRowError(
            f"signed_up_at must lie between {_FIRST_YEAR} and today; it is {_shown(text)}"
        )
    return moment


def _shown(text: str) -> str:
    return repr("".join(sign for sign in text if sign.isprintable())[:60])

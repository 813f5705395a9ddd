"""The columns of a file of signups, under the names that openstoq and other apps give them.

docs/moving.md says from which sources the names in other apps' files are known.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openstoq.back_in_stock.signup_files.model import FileFault
from openstoq.kernel.cells import unguarded

# What an export writes, in this order, and an import reads.
COLUMNS = (
    "variant_id", "product_id", "sku", "market_id", "channel", "contact", "email", "phone", "name",
    "quantity", "language", "country", "optin_confirmed", "accepts_marketing", "signed_up_at",
    "status", "notified_at",
)  # fmt: skip

# Further names, in lower case and without blanks, dots, dashes and underscores.
_OTHER_NAMES: Mapping[str, Sequence[str]] = {
    "variant_id": ("shopifyvariantid", "productvariantid", "variationid"),
    "product_id": ("shopifyproductid",),
    "sku": ("variantsku", "productsku", "skucode"),
    "market_id": ("shopifymarketid",),
    "channel": ("type", "notificationtype", "notificationchannel"),
    "email": ("emailaddress", "customeremail", "subscriberemail", "useremail", "mail"),
    "phone": ("phonenumber", "customerphone", "mobile", "mobilenumber", "tel", "telephone", "sms"),
    "calling_code": ("code", "dialcode", "phonecode"),
    "name": ("customername", "fullname"),
    "quantity": ("qty", "requestedquantity", "quantityrequested"),
    "language": ("locale", "lang", "customerlocale"),
    "country": ("countrycode",),
    "optin_confirmed": ("optedin", "optin", "confirmed", "doubleoptin", "doubleoptinconfirmed"),
    "accepts_marketing": (
        "acceptsemailmarketing", "emailsubscription", "marketing", "marketingconsent",
        "newsletter", "subscribedtonewsletter",
    ),
    "signed_up_at": (
        "createdat", "created", "createdon", "date", "dateadded", "datecreated", "registeredat",
        "requestdate", "requestedat", "signedupon", "signupdate", "subscribedat", "subscribedon",
        "subscriptiondate", "timestamp",
    ),
    "status": ("state",),
    "notified_at": ("lastmessagesentat", "lastnotifiedat", "notified", "notifiedon", "sentat"),
}  # fmt: skip
_FIELDS = {
    name: field
    for field in (*COLUMNS, "calling_code")
    for name in (field.replace("_", ""), *_OTHER_NAMES.get(field, ()))
}
_FILLING = re.compile(r"[\W_]+")
_MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Columns:
    """The position of each known column in the rows of a file, and the number of all columns."""

    places: Mapping[str, int]
    width: int

    def cells(self, row: Sequence[str]) -> dict[str, str]:
        """Return the texts of a row's known columns, by field; empty cells are left out.

        The apostrophe that an export puts before a text, to keep spreadsheets from running it as a
        formula, is removed.
        """
        found = {field: unguarded(row[place]).strip() for field, place in self.places.items()}
        return {field: text for field, text in found.items() if text}


def field_of(header: str) -> str | None:
    """Return the field that a column's header names, or None if the import ignores it."""
    return _FIELDS.get(_FILLING.sub("", unguarded(header).lower()))


def recognise(headers: Sequence[str]) -> Columns:
    """Return the known columns among the headers of a file.

    Raises FileFault if a needed column is missing, or if two columns mean the same.
    """
    named: dict[str, list[int]] = {}
    for place, header in enumerate(headers):
        field = field_of(header)
        if field is not None:
            named.setdefault(field, []).append(place)
    for places in named.values():
        if len(places) > 1:
            numbers = " and ".join(f"{place + 1} ({_shown(headers[place])})" for place in places)
            raise FileFault(
                f"the columns {numbers} mean the same; delete all but one of them from the file"
            )
    present = ", ".join(_shown(header) for header in headers[:_MOST_SHOWN])
    if not {"variant_id", "sku", "product_id"} & named.keys():
        raise FileFault(
            "no column says which variant: name one variant_id or sku in the file's first line, "
            f"which has {present}"
        )
    if not {"contact", "email", "phone"} & named.keys():
        raise FileFault(
            "no column says whom to notify: name one contact, email or phone in the file's first "
            f"line, which has {present}"
        )
    return Columns({field: places[0] for field, places in named.items()}, len(headers))


def _shown(header: str) -> str:
    text = "".join(sign for sign in header.strip() if sign.isprintable())
    return repr(text[:40])

"""Export signups as CSV, page by page, in the columns that an import reads.

Each page is read in a transaction of its own. A client that receives the file slowly therefore
occupies neither a database connection nor a snapshot. The signups are ordered by their time and id,
which never change. A signup that exists during the whole export is therefore exported exactly once.
"""

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from uuid import UUID

from openstoq.back_in_stock.signup_files.columns import COLUMNS
from openstoq.back_in_stock.signups.model import Channel, Status
from openstoq.back_in_stock.signups.projections import CONFIRMED, FROM, SHOWN_STATUS
from openstoq.db.conditions import Conditions
from openstoq.db.pool import Connection
from openstoq.kernel.cells import guarded

PAGE = 1000
# Excel takes a file without it for one in the encoding of the country.
_BYTE_ORDER_MARK = "\ufeff"
_TRUTHS = {True: "true", False: "false"}


async def pages(
    transactions: Callable[[], AbstractAsyncContextManager[Connection]],
    shop_id: UUID,
    *,
    status: Status | None = None,
    channel: Channel | None = None,
    variant_id: int | None = None,
) -> AsyncIterator[bytes]:
    """Yield the parts of the file: the line with the columns' names, then signups, oldest first."""
    yield (_BYTE_ORDER_MARK + _text([COLUMNS])).encode()
    after: tuple[datetime, UUID] | None = None
    while True:
        where = Conditions()
        where.add("s.shop_id = {}", shop_id)
        where.add_unless_none(f"{SHOWN_STATUS} = {{}}", status)
        where.add_unless_none("s.channel = {}", channel)
        where.add_unless_none("s.variant_id = {}", variant_id)
        if after is not None:
            at, signup_id = (where.bind(one) for one in after)
            where.add(f"(s.created_at, s.id) > ({at}, {signup_id}::uuid)")
        async with transactions() as db:
            rows = await db.fetch(
                _PAGE.format(where=where, limit=where.bind(PAGE)), *where.parameters
            )
        if not rows:
            return
        yield _text([[_cell(row[column]) for column in COLUMNS] for row in rows]).encode()
        after = rows[-1]["signed_up_at"], rows[-1]["id"]


def file_name(domain: str, day: date) -> str:
    """Return the name of the file that a shop exports on a day."""
    return f"signups-{domain.partition('.')[0]}-{day.isoformat()}.csv"


_PAGE = f"""
SELECT s.id, s.variant_id, s.product_id, v.sku, s.market_id, s.channel, s.contact,
       CASE WHEN s.channel = 'email' THEN s.contact ELSE c.email END AS email,
       CASE WHEN s.channel = 'sms' THEN s.contact ELSE c.phone END AS phone,
       coalesce(s.name, c.name) AS name, s.quantity, coalesce(s.locale, c.locale) AS language,
       c.country, CASE WHEN s.optin_required THEN {CONFIRMED} END AS optin_confirmed, c.accepts_marketing,
       s.created_at AS signed_up_at, {SHOWN_STATUS} AS status,
       s.last_notified_at AS notified_at
FROM {FROM} WHERE {{where}} ORDER BY s.created_at, s.id LIMIT {{limit}}
"""  # noqa: S608 - constants


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _TRUTHS[value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return guarded(str(value))


def _text(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as CSV with every cell in quotes.

    A program that takes another sign for the separator then does not split a cell at that sign.
    """
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()

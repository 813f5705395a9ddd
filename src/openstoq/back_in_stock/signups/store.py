"""Signups in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import get_args
from uuid import UUID

from openstoq.back_in_stock.settings.conditions import EMAIL_IS_ON
from openstoq.back_in_stock.signups.model import Channel, Signup, Status
from openstoq.back_in_stock.signups.projections import FROM, SHOWN_STATUS
from openstoq.back_in_stock.signups.rules import MOST_UNASKED
from openstoq.catalog.conditions import is_closed
from openstoq.db.conditions import Conditions, containing
from openstoq.db.long_lists import Chosen, LongList
from openstoq.db.pool import Connection
from openstoq.kernel.contacts import email_forms
from openstoq.kernel.paging import Page

# A search names at most so many customers; it reads the list itself if more have the text.
MOST_FOUND = 2_000

_STATE = f"""id, channel, contact, variant_id, product_id, wave_id, optin_required,
    optin_confirmed_at, notified_at, unsubscribed_at, blocked_at,
    {is_closed("signups.variant_id")} AS is_closed,
    channel <> 'email' OR {EMAIL_IS_ON} AS channel_is_on"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Conditions on the signups of a list; a field that is None is not checked."""

    channel: Channel | None = None
    status: Status | None = None
    notified: bool | None = None
    variant_id: int | None = None
    product_id: int | None = None
    email: str | None = None
    phone: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    @property
    def emails(self) -> list[str]:
        """The text `email` to search for, in lower case and in each form that a contact may have."""
        return email_forms(self.email)

    @property
    def phones(self) -> list[str]:
        """The text `phone` to search for, in lower case; an empty list if there is none."""
        return [self.phone.lower()] if self.phone else []


_SIGNUPS = LongList("signups", "s", "created_at")


async def page(
    db: Connection, shop_id: UUID, wanted: Filter, page: Page, *, projection: str
) -> tuple[str, int]:
    """Return a page of the `wanted` signups as JSON, newest first, and their total number.

    If too many contacts match a search in a long list, the total number is not determined. The
    returned number then counts only the signups up to the first one after the page.
    """
    shown = f"""
        SELECT coalesce(json_agg({projection} ORDER BY s.created_at DESC, s.id DESC), '[]')::text
        FROM {{rows}} s
        JOIN customers c ON c.shop_id = $1 AND c.id = s.customer_id
        LEFT JOIN variants v ON v.shop_id = $1 AND v.id = s.variant_id"""  # noqa: S608 - constant fragments
    chosen = _chosen(shop_id, wanted)
    if not wanted.emails and not wanted.phones:
        return await _SIGNUPS.page(db, chosen, page, shown=shown)
    found = await _customers_found(db, shop_id, wanted)
    if found is not None:
        chosen.where.add("s.customer_id = ANY({})", found)
        return await _SIGNUPS.page(db, chosen, page, shown=shown)
    _add_contacts(chosen.where, wanted)
    if not await _SIGNUPS.has_blocks(db, shop_id):
        return await _SIGNUPS.page(db, chosen, page, shown=shown)
    return await _SIGNUPS.page_of_many(db, chosen, page, shown=shown)


def _chosen(shop_id: UUID, wanted: Filter) -> Chosen:
    where = Conditions()
    where.add("s.shop_id = {}", shop_id)
    where.add_unless_none("s.channel = {}", wanted.channel)
    where.add_unless_none("(s.notified_at IS NOT NULL) = {}", wanted.notified)
    where.add_unless_none("s.variant_id = {}", wanted.variant_id)
    where.add_unless_none("s.product_id = {}", wanted.product_id)
    orphans = _ORPHANS.format(change=_OF_ORPHANS.get(wanted.status or "", 0), where=where)
    where.add_unless_none(f"{SHOWN_STATUS} = {{}}", wanted.status)
    has_both = wanted.variant_id is not None and wanted.product_id is not None
    return Chosen(
        where=where,
        kinds=_kinds(wanted),
        variant_id=wanted.variant_id,
        product_id=wanted.product_id,
        since=wanted.since,
        before=wanted.before,
        is_counted=not has_both and not wanted.emails and not wanted.phones,
        uncounted=orphans if wanted.status in _OF_ORPHANS else "",
    )


def _kinds(wanted: Filter) -> list[str] | None:
    """Return the kinds (see `signup_kind` in the database) that match a filter.

    Returns None if the filter does not limit the kinds.
    """
    if (wanted.channel, wanted.status, wanted.notified) == (None, None, None):
        return None
    return [
        f"{channel} {kind}"
        for channel in get_args(Channel)
        for kind in ("pending", "blocked", "notified", "unsubscribed", "unsubscribed notified")
        if wanted.channel in (None, channel)
        and wanted.status in (None, kind.partition(" ")[0])
        and wanted.notified in (None, kind.endswith("notified"))
    ]


# An orphaned signup is counted as pending. That it is orphaned shows in its variant alone.
_OF_ORPHANS = {"pending": -1, "orphaned": 1}
_ORPHANS = """
    UNION ALL
    SELECT s.created_at, s.id, false, {change} FROM variants v
    JOIN signups s ON s.shop_id = $1 AND s.variant_id = v.id AND s.notified_at IS NULL
        AND s.unsubscribed_at IS NULL AND s.blocked_at IS NULL
    WHERE v.shop_id = $1 AND v.deleted_at IS NOT NULL AND {where}"""


async def _customers_found(db: Connection, shop_id: UUID, wanted: Filter) -> list[UUID] | None:
    """Return the customers with contacts that contain the searched texts.

    Returns None if a text is too short for the index, or if too many contacts contain it.
    """
    found: list[UUID] | None = await db.fetchval(
        "SELECT find_contacts($1, $2, $3, $4)",
        shop_id,
        wanted.emails or None,
        wanted.phones or None,
        MOST_FOUND,
    )
    return found


def _add_contacts(where: Conditions, wanted: Filter) -> None:
    emails = [containing(form) for form in wanted.emails]
    phones = [containing(form) for form in wanted.phones]
    where.add_unless_none(_CONTACT_OR_CUSTOMERS.format("email"), emails or None)
    where.add_unless_none(_CONTACT_OR_CUSTOMERS.format("phone"), phones or None)


# The customer is looked up by key for each signup: of a search for a text that many contacts
# contain, the first rows are found soon.
_CONTACT_OR_CUSTOMERS = """(s.contact ILIKE ANY({{}}) OR (
    SELECT o.{} FROM customers o WHERE o.shop_id = $1 AND o.id = s.customer_id)
    ILIKE ANY({{}}))"""


async def view(db: Connection, shop_id: UUID, signup_id: UUID, *, projection: str) -> str | None:
    """Return one signup as JSON; None if the shop has no such signup."""
    json: str | None = await db.fetchval(
        f"SELECT {projection}::text FROM {FROM} WHERE s.shop_id = $1 AND s.id = $2",  # noqa: S608 - constants
        shop_id,
        signup_id,
    )
    return json


async def load(
    db: Connection, shop_id: UUID, signup_ids: Sequence[UUID], *, lock: bool
) -> list[Signup]:
    """Load the existing signups among `signup_ids`, ordered by id; lock them if `lock`."""
    rows = await db.fetch(
        f"""
        SELECT {_STATE} FROM signups WHERE shop_id = $1 AND id = ANY($2) ORDER BY id
        {"FOR UPDATE" if lock else ""}
        """,  # noqa: S608 - constants
        shop_id,
        signup_ids,
    )
    return [Signup(**dict(row)) for row in rows]


async def delete(db: Connection, shop_id: UUID, signup_ids: Sequence[UUID]) -> None:
    """Delete signups together with their messages."""
    await db.execute("DELETE FROM signups WHERE shop_id = $1 AND id = ANY($2)", shop_id, signup_ids)


async def waited_for_by_customer(db: Connection, shop_id: UUID, signup_id: UUID) -> list[int]:
    """Return the ids of the variants for which the customer who made a signup waits."""
    rows = await db.fetch(
        """
        SELECT DISTINCT s.variant_id FROM signups c
        JOIN signups s ON s.shop_id = $1 AND s.customer_id = c.customer_id
        WHERE c.shop_id = $1 AND c.id = $2 AND s.notified_at IS NULL
        ORDER BY s.variant_id
        """,
        shop_id,
        signup_id,
    )
    return [row["variant_id"] for row in rows]


async def unsubscribe(db: Connection, shop_id: UUID, signup_id: UUID, now: datetime) -> bool:
    """Unsubscribe the customer of a signup from all alerts; return whether the signup exists."""
    customer_id = await db.fetchval(
        """
        UPDATE customers c SET unsubscribed_at = coalesce(c.unsubscribed_at, $3), updated_at = $3
        FROM signups s
        WHERE s.shop_id = $1 AND s.id = $2 AND c.shop_id = $1 AND c.id = s.customer_id
        RETURNING c.id
        """,
        shop_id,
        signup_id,
        now,
    )
    if customer_id is None:
        return False
    await db.execute(
        """
        UPDATE signups SET unsubscribed_at = $3, updated_at = $3
        WHERE shop_id = $1 AND customer_id = $2 AND unsubscribed_at IS NULL
        """,
        shop_id,
        customer_id,
        now,
    )
    return True


async def confirm(db: Connection, shop_id: UUID, signup_id: UUID, now: datetime) -> bool:
    """Record that the shopper confirmed the signup; return whether the signup exists.

    The confirmation is new consent, so it ends an unsubscription from before the signup. It also
    confirms other signups of the customer for which no confirmation mail was sent: signups for the
    same product, because a contact is sent only one such mail a day per product; signups that need
    no confirmation; and up to MOST_UNASKED held signups. So a shopper whose further signups were
    held does not have to confirm each of them.
    """
    done = await db.execute(
        """
        WITH confirmed AS (
            UPDATE signups
            SET optin_confirmed_at = coalesce(optin_confirmed_at, $3), updated_at = $3
            WHERE shop_id = $1 AND id = $2 RETURNING id, customer_id, product_id, created_at
        ), others AS (
            UPDATE signups s SET optin_confirmed_at = $3, updated_at = $3 FROM confirmed
            WHERE s.shop_id = $1 AND s.customer_id = confirmed.customer_id
              AND s.id <> confirmed.id AND s.optin_asked_at IS NULL
              AND s.optin_confirmed_at IS NULL AND s.notified_at IS NULL
              AND s.unsubscribed_at IS NULL AND s.blocked_at IS NULL
              AND (NOT s.optin_required OR s.product_id = confirmed.product_id OR s.id IN (
                SELECT h.id FROM signups h JOIN confirmed ON h.customer_id = confirmed.customer_id
                WHERE h.shop_id = $1 AND h.optin_held AND h.optin_asked_at IS NULL
                  AND h.optin_confirmed_at IS NULL AND h.unsubscribed_at IS NULL
                ORDER BY h.created_at, h.id LIMIT $4))
        )
        UPDATE customers c
        SET unsubscribed_at = CASE WHEN c.unsubscribed_at >= confirmed.created_at
                                   THEN c.unsubscribed_at END
        FROM confirmed WHERE c.shop_id = $1 AND c.id = confirmed.customer_id
        """,
        shop_id,
        signup_id,
        now,
        MOST_UNASKED,
    )
    return done == "UPDATE 1"

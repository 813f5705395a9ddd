"""Signups in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg

from openstoq.back_in_stock.settings.conditions import EMAIL_IS_ON
from openstoq.back_in_stock.signups.model import Channel, Signup, Status, Target, Transferred
from openstoq.back_in_stock.signups.projections import FROM, SHOWN_STATUS, STATUS
from openstoq.back_in_stock.signups.rules import MOST_UNASKED
from openstoq.catalog.conditions import is_closed
from openstoq.db.conditions import Conditions, containing
from openstoq.db.pool import Connection
from openstoq.errors import Conflict
from openstoq.kernel.contacts import email_forms
from openstoq.kernel.paging import Page

Scope = Literal["pending", "notified", "all"]

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


async def page(
    db: Connection, shop_id: UUID, wanted: Filter, page: Page, *, projection: str
) -> tuple[str, int]:
    """Return a page of the `wanted` signups as JSON, newest first, and their total number."""
    where = _where(shop_id, wanted)
    count_of_parameters = len(where.parameters)
    limit, offset = where.bind(page.size), where.bind(page.offset)
    row = await db.fetchrow(
        f"""
        SELECT (SELECT count(*) FROM signups s WHERE {where}) AS total, coalesce((
            SELECT json_agg({projection} ORDER BY s.created_at DESC, s.id DESC)
            FROM (SELECT * FROM signups s WHERE {where}
                  ORDER BY s.created_at DESC, s.id DESC LIMIT {limit} OFFSET {offset}) s
            JOIN customers c ON c.shop_id = s.shop_id AND c.id = s.customer_id
            LEFT JOIN variants v ON v.shop_id = s.shop_id AND v.id = s.variant_id
        )::text, '[]') AS json
        """,  # noqa: S608 - constant fragments; every value is a parameter
        *where.parameters,
    )
    if row is None:
        raise RuntimeError(f"the page query with {count_of_parameters} conditions returned no row")
    return row["json"], row["total"]


def _where(shop_id: UUID, wanted: Filter) -> Conditions:
    where = Conditions()
    where.add("s.shop_id = {}", shop_id)
    where.add_unless_none("s.channel = {}", wanted.channel)
    where.add_unless_none(f"{SHOWN_STATUS} = {{}}", wanted.status)
    where.add_unless_none("(s.notified_at IS NOT NULL) = {}", wanted.notified)
    where.add_unless_none("s.variant_id = {}", wanted.variant_id)
    where.add_unless_none("s.product_id = {}", wanted.product_id)
    where.add_unless_none("s.created_at >= {}", wanted.since)
    where.add_unless_none("s.created_at < {}", wanted.before)
    emails = [containing(form) for form in email_forms(wanted.email)]
    phones = [containing(wanted.phone)] if wanted.phone is not None else []
    where.add_unless_none(_CONTACT_OR_CUSTOMERS.format("email"), emails or None)
    where.add_unless_none(_CONTACT_OR_CUSTOMERS.format("phone"), phones or None)
    return where


_CONTACT_OR_CUSTOMERS = """(s.contact ILIKE ANY({{}}) OR EXISTS (
    SELECT FROM customers o WHERE o.shop_id = s.shop_id AND o.id = s.customer_id
    AND o.{} ILIKE ANY({{}})))"""


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


async def transfer(
    db: Connection,
    shop_id: UUID,
    *,
    from_variant_id: int,
    from_product_id: int | None,
    to_variant_id: int,
    to_product_id: int,
    scope: Scope,
    now: datetime,
) -> Transferred:
    """Move signups to another variant; drop pending ones that would repeat one there.

    Signups whose message is under way are not moved. Raises Conflict if a shopper signs up for the
    target at the same moment.
    """
    row = await db.fetchrow(
        """
        WITH dropped AS (
            DELETE FROM signups s USING signups t
            WHERE s.shop_id = $1 AND s.variant_id = $2 AND s.wave_id IS NULL
              AND ($3::bigint IS NULL OR s.product_id = $3) AND $4 IN ('pending', 'all')
              AND s.notified_at IS NULL AND s.unsubscribed_at IS NULL AND s.blocked_at IS NULL
              AND t.shop_id = $1 AND t.variant_id = $5 AND t.contact = s.contact
              AND t.channel = s.channel AND coalesce(t.market_id, 0) = coalesce(s.market_id, 0)
              AND t.notified_at IS NULL AND t.unsubscribed_at IS NULL AND t.blocked_at IS NULL
            RETURNING s.id
        )
        SELECT count(*) AS dropped FROM dropped
        """,
        shop_id,
        from_variant_id,
        from_product_id,
        scope,
        to_variant_id,
    )
    try:
        moved = await db.fetchval(
            f"""
            WITH moved AS (
                UPDATE signups s SET variant_id = $5, product_id = $6, updated_at = $7
                WHERE shop_id = $1 AND variant_id = $2 AND wave_id IS NULL
                  AND ($3::bigint IS NULL OR product_id = $3)
                  AND ($4 = 'all' OR {STATUS} = $4)
                RETURNING id
            )
            SELECT count(*) FROM moved
            """,  # noqa: S608 - a constant
            shop_id,
            from_variant_id,
            from_product_id,
            scope,
            to_variant_id,
            to_product_id,
            now,
        )
    except asyncpg.UniqueViolationError as error:
        raise Conflict(
            "a shopper is signing up for the target variant right now; transfer again"
        ) from error
    return Transferred(transferred_count=moved, dropped_count=row["dropped"] if row else 0)


async def target(db: Connection, shop_id: UUID, variant_id: int) -> Target:
    """Return what the catalogue knows of a variant to which signups are to move."""
    row = await db.fetchrow(
        """
        SELECT v.product_id, v.deleted_at IS NOT NULL OR (v.id IS NULL AND EXISTS (
                   SELECT FROM catalog_pulls WHERE shop_id = $1 AND complete)) AS is_missing
        FROM (SELECT $2::bigint AS id) t
        LEFT JOIN variants v ON v.shop_id = $1 AND v.id = t.id
        """,
        shop_id,
        variant_id,
    )
    return Target(**dict(row)) if row is not None else Target(None, is_missing=True)


async def follow(
    db: Connection, shop_id: UUID, now: datetime, *, variant_ids: Sequence[int] | None = None
) -> list[int]:
    """Move waiting signups of deleted variants to the variants that replace them.

    Returns the ids of the variants to which signups moved. If several moved signups would repeat
    each other, only the oldest is kept. If a signup would repeat a pending signup of the new
    variant, it is deleted. A signup whose message is under way is left for later. `variant_ids`
    limits the deleted variants.
    """
    rows = await db.fetch(
        """
        WITH waiting AS (
            SELECT s.id, n.id AS to_variant_id, n.product_id, row_number() OVER (
                PARTITION BY n.id, s.contact, s.channel, coalesce(s.market_id, 0)
                ORDER BY s.created_at, s.id) AS place,
              EXISTS (
                SELECT FROM signups t
                WHERE t.shop_id = $1 AND t.variant_id = n.id AND t.contact = s.contact
                  AND t.channel = s.channel AND coalesce(t.market_id, 0) = coalesce(s.market_id, 0)
                  AND t.notified_at IS NULL AND t.unsubscribed_at IS NULL AND t.blocked_at IS NULL
              ) AS is_repeated
            FROM variants v
            JOIN variants n ON n.shop_id = $1 AND n.id = v.replaced_by AND n.deleted_at IS NULL
            JOIN signups s ON s.shop_id = $1 AND s.variant_id = v.id AND s.wave_id IS NULL
              AND s.notified_at IS NULL AND s.unsubscribed_at IS NULL AND s.blocked_at IS NULL
            WHERE v.shop_id = $1 AND v.deleted_at IS NOT NULL AND v.replaced_by IS NOT NULL
              AND ($3::bigint[] IS NULL OR v.id = ANY($3))
        ), dropped AS (
            DELETE FROM signups s USING waiting
            WHERE s.shop_id = $1 AND s.id = waiting.id AND (waiting.place > 1 OR waiting.is_repeated)
        ), moved AS (
            UPDATE signups s SET variant_id = waiting.to_variant_id,
                product_id = waiting.product_id, updated_at = $2
            FROM waiting
            WHERE s.shop_id = $1 AND s.id = waiting.id AND waiting.place = 1
              AND NOT waiting.is_repeated
            RETURNING s.variant_id
        )
        SELECT DISTINCT variant_id FROM moved ORDER BY variant_id
        """,
        shop_id,
        now,
        variant_ids,
    )
    return [row["variant_id"] for row in rows]


async def waited_for_by_customer(db: Connection, shop_id: UUID, signup_id: UUID) -> list[int]:
    """Return the variants for which the customer of a signup waits."""
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
        WHERE s.shop_id = $1 AND s.id = $2 AND c.shop_id = s.shop_id AND c.id = s.customer_id
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
    no confirmation; and up to MOST_UNASKED held signups. A shopper who wants more signups than a
    stranger could make in their name has to confirm once.
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

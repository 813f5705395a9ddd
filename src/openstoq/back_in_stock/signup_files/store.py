"""Rows of a file in PostgreSQL: stored (staged) first, and made into signups in batches later.

Rows are staged while the file is checked, in a table that PostgreSQL does not write to its log. If
the server crashes, these rows are lost; the file can then be imported again.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from openstoq.back_in_stock.settings.conditions import STOCK_THRESHOLD
from openstoq.back_in_stock.signup_files.catalog_lookup import Resolved
from openstoq.back_in_stock.signup_files.model import Known, StagedRow, Surroundings
from openstoq.catalog.conditions import is_for_sale
from openstoq.db.pool import Connection
from openstoq.kernel.ids import new_id


async def stage(
    db: Connection, shop_id: UUID, import_id: UUID, rows: Sequence[Resolved], now: datetime
) -> None:
    """Stage rows, but only one for each contact, channel, variant and market.

    If there are several, the kept row gets the earliest of their times, because the time decides
    the shopper's place on the waitlist.
    """
    unique: dict[tuple[object, ...], Resolved] = {}
    for one in rows:
        row = one.row
        unique.setdefault((row.contact, one.variant_id, row.market_id), one)
    times = _earliest(rows)
    chosen = list(unique.items())
    await db.execute(
        """
        INSERT INTO signup_import_rows AS r
            (shop_id, import_id, staged_at, line, signup_id, customer_id, channel, contact, mailbox,
             variant_id, product_id, market_id, quantity, email, phone, name, locale, country,
             optin_confirmed, accepts_marketing, signed_up_at)
        SELECT $1, $2, $3, t.* FROM unnest(
            $4::bigint[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::bigint[],
            $11::bigint[], $12::bigint[], $13::integer[], $14::text[], $15::text[], $16::text[],
            $17::text[], $18::text[], $19::boolean[], $20::boolean[], $21::timestamptz[]) AS t
        ON CONFLICT (shop_id, import_id, contact, channel, variant_id, market_id)
        DO UPDATE SET signed_up_at = least(r.signed_up_at, excluded.signed_up_at)
        """,
        shop_id,
        import_id,
        now,
        [one.row.line for _, one in chosen],
        [new_id() for _ in chosen],
        [new_id() for _ in chosen],
        [one.row.contact.channel for _, one in chosen],
        [one.row.contact.address for _, one in chosen],
        [one.row.contact.mailbox for _, one in chosen],
        [one.variant_id for _, one in chosen],
        [one.product_id for _, one in chosen],
        [one.row.market_id or 0 for _, one in chosen],
        [one.row.quantity for _, one in chosen],
        [one.row.email for _, one in chosen],
        [one.row.phone for _, one in chosen],
        [one.row.name for _, one in chosen],
        [one.row.locale for _, one in chosen],
        [one.row.country for _, one in chosen],
        [one.row.optin_confirmed for _, one in chosen],
        [one.row.accepts_marketing for _, one in chosen],
        [times[key] for key, _ in chosen],
    )


def _earliest(rows: Sequence[Resolved]) -> dict[tuple[object, ...], datetime | None]:
    times: dict[tuple[object, ...], datetime | None] = {}
    for one in rows:
        key = (one.row.contact, one.variant_id, one.row.market_id)
        known, given = times.get(key), one.row.signed_up_at
        times[key] = min(known, given) if known and given else known or given
    return times


async def staged(db: Connection, shop_id: UUID, import_id: UUID) -> int:
    """Return the number of staged rows."""
    return int(
        await db.fetchval(
            "SELECT count(*) FROM signup_import_rows WHERE shop_id = $1 AND import_id = $2",
            shop_id,
            import_id,
        )
    )


async def batch(
    db: Connection, shop_id: UUID, import_id: UUID, *, after: int, limit: int
) -> list[StagedRow]:
    """Return the next staged rows after the line `after`."""
    rows = await db.fetch(
        """
        SELECT line, signup_id, customer_id, channel, contact, mailbox, variant_id, product_id,
               market_id, quantity, email, phone, name, locale, country, optin_confirmed,
               accepts_marketing, signed_up_at
        FROM signup_import_rows WHERE shop_id = $1 AND import_id = $2 AND line > $3
        ORDER BY line LIMIT $4
        """,
        shop_id,
        import_id,
        after,
        limit,
    )
    return [StagedRow(**dict(row)) for row in rows]


async def surroundings(db: Connection, shop_id: UUID, rows: Sequence[StagedRow]) -> Surroundings:
    """Return the shop's data that decide which of these rows are imported.

    Each statement gets the values of the whole batch as parameters. If it read the staged rows from
    their table instead, PostgreSQL would plan it for a table as small as before the import, and it
    would take a second for each batch.
    """
    signups = await db.fetch(
        """
        SELECT contact, channel, variant_id, coalesce(market_id, 0) AS market_id,
               max(created_at) AS latest,
               bool_or(notified_at IS NULL AND unsubscribed_at IS NULL AND blocked_at IS NULL) AS waits
        FROM signups WHERE shop_id = $1 AND contact = ANY($2::text[])
        GROUP BY contact, channel, variant_id, coalesce(market_id, 0)
        """,
        shop_id,
        [row.contact for row in rows],
    )
    customers = await db.fetch(
        """
        SELECT identity FROM customers
        WHERE shop_id = $1 AND identity = ANY($2::text[]) AND unsubscribed_at IS NOT NULL
        """,
        shop_id,
        [row.identity for row in rows],
    )
    variants = await db.fetch(
        f"""
        SELECT t.id FROM unnest($2::bigint[]) AS t(id)
        WHERE {is_for_sale("t.id", threshold=STOCK_THRESHOLD)}
        """,  # noqa: S608 - constants
        shop_id,
        list({row.variant_id for row in rows}),
    )
    return Surroundings(
        signups={
            (row["contact"], row["channel"], row["variant_id"], row["market_id"]): Known(
                row["latest"], waits=row["waits"]
            )
            for row in signups
        },
        unsubscribed=frozenset(row["identity"] for row in customers),
        for_sale=frozenset(row["id"] for row in variants),
    )


async def write(
    db: Connection,
    shop_id: UUID,
    rows: Sequence[StagedRow],
    *,
    optin_required: bool,
    now: datetime,
) -> set[UUID]:
    """Make rows into signups; return the ids of the signups that were added.

    A row is left out if another transaction has added an equivalent signup meanwhile. What is
    already known of a customer is kept, because the file may be older. If a row does not say
    whether its shopper has confirmed, `optin_required` decides whether that is needed. Nobody is
    sent a request to confirm.
    """
    people = list({row.identity: row for row in reversed(rows)}.values())
    people.sort(key=lambda row: row.identity)
    found = await db.fetch(
        """
        INSERT INTO customers (shop_id, vouched, created_at, updated_at, id, identity, email, phone,
                               push_token, name, locale, country, accepts_marketing, market_id)
        SELECT $1, true, $2, $2, t.* FROM unnest(
            $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::text[], $11::boolean[], $12::bigint[]) AS t
        ON CONFLICT (shop_id, identity) DO UPDATE SET
            email = coalesce(customers.email, excluded.email),
            phone = coalesce(customers.phone, excluded.phone),
            name = coalesce(customers.name, excluded.name),
            locale = coalesce(customers.locale, excluded.locale),
            country = coalesce(customers.country, excluded.country),
            accepts_marketing = coalesce(customers.accepts_marketing, excluded.accepts_marketing),
            market_id = coalesce(customers.market_id, excluded.market_id),
            updated_at = excluded.updated_at
        RETURNING id, identity
        """,
        shop_id,
        now,
        [row.customer_id for row in people],
        [row.identity for row in people],
        [row.email for row in people],
        [row.phone for row in people],
        [row.contact if row.channel == "push" else None for row in people],
        [row.name for row in people],
        [row.locale for row in people],
        [row.country for row in people],
        [row.accepts_marketing for row in people],
        [row.market_id or None for row in people],
    )
    customers = {row["identity"]: row["id"] for row in found}
    added = await db.fetch(
        """
        INSERT INTO signups (shop_id, source, updated_at, id, customer_id, channel, contact, mailbox,
                             variant_id, product_id, market_id, quantity, locale, name,
                             optin_required, optin_confirmed_at, created_at)
        SELECT $1, 'import', $2, t.* FROM unnest(
            $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[],
            $10::bigint[], $11::integer[], $12::text[], $13::text[], $14::boolean[],
            $15::timestamptz[], $16::timestamptz[]) AS t
        ON CONFLICT DO NOTHING RETURNING id
        """,
        shop_id,
        now,
        [row.signup_id for row in rows],
        [customers[row.identity] for row in rows],
        [row.channel for row in rows],
        [row.contact for row in rows],
        [row.mailbox for row in rows],
        [row.variant_id for row in rows],
        [row.product_id for row in rows],
        [row.market_id or None for row in rows],
        [row.quantity for row in rows],
        [row.locale for row in rows],
        [row.name for row in rows],
        [row.optin_confirmed is not None or optin_required for row in rows],
        [(row.signed_up_at or now) if row.optin_confirmed else None for row in rows],
        [row.signed_up_at or now for row in rows],
    )
    return {row["id"] for row in added}


async def discard(db: Connection, shop_id: UUID, import_id: UUID) -> None:
    """Delete the staged rows of an import."""
    await db.execute(
        "DELETE FROM signup_import_rows WHERE shop_id = $1 AND import_id = $2", shop_id, import_id
    )


async def forget(db: Connection, shop_id: UUID) -> None:
    """Delete the staged rows of interrupted imports once they are a day old."""
    await db.execute(
        """
        DELETE FROM signup_import_rows
        WHERE shop_id = $1 AND staged_at < now() - interval '1 day'
        """,
        shop_id,
    )

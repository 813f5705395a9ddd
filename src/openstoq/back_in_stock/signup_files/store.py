"""Imported rows in PostgreSQL: staged while the file is checked, then made signups in batches.

Staged rows are not in the log of PostgreSQL, so a server that crashes forgets them. Who imports the
file again loses nothing by that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from openstoq.back_in_stock.settings.conditions import STOCK_THRESHOLD
from openstoq.back_in_stock.signup_files.catalog_lookup import Resolved
from openstoq.catalog.conditions import is_for_sale
from openstoq.db.pool import Connection
from openstoq.kernel.ids import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The numbers of a batch: its rows, and what became of them."""

    rows: int
    known: int
    unsubscribed: int
    in_stock: int
    imported: int
    unconfirmed: int
    last_line: int | None


async def stage(
    db: Connection, shop_id: UUID, import_id: UUID, rows: Sequence[Resolved], now: datetime
) -> None:
    """Stage rows; of several for the same contact, channel, variant and market, one is kept.

    It gets the earliest time of them, because that is the shopper's place on the waitlist.
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


# A signup of the file is known if its shopper waits already, or has signed up here since: whoever
# was told meanwhile must not be put on the waitlist again by a second import of the file.
_CHOSEN = f"""
chosen AS (
    SELECT * FROM signup_import_rows
    WHERE shop_id = $1 AND import_id = $2 AND line > $3 ORDER BY line LIMIT $4
), judged AS (
    SELECT r.*, r.channel || ':' || r.contact AS identity, CASE
        WHEN EXISTS (
            SELECT FROM signups o
            WHERE o.shop_id = $1 AND o.contact = r.contact AND o.channel = r.channel
              AND o.variant_id = r.variant_id AND coalesce(o.market_id, 0) = r.market_id
              AND (r.signed_up_at IS NULL OR o.created_at >= r.signed_up_at
                   OR (o.notified_at IS NULL AND o.unsubscribed_at IS NULL
                       AND o.blocked_at IS NULL))) THEN 'known'
        WHEN EXISTS (
            SELECT FROM customers c
            WHERE c.shop_id = $1 AND c.identity = r.channel || ':' || r.contact
              AND c.unsubscribed_at IS NOT NULL) THEN 'unsubscribed'
        WHEN {is_for_sale("r.variant_id", threshold=STOCK_THRESHOLD)} THEN 'in_stock'
        ELSE 'new' END AS outcome
    FROM chosen r
)"""  # noqa: S608 - constants
_COUNTS = """
SELECT count(*) AS rows, max(line) AS last_line,
       count(*) FILTER (WHERE outcome = 'known') AS known,
       count(*) FILTER (WHERE outcome = 'unsubscribed') AS unsubscribed,
       count(*) FILTER (WHERE outcome = 'in_stock') AS in_stock,"""
_COUNTED = f"""
WITH {_CHOSEN}
{_COUNTS}
       count(*) FILTER (WHERE outcome = 'new') AS imported,
       count(*) FILTER (WHERE outcome = 'new' AND coalesce(NOT optin_confirmed, $5))
           AS unconfirmed
FROM judged
"""
# What is known of a customer is kept: the file may be older. A confirmation is given by the file or
# not at all: nobody is asked.
_WRITTEN = f"""
WITH {_CHOSEN}, people AS (
    INSERT INTO customers (shop_id, id, identity, email, phone, push_token, name, locale, country,
                           accepts_marketing, market_id, vouched, created_at, updated_at)
    SELECT DISTINCT ON (identity) $1, customer_id, identity, email, phone,
           CASE WHEN channel = 'push' THEN contact END, name, locale, country, accepts_marketing,
           nullif(market_id, 0), true, $6, $6
    FROM judged WHERE outcome = 'new' ORDER BY identity, line
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
), added AS (
    INSERT INTO signups (shop_id, id, customer_id, channel, contact, mailbox, variant_id, product_id,
                         market_id, quantity, source, locale, name, optin_required,
                         optin_confirmed_at, created_at, updated_at)
    SELECT $1, j.signup_id, p.id, j.channel, j.contact, j.mailbox, j.variant_id, j.product_id,
           nullif(j.market_id, 0), j.quantity, 'import', j.locale, j.name,
           j.optin_confirmed IS NOT NULL OR $5,
           CASE WHEN j.optin_confirmed THEN coalesce(j.signed_up_at, $6) END,
           coalesce(j.signed_up_at, $6), $6
    FROM judged j JOIN people p ON p.identity = j.identity WHERE j.outcome = 'new'
    ON CONFLICT DO NOTHING
    RETURNING optin_required AND optin_confirmed_at IS NULL AS is_unconfirmed
)
{_COUNTS}
       (SELECT count(*) FROM added) AS imported,
       (SELECT count(*) FROM added WHERE is_unconfirmed) AS unconfirmed
FROM judged
"""  # noqa: S608 - constants


async def write(
    db: Connection,
    shop_id: UUID,
    import_id: UUID,
    *,
    after: int,
    limit: int,
    optin_required: bool,
    now: datetime,
) -> Written:
    """Make signups of the staged rows after the line `after`; return what became of each.

    `optin_required` decides about rows that do not say whether their shopper has confirmed.
    """
    row = await db.fetchrow(_WRITTEN, shop_id, import_id, after, limit, optin_required, now)
    if row is None:
        raise RuntimeError("an aggregate returned no row")
    return Written(**dict(row))


async def judge(
    db: Connection, shop_id: UUID, import_id: UUID, *, after: int, limit: int, optin_required: bool
) -> Written:
    """Return what would become of the staged rows after the line `after`."""
    row = await db.fetchrow(_COUNTED, shop_id, import_id, after, limit, optin_required)
    if row is None:
        raise RuntimeError("an aggregate returned no row")
    return Written(**dict(row))


async def discard(db: Connection, shop_id: UUID, import_id: UUID) -> None:
    """Delete the staged rows of an import."""
    await db.execute(
        "DELETE FROM signup_import_rows WHERE shop_id = $1 AND import_id = $2", shop_id, import_id
    )


async def forget(db: Connection, shop_id: UUID) -> None:
    """Delete what imports left behind that ended in the middle, a day ago or earlier."""
    await db.execute(
        """
        DELETE FROM signup_import_rows
        WHERE shop_id = $1 AND staged_at < now() - interval '1 day'
        """,
        shop_id,
    )

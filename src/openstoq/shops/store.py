"""Shops and API keys in PostgreSQL."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from openstoq.db.pool import Connection, Database
from openstoq.kernel.ids import new_id
from openstoq.messaging.brand import Brand
from openstoq.shops.keys import ApiKey, key_hash, new_key
from openstoq.shops.model import Points, Shop


async def admit_key(
    database: Database, key: str, *, cost: int, default_points: int
) -> tuple[Shop, UUID, Points] | None:
    """Spend `cost` points of the shop to which a key belongs.

    Returns the shop, the key's id and the shop's points. Returns None if the key is unknown,
    revoked or expired, or if its shop is not installed. If the shop has too few points left, none
    are spent, and `allowed` of the returned points is false. Spent points are committed
    immediately, so they stay spent even if the request fails.
    """
    row = await database.admit("admit_key($1, $2, $3)", key_hash(key), cost, default_points)
    if row is None:
        return None
    return Shop.from_row(row["shop"]), row["key_id"], _points(row, row["points_per_window"])


async def admit_address(
    database: Database, domain: str, bucket: str, *, cost: int, limit: int
) -> tuple[Shop, Points] | None:
    """Spend `cost` points of a client's bucket; return the shop and the client's points.

    Returns None if no shop with this `domain` is installed. The points are committed immediately,
    as in admit_key.
    """
    row = await database.admit("admit_address($1, $2, $3, $4)", domain.lower(), bucket, cost, limit)
    return (Shop.from_row(row["shop"]), _points(row, limit)) if row is not None else None


async def admit_stranger(
    database: Database, domain: str, bucket: str, *, cost: int, limit: int, shop_limit: int
) -> tuple[Shop, Points] | None:
    """Spend `cost` points of a client's bucket, and of the bucket that a shop's strangers share.

    The client's own bucket comes first. If it has too few points left, nothing is spent. If only
    the shared bucket has too few, the client's points are spent nevertheless. Returns the shop and
    the points of the bucket that had too few, or else of the client's bucket.

    Returns None if no shop with this `domain` is installed. The points are committed immediately,
    as in admit_key.
    """
    row = await database.admit(
        "admit_stranger($1, $2, $3, $4, $5)",
        domain.lower(),
        bucket,
        cost,
        limit,
        shop_limit,
    )
    if row is None:
        return None
    return Shop.from_row(row["shop"]), _points(row, row["points_per_window"])


async def take_points(database: Database, bucket: str, *, cost: int, limit: int) -> Points:
    """Spend `cost` points of any bucket, for instance that of a client's address."""
    row = await database.call("SELECT * FROM take_points($1, $2, $3)", bucket, cost, limit)
    if row is None:
        raise RuntimeError("take_points must return one row")
    return _points(row, limit)


async def forget_spent_points(db: Connection, most: int) -> int:
    """Delete up to `most` buckets, of any shop or client, unused for an hour; return how many."""
    forgotten: int = await db.fetchval("SELECT forget_spent_points($1)", most)
    return forgotten


async def may_ask(db: Connection, contact_digest: str, *, most: int) -> bool:
    """Return whether we may send a contact another confirmation request; if so, count the request.

    A contact may receive at most `most` requests in 24 hours, counted across all shops.
    """
    return bool(await db.fetchval("SELECT may_ask($1, $2)", contact_digest, most))


async def forget_requests(db: Connection, most: int) -> int:
    """Delete up to `most` contacts' counters of confirmation requests; return how many.

    A counter is deleted once no shop has sent its contact a request for a day.
    """
    forgotten: int = await db.fetchval("SELECT forget_asked($1)", most)
    return forgotten


async def forget_audit(db: Connection, shop_id: UUID, most: int, *, keep: timedelta) -> int:
    """Delete up to `most` of the shop's audit rows that are older than `keep`; return how many."""
    forgotten: int = await db.fetchval(
        """
        WITH forgotten AS (
            DELETE FROM audit_log WHERE shop_id = $1 AND id IN (
                SELECT id FROM audit_log WHERE shop_id = $1 AND at < now() - $3::interval
                LIMIT $2)
            RETURNING 1
        )
        SELECT count(*) FROM forgotten
        """,
        shop_id,
        most,
        keep,
    )
    return forgotten


async def shop_of_domain(database: Database, domain: str) -> Shop | None:
    """Find a shop, installed or not, by its .myshopify.com domain; return None if it is unknown."""
    row = await database.call("SELECT * FROM shop_of_domain($1)", domain.lower())
    return Shop.from_row(row) if row is not None else None


async def load(db: Connection, shop_id: UUID) -> Shop | None:
    """Load the shop of this transaction."""
    row = await db.fetchrow("SELECT * FROM shops WHERE shop_id = $1", shop_id)
    return Shop.from_row(row) if row is not None else None


async def load_locked(db: Connection, shop_id: UUID) -> Shop | None:
    """Load the shop of this transaction for a change, locked until the transaction ends."""
    row = await db.fetchrow("SELECT * FROM shops WHERE shop_id = $1 FOR UPDATE", shop_id)
    return Shop.from_row(row) if row is not None else None


async def save_brand(db: Connection, shop_id: UUID, brand: Brand, now: datetime) -> None:
    """Save the shop's brand."""
    await db.execute(
        "UPDATE shops SET brand = $2, updated_at = $3 WHERE shop_id = $1",
        shop_id,
        brand.model_dump_json(),
        now,
    )


async def save(
    db: Connection,
    shop_id: UUID,
    *,
    domain: str,
    name: str,
    now: datetime,
    api_url: str | None = None,
    access_token: bytes | None = None,
    client_secret: bytes | None = None,
) -> None:
    """Add a shop, or reconnect a known shop."""
    await db.execute(
        """
        INSERT INTO shops (shop_id, domain, name, api_url, access_token, client_secret,
                           installed_at, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $7)
        ON CONFLICT (shop_id) DO UPDATE SET
            api_url = excluded.api_url, access_token = excluded.access_token,
            client_secret = excluded.client_secret, installed_at = excluded.installed_at,
            uninstalled_at = NULL, updated_at = excluded.updated_at
        """,
        shop_id,
        domain.lower(),
        name,
        api_url,
        access_token,
        client_secret,
        now,
    )


async def save_facts(db: Connection, shop_id: UUID, facts: dict[str, Any], now: datetime) -> None:
    """Save Shopify's facts about the shop: its name, addresses, currency, time zone and country."""
    await db.execute(
        """
        UPDATE shops SET name = $2, email = $3, contact_email = $4, url = $5, currency = $6,
                         timezone = $7, country = $8, shopify_id = $9, updated_at = $10
        WHERE shop_id = $1
        """,
        shop_id,
        facts["name"],
        facts["email"],
        facts["contact_email"],
        facts["url"],
        facts["currency"],
        facts["timezone"],
        facts["country"],
        facts["id"],
        now,
    )


async def mark_uninstalled(db: Connection, shop_id: UUID, at: datetime) -> bool:
    """Mark a shop as uninstalled at `at`, and delete its token; return whether it was installed.

    A shop that was installed again after `at` is left unchanged, and False is returned.
    """
    done = await db.execute(
        """
        UPDATE shops SET uninstalled_at = $2, access_token = NULL, updated_at = $2
        WHERE shop_id = $1 AND installed_at <= $2 AND uninstalled_at IS NULL
        """,
        shop_id,
        at,
    )
    return done == "UPDATE 1"


async def erase(db: Connection, shop_id: UUID) -> bool:
    """Delete an uninstalled shop with all its data; return whether it was deleted.

    A shop that is installed is left unchanged.
    """
    done = await db.execute(
        "DELETE FROM shops WHERE shop_id = $1 AND uninstalled_at IS NOT NULL", shop_id
    )
    return done == "DELETE 1"


async def add_key(
    db: Connection, shop_id: UUID, *, name: str, now: datetime, expires_at: datetime | None = None
) -> str:
    """Create an API key for the shop and return it; it cannot be read again later."""
    key = new_key()
    await db.execute(
        """
        INSERT INTO api_keys (shop_id, id, name, hint, key_hash, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        shop_id,
        new_id(),
        name,
        key[-4:],
        key_hash(key),
        now,
        expires_at,
    )
    return key


async def keys(db: Connection, shop_id: UUID) -> list[ApiKey]:
    """List the shop's keys, oldest first."""
    rows = await db.fetch(
        """
        SELECT id, name, hint, created_at, expires_at, revoked_at
        FROM api_keys WHERE shop_id = $1 ORDER BY id
        """,
        shop_id,
    )
    return [ApiKey(**dict(row)) for row in rows]


async def revoke_key(db: Connection, shop_id: UUID, key_id: UUID, now: datetime) -> bool:
    """Revoke a key immediately; return False if it is unknown or was revoked before."""
    done = await db.execute(
        """
        UPDATE api_keys SET revoked_at = $3
        WHERE shop_id = $1 AND id = $2 AND revoked_at IS NULL
        """,
        shop_id,
        key_id,
        now,
    )
    return done == "UPDATE 1"


def _points(row: Any, limit: int) -> Points:
    return Points(
        limit=limit,
        remaining=row["remaining"],
        reset_at=row["reset_at"],
        retry_after=row["retry_after"],
        allowed=row["allowed"],
    )


async def forget_answers(db: Connection, shop_id: UUID, most: int) -> int:
    """Delete up to `most` stored responses that are too old to be replayed; return how many."""
    forgotten: int = await db.fetchval(
        """
        WITH forgotten AS (
            DELETE FROM idempotency_keys WHERE shop_id = $1 AND key IN (
                SELECT key FROM idempotency_keys
                WHERE shop_id = $1 AND created_at < now() - interval '24 hours' LIMIT $2)
            RETURNING 1
        )
        SELECT count(*) FROM forgotten
        """,
        shop_id,
        most,
    )
    return forgotten

"""Who works on what, in PostgreSQL: one run on an offer, one on a shop's metafields.

A lease is a row's and not a lock, because a run talks to the shop for minutes and no transaction
may stay open that long.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from openstoq.db.pool import Connection
from openstoq.preorders.offers import store
from openstoq.preorders.offers.model import Offer

LEASE = timedelta(seconds=60)


# Who has renewed a lease this lately lives, and looks at its end for what changed meanwhile.
ALIVE = LEASE - timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Held:
    """Another run has it; one that does not live any more will be waited for in vain."""

    is_alive: bool


async def claim(db: Connection, shop_id: UUID, offer_id: UUID) -> Offer | Held | None:
    """Take an offer for a run; return who has it when another does, and None when it is gone."""
    taken = await db.fetchval(
        """
        UPDATE offers SET sync_lease_until = now() + $3::interval
        WHERE shop_id = $1 AND id = $2 AND coalesce(sync_lease_until, '-infinity') < now()
        RETURNING true
        """,
        shop_id,
        offer_id,
        LEASE,
    )
    if taken:
        return await store.load(db, shop_id, offer_id, lock=False)
    until = await db.fetchval(
        "SELECT sync_lease_until - now() FROM offers WHERE shop_id = $1 AND id = $2",
        shop_id,
        offer_id,
    )
    return Held(is_alive=until > ALIVE) if until is not None else None


async def renew(db: Connection, shop_id: UUID, offer_id: UUID) -> None:
    """Keep an offer for longer."""
    await db.execute(
        "UPDATE offers SET sync_lease_until = now() + $3::interval WHERE shop_id = $1 AND id = $2",
        shop_id,
        offer_id,
        LEASE,
    )


async def release(
    db: Connection, shop_id: UUID, offer_id: UUID, *, revision: int | None, error: str | None
) -> bool:
    """Let an offer go; the shop agrees with its `revision`, or `error` says why it does not.

    True when the offer has changed since that revision was read.
    """
    return bool(
        await db.fetchval(
            """
            UPDATE offers SET sync_lease_until = NULL, sync_error = $4,
                synced_revision = greatest(synced_revision, coalesce($3, synced_revision))
            WHERE shop_id = $1 AND id = $2 RETURNING revision > $3
            """,
            shop_id,
            offer_id,
            revision,
            error,
        )
    )


async def take_storefront(db: Connection, shop_id: UUID) -> Held | None:
    """Take the writing of metafields for a run; return who has it when another does."""
    await db.execute(
        "INSERT INTO preorder_shops (shop_id) VALUES ($1) ON CONFLICT DO NOTHING", shop_id
    )
    taken = await db.fetchval(
        """
        UPDATE preorder_shops SET sync_lease_until = now() + $2::interval
        WHERE shop_id = $1 AND coalesce(sync_lease_until, '-infinity') < now()
        RETURNING true
        """,
        shop_id,
        LEASE,
    )
    if taken:
        return None
    until = await db.fetchval(
        "SELECT sync_lease_until - now() FROM preorder_shops WHERE shop_id = $1", shop_id
    )
    return Held(is_alive=until is not None and until > ALIVE)


async def renew_storefront(db: Connection, shop_id: UUID) -> None:
    """Keep the writing of metafields for longer."""
    await db.execute(
        "UPDATE preorder_shops SET sync_lease_until = now() + $2::interval WHERE shop_id = $1",
        shop_id,
        LEASE,
    )


async def leave_storefront(db: Connection, shop_id: UUID, began: datetime) -> bool:
    """Let the writing of metafields go; True when something has changed since `began`."""
    await db.execute(
        "UPDATE preorder_shops SET sync_lease_until = NULL WHERE shop_id = $1", shop_id
    )
    return bool(
        await db.fetchval(
            """
            SELECT EXISTS (SELECT FROM offers WHERE shop_id = $1 AND updated_at >= $2)
                OR EXISTS (SELECT FROM preorder_variants WHERE shop_id = $1
                           AND (revision > synced_revision OR policy_wanted IS NOT NULL))
            """,
            shop_id,
            began,
        )
    )

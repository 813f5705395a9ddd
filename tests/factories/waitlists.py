"""Signups that wait, stock that comes back for them, and the waves that follow."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from openstoq.back_in_stock.notifications import claims, marks, waves
from openstoq.back_in_stock.notifications.claims import Claimed, Place
from openstoq.back_in_stock.notifications.marks import Mark
from openstoq.back_in_stock.restock.jobs import on_stock_changed
from openstoq.back_in_stock.settings import store as settings_store
from openstoq.back_in_stock.settings.model import BackInStockSettings
from openstoq.back_in_stock.signups import new_signups, rules
from openstoq.back_in_stock.signups.model import Channel, NewSignup
from openstoq.back_in_stock.signups.projections import SIGNUP
from openstoq.catalog import stock
from openstoq.catalog.model import StockChanged
from openstoq.db.pool import Connection, Database
from openstoq.jobs.work import Run, Runtime, Subscribers
from openstoq.kernel.ids import new_id
from openstoq.shops.model import Shop
from tests.factories.catalogs import ITEM, NOON, PRODUCT, VARIANT, level, seconds_after_noon
from tests.factories.runtimes import make_runtime

LEASE = timedelta(minutes=30)


class Watch:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def show(self, seconds: float) -> None:
        """Set it to so many seconds after noon."""
        self.now = seconds_after_noon(seconds)


def restocking_runtime(database: Database, watch: Watch, **changes: Any) -> Runtime:
    """A runtime in which a change of stock starts waves."""
    subscribers: Subscribers = {StockChanged: (on_stock_changed,)}
    return make_runtime(database, clock=watch, subscribers=subscribers, **changes)


async def stock_becomes(
    runtime: Runtime, shop: Shop, available: int, seconds: float, *, item: int = ITEM
) -> list[UUID]:
    """Record stock as news does; return the waves that are to be sent because of it."""
    async with runtime.work(shop.id, request_id="test") as work:
        changes = await stock.record(
            work.db,
            shop.id,
            [level(available, item=item, told_at=seconds)],
            triggered_at=seconds_after_noon(seconds),
            now=seconds_after_noon(seconds),
        )
        for change in changes:
            await work.publish(change)
        return [effect.arguments["wave_id"] for effect in work.effects]


async def make_signup(
    database: Database,
    shop: Shop,
    contact: str = "ada@example.com",
    *,
    variant_id: int = VARIANT,
    seconds: float = -60,
    channel: Channel = "email",
    market_id: int | None = None,
    vouched: bool = True,
    **columns: Any,
) -> UUID:
    """Put a contact on the waitlist; `columns` are set afterwards, whatever rules say.

    The signup comes while the variant is sold out, whatever its stock is now.
    """
    address = {"email": "email", "sms": "phone", "push": "push"}[channel]
    new = NewSignup(
        contact=rules.contact_of(channel, **{address: contact}),
        variant_id=variant_id,
        product_id=PRODUCT,
        quantity=1,
        source="test",
        market_id=market_id,
    )
    async with database.transaction(shop.id) as db:
        available = await db.fetchval(
            "SELECT available FROM variants WHERE shop_id = $1 AND id = $2", shop.id, variant_id
        )
        await set_available(db, shop, variant_id, 0)
        added = await new_signups.add(
            db, shop.id, new, projection=SIGNUP, now=seconds_after_noon(seconds), vouched=vouched
        )
        assert added.is_new
        for column, value in columns.items():
            await db.execute(
                f"UPDATE signups SET {column} = $3 WHERE shop_id = $1 AND id = $2",  # noqa: S608 - a test's own names
                shop.id,
                added.id,
                value,
            )
        await set_available(db, shop, variant_id, available)
    return added.id


async def set_available(db: Connection, shop: Shop, variant_id: int, available: int | None) -> None:
    """Set a variant's stock, without news of it."""
    await db.execute(
        "UPDATE variants SET available = $3 WHERE shop_id = $1 AND id = $2",
        shop.id,
        variant_id,
        available,
    )


async def make_waitlist(
    database: Database, shop: Shop, count: int, *, variant_id: int = VARIANT, name: str = "shopper"
) -> list[UUID]:
    """Put many contacts on a variant's waitlist at once, a second apart, the oldest first."""
    ids = [new_id() for _ in range(count)]
    async with database.transaction(shop.id) as db:
        await db.execute(
            """
            WITH people AS (
                INSERT INTO customers (shop_id, id, identity, email, created_at, updated_at)
                SELECT $1, t.id, 'email:' || $6 || t.n || '@example.com',
                       $6 || t.n || '@example.com', $3, $3
                FROM unnest($2::uuid[]) WITH ORDINALITY AS t(id, n) RETURNING *
            )
            INSERT INTO signups (shop_id, id, customer_id, channel, contact, variant_id, product_id,
                                 quantity, source, created_at, updated_at)
            SELECT $1, t.id, t.id, 'email', people.email, $4, $5, 1, 'test',
                   $3 + make_interval(secs => t.n - 100000), $3
            FROM unnest($2::uuid[]) WITH ORDINALITY AS t(id, n) JOIN people USING (id)
            """,
            shop.id,
            ids,
            NOON,
            variant_id,
            PRODUCT,
            name,
        )
    return ids


async def set_settings(database: Database, shop: Shop, changes: dict[str, Any]) -> None:
    settings = BackInStockSettings.model_validate(changes)
    async with database.transaction(shop.id) as db:
        await settings_store.load_locked(db, shop.id, NOON)
        await settings_store.save(db, shop.id, settings, NOON)


async def load_wave(database: Database, shop: Shop, wave_id: UUID) -> waves.Wave:
    async with database.transaction(shop.id) as db:
        wave = await waves.load(db, shop.id, wave_id)
    assert wave is not None
    return wave


async def claim_new(
    database: Database, shop: Shop, wave: waves.Wave, **changes: Any
) -> tuple[list[Claimed], Place | None]:
    """Claim as a run of its own would; return the claims and the place."""
    fields: dict[str, Any] = {
        "run_id": new_id(),
        "after": None,
        "limit": 100,
        "now": seconds_after_noon(10),
        "lease": LEASE,
    }
    async with database.transaction(shop.id) as db:
        return await claims.claim_new(db, shop.id, wave, **(fields | changes))


async def claim_due(
    database: Database, shop: Shop, wave: waves.Wave, **changes: Any
) -> list[Claimed]:
    fields: dict[str, Any] = {
        "run_id": new_id(),
        "limit": 100,
        "now": seconds_after_noon(50),
        "lease": LEASE,
    }
    async with database.transaction(shop.id) as db:
        return await claims.claim_due(db, shop.id, wave, **(fields | changes))


async def mark(
    database: Database,
    shop: Shop,
    wave: waves.Wave,
    run_id: UUID,
    *given: Mark,
    seconds: float = 20.0,
) -> None:
    async with database.transaction(shop.id) as db:
        await marks.write(db, shop.id, wave, run_id, given, now=seconds_after_noon(seconds))


def outcome(claimed: Claimed, status: str, **changes: Any) -> Mark:
    return Mark(id=claimed.id, signup_id=claimed.signup_id, status=status, **changes)


async def time_passes(database: Database, shop: Shop, minutes: float) -> None:
    """Bring leases and next attempts nearer, as PostgreSQL's clock does."""
    async with database.transaction(shop.id) as db:
        await db.execute(
            """
            UPDATE notifications
            SET lease_until = lease_until - $2::interval, next_attempt_at = next_attempt_at - $2
            WHERE shop_id = $1
            """,
            shop.id,
            timedelta(minutes=minutes),
        )


async def rows(
    database: Database, shop: Shop, table: str, order: str = "id"
) -> list[asyncpg.Record]:
    async with database.transaction(shop.id) as db:
        return await db.fetch(
            f"SELECT * FROM {table} WHERE shop_id = $1 ORDER BY {order}",  # noqa: S608 - a test's own names
            shop.id,
        )


def run_of(runtime: Runtime, shop: Shop, attempt: int = 0) -> Run:
    return Run(runtime=runtime, shop_id=shop.id, request_id="test", attempt=attempt)

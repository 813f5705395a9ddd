"""Back-in-stock settings in PostgreSQL: one row per shop, from the first change on."""

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from openstoq.back_in_stock.settings.model import BackInStockSettings
from openstoq.db.pool import Connection
from openstoq.kernel.documents import readable
from openstoq.kernel.patch import stored

log = structlog.get_logger(__name__)

_COLUMNS = "channels, delivery, compliance, tagging, alerts"


async def load(db: Connection, shop_id: UUID) -> BackInStockSettings:
    """Load the shop's settings, with defaults for whatever it has never changed."""
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM back_in_stock_settings WHERE shop_id = $1",  # noqa: S608 - a constant
        shop_id,
    )
    return _settings(shop_id, row)


async def load_locked(db: Connection, shop_id: UUID, now: datetime) -> BackInStockSettings:
    """Load the shop's settings for a change, locked until the transaction ends."""
    await save_if_absent(db, shop_id, BackInStockSettings(), now)
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM back_in_stock_settings WHERE shop_id = $1 FOR UPDATE",  # noqa: S608 - a constant
        shop_id,
    )
    return _settings(shop_id, row)


def _settings(shop_id: UUID, row: Any) -> BackInStockSettings:
    """Return the settings in a row of _COLUMNS, with the default for each unreadable value.

    An unreadable value must stop neither stock changes nor mails.
    """
    if row is None:
        return BackInStockSettings()
    settings, problems = readable(BackInStockSettings, dict(row), "settings")
    if problems:
        log.warning("settings.unreadable", shop_id=str(shop_id), problems=problems)
    return settings


async def save_if_absent(
    db: Connection, shop_id: UUID, settings: BackInStockSettings, now: datetime
) -> None:
    """Save the settings of a shop that has none yet."""
    await db.execute(
        """
        INSERT INTO back_in_stock_settings
            (shop_id, channels, delivery, compliance, tagging, alerts, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
        """,
        shop_id,
        *stored(settings).values(),
        now,
    )


async def save(db: Connection, shop_id: UUID, settings: BackInStockSettings, now: datetime) -> None:
    """Save the settings of a shop whose row is locked by `load_locked`."""
    await db.execute(
        """
        UPDATE back_in_stock_settings SET channels = $2, delivery = $3, compliance = $4,
            tagging = $5, alerts = $6, updated_at = $7
        WHERE shop_id = $1
        """,
        shop_id,
        *stored(settings).values(),
        now,
    )

"""Runtimes: what bootstrap would make, without adapters that a test does not need."""

from typing import Any

from openstoq.config import Security, Settings
from openstoq.db.pool import Database
from openstoq.jobs.work import Runtime, Subscribers
from openstoq.kernel.clock import Clock, utc_now
from openstoq.kernel.ports import Ports
from openstoq.messaging.unmarked import LEAST, UnmarkedBudget
from openstoq.preorders.offers.storefront.sold_units import SoldUnits
from openstoq.preorders.orders.limits.counts import sold_units
from openstoq.shops.seal import Seal

KEY = "a key that only tests have, 32 chars"


def make_runtime(
    database: Database,
    *,
    ports: dict[Any, object] | None = None,
    settings: Settings | None = None,
    clock: Clock = utc_now,
    subscribers: Subscribers | None = None,
) -> Runtime:
    return Runtime(
        database=database,
        settings=settings or Settings(security=Security(key=KEY)),
        ports=Ports(
            {
                Seal: Seal(KEY),
                SoldUnits: sold_units,
                UnmarkedBudget: UnmarkedBudget(LEAST),
                **(ports or {}),
            }
        ),
        clock=clock,
        subscribers=subscribers or {},
    )

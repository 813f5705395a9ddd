"""The runtime of a process: the objects that all requests and jobs share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from openstoq.bootstrap.settings import SettingsError, database_url
from openstoq.commerce.inbound import Inbound
from openstoq.commerce.port import ShopConnector
from openstoq.commerce.shopify.adapter import ShopifyConnector
from openstoq.commerce.shopify.client import http_client
from openstoq.commerce.shopify.inbound import ShopifyInbound
from openstoq.config import Settings
from openstoq.db.pool import Database
from openstoq.jobs.work import Runtime
from openstoq.kernel.clock import utc_now
from openstoq.kernel.logging import configure
from openstoq.kernel.ports import Ports
from openstoq.messaging.email.settings import SMTPSettings
from openstoq.messaging.email.smtp import SMTPTransport
from openstoq.messaging.port import EmailTransport
from openstoq.messaging.unmarked import UnmarkedBudget, limit_for
from openstoq.preorders.offers.storefront.sold_units import SoldUnits
from openstoq.preorders.orders.limits.counts import sold_units
from openstoq.registry import SUBSCRIBERS
from openstoq.shops.seal import Seal

SHORTEST_KEY = 32


@asynccontextmanager
async def runtime(
    settings: Settings, *, statement_seconds: float | None = None
) -> AsyncIterator[Runtime]:
    """Open the objects that all requests and jobs share; close them when the block ends.

    `statement_seconds` limits each SQL statement. Without it, the limit for requests that write
    applies. Raises SettingsError if the security key is too short or no database is known.
    """
    url = database_url(settings)
    key = settings.security.key.get_secret_value()
    if len(key) < SHORTEST_KEY:
        raise SettingsError(
            f"set OPENSTOQ_SECURITY_KEY to at least {SHORTEST_KEY} random characters"
        )
    configure(settings.log.format, settings.log.level)
    transport = SMTPTransport(_smtp(settings))
    async with http_client(settings.shopify.timeout_seconds) as http:
        database = await Database.connect(
            url,
            size=settings.database.pool_size,
            prepared_statements=settings.database.prepared_statements,
            seconds=statement_seconds or settings.database.write_seconds,
        )
        try:
            yield Runtime(
                database=database,
                settings=settings,
                ports=Ports(
                    {
                        Seal: Seal(key),
                        ShopConnector: ShopifyConnector(http),
                        Inbound: ShopifyInbound(),
                        EmailTransport: transport,
                        SoldUnits: sold_units,
                        UnmarkedBudget: UnmarkedBudget(limit_for(settings.mail.connections)),
                    }
                ),
                clock=utc_now,
                subscribers=SUBSCRIBERS,
            )
        finally:
            await transport.aclose()
            await database.close()


def _smtp(settings: Settings) -> SMTPSettings:
    mail = settings.mail
    return SMTPSettings(
        host=mail.host,
        port=mail.port,
        security=mail.security,
        username=mail.username,
        password=mail.password.get_secret_value() if mail.password else None,
        sender=mail.sender,
        ca_file=mail.ca_file,
        connections=mail.connections,
        timeout=mail.timeout_seconds,
    )

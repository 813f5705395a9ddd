"""Configuration of a sandbox server: its shops, their secrets, and its address."""

from dataclasses import dataclass, field
from functools import cached_property
from zoneinfo import ZoneInfo

API_VERSION = "2026-07"
# The app that is installed in every shop.
APP_ID = 1_170_001
APP_NAME = "app-under-test"

# Scopes of an app that sells preorders and answers back-in-stock requests.
_SCOPES = (
    "read_customers",
    "read_inventory",
    "read_locations",
    "read_markets",
    "read_payment_terms",
    "write_inventory",
    "write_merchant_managed_fulfillment_orders",
    "write_orders",
    "write_payment_mandate",
    "write_products",
    "write_purchase_options",
    "write_third_party_fulfillment_orders",
)


@dataclass(frozen=True, kw_only=True)
class ShopConfig:
    """One shop: its facts as in Shopify's admin, and the app's credentials for it."""

    domain: str
    name: str
    access_token: str = "shpat_sandbox"  # noqa: S105 — the sandbox guards nothing of value
    client_secret: str = "sandbox-client-secret"  # noqa: S105 — as above
    currency: str = "USD"
    plan: str = "Basic"
    iana_timezone: str = "America/New_York"
    country: str = "US"
    email: str = "owner@example.com"
    catalogue: str = "snowdevil"
    scopes: tuple[str, ...] = _SCOPES

    @cached_property
    def timezone(self) -> ZoneInfo:
        """Return the zone in which the shop's webhooks write their times."""
        return ZoneInfo(self.iana_timezone)


def default_shops(
    access_token: str = "shpat_sandbox",  # noqa: S107 — the sandbox guards nothing of value
    client_secret: str = "sandbox-client-secret",  # noqa: S107 — as above
    currency: str = "USD",
) -> tuple[ShopConfig, ...]:
    """Return the two shops that a sandbox has by default; `currency` is that of the first."""
    return (
        ShopConfig(
            domain="snowdevil.myshopify.com",
            name="Snowdevil",
            access_token=access_token,
            client_secret=client_secret,
            currency=currency,
        ),
        ShopConfig(
            domain="northwind.myshopify.com",
            name="Northwind Home",
            access_token=access_token,
            client_secret=client_secret,
            currency="EUR",
            plan="Shopify Plus",
            iana_timezone="Europe/Berlin",
            country="DE",
            email="hello@example.com",
            catalogue="northwind",
        ),
    )


@dataclass(frozen=True, kw_only=True)
class SandboxConfig:
    """The configuration of a sandbox server.

    `base_url` is the server's address, without a trailing slash. `retry_delays` are the seconds
    between the attempts of one webhook delivery, so there is one attempt more than delays.
    """

    base_url: str
    shops: tuple[ShopConfig, ...] = field(default_factory=default_shops)
    control_token: str = "sandbox-control"  # noqa: S105 — the sandbox guards nothing of value
    allow_http: bool = False
    signup_api: str | None = None
    compliance_url: str | None = None
    bucket_size: float = 2000.0
    restore_rate: float = 100.0
    connect_timeout: float = 1.0
    answer_timeout: float = 5.0
    retry_delays: tuple[float, ...] = (10.0, 60.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 6000.0)

    def shop_url(self, domain: str) -> str:
        """Return the base address of one shop's API and pages."""
        return f"{self.base_url}/shops/{domain}"

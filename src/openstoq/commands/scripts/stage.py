"""Where a demo runs: what it prints, and what a story is played on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A shop of the demo and its API key."""

    shop_domain: str
    api_key: str


@dataclass(frozen=True, slots=True)
class Demo:
    """Where everything is. `admin_token` opens the sandbox's Admin API and its control API."""

    api: str
    sandbox: str
    mail: str
    shop_domain: str
    api_key: str
    webhook_secret: str
    admin_token: str
    other_shop: Place

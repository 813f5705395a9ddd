"""The stage of a demo: its addresses and keys, which it prints and its stories use."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A shop of the demo and its API key."""

    shop_domain: str
    api_key: str


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo's addresses and keys.

    `admin_token` is valid for the sandbox's Admin API and its control API.
    """

    api: str
    sandbox: str
    mail: str
    shop_domain: str
    api_key: str
    webhook_secret: str
    admin_token: str
    other_shop: Place

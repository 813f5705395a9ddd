"""The stage of a demo: the addresses and keys that the demo prints and its stories use."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A shop of the demo, and its API key."""

    shop_domain: str
    api_key: str


@dataclass(frozen=True, slots=True)
class Demo:
    """The addresses and keys of the demo.

    `admin_token` is valid both for the sandbox's Admin API and for its control API.
    """

    api: str
    sandbox: str
    mail: str
    shop_domain: str
    api_key: str
    webhook_secret: str
    admin_token: str
    other_shop: Place

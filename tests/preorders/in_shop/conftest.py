"""Tests of what preorders do in a shop: the fixtures of a running sandbox and a worker."""

from tests.factories.preorders import market, plans
from tests.factories.sandboxed import (
    at_once,
    client,
    offer,
    runtime,
    shop,
    site,
    variants,
    worker,
)

__all__ = [
    "at_once",
    "client",
    "market",
    "offer",
    "plans",
    "runtime",
    "shop",
    "site",
    "variants",
    "worker",
]

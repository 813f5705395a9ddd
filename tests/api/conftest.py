"""Tests through HTTP."""

from tests.factories.fixtures import app, client, key, runtime, shop

__all__ = ["app", "client", "key", "runtime", "shop"]

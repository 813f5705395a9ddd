"""Tests through HTTP."""

from factories.fixtures import app, client, key, runtime, shop

__all__ = ["app", "client", "key", "runtime", "shop"]

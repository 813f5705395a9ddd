"""Tests on a real PostgreSQL, of one shop."""

from tests.factories.fixtures import runtime, shop

__all__ = ["runtime", "shop"]

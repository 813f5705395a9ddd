"""Tests of what preorders do in a shop: the fixtures of a running sandbox and a worker."""

from factories.sandboxed import client, offer, runtime, shop, site, variants, worker

__all__ = ["client", "offer", "runtime", "shop", "site", "variants", "worker"]

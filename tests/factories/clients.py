"""HTTP clients that are as patient as the tests are."""

from typing import Any

import httpx

from tests.factories.patience import PATIENCE

# Servers keep an idle connection for five seconds, and so does httpx. A request that is sent just
# as the server closes the connection is lost, so a client stops using it sooner.
KEPT_SECONDS = 2.0


def patient_client(*, most: int = 100, **options: Any) -> httpx.AsyncClient:
    """Open a client that has at most so many connections, and takes no proxy for the loopback."""
    limits = httpx.Limits(max_connections=most, keepalive_expiry=KEPT_SECONDS)
    return httpx.AsyncClient(timeout=PATIENCE, limits=limits, trust_env=False, **options)

"""The links that a mail carries: signed, so that they need no login and name nobody."""

from uuid import UUID

from openstoq.jobs.work import Runtime
from openstoq.shops.seal import Seal

UNSUBSCRIBE, CONFIRM = "unsubscribe", "confirm"


def link(runtime: Runtime, purpose: str, shop_id: UUID, signup_id: UUID) -> str:
    """Return the address that unsubscribes from, or confirms, a signup."""
    token = runtime.ports.get(Seal).sign(purpose, shop_id, signup_id)
    return f"{runtime.settings.http.public_url.rstrip('/')}/{purpose}/{token}"

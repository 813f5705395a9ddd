"""The links in our mails: signed, so that they need no login and contain no contact."""

from uuid import UUID

from openstoq.jobs.work import Runtime
from openstoq.shops.seal import Seal

UNSUBSCRIBE, CONFIRM = "unsubscribe", "confirm"


def link(runtime: Runtime, purpose: str, shop_id: UUID, signup_id: UUID) -> str:
    """Return the signed URL for a `purpose`: UNSUBSCRIBE the shopper, or CONFIRM the signup."""
    token = runtime.ports.get(Seal).sign(purpose, shop_id, signup_id)
    return f"{runtime.settings.http.public_url.rstrip('/')}/{purpose}/{token}"

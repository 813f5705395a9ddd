"""Subscriptions to webhooks."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True, eq=False, kw_only=True)
class Subscription:
    """A subscription: an address to which one topic's webhooks are sent."""

    id: int
    topic: str
    uri: str
    created_at: datetime
    updated_at: datetime
    include_fields: tuple[str, ...] = ()
    metafield_namespaces: tuple[str, ...] = ()
    name: str | None = None
    filter: str | None = None

"""Callers, and the context in which an action runs for one of them."""

from dataclasses import dataclass
from uuid import UUID

from openstoq.db.statement import Statement
from openstoq.jobs.work import Work
from openstoq.shops.model import Points, Shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The one who asks, of which shop, and with how many points left."""

    shop: Shop
    actor: str  # key:<id>, or storefront
    points: Points
    # Where a stranger's points are counted; None for who has a key.
    bucket: str | None = None
    # The customer who was logged in, where the shop's platform signed the request.
    customer_id: int | None = None

    @property
    def is_stranger(self) -> bool:
        """Whether nobody vouches for what the caller says."""
        return self.bucket is not None


@dataclass(slots=True, kw_only=True)
class Context(Work):
    """The surroundings of a handler: the open transaction of the caller's shop."""

    caller: Caller
    record: Statement | None = None

    def take_record(self) -> Statement | None:
        """Take the call's audit row, to write it along with a statement of the handler's own.

        It spares the busiest writes a round trip. Whatever nobody took, dispatch writes.
        """
        record, self.record = self.record, None
        return record

    @property
    def shop(self) -> Shop:
        """The caller's shop."""
        return self.caller.shop


def actor_of_key(key_id: UUID) -> str:
    """Name a key in the audit trail."""
    return f"key:{key_id}"

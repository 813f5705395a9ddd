"""Callers, and the context in which an action runs for one of them."""

from dataclasses import dataclass
from uuid import UUID

from openstoq.db.statement import Statement
from openstoq.jobs.work import Work
from openstoq.shops.model import Points, Shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The caller of an action: its shop, and its remaining rate points."""

    shop: Shop
    actor: str  # key:<id>, or storefront
    points: Points
    # The bucket that a stranger's points are counted in; None for a caller with a key.
    bucket: str | None = None
    # The customer who was logged in, where the shop's platform signed the request.
    customer_id: int | None = None

    @property
    def is_stranger(self) -> bool:
        """Return whether the caller has no key, so that the data it sends is unverified."""
        return self.bucket is not None


@dataclass(slots=True, kw_only=True)
class Context(Work):
    """The context in which a handler runs: the caller, and the open transaction of its shop."""

    caller: Caller
    record: Statement | None = None
    is_alone: bool = False
    """True if the handler's only statement commits at once, and so must undo itself on a refusal."""

    def take_record(self) -> Statement | None:
        """Return the statement that writes the call's audit row; the handler must then run it.

        The handler combines it with a statement of its own, which saves a round trip for the most
        frequent writes. If no handler takes the statement, dispatch runs it. Returns None for an
        action that only reads, or if the statement was taken before.
        """
        record, self.record = self.record, None
        return record

    @property
    def shop(self) -> Shop:
        """The caller's shop."""
        return self.caller.shop


def actor_of_key(key_id: UUID) -> str:
    """Return the actor that stands for a key in the audit log."""
    return f"key:{key_id}"

"""Decisions about deliveries, without I/O: what an outcome means for a message."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from openstoq.back_in_stock.notifications.claims import Mark
from openstoq.messaging.port import Delivery, Outcome

MOST_ATTEMPTS = 12
LONGEST_PAUSE = timedelta(hours=1)
RELAY_PAUSES = (1, 2, 5, 10, 20, 30)


def pause_after(attempts: int) -> timedelta:
    """Return how long a message rests after its `attempts`-th try: 30 s, doubling up to 1 h."""
    return min(timedelta(seconds=30 * 2.0 ** min(attempts - 1, 10)), LONGEST_PAUSE)


def relay_pause(failures: int) -> timedelta:
    """Return how long a wave waits for a relay that cannot be reached."""
    return timedelta(seconds=RELAY_PAUSES[min(failures, len(RELAY_PAUSES) - 1)])


def mark_of(
    message_id: UUID,
    delivery: Delivery,
    *,
    attempts: int,
    unknown_outcome: Literal["resend", "hold"],
    now: datetime,
) -> Mark:
    """Say what becomes of a message after a delivery.

    A relay's "later" is tried again up to MOST_ATTEMPTS times; a relay that was not there is no
    attempt. Of a message that the relay may have taken, the shop decides.
    """
    if delivery.outcome is Outcome.ACCEPTED:
        return Mark(id=message_id, status="sent")
    if delivery.outcome is Outcome.REFUSED:
        return Mark(id=message_id, status="failed", error=delivery.reply)
    if delivery.outcome is Outcome.UNKNOWN and unknown_outcome == "hold":
        return Mark(id=message_id, status="unknown", error=delivery.reply)
    relay_said_later = delivery.reply.startswith("4")
    if relay_said_later and attempts >= MOST_ATTEMPTS:
        return Mark(id=message_id, status="failed", error=delivery.reply)
    pause = pause_after(attempts) if relay_said_later else relay_pause(0)
    return Mark(id=message_id, status="queued", error=delivery.reply, next_attempt_at=now + pause)

"""Decisions about deliveries, without I/O: what an outcome means for a message."""

from datetime import timedelta
from typing import Literal

from openstoq.back_in_stock.notifications.claims import Claimed, Mark
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
    claimed: Claimed, delivery: Delivery, *, unknown_outcome: Literal["resend", "hold"]
) -> Mark:
    """Say what becomes of a message after a delivery.

    A relay's "later" is tried again up to MOST_ATTEMPTS times; a relay that was not there is no
    attempt. Of a message that the relay may have taken, the shop decides; it is not handed over
    more than MOST_ATTEMPTS times.
    """
    relay_said_later = delivery.reply.startswith("4")
    status, pause = "queued", None
    if delivery.outcome is Outcome.ACCEPTED:
        status = "sent"
    elif delivery.outcome is Outcome.UNKNOWN and (
        unknown_outcome == "hold" or claimed.attempts >= MOST_ATTEMPTS
    ):
        status = "unknown"
    elif delivery.outcome is Outcome.REFUSED or (
        relay_said_later and claimed.attempts >= MOST_ATTEMPTS
    ):
        status = "failed"
    elif relay_said_later:
        pause = pause_after(claimed.attempts)
    else:
        was_handed_over = delivery.outcome is Outcome.UNKNOWN
        pause = relay_pause(claimed.attempts - 1 if was_handed_over else 0)
    return Mark(
        id=claimed.id,
        signup_id=claimed.signup_id,
        status=status,
        error=None if status == "sent" else delivery.reply,
        pause=pause,
        is_attempt=delivery.outcome is not Outcome.DEFERRED or relay_said_later,
    )

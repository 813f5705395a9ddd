"""Decisions about deliveries, without I/O: what an outcome means for a message."""

import re
from datetime import datetime, timedelta
from typing import Literal

from openstoq.back_in_stock.notifications.claims import Claimed
from openstoq.back_in_stock.notifications.marks import Mark
from openstoq.kernel.ids import made_at
from openstoq.messaging.port import Delivery, Outcome

MOST_ATTEMPTS = 12
LONGEST_PAUSE = timedelta(hours=1)
RELAY_PAUSES = (1, 2, 5, 10, 20, 30)
REFUSAL_PAUSES = (2, 5, 10, 30, 60, 120, 300, 600)
# As long as mail servers try (RFC 5321, 4.5.4.1), a waitlist of which nearly all is refused is
# taken for a fault of the relay.
PATIENCE = timedelta(days=5)

_CODES = re.compile(r"\d{3}(?:[ -]\d\.\d{1,3}\.\d{1,3})?")


def pause_after(attempts: int) -> timedelta:
    """Return how long a message rests after its `attempts`-th try: 30 s, doubling up to 1 h."""
    return min(timedelta(seconds=30 * 2.0 ** min(attempts - 1, 10)), LONGEST_PAUSE)


def relay_pause(failures: int) -> timedelta:
    """Return how long a wave waits for a relay that cannot be reached."""
    return timedelta(seconds=RELAY_PAUSES[min(failures, len(RELAY_PAUSES) - 1)])


def refusal_pause(refusals: int) -> timedelta:
    """Return how long a wave waits for a relay that has stopped so many of its runs in a row."""
    return timedelta(seconds=REFUSAL_PAUSES[min(refusals, len(REFUSAL_PAUSES) - 1)])


def refusal_reason(delivery: Delivery) -> str:
    """Return why a relay stops a wave, without its words: they may quote a recipient."""
    codes = _CODES.match(delivery.reply)
    if codes is None or delivery.stage is None:
        return "The messages cannot be written for this relay; look at their errors."
    if delivery.outcome is Outcome.TURNED_AWAY:
        return f"The relay answers {delivery.stage} with {codes[0]}; look at its log."
    return f"The relay refuses nearly everybody, at {delivery.stage} with {codes[0]}."


def mark_of(
    claimed: Claimed, delivery: Delivery, *, unknown_outcome: Literal["resend", "hold"]
) -> Mark:
    """Say what becomes of a message after a delivery.

    A relay's "later", and its refusal of one message among others, is tried again up to
    MOST_ATTEMPTS times; a relay that was not there is no attempt. Of a message that the relay may
    have taken, the shop decides; it is not handed over more than MOST_ATTEMPTS times.
    """
    is_turned_away = delivery.outcome is Outcome.TURNED_AWAY
    relay_said_later = is_turned_away or (
        delivery.outcome is Outcome.DEFERRED and delivery.reply.startswith("4")
    )
    status, pause = "queued", None
    if delivery.outcome is Outcome.ACCEPTED:
        status = "sent"
    elif delivery.outcome is Outcome.UNKNOWN and (
        unknown_outcome == "hold" or claimed.attempts >= MOST_ATTEMPTS
    ):
        status = "unknown"
    elif delivery.outcome in (Outcome.REFUSED, Outcome.REJECTED) or (
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
        blocks=delivery.outcome is Outcome.REFUSED,
        singled_out=is_turned_away,
    )


def mark_of_relays(
    claimed: Claimed, delivery: Delivery, *, pause: timedelta, now: datetime
) -> Mark:
    """Say what becomes of a message whose refusal is the relay's fault: it waits, unharmed.

    One that was turned away before while others were served goes on using up its attempts, or a
    wave that has nothing else left would never end. A refusal of the recipient or the message
    that stands for as long as PATIENCE is believed, and still blocks nobody.
    """
    is_turned_away = delivery.outcome is Outcome.TURNED_AWAY
    if is_turned_away and claimed.singled_out:
        return mark_of(claimed, delivery, unknown_outcome="resend")
    is_over = not is_turned_away and now - made_at(claimed.id) > PATIENCE
    return Mark(
        id=claimed.id,
        signup_id=claimed.signup_id,
        status="failed" if is_over else "queued",
        error=delivery.reply,
        pause=None if is_over else pause,
        is_attempt=is_over,
    )

"""Decide, without I/O, what follows from an attempt to send a message: its state, and a pause."""

import re
from datetime import datetime, timedelta
from typing import Literal

from openstoq.back_in_stock.notifications.claims import Claimed
from openstoq.back_in_stock.notifications.marks import Mark
from openstoq.kernel.ids import created_at
from openstoq.messaging.port import PATIENCE, Delivery, Outcome

MOST_ATTEMPTS = 12
LONGEST_PAUSE = timedelta(hours=1)
RELAY_PAUSES = (1, 2, 5, 10, 20, 30)
REFUSAL_PAUSES = (2, 5, 10, 30, 60, 120, 300, 600)
# A quota may last a day or longer, and asking often may prolong it.
WAVE_QUOTA_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 20, 40, 60))
# All attempts of a message together last four days.
MESSAGE_QUOTA_PAUSES = tuple(timedelta(hours=hours) for hours in (1, 2, 4, 8, 12))

_CODES = re.compile(r"\d{3}(?:[ -]\d\.\d{1,3}\.\d{1,3})?")


def pause_after(attempts: int) -> timedelta:
    """Return how long a message waits after its `attempts`-th attempt.

    The first wait is 30 seconds. Each further wait is twice as long, up to an hour.
    """
    return min(timedelta(seconds=30 * 2.0 ** min(attempts - 1, 10)), LONGEST_PAUSE)


def relay_pause(failures: int) -> timedelta:
    """Return how long a wave waits for an unreachable relay, after `failures` earlier failures."""
    return timedelta(seconds=RELAY_PAUSES[min(failures, len(RELAY_PAUSES) - 1)])


def quota_pause(attempts: int) -> timedelta:
    """Return how long a message waits for a quota to end, after its `attempts`-th attempt."""
    return MESSAGE_QUOTA_PAUSES[min(attempts, len(MESSAGE_QUOTA_PAUSES)) - 1]


def refusal_pause(refusals: int, *, is_quota: bool = False) -> timedelta:
    """Return how long a wave waits for a relay that has stopped `refusals` of its runs in a row."""
    if is_quota:
        return WAVE_QUOTA_PAUSES[min(refusals, len(WAVE_QUOTA_PAUSES) - 1)]
    return timedelta(seconds=REFUSAL_PAUSES[min(refusals, len(REFUSAL_PAUSES) - 1)])


def refusal_reason(delivery: Delivery) -> str:
    """Return why a relay stops a wave; omit the relay's own words, which may quote a recipient."""
    codes = _CODES.match(delivery.reply)
    if codes is None or delivery.stage is None:
        return "The messages cannot be written for this relay; look at their errors."
    if delivery.is_quota:
        return f"The relay's quota is used up: it answers {delivery.stage} with {codes[0]}."
    if delivery.outcome is Outcome.TURNED_AWAY:
        return f"The relay answers {delivery.stage} with {codes[0]}; look at its log."
    if delivery.outcome is Outcome.DEFERRED:
        return f"The relay says later to nearly everybody, at {delivery.stage} with {codes[0]}."
    return f"The relay refuses nearly everybody, at {delivery.stage} with {codes[0]}."


def mark_of(
    claimed: Claimed,
    delivery: Delivery,
    *,
    unknown_outcome: Literal["resend", "hold"],
    is_alone: bool = False,
) -> Mark:
    """Return the mark of a message after an attempt to send it that had the result `delivery`.

    A message gets up to MOST_ATTEMPTS attempts if the relay says "later", or if the relay turns
    away this message but not others. If `is_alone` is true, there is no limit, because no other
    message shows that the relay serves anybody. An attempt does not count if the relay could not be
    reached. If the relay may already have accepted the message, `unknown_outcome` decides whether
    the message is sent again, up to MOST_ATTEMPTS attempts.
    """
    is_to_be_tried = delivery.outcome is Outcome.TURNED_AWAY or delivery.says_later
    status, pause = "queued", None
    if delivery.outcome is Outcome.ACCEPTED:
        status = "sent"
    elif delivery.outcome is Outcome.UNKNOWN and (
        unknown_outcome == "hold" or claimed.attempts >= MOST_ATTEMPTS
    ):
        status = "unknown"
    elif delivery.outcome in (Outcome.REFUSED, Outcome.REJECTED) or (
        is_to_be_tried and claimed.attempts >= MOST_ATTEMPTS and not is_alone
    ):
        status = "failed"
    elif is_to_be_tried:
        wait = quota_pause if delivery.is_quota else pause_after
        pause = wait(claimed.attempts)
    else:
        was_handed_over = delivery.outcome is Outcome.UNKNOWN
        pause = relay_pause(claimed.attempts - 1 if was_handed_over else 0)
    return Mark(
        id=claimed.id,
        signup_id=claimed.signup_id,
        status=status,
        error=None if status == "sent" else delivery.reply,
        pause=pause,
        is_attempt=delivery.outcome is not Outcome.DEFERRED or delivery.says_later,
        blocks=delivery.outcome is Outcome.REFUSED,
        singled_out=is_to_be_tried and not is_alone,
    )


def is_alone(claimed: Claimed, *, accepted: int, now: datetime) -> bool:
    """Return whether nothing shows yet that the relay accepts messages other than this one.

    There are two such signs: the relay accepted a message in this run, or an earlier run singled
    this message out because the relay accepted others but not this one. A message older than
    PATIENCE is never alone.
    """
    if accepted or claimed.singled_out:
        return False
    return now - created_at(claimed.id) <= PATIENCE


def mark_of_relay(
    claimed: Claimed, delivery: Delivery, *, now: datetime, pause: timedelta = timedelta(0)
) -> Mark:
    """Return the mark of a message whose refusal is, or may be, the relay's fault.

    The message waits for `pause`, and the attempt does not count. If the message is older than
    PATIENCE, any refusal other than TURNED_AWAY is final: the message fails and the attempt counts,
    but the signup is not blocked.
    """
    is_over = (
        delivery.outcome is not Outcome.TURNED_AWAY and now - created_at(claimed.id) > PATIENCE
    )
    return Mark(
        id=claimed.id,
        signup_id=claimed.signup_id,
        status="failed" if is_over else "queued",
        error=delivery.reply,
        pause=None if is_over else pause,
        is_attempt=is_over,
    )

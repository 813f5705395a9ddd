"""The trial of refusals: the relay's other replies in a run show whose fault a refusal is.

A relay's words for "no such mailbox" and for "I do not serve you" cannot always be told apart, and
a relay whose directory is broken says "no such mailbox" about everybody. A refusal is therefore not
final immediately. If the relay accepts other messages, the refusal is the message's own fault. If
the relay refuses nearly all messages, it is the relay's fault.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from openstoq.back_in_stock.notifications.claims import Claimed
from openstoq.messaging.port import Delivery, Outcome

# NEARLY_ALL refusals among the last WINDOW replies count as nearly all.
WINDOW = 20
NEARLY_ALL = 18
# The sizes of a probe: messages from elsewhere on the waitlist decide whether the refusals are the
# relay's fault, because somebody who signs up many dead addresses in a row must not stop a wave. A
# probe is larger the more runs were stopped, and grows while the relay accepts any message of it.
PROBES, MOST_PROBES = 10, 640
# At a run's end, no message may be left to show that the relay still accepts others after it turned
# one away. Up to STRAYS such messages are judged to be at fault themselves, if the relay accepted
# at least as many.
STRAYS = 2


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal that the relay sent for a message.

    `taken` is the number of the run's messages that had been handed over when the refusal arrived,
    and `answered` is the number that the relay had answered. Both include this message.
    """

    claimed: Claimed
    delivery: Delivery
    taken: int
    answered: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement, at the end of a run, of the refusals that were not final until then."""

    final: list[Refusal]
    """Refusals that are the messages' own fault."""
    relays: list[Refusal]
    undecided: list[Refusal]
    """Refusals that an interrupted run could not judge; the next run tries the messages again."""

    @property
    def worst(self) -> Refusal | None:
        """Return the worst refusal that is the relay's fault, or None if there is none.

        The wave reports this refusal, and its kind decides how long the wave pauses. A used-up
        quota is the worst, because it lasts longest. The next worst is that the relay turned a
        message away, because a single recipient cannot have caused that.
        """
        return max(self.relays, key=_severity, default=None)

    @property
    def is_quota(self) -> bool:
        """Return whether the wave and its messages must wait until the relay renews our quota."""
        return self.worst is not None and self.worst.delivery.is_quota


class Trial:
    """The relay's replies in one run, and the refusals among them that are not final yet."""

    def __init__(self) -> None:
        self.accepted = 0
        self.is_doubtful = False
        """True after nearly all recent messages were refused; `judge` or `close` then decides."""
        self._last: deque[bool] = deque(maxlen=WINDOW)
        """The latest replies, or all since the probe began; True is an acceptance."""
        self._open: list[Refusal] = []
        self._places: dict[UUID, int] = {}
        self._taken = 0
        self._answered = 0
        self._served = 0
        """The highest place, in the order of handing over, of an accepted message."""

    def take(self, message_id: UUID) -> None:
        """Count a message as handed over."""
        self._taken += 1
        self._places[message_id] = self._taken

    def drop(self, message_id: UUID) -> None:
        """Disregard a message, because its outcome reveals nothing about the relay."""
        self._places.pop(message_id, None)

    def hear(self, claimed: Claimed, delivery: Delivery) -> list[Refusal]:
        """Record the relay's reply to a message; return the refusals that are final now."""
        place = self._places.pop(claimed.id, 0)
        self._answered += 1
        is_accepted = delivery.outcome is Outcome.ACCEPTED
        self._last.append(is_accepted)
        if is_accepted:
            self.accepted += 1
            self._served = max(self._served, place)
        else:
            self._open.append(Refusal(claimed, delivery, self._taken, self._answered))
        if len(self._last) >= WINDOW and self._last.count(False) >= NEARLY_ALL:
            self.is_doubtful = True
        return [] if self.is_doubtful else self._pick(self._is_final)

    @property
    def is_conclusive(self) -> bool:
        """Return whether the run has enough replies to judge refusals, and may therefore pause."""
        return self._answered >= WINDOW and not self.is_doubtful

    @property
    def is_out_of_quota(self) -> bool:
        """Return whether nearly all recent messages were refused because our quota is used up."""
        last = self._open[-NEARLY_ALL:]
        return self.is_doubtful and bool(last) and all(one.delivery.is_quota for one in last)

    def probe(self) -> None:
        """Begin to count the replies to a probe.

        The outcome of each message that was handed over before must be known already.
        """
        self._last = deque()

    @property
    def has_served_probe(self) -> bool:
        """Return whether the relay has accepted any message of the probe."""
        return True in self._last

    def judge(self) -> list[Refusal]:
        """Return the refusals from before the probe, if the probe shows that they are final.

        Returns an empty list if nearly all messages of the probe were refused, or none was
        answered.
        """
        refused = self._last.count(False)
        if not self._last or refused * WINDOW >= NEARLY_ALL * len(self._last):
            return []
        self.is_doubtful = False
        final = self._answered - len(self._last)
        self._last = deque(self._last, maxlen=WINDOW)
        return self._pick(lambda refusal: refusal.answered <= final)

    def close(self, *, is_cut: bool) -> Verdict:
        """Judge the refusals that are not final yet when a run ends.

        `is_cut` is true if the run stopped early; refusals may then stay undecided. A message is
        `singled_out` if the relay accepted others but not this one in an earlier run. If the relay
        turns such a message away again, or says "later" again, the refusal is final and uses up an
        attempt. Without this rule, a wave with nothing else left would never end. But if the relay
        is at fault for other messages of this run, the refusal counts as the relay's fault, too,
        and uses up no attempt.
        """
        opened, self._open = self._open, []
        odd = [one for one in opened if one.claimed.singled_out and _may_be_relays(one)]
        if self.is_doubtful:
            final, relays = odd, [one for one in opened if one not in odd]
        elif is_cut:
            has_window = self._answered >= WINDOW
            final = [one for one in opened if has_window and self._has_served_since(one)]
            return Verdict(final, [], [one for one in opened if one not in final])
        else:
            turned_away = [one for one in opened if _is_turned_away(one) and one not in odd]
            relays = turned_away if len(turned_away) > min(STRAYS, self.accepted) else []
            final = [one for one in opened if one not in relays]
        if relays:
            final, relays = [one for one in final if one not in odd], relays + odd
        return Verdict(final, relays, [])

    def _has_served_since(self, refusal: Refusal) -> bool:
        # Messages handed over before the relay began to refuse may be accepted: no proof.
        return self._served > refusal.taken

    def _is_final(self, refusal: Refusal) -> bool:
        is_past = self._answered - refusal.answered >= WINDOW
        return self._has_served_since(refusal) and (is_past or _may_be_relays(refusal))

    def _pick(self, is_wanted: Callable[[Refusal], bool]) -> list[Refusal]:
        wanted = [one for one in self._open if is_wanted(one)]
        if wanted:
            self._open = [one for one in self._open if not is_wanted(one)]
        return wanted


def _severity(refusal: Refusal) -> tuple[bool, bool]:
    return refusal.delivery.is_quota, _is_turned_away(refusal)


def _is_turned_away(refusal: Refusal) -> bool:
    return refusal.delivery.outcome is Outcome.TURNED_AWAY


def _may_be_relays(refusal: Refusal) -> bool:
    return _is_turned_away(refusal) or refusal.delivery.says_later

"""The trial of refusals: whose fault they are, judged by what else a run was answered.

A relay's words for "no such mailbox" and for "I do not serve you" cannot always be told apart, and
a relay whose directory is broken says the first of everybody. So a refusal is not final at once.
It is a message's own when the relay serves others, and the relay's when it refuses nearly all.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from openstoq.back_in_stock.notifications.claims import Claimed
from openstoq.messaging.port import Delivery, Outcome

# Of so many answers in a row so many refusals are nearly all.
WINDOW = 20
NEARLY_ALL = 18
# So many messages from elsewhere on the waitlist decide whether that is the relay's fault: whoever
# signs up many dead addresses in a row must not stop a wave.
PROBES = 10
# At a run's end there may be nothing left that the relay could be seen to serve after a message it
# turned away. So many are believed to be odd ones, if it served at least as many before.
STRAYS = 2

REFUSALS = frozenset({Outcome.REFUSED, Outcome.REJECTED, Outcome.TURNED_AWAY})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal, the messages that had been taken and the answers that had come by then."""

    claimed: Claimed
    delivery: Delivery
    taken: int
    answered: int


class Trial:
    """The answers of one run, and the refusals among them that are not final yet."""

    def __init__(self) -> None:
        self.accepted = 0
        self.is_doubtful = False
        """Whether nearly all was refused of late: nothing is final until `judge` or `close`."""
        self._last: deque[bool] = deque(maxlen=WINDOW)
        self._open: list[Refusal] = []
        self._places: dict[UUID, int] = {}
        self._taken = 0
        self._answered = 0
        self._served = 0
        """The place of the last message taken that was accepted."""

    def take(self, message_id: UUID) -> None:
        """Note that a message is handed over."""
        self._taken += 1
        self._places[message_id] = self._taken

    def drop(self, message_id: UUID) -> None:
        """Note that a message had no answer that says anything about the relay."""
        self._places.pop(message_id, None)

    def hear(self, claimed: Claimed, delivery: Delivery) -> list[Refusal]:
        """Note an acceptance or a refusal; return the refusals that have become final by it."""
        place = self._places.pop(claimed.id, 0)
        self._answered += 1
        is_accepted = delivery.outcome is Outcome.ACCEPTED
        self._last.append(is_accepted)
        if is_accepted:
            self.accepted += 1
            self._served = max(self._served, place)
        else:
            self._open.append(Refusal(claimed, delivery, self._taken, self._answered))
        if len(self._last) == WINDOW and self._last.count(False) >= NEARLY_ALL:
            self.is_doubtful = True
        return [] if self.is_doubtful else self._pick(self._is_final)

    def probe(self) -> None:
        """Begin to ask with messages from elsewhere; everything handed over has been answered."""
        self._last.clear()

    def judge(self) -> list[Refusal]:
        """Return what is final after the probe; the run stays doubtful when nearly all is not."""
        refused = self._last.count(False)
        if not self._last or refused * WINDOW >= NEARLY_ALL * len(self._last):
            return []
        self.is_doubtful = False
        final = self._answered - len(self._last)
        return self._pick(lambda refusal: refusal.answered <= final)

    def close(self) -> tuple[list[Refusal], list[Refusal]]:
        """Return at a run's end the refusals that are final, and those that are the relay's."""
        relays: list[Refusal] = self._open
        if not self.is_doubtful:
            turned_away = [
                one for one in self._open if _is_turned_away(one) and not one.claimed.singled_out
            ]
            is_odd = len(turned_away) <= min(STRAYS, self.accepted)
            relays = [] if is_odd else turned_away
        final = [one for one in self._open if one not in relays]
        self._open = []
        return final, relays

    def _is_final(self, refusal: Refusal) -> bool:
        # What was on its way when the relay turned bad is still taken: that proves nothing.
        has_served_since = self._served > refusal.taken
        is_past = self._answered - refusal.answered >= WINDOW
        return has_served_since and (is_past or _is_turned_away(refusal))

    def _pick(self, is_wanted: Callable[[Refusal], bool]) -> list[Refusal]:
        wanted = [one for one in self._open if is_wanted(one)]
        if wanted:
            self._open = [one for one in self._open if not is_wanted(one)]
        return wanted


def _is_turned_away(refusal: Refusal) -> bool:
    return refusal.delivery.outcome is Outcome.TURNED_AWAY

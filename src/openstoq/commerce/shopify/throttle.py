"""How fast a shop may be asked: the points it grants, and how patient we are."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import inf

# An operation and how many things it asked for at once: together they set what it costs.
Weight = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Cost:
    """What an answer says of points; None is what it does not say."""

    requested: float | None = None
    maximum: float | None = None
    available: float | None = None
    restore_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try one request, and how long to wait; every time is in seconds."""

    attempts: int = 6
    shortest: float = 0.5
    longest: float = 30.0
    answer: float = 60.0
    total: float = 60.0
    """For one operation with all of its tries and waits."""
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def backoff(self, attempt: int) -> float:
        """Return how long to wait after the `attempt`-th failure (from 0), with jitter."""
        most = min(self.longest, self.shortest * 2**attempt)
        return random.uniform(most / 2, most)  # noqa: S311 - it spreads retries, it guards nothing


@dataclass(slots=True)
class Reach:
    """Whether a shop answers at all: one that is silent is asked again by one operation at a time.

    All its jobs would otherwise hold a connection each until they time out, again and again.
    """

    _silent_until: float = 0.0

    def wait_for(self, now: float) -> float:
        """Return how many seconds it takes until the shop may be asked."""
        return max(0.0, self._silent_until - now)

    def begin(self, now: float, total: float) -> None:
        """Note that an operation begins, which has `total` seconds; after a silence, alone."""
        if self._silent_until:
            self._silent_until = now + total

    def note_answer(self) -> None:
        """Note that the shop answers, whatever it says."""
        self._silent_until = 0.0

    def note_silence(self, now: float, pause: float) -> None:
        """Note that no answer came to an operation; the next begins after `pause` seconds."""
        self._silent_until = now + pause


@dataclass(slots=True)
class Throttle:
    """The points of one app in one shop, as its last answer told them.

    Until the first answer nothing is known and nothing waits: the shop says what it grants.
    """

    maximum: float = inf
    _available: float = inf
    _restore_rate: float = inf
    _seen_at: float = 0.0
    _in_flight: float = 0.0
    _costs: dict[Weight, float] = field(default_factory=dict)

    def cost_of(self, weight: Weight) -> float:
        """Return what such a request asked last time, or 0 if it was never sent."""
        return self._costs.get(weight, 0.0)

    def wait_for(self, cost: float, now: float) -> float:
        """Return how many seconds it takes until `cost` points are there."""
        if self._available == inf:
            return 0.0
        restored = self._available + (now - self._seen_at) * self._restore_rate
        missing = cost - min(restored, self.maximum - self._in_flight)
        return max(0.0, missing / self._restore_rate)

    def take(self, cost: float) -> None:
        """Set `cost` points aside for a request that is being sent."""
        self._in_flight += cost
        self._available -= cost

    def finish(self, taken: float) -> None:
        """Note that the request which took these points is over."""
        self._in_flight -= taken

    def learn(self, weight: Weight, told: Cost, now: float) -> None:
        """Believe what an answer says of points; other requests on their way still count."""
        if told.requested is not None:
            self._costs[weight] = told.requested
        if told.maximum is None or told.available is None or not told.restore_rate:
            return
        self.maximum, self._restore_rate = told.maximum, told.restore_rate
        self._available, self._seen_at = told.available - self._in_flight, now

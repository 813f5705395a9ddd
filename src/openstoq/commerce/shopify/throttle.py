"""The pace of requests to a shop: the points that Shopify grants, and our retries and waits."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import inf

# An operation and the number of items that it requests: together they determine its cost.
Weight = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Cost:
    """Shopify's points as a response states them; a number that the response leaves out is None."""

    requested: float | None = None
    maximum: float | None = None
    available: float | None = None
    restore_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """The limits on the attempts and waits of one operation; every time is in seconds."""

    attempts: int = 6
    shortest: float = 0.5
    longest: float = 30.0
    answer: float = 60.0
    total: float = 60.0
    """The longest time for one operation, including all its attempts and waits."""
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def backoff(self, attempt: int) -> float:
        """Return the seconds to wait after the `attempt`-th failure (from 0), with jitter."""
        most = min(self.longest, self.shortest * 2**attempt)
        return random.uniform(most / 2, most)  # noqa: S311 - it spreads retries, it guards nothing


@dataclass(slots=True)
class Reach:
    """A record of whether a shop responds; only one operation at a time retries a silent shop.

    Otherwise each of the shop's jobs would hold a connection until it times out, again and again.
    """

    _silent_until: float = 0.0

    def wait_for(self, now: float) -> float:
        """Return the number of seconds until the shop may be sent a request."""
        return max(0.0, self._silent_until - now)

    def begin(self, now: float, total: float) -> None:
        """Record the start of an operation of at most `total` seconds.

        If the shop was unresponsive, no other operation may begin until the shop responds or this
        time has passed.
        """
        if self._silent_until:
            self._silent_until = now + total

    def note_answer(self) -> None:
        """Record that the shop responded, even if with an error."""
        self._silent_until = 0.0

    def note_silence(self, now: float, pause: float) -> None:
        """Record that an operation got no response; the next may begin after `pause` seconds."""
        self._silent_until = now + pause


@dataclass(slots=True)
class Throttle:
    """Shopify's points that the app has in one shop, according to the shop's last response.

    Until the first response the points are unknown. No request waits for them then, because only a
    response states the shop's limits.
    """

    maximum: float = inf
    _available: float = inf
    _restore_rate: float = inf
    _seen_at: float = 0.0
    _in_flight: float = 0.0
    _costs: dict[Weight, float] = field(default_factory=dict)

    def cost_of(self, weight: Weight) -> float:
        """Return the last known cost of a request of this weight, or 0 if none is known.

        The weight is the operation and the number of items that it requests.
        """
        return self._costs.get(weight, 0.0)

    def wait_for(self, cost: float, now: float) -> float:
        """Return the number of seconds until `cost` points are available."""
        if self._available == inf:
            return 0.0
        restored = self._available + (now - self._seen_at) * self._restore_rate
        missing = cost - min(restored, self.maximum - self._in_flight)
        return max(0.0, missing / self._restore_rate)

    def take(self, cost: float) -> None:
        """Reserve `cost` points for a request that is being sent."""
        self._in_flight += cost
        self._available -= cost

    def finish(self, taken: float) -> None:
        """Release the `taken` points of a request that has ended."""
        self._in_flight -= taken

    def learn(self, weight: Weight, told: Cost, now: float) -> None:
        """Store the cost and the points that the response to a request of this weight states.

        The points of requests that are still in flight are subtracted from the available points.
        """
        if told.requested is not None:
            self._costs[weight] = told.requested
        if told.maximum is None or told.available is None or not told.restore_rate:
            return
        self.maximum, self._restore_rate = told.maximum, told.restore_rate
        self._available, self._seen_at = told.available - self._in_flight, now

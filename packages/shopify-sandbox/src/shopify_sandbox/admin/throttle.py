"""The leaky bucket of points with which a shop's requests are paid."""

import time
from collections.abc import Callable


class Bucket:
    """Points that a client may spend: at most `size`, restored at `rate` a second."""

    def __init__(
        self, size: float, rate: float, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self.size = size
        self.rate = rate
        self._seconds = seconds
        self._level = size
        self._at = seconds()
        self.spent = 0.0
        """The points that all queries have cost so far."""
        self.queries = 0

    @property
    def available(self) -> float:
        """Return the points that can be spent now."""
        now = self._seconds()
        self._level = min(self.size, self._level + (now - self._at) * self.rate)
        self._at = now
        return self._level

    def take(self, points: float) -> bool:
        """Spend `points` if the bucket holds them; return whether they were spent."""
        if self.available < points:
            return False
        self._level -= points
        self.spent += points
        self.queries += 1
        return True

    def give_back(self, points: float) -> None:
        """Return points that were spent in advance but not used."""
        self._level = min(self.size, self.available + points)
        self.spent -= points

    def set(self, *, size: float, rate: float, available: float | None = None) -> None:
        """Change the bucket's size, rate and level; it is full unless `available` is given."""
        self.size, self.rate = size, rate
        self._level = size if available is None else min(size, available)
        self._at = self._seconds()

    def status(self) -> dict[str, float | int]:
        """Return the bucket's state in the form of throttleStatus."""
        return {
            "maximumAvailable": float(self.size),
            "currentlyAvailable": int(self.available),
            "restoreRate": float(self.rate),
        }

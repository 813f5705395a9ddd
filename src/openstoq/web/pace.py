"""Pace: the minimum speed at which a client must send a body or read a response."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Pace:
    """A minimum number of bytes per window of time, and a time limit for the whole transfer."""

    least_bytes: int
    window_seconds: float
    seconds: float
    _since: float = field(default=0.0, init=False)
    _window_since: float = field(default=0.0, init=False)
    _window_bytes: int = field(default=0, init=False)

    def begin(self, now: float) -> None:
        """Start counting bytes and time from zero."""
        self._since = self._window_since = now
        self._window_bytes = 0

    def add(self, size: int) -> None:
        """Count `size` bytes as transferred."""
        self._window_bytes += size

    def suspend(self, now: float) -> None:
        """Do not count the time since the window began, because we have paused the transfer."""
        self._since += now - self._window_since
        self._window_since = now

    def is_too_slow(self, now: float) -> bool:
        """Return whether a window had too few bytes, or the whole transfer took too long."""
        if now - self._since > self.seconds:
            return True
        if now - self._window_since > self.window_seconds:
            if self._window_bytes < self.least_bytes:
                return True
            self._window_since, self._window_bytes = now, 0
        return False

"""Time zones of shops, and a clock that a test sets."""

from datetime import UTC, datetime

NEW_YORK, TOKYO = "America/New_York", "Asia/Tokyo"
AUCKLAND, KIRITIMATI = "Pacific/Auckland", "Pacific/Kiritimati"


class Clock:
    """The clock of a runtime; it stands still until it is set."""

    def __init__(self, now="2027-01-01T00:00:00Z"):
        self.set(now)

    def set(self, now):
        self.now = datetime.fromisoformat(now).astimezone(UTC)

    def __call__(self):
        return self.now

"""Pauses before a retry."""

from datetime import timedelta


def seconds(number: float, *, at_least: float = 0.5, at_most: float = 3600) -> timedelta:
    """Return a pause of `number` seconds, limited to the range from `at_least` to `at_most`."""
    return timedelta(seconds=min(max(number, at_least), at_most))

"""Days and moments as callers send them: the `from` and `to` of a filter, both inclusive."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, PlainValidator, WithJsonSchema


def in_utc(moment: datetime) -> datetime:
    """Return a moment in UTC; a moment without a time zone is assumed to be in UTC.

    Raises ValueError if its offset moves it out of the years that Python and PostgreSQL share.
    """
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie in the years 1 to 9999, counted in UTC") from None


def _read(value: Any) -> date | datetime:
    if isinstance(value, datetime):
        return in_utc(value)
    if isinstance(value, date):
        return value
    try:
        text = str(value)
        if "T" not in text.upper():
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a date (YYYY-MM-DD) or a date and time (RFC 3339)") from None
    return in_utc(moment)


Day = Annotated[
    date | datetime,
    PlainValidator(_read),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {
            "description": "A date (YYYY-MM-DD) or a date and time (RFC 3339).",
            "type": "string",
            "maxLength": 40,
        }
    ),
]


def _moment(value: Any) -> Any:
    # Any other value is left to pydantic's own check of a datetime, which reports the problem.
    return start_of(_read(value)) if isinstance(value, str | date) else value


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A moment as callers send it, converted to UTC; a date stands for its midnight."""


def start_of(day: date | datetime | None) -> datetime | None:
    """Return the moment at which `day` begins: midnight UTC for a date, or the moment itself."""
    if day is None or isinstance(day, datetime):
        return day
    return datetime.combine(day, time(), UTC)


def end_of(day: date | datetime | None) -> datetime | None:
    """Return the first moment after `day`; None if `day` is None or the last one that exists.

    If `day` is a moment, the result is one microsecond later.
    """
    if day is None:
        return None
    try:
        if isinstance(day, datetime):
            return day + timedelta(microseconds=1)
        return datetime.combine(day, time(), UTC) + timedelta(days=1)
    except OverflowError:
        return None

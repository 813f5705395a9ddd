"""Days and moments as callers write them: a filter's `from` and `to`, both inclusive."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema


def _read(value: Any) -> date | datetime:
    if isinstance(value, date):
        return value
    try:
        text = str(value)
        return date.fromisoformat(text) if "T" not in text.upper() else datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a date (YYYY-MM-DD) or a date and time (RFC 3339)") from None


Day = Annotated[
    date | datetime,
    PlainValidator(_read),
    WithJsonSchema(
        {
            "description": "A date (YYYY-MM-DD) or a date and time (RFC 3339).",
            "type": "string",
            "maxLength": 40,
        }
    ),
]


def _moment(value: Any) -> Any:
    try:
        return start_of(_read(value)) if isinstance(value, str | date) else value
    except ValueError:
        # The type's own check says what is wrong with it.
        return value


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A moment as callers write it: a date is its midnight, a time without a zone is UTC."""


def start_of(day: date | datetime | None) -> datetime | None:
    """Return the moment from which `day` counts; a date begins at midnight UTC."""
    if day is None or isinstance(day, datetime):
        return _aware(day)
    return datetime.combine(day, time(), UTC)


def end_of(day: date | datetime | None) -> datetime | None:
    """Return the first moment after `day`; a moment is its own last microsecond."""
    if day is None:
        return None
    try:
        if isinstance(day, datetime):
            return _aware(day + timedelta(microseconds=1))
        return datetime.combine(day, time(), UTC) + timedelta(days=1)
    except OverflowError:
        return None


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment

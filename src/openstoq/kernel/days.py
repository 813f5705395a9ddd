"""Days and times as callers write them, and their conversion to moments.

A date without a time is a day of the shop's calendar. A time without an offset is a time in the
shop's time zone. Both are stored as they were written, so that they stay the same if the shop moves
to another zone. With an offset, a time is a moment, and is stored in UTC.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Annotated, Any, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from pydantic import PlainSerializer, PlainValidator, SerializationInfo, WithJsonSchema

# A datetime is a date too, so a function must ask for the datetime first.
CalendarValue: TypeAlias = date | datetime

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_FORM = "must be a date (YYYY-MM-DD) or a date and time (RFC 3339)"
_CALENDAR_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?=[Tt ]|\Z)")

log = structlog.get_logger(__name__)


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


@lru_cache(maxsize=1024)
def zone_of(name: str) -> tzinfo:
    """Return the time zone with this IANA name, or UTC if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        # Zones are files: America is a folder, and a name may be too long for a file's. Because of
        # the cache, operators read of each such zone once.
        log.warning("zone.unknown", zone=name, instead="UTC", error=repr(error))
        return UTC


def read(value: Any) -> CalendarValue:
    """Read a date, a time without an offset, or a moment, which is converted to UTC.

    Raises ValueError with a sentence if the value is none of them.
    """
    if isinstance(value, datetime):
        return value if value.tzinfo is None else in_utc(value)
    if isinstance(value, date):
        return value
    # Python reads other forms of ISO 8601 too, such as 20270310 and 2027-W10-3.
    found = _CALENDAR_DATE.match(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(_FORM)
    try:
        if found.end() == len(value):
            return date.fromisoformat(value)
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(_FORM) from None
    return read(moment)


def is_local(day: CalendarValue) -> bool:
    """Return whether `day` is a date or a time without an offset, so that a time zone is needed."""
    return not isinstance(day, datetime) or day.tzinfo is None


def start_of(day: CalendarValue | None, zone: str) -> datetime | None:
    """Return the first moment of a day in `zone`; for a time, return that time as a moment.

    When clocks are put forward over midnight, the day starts later. When clocks are put back, a
    time occurs twice, and the first occurrence is returned.
    """
    if day is None:
        return None
    local = day if isinstance(day, datetime) else datetime.combine(day, time())
    if local.tzinfo is not None:
        return local
    try:
        return local.replace(tzinfo=zone_of(zone)).astimezone(UTC)
    except OverflowError:
        return _FIRST if local.year == date.min.year else _LAST


def end_of(day: CalendarValue | None, zone: str) -> datetime | None:
    """Return the first moment after a day in `zone`; for a time, return that time as a moment.

    Returns None if `day` is None or the last day that exists.
    """
    if day is None or isinstance(day, datetime):
        return start_of(day, zone)
    return start_of(day + timedelta(days=1), zone) if day < date.max else None


def last_of(day: CalendarValue, zone: str) -> datetime:
    """Return the last moment of a day in `zone`; for a time, return that time as a moment."""
    end = end_of(day, zone)
    if end is None:
        return _LAST
    return end if isinstance(day, datetime) else end - _TICK


def after(day: CalendarValue | None, zone: str) -> datetime | None:
    """Return the first moment after a day or time in `zone`.

    A filter by time includes its last day or moment, so it has to end before the returned moment.
    Returns None if `day` is None or the last one that exists.
    """
    end = end_of(day, zone)
    if end is None or not isinstance(day, datetime):
        return end
    return end + _TICK if end < _LAST else None


def _iso(moment: datetime) -> str:
    # To the microsecond, unlike `clock.rfc3339`: a last moment must stay within its day.
    return moment.isoformat().replace("+00:00", "Z")


def written(day: CalendarValue) -> str:
    """Format a day or time as it was written; a moment is in UTC."""
    return day.isoformat() if is_local(day) else _iso(start_of(day, "UTC") or _LAST)


def in_zone(zone: str) -> dict[str, str]:
    """Return the context with which pydantic converts days to moments in `zone` when dumping.

    Without this context, days are dumped as they were written, which is also how they are stored.
    """
    return {"zone": zone}


def _started(day: CalendarValue, info: SerializationInfo) -> str:
    zone = (info.context or {}).get("zone")
    return written(day) if zone is None else _iso(start_of(day, zone) or _LAST)


def _ended(day: CalendarValue, info: SerializationInfo) -> str:
    zone = (info.context or {}).get("zone")
    return written(day) if zone is None else _iso(last_of(day, zone))


_ASKED = WithJsonSchema(
    {
        "description": "A day in the shop's time zone (YYYY-MM-DD), or a date and time (RFC 3339); "
        "without an offset it is a time in the shop's time zone.",
        "anyOf": [
            {"type": "string", "format": "date-time"},
            {"type": "string", "format": "date"},
        ],
    },
    mode="validation",
)
_SHOWN = WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization")

Day = Annotated[
    CalendarValue,
    PlainValidator(read),
    PlainSerializer(_started, return_type=str, when_used="json"),
    _ASKED,
    _SHOWN,
]
"""A day or time as callers send it, shown as the moment at which it starts."""

LastDay = Annotated[
    CalendarValue,
    PlainValidator(read),
    PlainSerializer(_ended, return_type=str, when_used="json"),
    _ASKED,
    _SHOWN,
]
"""A day or time at which something ends, shown as its last moment."""

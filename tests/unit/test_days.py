"""Days and moments as callers write them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from pydantic import TypeAdapter, ValidationError

from openstoq.kernel.days import Day, Moment, end_of, start_of

DAY, MOMENT = TypeAdapter(Day), TypeAdapter(Moment)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
OUTSIDE = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]


@pytest.mark.parametrize("kind", [DAY, MOMENT])
@pytest.mark.parametrize(
    "sent",
    [
        "2026-05-01T12:00:00Z",
        "2026-05-01T12:00:00",
        "2026-05-01T14:00:00+02:00",
        datetime(2026, 5, 1, 12),  # noqa: DTZ001 - what has no zone is taken as UTC
        datetime(2026, 5, 1, 14, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_a_moment_is_read_in_utc(kind, sent):
    read = kind.validate_python(sent)
    assert (read, read.tzinfo) == (NOON, UTC)


def test_a_date_is_its_midnight_where_a_moment_is_meant():
    assert MOMENT.validate_python("2026-05-01") == datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("kind", [DAY, MOMENT])
@pytest.mark.parametrize("sent", [*OUTSIDE, *map(datetime.fromisoformat, OUTSIDE)])
def test_a_moment_of_no_year_is_refused(kind, sent):
    with pytest.raises(ValidationError, match="in the years 1 to 9999, counted in UTC"):
        kind.validate_python(sent)


def test_a_range_holds_both_its_ends():
    assert start_of(date(2026, 5, 1)) == datetime(2026, 5, 1, tzinfo=UTC)
    assert end_of(date(2026, 5, 1)) == datetime(2026, 5, 2, tzinfo=UTC)
    assert (start_of(NOON), end_of(NOON)) == (NOON, NOON + timedelta(microseconds=1))
    assert start_of(None) is end_of(None) is None


@pytest.mark.parametrize("last", [date.max, datetime.max.replace(tzinfo=UTC)])
def test_after_the_last_of_all_days_comes_nothing(last):
    assert end_of(last) is None

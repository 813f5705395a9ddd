"""Days and times as callers write them, in every time zone of a shop."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from openstoq.kernel.days import (
    Day,
    LastDay,
    after,
    end_of,
    in_zone,
    is_local,
    last_of,
    start_of,
    zone_of,
)

DAY, LAST_DAY = TypeAdapter(Day), TypeAdapter(LastDay)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
OUTSIDE = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
NEW_YORK, TOKYO = "America/New_York", "Asia/Tokyo"
AUCKLAND, KIRITIMATI = "Pacific/Auckland", "Pacific/Kiritimati"
HOUR = timedelta(hours=1)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("kind", [DAY, LAST_DAY])
@pytest.mark.parametrize(
    "sent",
    [
        "2026-05-01T12:00:00Z",
        "2026-05-01T14:00:00+02:00",
        "2026-05-01 14:00:00+02:00",
        datetime(2026, 5, 1, 14, tzinfo=timezone(timedelta(hours=2))),
    ],
)
@pytest.mark.parametrize("zone", [NEW_YORK, TOKYO, "UTC"])
def test_a_moment_is_the_same_in_every_zone(kind, sent, zone):
    read = kind.validate_python(sent)
    assert (read, read.tzinfo, is_local(read)) == (NOON, UTC, False)
    assert start_of(read, zone) == end_of(read, zone) == last_of(read, zone) == NOON


@pytest.mark.parametrize("kind", [DAY, LAST_DAY])
@pytest.mark.parametrize(
    "sent",
    ["2026-05-01T12:00:00", "2026-05-01 12:00", datetime(2026, 5, 1, 12)],  # noqa: DTZ001 - a time there
)
@pytest.mark.parametrize(("zone", "hour"), [(NEW_YORK, 16), (TOKYO, 3), (AUCKLAND, 0)])
def test_a_time_without_an_offset_is_a_time_in_the_shops_zone(kind, sent, zone, hour):
    read = kind.validate_python(sent)
    assert is_local(read)
    assert start_of(read, zone) == end_of(read, zone) == NOON.replace(hour=hour)


@pytest.mark.parametrize(
    ("zone", "day", "start", "end"),
    [
        (NEW_YORK, "2027-03-15", "2027-03-15T04:00", "2027-03-16T04:00"),
        (NEW_YORK, "2027-03-31", "2027-03-31T04:00", "2027-04-01T04:00"),
        ("UTC", "2027-03-15", "2027-03-15T00:00", "2027-03-16T00:00"),
        (TOKYO, "2027-03-15", "2027-03-14T15:00", "2027-03-15T15:00"),
        (AUCKLAND, "2027-01-15", "2027-01-14T11:00", "2027-01-15T11:00"),
        (KIRITIMATI, "2027-03-15", "2027-03-14T10:00", "2027-03-15T10:00"),
        ("Asia/Kathmandu", "2027-03-15", "2027-03-14T18:15", "2027-03-15T18:15"),
        # 23 hours: clocks are put forward.
        (NEW_YORK, "2027-03-14", "2027-03-14T05:00", "2027-03-15T04:00"),
        (AUCKLAND, "2027-09-26", "2027-09-25T12:00", "2027-09-26T11:00"),
        # 25 hours: clocks are put back.
        (NEW_YORK, "2027-11-07", "2027-11-07T04:00", "2027-11-08T05:00"),
        (AUCKLAND, "2027-04-04", "2027-04-03T11:00", "2027-04-04T12:00"),
        # Without a midnight: clocks are put forward from 0:00 to 1:00.
        ("America/Santiago", "2027-09-05", "2027-09-05T04:00", "2027-09-06T03:00"),
        ("Africa/Cairo", "2027-04-30", "2027-04-29T22:00", "2027-04-30T21:00"),
        # With two: clocks are put back from 1:00 to 0:00.
        ("America/Havana", "2027-11-07", "2027-11-07T04:00", "2027-11-08T05:00"),
        # The day that ends twice: clocks are put back from 0:00 to 23:00 of the day before.
        ("America/Santiago", "2027-04-03", "2027-04-03T03:00", "2027-04-04T04:00"),
        # A day that a zone left out when it crossed the date line.
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00", "2011-12-30T10:00"),
        ("nowhere", "2027-03-15", "2027-03-15T00:00", "2027-03-16T00:00"),
        ("", "2027-03-15", "2027-03-15T00:00", "2027-03-16T00:00"),
    ],
)
def test_a_day_goes_from_its_first_moment_there_to_its_last(zone, day, start, end):
    read = DAY.validate_python(day)
    assert (start_of(read, zone), end_of(read, zone)) == (utc(start), utc(end))
    assert last_of(read, zone) == utc(end) - timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        ("2027-03-14T02:30", "2027-03-14T07:30"),  # in the gap: an hour later
        ("2027-11-07T01:30", "2027-11-07T05:30"),  # occurs twice: the first time
    ],
)
def test_a_time_that_clocks_skip_or_repeat_is_one_moment(sent, moment):
    assert start_of(DAY.validate_python(sent), NEW_YORK) == utc(moment)


zones = st.sampled_from(
    [NEW_YORK, TOKYO, AUCKLAND, KIRITIMATI, "UTC", "Pacific/Niue", "America/Havana"]
)


@given(day=st.dates(date(2020, 1, 1), date(2037, 12, 31)), zone=zones)
def test_the_first_and_last_moments_of_a_day_have_its_date(day, zone):
    there = ZoneInfo(zone)
    start, end = start_of(day, zone), end_of(day, zone)
    assert start.astimezone(there).date() == last_of(day, zone).astimezone(there).date() == day
    assert (start - timedelta(microseconds=1)).astimezone(there).date() < day
    assert end.astimezone(there).date() > day
    assert timedelta(hours=22) < end - start < timedelta(hours=26)
    assert start_of(day + timedelta(days=1), zone) == end


@given(
    value=st.dates() | st.datetimes() | st.datetimes(timezones=st.just(UTC)),
    zone=zones,
)
def test_a_value_is_stored_as_it_was_written_and_shown_as_a_moment(value, zone):
    for kind in (DAY, LAST_DAY):
        stored = kind.dump_python(value, mode="json")
        assert kind.validate_python(stored) == value
        assert type(kind.validate_python(stored)) is type(value)
    shown = DAY.dump_python(value, mode="json", context=in_zone(zone))
    assert DAY.validate_python(shown) == start_of(value, zone)
    shown = LAST_DAY.dump_python(value, mode="json", context=in_zone(zone))
    assert LAST_DAY.validate_python(shown) == last_of(value, zone)


def test_what_is_shown_is_rfc_3339_in_utc():
    day = date(2027, 3, 31)
    context = in_zone(NEW_YORK)
    assert DAY.dump_json(day, context=context) == b'"2027-03-31T04:00:00Z"'
    assert LAST_DAY.dump_json(day, context=context) == b'"2027-04-01T03:59:59.999999Z"'
    assert DAY.dump_json(day) == LAST_DAY.dump_json(day) == b'"2027-03-31"'


@pytest.mark.parametrize("kind", [DAY, LAST_DAY])
@pytest.mark.parametrize("sent", [*OUTSIDE, *map(datetime.fromisoformat, OUTSIDE)])
def test_a_moment_of_no_year_is_refused(kind, sent):
    with pytest.raises(ValidationError, match="in the years 1 to 9999, counted in UTC"):
        kind.validate_python(sent)


@pytest.mark.parametrize("sent", ["some day", "", "2027-02-30", "2027-13-01", 5, True, [], None])
def test_what_is_no_day_is_refused(sent):
    with pytest.raises(ValidationError, match=r"must be a date \(YYYY-MM-DD\) or a date and time"):
        DAY.validate_python(sent)


@pytest.mark.parametrize("kind", [DAY, LAST_DAY])
@pytest.mark.parametrize(
    "sent",
    [
        20270310,
        20270310.0,
        "20270310",
        "2027-W10-3",
        "2027W103",
        "2027-W10-3T09:00:00Z",
        "20270310T090000Z",
        "2027-03-10\n",
        "2027-03-10_09:00",
    ],
)
def test_a_day_is_sent_in_the_documented_forms_only(kind, sent):
    with pytest.raises(ValidationError, match=r"must be a date \(YYYY-MM-DD\) or a date and time"):
        kind.validate_python(sent)


def test_a_filter_includes_both_its_ends():
    day = date(2026, 5, 1)
    assert start_of(day, TOKYO) == utc("2026-04-30T15:00")
    assert after(day, TOKYO) == utc("2026-05-01T15:00")
    assert after(NOON, TOKYO) == NOON + timedelta(microseconds=1)
    assert after(datetime(2026, 5, 1, 21), TOKYO) == NOON + timedelta(microseconds=1)  # noqa: DTZ001
    assert start_of(None, TOKYO) is end_of(None, TOKYO) is after(None, TOKYO) is None


@pytest.mark.parametrize("zone", [NEW_YORK, TOKYO, KIRITIMATI, "UTC"])
def test_the_ends_of_the_calendar_are_in_it(zone):
    last = datetime.max.replace(tzinfo=UTC)
    assert after(date.max, zone) is after(last, zone) is end_of(date.max, zone) is None
    assert last_of(date.max, zone) == last
    assert last - timedelta(days=2) < start_of(date.max, zone) <= last
    first = datetime.min.replace(tzinfo=UTC)
    assert first <= start_of(date.min, zone) < first + timedelta(days=1)
    assert start_of(datetime.max, zone) <= last  # noqa: DTZ901 - a time there


@pytest.mark.parametrize("name", ["Mars/Phobos", "America", "", "a" * 300, "../UTC", "nul\x00"])
def test_a_zone_that_nobody_knows_is_utc_and_is_logged_once(name):
    zone_of.cache_clear()
    with structlog.testing.capture_logs() as logged:
        assert [start_of(date(2026, 5, 1), name) for _ in range(2)] == [utc("2026-05-01")] * 2
    assert [(line["event"], line["zone"]) for line in logged] == [("zone.unknown", name)]

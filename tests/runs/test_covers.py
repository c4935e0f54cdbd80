from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.covers import business_interval, local_day
from verifier.runs.declaration import Covers, CoversOffset, Cron, Every, Schedule
from verifier.runs.interval import Interval
from verifier.runs.slots import bind, previous_slot

at = datetime.fromisoformat
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BUSINESS_DAY = Covers.PREVIOUS_BUSINESS_DAY

BERLIN = Cron(expression="0 2 * * *", timezone="Europe/Berlin", country="DE")
UTC_DAILY = Cron(expression="0 2 * * *")
NEW_YORK = Every(period=DAY, timezone="America/New_York")
BEIRUT = Cron(expression="0 2 * * *", timezone="Asia/Beirut")
HAVANA = Cron(expression="0 2 * * *", timezone="America/Havana")
APIA = Cron(expression="0 2 * * *", timezone="Pacific/Apia")
QUARTER_HOURLY = Every(period=timedelta(minutes=15))

SCHEDULES = st.sampled_from([BERLIN, UTC_DAILY, NEW_YORK, BEIRUT, HAVANA, QUARTER_HOURLY])
DUES = st.datetimes(at("1990-01-01T00:00"), at("2060-01-01T00:00"), timezones=st.just(UTC))


def interval(text: str) -> Interval:
    start, end = text.split(" to ")
    return Interval(start=at(start), end=at(end))


@pytest.mark.parametrize(
    ("covers", "due", "expected"),
    [
        # Friday 3 April 2026, 02:00 in Berlin
        (Covers.PREVIOUS_INTERVAL, "2026-04-03T00:00Z", "2026-04-02T00:00Z to 2026-04-03T00:00Z"),
        (Covers.SAME_DAY, "2026-04-03T00:00Z", "2026-04-02T22:00Z to 2026-04-03T22:00Z"),
        (Covers.PREVIOUS_DAY, "2026-04-03T00:00Z", "2026-04-01T22:00Z to 2026-04-02T22:00Z"),
        (Covers.PREVIOUS_WEEK, "2026-04-03T00:00Z", "2026-03-22T23:00Z to 2026-03-29T22:00Z"),
        (Covers.PREVIOUS_MONTH, "2026-04-03T00:00Z", "2026-02-28T23:00Z to 2026-03-31T22:00Z"),
        (Covers.PREVIOUS_QUARTER, "2026-04-03T00:00Z", "2025-12-31T23:00Z to 2026-03-31T22:00Z"),
        # Good Friday, a weekend and Easter Monday lie before the 7th
        (BUSINESS_DAY, "2026-04-07T00:00Z", "2026-04-01T22:00Z to 2026-04-02T22:00Z"),
        # a Monday is in its own week, a first in its own month and quarter
        (Covers.PREVIOUS_WEEK, "2026-04-06T00:00Z", "2026-03-29T22:00Z to 2026-04-05T22:00Z"),
        (Covers.PREVIOUS_WEEK, "2026-04-05T00:00Z", "2026-03-22T23:00Z to 2026-03-29T22:00Z"),
        (Covers.PREVIOUS_MONTH, "2026-01-01T01:00Z", "2025-11-30T23:00Z to 2025-12-31T23:00Z"),
        (Covers.PREVIOUS_MONTH, "2026-03-31T00:00Z", "2026-01-31T23:00Z to 2026-02-28T23:00Z"),
        (Covers.PREVIOUS_QUARTER, "2026-01-01T01:00Z", "2025-09-30T22:00Z to 2025-12-31T23:00Z"),
        (Covers.PREVIOUS_QUARTER, "2026-12-31T01:00Z", "2026-06-30T22:00Z to 2026-09-30T22:00Z"),
        # the local date counts, and not that of UTC
        (Covers.SAME_DAY, "2026-04-02T22:00Z", "2026-04-02T22:00Z to 2026-04-03T22:00Z"),
        (Covers.SAME_DAY, "2026-04-02T21:59Z", "2026-04-01T22:00Z to 2026-04-02T22:00Z"),
        # clocks change: 23 and 25 hours
        (Covers.PREVIOUS_DAY, "2026-03-30T00:00Z", "2026-03-28T23:00Z to 2026-03-29T22:00Z"),
        (Covers.PREVIOUS_DAY, "2026-10-26T01:00Z", "2026-10-24T22:00Z to 2026-10-25T23:00Z"),
        (Covers.PREVIOUS_INTERVAL, "2026-03-29T01:00Z", "2026-03-28T01:00Z to 2026-03-29T01:00Z"),
        (Covers.PREVIOUS_INTERVAL, "2026-10-26T01:00Z", "2026-10-25T00:00Z to 2026-10-26T01:00Z"),
    ],
)  # fmt: skip
def test_the_business_interval_in_berlin(covers: Covers, due: str, expected: str) -> None:
    assert business_interval(BERLIN, covers, at(due)) == interval(expected)


def test_a_due_off_the_schedule_covers_what_came_since_the_latest_slot() -> None:
    found = business_interval(UTC_DAILY, Covers.PREVIOUS_INTERVAL, at("2026-04-03T09:17Z"))
    assert found == interval("2026-04-03T02:00Z to 2026-04-03T09:17Z")


def test_an_interval_is_in_utc_whatever_offset_due_has() -> None:
    due = at("2026-04-03T02:00+02:00")
    for covers in (*Covers, CoversOffset(start=-DAY, end=timedelta())):
        found = business_interval(BERLIN, covers, due)
        assert (found.start.tzinfo, found.end.tzinfo) == (UTC, UTC)
        assert found == business_interval(BERLIN, covers, due.astimezone(UTC))


def test_a_day_that_begins_without_midnight_begins_at_the_change() -> None:
    found = business_interval(BEIRUT, Covers.PREVIOUS_DAY, at("2026-03-29T23:00Z"))
    assert found == interval("2026-03-28T22:00Z to 2026-03-29T21:00Z")


def test_a_day_whose_midnight_is_shown_twice_begins_at_the_first() -> None:
    found = business_interval(HAVANA, Covers.PREVIOUS_DAY, at("2026-11-02T07:00Z"))
    assert found == interval("2026-11-01T04:00Z to 2026-11-02T05:00Z")


@pytest.mark.parametrize(
    ("start", "end", "due", "expected"),
    [
        (-DAY, timedelta(), "2026-04-03T00:00Z", "2026-04-02T00:00Z to 2026-04-03T00:00Z"),
        # A day of the wall clock from 02:30 to 02:30 takes 23 hours in spring, 25 in autumn;
        # 02:30 itself is not shown on 29 March, and shown twice on 25 October.
        (-DAY, timedelta(), "2026-03-29T22:00Z", "2026-03-28T23:00Z to 2026-03-29T22:00Z"),
        (-DAY, timedelta(), "2026-03-30T00:30Z", "2026-03-29T01:00Z to 2026-03-30T00:30Z"),
        (-DAY, timedelta(), "2026-10-26T01:30Z", "2026-10-25T00:30Z to 2026-10-26T01:30Z"),
        # Hours elapse.
        (-3 * HOUR, timedelta(), "2026-03-29T02:00Z", "2026-03-28T23:00Z to 2026-03-29T02:00Z"),
        # Days first, so back to the change on 29 March, then the hour before it.
        (-DAY - HOUR, timedelta(), "2026-03-30T00:30Z", "2026-03-29T00:00Z to 2026-03-30T00:30Z"),
        (DAY, DAY + 6 * HOUR, "2026-03-28T01:00Z", "2026-03-29T01:00Z to 2026-03-29T07:00Z"),
        # An offset without days leaves due as it is, in either showing.
        (-HOUR, timedelta(), "2026-10-25T01:30Z", "2026-10-25T00:30Z to 2026-10-25T01:30Z"),
        (timedelta(), DAY, "2026-10-25T01:30Z", "2026-10-25T01:30Z to 2026-10-26T01:30Z"),
        (-7 * DAY, -DAY, "2026-04-03T00:00Z", "2026-03-27T01:00Z to 2026-04-02T00:00Z"),
    ],
)
def test_offsets_from_due_count_days_by_the_wall_clock_and_hours_as_they_elapse(
    start: timedelta, end: timedelta, due: str, expected: str
) -> None:
    covers = CoversOffset(start=start, end=end)
    assert business_interval(BERLIN, covers, at(due)) == interval(expected)


@given(SCHEDULES, st.sampled_from(Covers), DUES)
def test_an_interval_ends_after_its_start_and_by_the_end_of_the_day_of_due(
    schedule: Schedule, covers: Covers, due: datetime
) -> None:
    found = business_interval(schedule, covers, due)
    assert found.start < found.end
    if covers is Covers.SAME_DAY:
        assert found.start <= due < found.end
    else:
        assert found.end <= due


@given(SCHEDULES, DUES)
def test_the_intervals_of_slots_that_follow_each_other_meet(
    schedule: Schedule, due: datetime
) -> None:
    before = previous_slot(schedule, due)
    found = business_interval(schedule, Covers.PREVIOUS_INTERVAL, due)
    assert found.start == before
    assert business_interval(schedule, Covers.PREVIOUS_INTERVAL, before).end == before


@given(SCHEDULES, DUES)
def test_the_previous_day_ends_where_the_same_day_starts(schedule: Schedule, due: datetime) -> None:
    same = business_interval(schedule, Covers.SAME_DAY, due)
    previous = business_interval(schedule, Covers.PREVIOUS_DAY, due)
    assert previous.end == same.start
    assert previous == business_interval(
        schedule, Covers.SAME_DAY, previous.end - timedelta(microseconds=1)
    )


@pytest.mark.parametrize(
    ("start", "end"),
    [(timedelta(), timedelta()), (timedelta(), -DAY), (-HOUR, -DAY)],
)
def test_an_offset_that_does_not_end_after_its_start_is_refused(
    start: timedelta, end: timedelta
) -> None:
    with pytest.raises(ValueError, match=r"^expected an interval that ends after its start"):
        business_interval(BERLIN, CoversOffset(start=start, end=end), at("2026-04-03T00:00Z"))


def test_a_day_that_the_zone_left_out_is_no_interval() -> None:
    with pytest.raises(ValueError, match="ends after its start, found 2011-12-30T10:00:00Z"):
        business_interval(APIA, Covers.PREVIOUS_DAY, at("2011-12-31T00:00Z"))


@pytest.mark.parametrize(
    ("covers", "due"),
    [
        (Covers.SAME_DAY, "9999-12-31T02:00Z"),
        (Covers.PREVIOUS_DAY, "0001-01-01T02:00Z"),
        (Covers.PREVIOUS_INTERVAL, "0001-01-01T02:00Z"),
        (Covers.PREVIOUS_BUSINESS_DAY, "0001-01-01T02:00Z"),
        (CoversOffset(start=-400 * DAY, end=DAY), "0001-01-02T02:00Z"),
        (CoversOffset(start=-HOUR * 5, end=DAY), "0001-01-01T02:00Z"),
        (CoversOffset(start=timedelta.min, end=timedelta.max), "2026-04-03T02:00Z"),
    ],
)
def test_dates_beyond_the_calendar_are_refused(covers: Covers | CoversOffset, due: str) -> None:
    with pytest.raises(ValueError, match=r"^expected "):
        business_interval(UTC_DAILY, covers, at(due))


def test_a_schedule_in_a_zone_that_does_not_exist_is_refused() -> None:
    schedule = Every(period=DAY, timezone="Mars/Olympus")
    with pytest.raises(ValueError, match="an IANA time zone"):
        business_interval(schedule, Covers.SAME_DAY, at("2026-04-03T00:00Z"))


@pytest.mark.parametrize(
    ("text", "timezone", "day"),
    [
        ("2026-04-01T22:00Z to 2026-04-02T22:00Z", "Europe/Berlin", date(2026, 4, 2)),
        ("2026-03-28T23:00Z to 2026-03-29T22:00Z", "Europe/Berlin", date(2026, 3, 29)),  # 23 h
        ("2026-10-24T22:00Z to 2026-10-25T23:00Z", "Europe/Berlin", date(2026, 10, 25)),  # 25 h
        ("2026-03-28T22:00Z to 2026-03-29T21:00Z", "Asia/Beirut", date(2026, 3, 29)),
        ("2026-04-02T00:00Z to 2026-04-03T00:00Z", "UTC", date(2026, 4, 2)),
        ("2026-04-02T00:00Z to 2026-04-03T00:00Z", "Europe/Berlin", None),  # another day's hours
        ("2026-03-28T22:00Z to 2026-03-29T22:00Z", "Europe/Berlin", None),  # 24 h, not that day
        ("2026-04-02T00:00Z to 2026-04-02T23:00Z", "UTC", None),
        ("2026-04-02T00:00Z to 2026-04-04T00:00Z", "UTC", None),
        ("2026-04-02T01:00Z to 2026-04-03T00:00Z", "UTC", None),
        ("9999-12-31T00:00Z to 9999-12-31T23:59:59.999999Z", "UTC", None),
    ],
)
def test_a_local_day_is_told_from_other_intervals(
    text: str, timezone: str, day: date | None
) -> None:
    assert local_day(interval(text), timezone) == day


@given(SCHEDULES, DUES)
def test_day_intervals_are_local_days_and_halves_of_them_are_not(
    schedule: Schedule, due: datetime
) -> None:
    found = business_interval(schedule, Covers.SAME_DAY, due)
    day = local_day(found, schedule.timezone)
    assert day is not None
    middle = found.start + (found.end - found.start) / 2
    assert local_day(Interval(start=found.start, end=middle), schedule.timezone) is None
    assert local_day(Interval(start=middle, end=found.end), schedule.timezone) is None
    previous = business_interval(schedule, Covers.PREVIOUS_DAY, due)
    assert local_day(previous, schedule.timezone) == day - DAY


DOCUMENTATION = Path(__file__).parents[2] / "docs" / "slots.md"
EXAMPLES = [
    [cell.strip(" `") for cell in line.strip("|").split("|")]
    for line in DOCUMENTATION.read_text().partition("## Examples")[2].splitlines()
    if line.startswith("| `")
]


@pytest.mark.parametrize(("expression", "moment", "due", "covers", "expected"), EXAMPLES)
def test_the_examples_of_the_documentation_hold(
    expression: str, moment: str, due: str, covers: str, expected: str
) -> None:
    schedule = Cron(expression=expression, timezone="Europe/Berlin", country="DE")
    assert bind(schedule, at(moment)) == at(due)
    assert business_interval(schedule, Covers(covers), at(due)) == interval(expected)

"""Firings are compared with a model of the daemon: a loop that wakes each minute."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.runs.cron import check_expression, firings
from verifier.runs.declaration import Cron

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

# Near a change of each zone's clocks: by an hour at 02:00, by half an hour, by two
# hours, at midnight in both directions, with summer time below standard time.
NEAR_CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Europe/Dublin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Antarctica/Troll", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 2, 18, 2, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 3, 8, 5, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 11, 1, 5, tzinfo=UTC)),
    ("Asia/Beirut", datetime(2026, 3, 28, 22, tzinfo=UTC)),
    ("Asia/Beirut", datetime(2026, 10, 24, 21, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 4, 3, 2, tzinfo=UTC)),
    ("UTC", datetime(2024, 2, 29, 0, tzinfo=UTC)),
]


def allowed(field: str, lowest: int, highest: int) -> set[int]:
    """The numbers that one field allows; enough of cron's grammar for these tests."""
    numbers = set[int]()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            low, high = lowest, highest
        else:
            low, high = int(first), int(last or first)
        numbers |= set(range(low, high + 1, int(step or 1)))
    return numbers


class Daemon:
    """What cron(8) on Debian does, as its manual page and source tell."""

    def __init__(self, expression: str) -> None:
        fields = expression.split()
        self.minutes = allowed(fields[0], 0, 59)
        self.hours = allowed(fields[1], 0, 23)
        self.days = allowed(fields[2], 1, 31)
        self.months = allowed(fields[3], 1, 12)
        self.weekdays = {number % 7 for number in allowed(fields[4], 0, 7)}
        self.both_days = fields[2].startswith("*") or fields[4].startswith("*")
        self.wildcard = fields[0].startswith("*") or fields[1].startswith("*")

    def named(self, shown: datetime) -> bool:
        day, weekday = shown.day in self.days, shown.isoweekday() % 7 in self.weekdays
        return (
            shown.minute in self.minutes
            and shown.hour in self.hours
            and shown.month in self.months
            and ((day and weekday) if self.both_days else (day or weekday))
        )

    def firings(self, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
        clock = ZoneInfo(zone)
        # It has been up for a day, so it knows how far the clock had come.
        instant = start - DAY
        reached = (instant - MINUTE).astimezone(clock).replace(tzinfo=None)
        while instant < end:
            shown = instant.astimezone(clock).replace(tzinfo=None)
            if self.wildcard:
                due = self.named(shown)
            else:
                passed = range(1, 1 + (shown - reached) // MINUTE)
                due = any(self.named(reached + step * MINUTE) for step in passed)
            reached = max(reached, shown)
            if due and instant >= start:
                yield instant
            instant += MINUTE


EXPRESSIONS = st.builds(
    "{} {} {} {} {}".format,
    st.sampled_from(["*", "*/7", "*/15", "0", "30", "59", "0,30", "5-55/10", "0,1,2"]),
    st.sampled_from(["*", "*/2", "*/1", "0", "1", "2", "23", "1-3", "0,2,23", "3"]),
    st.sampled_from(["*", "*", "*/2", "1", "4", "29", "25-29", "18,31"]),
    st.sampled_from(["*", "*", "*/5", "2-4", "10,11"]),
    st.sampled_from(["*", "*", "0", "7", "1-5", "*/3", "6,0"]),
)
NEAR = st.tuples(
    st.sampled_from(NEAR_CHANGES),
    st.one_of(st.integers(-1800, 600), st.integers(-130, 130)).map(lambda count: count * MINUTE),
)


@given(EXPRESSIONS, NEAR)
@settings(deadline=None)
def test_it_fires_when_the_daemon_does(
    expression: str, near: tuple[tuple[str, datetime], timedelta]
) -> None:
    (zone, change), offset = near
    start = change + offset
    end = start + timedelta(hours=30)
    schedule = Cron(expression=expression, timezone=zone)
    model = list(Daemon(expression).firings(zone, start, end))

    forward = list(islice(firings(schedule, start - MINUTE), len(model) + 1))
    assert forward[: len(model)] == model
    assert not forward[len(model) :] or forward[-1] >= end

    backward = list(islice(firings(schedule, end, reverse=True), len(model) + 1))
    assert backward[: len(model)] == model[::-1]
    assert not backward[len(model) :] or backward[-1] < start


@given(EXPRESSIONS, NEAR)
@settings(deadline=None, max_examples=50)
def test_firings_are_in_strict_order_on_either_side_of_the_origin(
    expression: str, near: tuple[tuple[str, datetime], timedelta]
) -> None:
    (zone, change), offset = near
    origin = change + offset / 7
    schedule = Cron(expression=expression, timezone=zone)
    later = list(islice(firings(schedule, origin), 20))
    earlier = list(islice(firings(schedule, origin, reverse=True), 20))
    run = [*reversed(earlier), origin, *later]
    assert all(one < other for one, other in pairwise(run))
    assert all(instant.tzinfo is UTC for instant in run)


def fired(expression: str, zone: str, day: date) -> list[str]:
    """UTC times of the local ``day``, read forward and, which must agree, backward."""
    clock = ZoneInfo(zone)
    start = datetime(day.year, day.month, day.day, tzinfo=clock).astimezone(UTC) - MINUTE
    end = start + 2 * DAY
    schedule = Cron(expression=expression, timezone=zone)
    forward = [
        slot
        for slot in islice(firings(schedule, start), 500)
        if slot < end and slot.astimezone(clock).date() == day
    ]
    backward = [
        slot
        for slot in islice(firings(schedule, end, reverse=True), 500)
        if slot > start and slot.astimezone(clock).date() == day
    ]
    assert backward == forward[::-1]
    return [f"{slot:%H:%M}" for slot in forward]


def test_a_fixed_time_that_berlin_skips_fires_at_the_change() -> None:
    assert fired("30 2 * * *", "Europe/Berlin", date(2026, 3, 28)) == ["01:30"]
    assert fired("30 2 * * *", "Europe/Berlin", date(2026, 3, 29)) == ["01:00"]
    assert fired("30 2 * * *", "Europe/Berlin", date(2026, 3, 30)) == ["00:30"]


def test_a_fixed_time_that_berlin_shows_twice_fires_once_at_the_first() -> None:
    assert fired("30 2 * * *", "Europe/Berlin", date(2026, 10, 25)) == ["00:30"]


def test_several_fixed_times_that_are_skipped_fire_together_once() -> None:
    assert fired("0,30 2,3 * * *", "Europe/Berlin", date(2026, 3, 29)) == ["01:00", "01:30"]


def test_a_wildcard_job_fires_in_both_showings_and_in_none_that_is_skipped() -> None:
    assert fired("*/30 2 * * *", "Europe/Berlin", date(2026, 3, 29)) == []
    twice = ["00:00", "00:30", "01:00", "01:30"]
    assert fired("*/30 2 * * *", "Europe/Berlin", date(2026, 10, 25)) == twice


def test_the_second_showing_is_found_from_late_in_the_first() -> None:
    schedule = Cron(expression="*/40 2 * * *", timezone="Europe/Berlin")
    late = datetime(2026, 10, 25, 0, 50, tzinfo=UTC)
    assert next(firings(schedule, late)) == datetime(2026, 10, 25, 1, tzinfo=UTC)


def test_the_first_showing_is_found_from_early_in_the_second() -> None:
    early = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    for expression in ("40 2 * * *", "*/40 2 * * *"):
        schedule = Cron(expression=expression, timezone="Europe/Berlin")
        before = list(islice(firings(schedule, early, reverse=True), 2))
        assert datetime(2026, 10, 25, 0, 40, tzinfo=UTC) in before


def test_what_fires_at_the_change_does_not_fire_before_it() -> None:
    schedule = Cron(expression="30 2 * * *", timezone="Europe/Berlin")
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    before = next(firings(schedule, change, reverse=True))
    assert before == datetime(2026, 3, 28, 1, 30, tzinfo=UTC)


def test_an_hourly_job_fires_23_and_25_times_on_the_days_of_the_change() -> None:
    assert len(fired("0 * * * *", "Europe/Berlin", date(2026, 3, 29))) == 23
    assert len(fired("0 * * * *", "Europe/Berlin", date(2026, 10, 25))) == 25


def test_the_last_hour_of_a_day_that_is_shown_twice_is_found_backward_too() -> None:
    twice = ["01:00", "01:30", "02:00", "02:30"]
    assert fired("*/30 23 17 2 *", "America/Sao_Paulo", date(2018, 2, 17)) == twice


def test_a_midnight_that_is_skipped_is_no_time_of_a_wildcard_job() -> None:
    evens = fired("0 */2 4 11 *", "America/Sao_Paulo", date(2018, 11, 4))
    assert evens == [f"{hour:02}:00" for hour in range(4, 24, 2)] + ["00:00"]


def test_a_change_by_half_an_hour_shifts_no_later_firing() -> None:
    evens = fired("0 */2 5 4 *", "Australia/Lord_Howe", date(2026, 4, 5))
    assert evens[:3] == ["13:00", "15:30", "17:30"]


def test_a_day_that_the_zone_left_out_fires_when_it_was_left_out() -> None:
    schedule = Cron(expression="0 2 30 12 *", timezone="Pacific/Apia")
    (slot,) = islice(firings(schedule, datetime(2011, 12, 1, tzinfo=UTC)), 1)
    assert slot == datetime(2011, 12, 30, 10, tzinfo=UTC)


def test_a_leap_day_is_found_across_the_year_2100() -> None:
    schedule = Cron(expression="0 0 29 2 *")
    later = firings(schedule, datetime(2096, 3, 1, tzinfo=UTC))
    assert next(later) == datetime(2104, 2, 29, tzinfo=UTC)
    earlier = firings(schedule, datetime(2104, 2, 29, tzinfo=UTC), reverse=True)
    assert next(earlier) == datetime(2096, 2, 29, tzinfo=UTC)


def test_a_leap_day_on_a_weekday_is_found_40_years_on() -> None:
    schedule = Cron(expression="0 0 29 2 */7")  # Sundays, for a star asks for both
    later = firings(schedule, datetime(2088, 3, 1, tzinfo=UTC))
    assert next(later) == datetime(2128, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_firings_end_with_the_years_that_can_be_told(zone: str) -> None:
    schedule = Cron(expression="0 12 * * *", timezone=zone)
    assert list(firings(schedule, datetime(9999, 12, 31, 23, tzinfo=UTC))) == []
    assert list(firings(schedule, datetime(1, 1, 1, 1, tzinfo=UTC), reverse=True)) == []
    assert len(list(firings(schedule, datetime(9999, 12, 1, tzinfo=UTC)))) in (30, 31)
    assert len(list(firings(schedule, datetime(1, 1, 31, tzinfo=UTC), reverse=True))) in (29, 30)


def test_business_days_leave_out_weekends_and_holidays() -> None:
    schedule = Cron(
        expression="0 6 * * *",
        timezone="Europe/Berlin",
        business_days=True,
        country="DE",
        holidays=(date(2026, 4, 8),),
    )
    days = [slot.day for slot in islice(firings(schedule, datetime(2026, 4, 1, 23, tzinfo=UTC)), 4)]
    assert days == [2, 7, 9, 10]  # Good Friday the 3rd, Easter Monday the 6th, our own the 8th
    back = [
        slot.day
        for slot in islice(firings(schedule, datetime(2026, 4, 10, tzinfo=UTC), reverse=True), 3)
    ]
    assert back == [9, 7, 2]


def test_a_business_day_is_one_of_the_zone_and_not_of_utc() -> None:
    schedule = Cron(expression="0 6 * * *", timezone="Pacific/Auckland", business_days=True)
    first = next(firings(schedule, datetime(2026, 4, 3, 20, tzinfo=UTC)))
    assert first == datetime(2026, 4, 5, 18, tzinfo=UTC)  # Monday the 6th at 06:00 there


def test_a_rare_business_day_is_found_decades_on() -> None:
    schedule = Cron(
        expression="0 0 29 2 *",
        business_days=True,
        holidays=(date(2024, 2, 29), date(2028, 2, 29)),
    )
    later = firings(schedule, datetime(2016, 3, 1, tzinfo=UTC))
    assert next(later) == datetime(2036, 2, 29, tzinfo=UTC)  # 2020 and 2032 fall on weekends


def test_business_days_go_on_for_longer_than_a_search_is_kept_up() -> None:
    schedule = Cron(expression="0 0 1 1 *", business_days=True)
    years = [slot.year for slot in islice(firings(schedule, datetime(1970, 1, 2, tzinfo=UTC)), 80)]
    weekdays = [year for year in range(1971, 2100) if date(year, 1, 1).weekday() < 5]
    assert years == weekdays[:80]


@pytest.mark.parametrize(
    ("expression", "country"),
    [("* * * * 6", None), ("0 0 1 1 *", "DE"), ("0 0 */31 2 1#5", None)],
)
def test_an_expression_that_never_fires_has_no_firings(
    expression: str, country: str | None
) -> None:
    schedule = Cron(expression=expression, business_days=True, country=country)
    origin = datetime(2026, 4, 3, tzinfo=UTC)
    assert list(firings(schedule, origin)) == []


def test_an_expression_that_never_fired_has_no_firings_backward() -> None:
    schedule = Cron(expression="* * * * 6", business_days=True)
    assert list(firings(schedule, datetime(2026, 4, 3, tzinfo=UTC), reverse=True)) == []


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("0 2 * *", "five fields.*give minute, hour, day, month and weekday"),
        ("0 0 2 * * *", "five fields.*give minute"),
        ("0 2 * * * root", "five fields"),
        ("", "five fields"),
        ("@daily", "five fields.*found '@daily'; write '0 0 \\* \\* \\*'"),
        (" @Hourly ", "write '0 \\* \\* \\* \\*'"),
        ("@reboot", "five fields.*give minute"),
        ("60 2 * * *", "that fires.*Bad minute"),
        ("0 24 * * *", "that fires.*Bad hour"),
        ("0 2 * * mond", "that fires.*Bad day-of-week"),
        ("0 2 30 2 *", "that fires.*Bad day-of-month.*a day that none of the months has"),
        ("0 2 31 4,6 *", "that fires.*Bad day-of-month"),
        ("*/0 2 * * *", "that fires.*Bad minute"),
        ("9" * 5000 + " 2 * * *", "five fields"),
    ],
)
def test_an_expression_that_cannot_be_read_is_refused(expression: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^expected .*{problem}") as refusal:
        check_expression(Cron(expression=expression))
    assert len(str(refusal.value)) < 300
    with pytest.raises(ValueError, match=r"^expected "):
        next(firings(Cron(expression=expression), datetime(2026, 1, 1, tzinfo=UTC)))


def test_an_unknown_dialect_is_refused_and_never_read_as_debian() -> None:
    schedule = Cron(expression="0 2 * * *", dialect="quartz")
    with pytest.raises(ValueError, match=r"^expected a cron dialect of debian, found 'quartz'"):
        check_expression(schedule)
    with pytest.raises(ValueError, match="dialect"):
        next(firings(schedule, datetime(2026, 1, 1, tzinfo=UTC)))


@given(st.text(alphabet="0123456789*/-,#LWMONJAN @\t", max_size=20))
def test_any_expression_is_read_or_refused(expression: str) -> None:
    with suppress(ValueError):
        check_expression(Cron(expression=expression))

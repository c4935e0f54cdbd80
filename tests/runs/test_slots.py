from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.runs import slots as slots_module
from verifier.runs.calendar import is_business_day
from verifier.runs.declaration import Cron, Every, Schedule
from verifier.runs.slots import (
    _around_hour,
    bind,
    check_schedule,
    interval_after,
    is_slot,
    latest_slot,
    next_slot,
    opens,
    previous_slot,
    slots,
)

at = datetime.fromisoformat
MICROSECOND = timedelta(microseconds=1)
MILLISECOND = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

NIGHTLY = Cron(expression="30 2 * * *", timezone="Europe/Berlin")
QUARTER_HOURLY = Cron(expression="*/15 * * * *")
EVERY_QUARTER = Every(period=15 * MINUTE)

CRONS = st.builds(
    Cron,
    expression=st.sampled_from(
        [
            "* * * * *",
            "*/15 * * * *",
            "0 * * * *",
            "5-50/9 */2 * * *",
            "30 2 * * *",
            "0,30 0,2 * * *",
            "0 0 * * 1-5",
            "59 23 L * *",
            "15 1 1 */3 *",
            "0 0 29 2 *",
            "0 12 13 * 5",
        ]
    ),
    timezone=st.sampled_from(
        [
            "UTC",
            "Europe/Berlin",
            "America/New_York",
            "America/Havana",
            "Asia/Beirut",
            "Asia/Kathmandu",
            "Australia/Lord_Howe",
        ]
    ),
    business_days=st.booleans(),
    country=st.sampled_from([None, "DE"]),
)
EVERIES = st.builds(
    Every, period=st.timedeltas(min_value=timedelta(milliseconds=1), max_value=400 * DAY)
)
SCHEDULES = st.one_of(CRONS, EVERIES)
# Any, and more often those near a change of clocks or near a quarter of an hour.
INSTANTS = st.one_of(
    st.datetimes(at("1970-01-01T00:00"), at("2060-01-01T00:00")),
    st.datetimes(at("2026-03-28T20:00"), at("2026-03-29T04:00")),
    st.datetimes(at("2026-10-24T20:00"), at("2026-10-25T04:00")),
    st.datetimes(at("2026-11-01T03:00"), at("2026-11-01T08:00")),
    st.integers(0, 100_000).map(lambda count: at("2026-03-01T00:00") + count * 15 * MINUTE),
).map(lambda moment: moment.replace(tzinfo=UTC))


@given(SCHEDULES, INSTANTS)
@settings(deadline=None)
def test_an_instant_lies_between_its_latest_slot_and_the_next(
    schedule: Schedule, moment: datetime
) -> None:
    previous = previous_slot(schedule, moment)
    latest = latest_slot(schedule, moment)
    following = next_slot(schedule, moment)
    assert previous < moment
    assert latest <= moment < following
    assert latest == (moment if is_slot(schedule, moment) else previous)
    assert {slot.tzinfo for slot in (previous, latest, following)} == {UTC}


@given(SCHEDULES, INSTANTS)
@settings(deadline=None)
def test_forward_and_backward_meet_at_the_same_slots(schedule: Schedule, moment: datetime) -> None:
    following = next_slot(schedule, moment)
    assert previous_slot(schedule, following) == latest_slot(schedule, moment)
    assert next_slot(schedule, latest_slot(schedule, moment)) == following
    assert latest_slot(schedule, following) == following
    assert is_slot(schedule, following)
    assert not is_slot(schedule, following - MICROSECOND)


@given(SCHEDULES, INSTANTS, st.integers(0, 6))
@settings(deadline=None)
def test_slots_are_what_repeated_steps_give(
    schedule: Schedule, start: datetime, length: int
) -> None:
    steps = [latest_slot(schedule, start)]
    for _ in range(length + 1):
        steps.append(next_slot(schedule, steps[-1]))
    within = [slot for slot in steps[:-1] if slot >= start]
    assert list(slots(schedule, start, steps[-1])) == within
    assert list(slots(schedule, start, steps[-1] + MICROSECOND)) == [*within, steps[-1]]


@given(SCHEDULES, INSTANTS)
@settings(deadline=None)
def test_a_slot_is_bound_to_itself(schedule: Schedule, moment: datetime) -> None:
    slot = next_slot(schedule, moment)
    assert bind(schedule, slot) == slot


@given(SCHEDULES, INSTANTS)
@settings(deadline=None)
def test_an_instant_is_bound_to_its_latest_slot_or_shortly_before_the_next(
    schedule: Schedule, moment: datetime
) -> None:
    latest, following = latest_slot(schedule, moment), next_slot(schedule, moment)
    early = min(MINUTE, (following - latest) / 4)
    bound = bind(schedule, moment)
    assert bound == (following if following - moment <= early else latest)
    assert (bound == following) is (opens(schedule, following) <= moment)


@given(CRONS, INSTANTS)
@settings(deadline=None)
def test_slots_on_business_days_are_those_slots_whose_local_date_is_one(
    schedule: Cron, moment: datetime
) -> None:
    every_day = msgspec.structs.replace(schedule, business_days=False)
    business = msgspec.structs.replace(schedule, business_days=True)
    clock = ZoneInfo(schedule.timezone)
    end = next_slot(business, moment)
    between = list(islice(slots(every_day, moment + MICROSECOND, end), 3000))
    assert is_slot(every_day, end)
    assert is_business_day(end.astimezone(clock).date(), business)
    assert not any(is_business_day(slot.astimezone(clock).date(), business) for slot in between)


def test_berlin_is_due_at_the_change_in_spring_and_once_in_autumn() -> None:
    spring = list(slots(NIGHTLY, at("2026-03-28T00:00Z"), at("2026-03-31T00:00Z")))
    assert spring == [at("2026-03-28T01:30Z"), at("2026-03-29T01:00Z"), at("2026-03-30T00:30Z")]
    autumn = list(slots(NIGHTLY, at("2026-10-24T00:00Z"), at("2026-10-27T00:00Z")))
    assert autumn == [at("2026-10-24T00:30Z"), at("2026-10-25T00:30Z"), at("2026-10-26T01:30Z")]


@pytest.mark.parametrize("moment", ["2026-10-25T00:30Z", "2026-10-25T01:15Z", "2026-10-25T01:45Z"])
def test_nothing_is_due_in_the_second_showing_of_a_fixed_time(moment: str) -> None:
    assert latest_slot(NIGHTLY, at(moment)) == at("2026-10-25T00:30Z")
    assert next_slot(NIGHTLY, at(moment)) == at("2026-10-26T01:30Z")


def test_every_counts_from_the_epoch_in_utc_whatever_the_zone() -> None:
    schedule = Every(period=7 * HOUR, timezone="Asia/Kathmandu")
    assert latest_slot(schedule, at("1970-01-01T00:00Z")) == at("1970-01-01T00:00Z")
    assert previous_slot(schedule, at("1970-01-01T00:00Z")) == at("1969-12-31T17:00Z")
    assert next_slot(schedule, at("1970-01-01T06:59Z")) == at("1970-01-01T07:00Z")


def test_slots_begin_with_the_start_and_leave_out_the_end() -> None:
    for schedule in (QUARTER_HOURLY, EVERY_QUARTER):
        found = list(slots(schedule, at("2026-04-03T02:00Z"), at("2026-04-03T02:30Z")))
        assert found == [at("2026-04-03T02:00Z"), at("2026-04-03T02:15Z")]


def test_there_are_no_slots_before_the_start() -> None:
    for schedule in (QUARTER_HOURLY, EVERY_QUARTER):
        moment = at("2026-04-03T02:00Z")
        assert list(slots(schedule, moment, moment)) == []
        assert list(slots(schedule, moment, moment - DAY)) == []


def test_slots_are_utc_whatever_offset_is_asked_with() -> None:
    start = at("2026-04-03T02:00+02:00")
    for schedule in (QUARTER_HOURLY, EVERY_QUARTER):
        found = list(slots(schedule, start, start + HOUR))
        assert [slot.isoformat() for slot in found[:1]] == ["2026-04-03T00:00:00+00:00"]
        assert {slot.tzinfo for slot in found} == {UTC}
        assert latest_slot(schedule, start).tzinfo is UTC


def test_a_slot_off_the_whole_minute_of_utc_is_found() -> None:
    # Liberia was 44 min 30 s behind UTC until 1972.
    schedule = Cron(expression="0,1 12 * * *", timezone="Africa/Monrovia")
    noon = at("1971-06-01T12:44:30Z")
    found = list(slots(schedule, noon - HOUR, noon + HOUR))
    assert found == [noon, noon + MINUTE]
    assert is_slot(schedule, noon)
    assert latest_slot(schedule, noon + 59 * SECOND) == noon
    assert next_slot(schedule, noon - SECOND) == noon
    assert next_slot(schedule, noon) == previous_slot(schedule, noon + HOUR) == noon + MINUTE
    assert previous_slot(schedule, noon + MINUTE) == noon


@pytest.mark.parametrize(
    ("schedule", "due", "interval"),
    [
        (NIGHTLY, "2026-03-27T01:30Z", 24 * HOUR),
        (NIGHTLY, "2026-03-28T01:30Z", 23.5 * HOUR),
        (NIGHTLY, "2026-10-25T00:30Z", 25 * HOUR),
        (QUARTER_HOURLY, "2026-04-03T02:00Z", 15 * MINUTE),
        (EVERY_QUARTER, "2026-04-03T02:00Z", 15 * MINUTE),
        (Cron(expression="0 0 29 2 *"), "2096-02-29T00:00Z", 2921 * DAY),
        (Cron(expression="0 6 * * 1-5"), "2026-04-03T06:00Z", 3 * DAY),
    ],
)
def test_the_interval_after_a_slot_lasts_until_the_next(
    schedule: Schedule, due: str, interval: timedelta
) -> None:
    assert interval_after(schedule, at(due)) == interval


@pytest.mark.parametrize(
    ("schedule", "moment", "bound"),
    [
        (NIGHTLY, "2026-04-03T00:30:00Z", "2026-04-03T00:30Z"),
        (NIGHTLY, "2026-04-03T00:29:00Z", "2026-04-03T00:30Z"),  # 60 s early
        (NIGHTLY, "2026-04-03T00:28:59.999999Z", "2026-04-02T00:30Z"),
        (NIGHTLY, "2026-04-03T08:00:00Z", "2026-04-03T00:30Z"),
        (Every(period=2 * MINUTE), "2026-04-03T02:01:30Z", "2026-04-03T02:02Z"),  # a quarter
        (Every(period=2 * MINUTE), "2026-04-03T02:01:29.999999Z", "2026-04-03T02:00Z"),
        (Cron(expression="* * * * *"), "2026-04-03T02:00:45Z", "2026-04-03T02:01Z"),
        (Cron(expression="* * * * *"), "2026-04-03T02:00:44.999999Z", "2026-04-03T02:00Z"),
        # The gap before the slot counts, not the one after it.
        (Cron(expression="0,2 * * * *"), "2026-04-03T02:01:30Z", "2026-04-03T02:02Z"),
        (Cron(expression="0,2 * * * *"), "2026-04-03T02:01:29Z", "2026-04-03T02:00Z"),
        (Cron(expression="0,2 * * * *"), "2026-04-03T02:59:00Z", "2026-04-03T03:00Z"),
    ],
)
def test_a_signal_is_bound_to_the_slot_that_had_come_or_all_but(
    schedule: Schedule, moment: str, bound: str
) -> None:
    assert bind(schedule, at(moment)) == at(bound)


def test_a_burst_of_signals_in_one_minute_is_one_look_up() -> None:
    before = _around_hour.cache_info().misses
    for count in range(1000):
        bind(
            Cron(expression="17 4 * * *", timezone="Asia/Kathmandu"),
            at("2026-04-03T02:00Z") + count * 59 * MILLISECOND,
        )
    assert _around_hour.cache_info().misses == before + 1


@pytest.mark.parametrize(
    "schedule", [Cron(expression="0 12 * * *", timezone="America/New_York"), Every(period=DAY)]
)
def test_at_the_ends_of_the_calendar_there_is_a_slot_or_a_reason(schedule: Schedule) -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    with pytest.raises(ValueError, match=r"^expected a slot after 9999-12-31.*, found none: '"):
        next_slot(schedule, last)
    with pytest.raises(ValueError, match=r"^expected a slot before 0001-01-01T00:00:00Z, found"):
        previous_slot(schedule, first)
    with pytest.raises(ValueError, match="found none"):
        bind(schedule, last)
    end_of_time = list(slots(schedule, last - 3 * DAY, last))
    assert len(end_of_time) == 3
    assert latest_slot(schedule, last - HOUR) == end_of_time[-1]
    assert not is_slot(schedule, last)


def test_before_the_first_slot_of_the_calendar_there_is_none() -> None:
    noon = Cron(expression="0 12 * * *")
    with pytest.raises(ValueError, match="at or before 0001-01-01T01:00:00Z, found none"):
        latest_slot(noon, at("0001-01-01T01:00Z"))
    assert next_slot(noon, at("0001-01-01T01:00Z")) == at("0001-01-01T12:00Z")
    assert not is_slot(noon, at("0001-01-01T01:00Z"))


def test_a_period_longer_than_the_calendar_has_one_slot() -> None:
    schedule = Every(period=timedelta.max)
    assert list(slots(schedule, at("1960-01-01T00:00Z"), at("9999-01-01T00:00Z"))) == [
        at("1970-01-01T00:00Z")
    ]
    with pytest.raises(ValueError, match="found none: '999999999d"):
        next_slot(schedule, at("1970-01-01T00:00Z"))


def test_a_schedule_that_never_fires_gives_a_reason_and_no_endless_search() -> None:
    schedule = Cron(expression="* * * * 0,6", business_days=True)
    for ask in (next_slot, latest_slot, bind):
        with pytest.raises(ValueError, match=r"found none: .* never fires"):
            ask(schedule, at("2026-04-03T02:00Z"))
    assert not is_slot(schedule, at("2026-04-04T02:00Z"))
    assert list(slots(schedule, at("2026-04-03T02:00Z"), at("2036-04-03T02:00Z"))) == []


@pytest.mark.parametrize(
    "schedule",
    [
        NIGHTLY,
        EVERY_QUARTER,
        Cron(expression="0 0 29 2 *"),
        Cron(expression="0 0 29 2 */7", timezone="America/New_York"),
        Cron(expression="0 6 * * MON-FRI", business_days=True, country="DE", subdivision="BY"),
        Every(period=MICROSECOND),
    ],
)
def test_a_schedule_whose_slots_can_be_told_is_accepted(schedule: Schedule) -> None:
    check_schedule(schedule)


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        (Cron(expression="61 * * * *"), "that fires, found '61 .*Bad minute"),
        (Cron(expression="0 0 30 2 *"), "that fires, found '0 0 30 2 .*Bad day-of-month"),
        (Cron(expression="0 0 */31 2 1#5"), "found '0 0 .*, which never does on any day"),
        (Cron(expression="0 0 * * 6", business_days=True), "which never does on a business day"),
        (
            # A holiday since 2021; that it was none before does not help.
            Cron(expression="0 0 19 6 *", business_days=True, country="US"),
            "which never does on a business day",
        ),
        (Cron(expression="0 2 * * *", dialect="airflow"), "a cron dialect of debian"),
        (Cron(expression="0 2 * * *", timezone="Mars/Olympus"), "an IANA time zone"),
        (Cron(expression="0 2 * * *", country="XX"), "an ISO 3166 country"),
        (Every(period=timedelta()), "a period such as 15m, found '0s'"),
        (Every(period=-MINUTE), "a period such as 15m, found '-1m'"),
        (Every(period=DAY, timezone=""), "an IANA time zone"),
        (Every(period=DAY, country="DE", subdivision="XX"), "a subdivision of DE"),
    ],
)
def test_a_schedule_whose_slots_cannot_be_told_is_refused(schedule: Schedule, problem: str) -> None:
    with pytest.raises(ValueError, match=rf"^expected .*{problem}") as refusal:
        check_schedule(schedule)
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("period", [timedelta(), -MINUTE])
def test_a_period_of_nothing_or_less_is_refused_wherever_it_is_asked(period: timedelta) -> None:
    schedule = Every(period=period)
    for ask in (next_slot, latest_slot, previous_slot, is_slot, bind):
        with pytest.raises(ValueError, match="a period such as 15m"):
            ask(schedule, at("2026-04-03T02:00Z"))
    with pytest.raises(ValueError, match="a period such as 15m"):
        list(slots(schedule, at("2026-04-03T02:00Z"), at("2026-04-04T02:00Z")))


def test_own_holidays_are_no_due_days() -> None:
    schedule = Cron(
        expression="0 6 * * *", business_days=True, holidays=(date(2026, 4, 3), date(2026, 4, 6))
    )
    assert next_slot(schedule, at("2026-04-02T06:00Z")) == at("2026-04-07T06:00Z")
    assert previous_slot(schedule, at("2026-04-07T06:00Z")) == at("2026-04-02T06:00Z")


def test_what_is_remembered_of_schedules_is_bounded(monkeypatch):
    monkeypatch.setattr(slots_module, "_SCHEDULES", 2)
    moment = datetime(2026, 4, 3, 2, 10, tzinfo=UTC)
    for minutes in range(1, 9):
        bind(Every(period=timedelta(minutes=minutes)), moment)
        assert len(slots_module._last_bound) <= 2

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.wallclock import first_instant, instant_of, midnight, shown_at, zone

BERLIN = ZoneInfo("Europe/Berlin")

at = datetime.fromisoformat  # naive where the text has no Z: what a clock shows

CLOCKS = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Havana",
        "Asia/Beirut",
        "Australia/Lord_Howe",
        "Antarctica/Troll",
    ]
).map(ZoneInfo)
# Any, and more often those near a change of clocks.
INSTANTS = st.one_of(
    st.datetimes(at("1970-01-01T00:00"), at("2050-01-01T00:00")),
    st.datetimes(at("2026-03-28T22:00"), at("2026-03-29T04:00")),
    st.datetimes(at("2026-10-24T20:00"), at("2026-10-25T04:00")),
    st.datetimes(at("2026-04-04T14:00"), at("2026-04-04T16:00")),
    st.datetimes(at("2026-11-01T04:00"), at("2026-11-01T07:00")),
)


def test_a_zone_is_found_by_its_name() -> None:
    assert zone("Europe/Berlin") == BERLIN


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("europe/berlin", "did you mean Europe/Berlin"),
        ("Europe/Berln", "did you mean Europe/Berlin"),
        ("Mars/Olympus", "UTC is one too"),
        ("Europe", ""),
        ("", ""),
        ("/etc/passwd", ""),
        ("../../etc/passwd", ""),
        ("Europe/Berlin\0", "did you mean Europe/Berlin"),
        ("x" * 5000, "UTC is one too"),
    ],
)
def test_a_zone_that_does_not_exist_is_refused(name: str, hint: str) -> None:
    with pytest.raises(ValueError, match=r"^expected an IANA time zone .*, found") as refusal:
        zone(name)
    assert hint in str(refusal.value)
    assert len(str(refusal.value)) < 200


def test_the_two_showings_of_a_repeated_time_are_told_apart() -> None:
    shown = at("2026-10-25T02:30")
    assert instant_of(shown, BERLIN) == at("2026-10-25T00:30Z")
    assert instant_of(shown, BERLIN, fold=1) == at("2026-10-25T01:30Z")


def test_the_first_instant_of_a_repeated_time_is_its_first_showing() -> None:
    assert first_instant(at("2026-10-25T02:30"), BERLIN) == at("2026-10-25T00:30Z")


@pytest.mark.parametrize("minute", [0, 1, 30, 59])
def test_the_first_instant_of_a_time_never_shown_is_the_change(minute: int) -> None:
    shown = at("2026-03-29T02:00:07.000999") + minute * timedelta(minutes=1)
    assert first_instant(shown, BERLIN) == at("2026-03-29T01:00Z")


def test_the_first_instant_of_a_day_left_out_is_the_change() -> None:
    assert first_instant(at("2011-12-30T12:00"), ZoneInfo("Pacific/Apia")) == at(
        "2011-12-30T10:00Z"
    )


@given(INSTANTS, CLOCKS)
def test_what_is_shown_is_read_back_by_one_of_two_folds(moment: datetime, clock: ZoneInfo) -> None:
    instant = moment.replace(tzinfo=UTC)
    shown = shown_at(instant, clock)
    assert shown.tzinfo is None
    assert shown.fold == 0
    assert instant in (instant_of(shown, clock), instant_of(shown, clock, fold=1))


@given(INSTANTS, CLOCKS)
def test_no_clock_has_passed_a_time_before_its_first_instant(
    shown: datetime, clock: ZoneInfo
) -> None:
    first = first_instant(shown, clock)
    assert first.tzinfo is UTC
    assert shown_at(first, clock) >= shown.replace(microsecond=0)
    assert shown_at(first - timedelta(seconds=1), clock) < shown


@given(INSTANTS, INSTANTS, CLOCKS)
def test_first_instants_keep_the_order_of_the_times_shown(
    one: datetime, other: datetime, clock: ZoneInfo
) -> None:
    earlier, later = sorted((one.replace(microsecond=0), other.replace(microsecond=0)))
    assert first_instant(earlier, clock) <= first_instant(later, clock)


@pytest.mark.parametrize(
    ("name", "day", "begins"),
    [
        ("Europe/Berlin", date(2026, 3, 29), at("2026-03-28T23:00Z")),
        ("Europe/Berlin", date(2026, 3, 30), at("2026-03-29T22:00Z")),
        ("Asia/Beirut", date(2026, 3, 29), at("2026-03-28T22:00Z")),  # 00:00 is never shown
        ("America/Havana", date(2026, 11, 1), at("2026-11-01T04:00Z")),  # 00:00 is shown twice
        ("Asia/Beirut", date(2026, 10, 25), at("2026-10-24T22:00Z")),  # 23:00 was shown twice
    ],
)
def test_a_day_begins_at_its_first_instant(name: str, day: date, begins: datetime) -> None:
    clock = ZoneInfo(name)
    assert midnight(day, clock) == begins
    assert shown_at(begins, clock).date() == day
    assert shown_at(begins - timedelta(seconds=1), clock).date() == day - timedelta(days=1)

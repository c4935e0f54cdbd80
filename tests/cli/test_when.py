from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.cli.exits import CommandFailed, ExitCode
from verifier.cli.when import parse_moment, parse_when

WEDNESDAY = datetime(2026, 4, 8, 3, 4, 5, 678, tzinfo=UTC)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("friday", "2026-04-03T00:00:00+00:00"),
        ("Fri", "2026-04-03T00:00:00+00:00"),
        ("tuesday", "2026-04-07T00:00:00+00:00"),
        ("wednesday", "2026-04-01T00:00:00+00:00"),
        ("thursday", "2026-04-02T00:00:00+00:00"),
        ("today", "2026-04-08T00:00:00+00:00"),
        ("yesterday", "2026-04-07T00:00:00+00:00"),
        ("3d", "2026-04-05T03:04:05+00:00"),
        ("1h30m", "2026-04-08T01:34:05+00:00"),
        ("2026-04-01", "2026-04-01T00:00:00+00:00"),
        ("2026-04-01T02:00:00+02:00", "2026-04-01T00:00:00+00:00"),
        (" 2026-04-01T02:00Z ", "2026-04-01T02:00:00+00:00"),
    ],
)
def test_an_instant_is_read_as_people_write_it(text: str, instant: str) -> None:
    assert parse_when(text, WEDNESDAY).isoformat() == instant


def test_now_is_now() -> None:
    assert parse_when("now", WEDNESDAY) == WEDNESDAY


@pytest.mark.parametrize(
    "text",
    [
        *("", "fr", "t", "fryday", "tomorrow", "3x", "d", "-3d", "9999999999d", "99999999d"),
        *("2026-02-30", "2026-04-01T02:00:00", "2026-04-01 02:00", "04/01/2026", "friday 2pm"),
        "\x1b[31m",
    ],
)
def test_what_is_no_instant_is_told_with_what_was_expected(text: str) -> None:
    with pytest.raises(CommandFailed, match="expected a day") as failure:
        parse_when(text, WEDNESDAY)
    assert failure.value.code is ExitCode.USAGE


@given(
    st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year > 1),
    st.sampled_from(DAYS),
)
def test_a_weekday_is_the_last_one_before_today(now: datetime, day: str) -> None:
    found = parse_when(day, now)
    assert DAYS[found.weekday()] == day
    assert found.time() == datetime.min.time()
    assert timedelta(1) <= now.date() - found.date() <= timedelta(7)


@given(st.dates(date(1000, 1, 1), date(9999, 12, 31)))
def test_any_date_begins_at_its_midnight(day: date) -> None:
    assert parse_when(day.isoformat(), WEDNESDAY).date() == day


def test_an_option_needs_an_offset_and_says_which_option_it_is() -> None:
    with pytest.raises(CommandFailed, match="--due: expected an offset"):
        parse_moment("--due", "2026-04-03T02:00:00")
    assert parse_moment("--due", None) is None
    assert parse_moment("--due", "2026-04-03T02:00:00Z") == datetime(2026, 4, 3, 2, tzinfo=UTC)

"""Lines of a syslog file: whose, when, where."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from verifier.signals.cron.syslog import (
    BadStamp,
    Line,
    Stamps,
    Unreadable,
    read_line,
    read_stamp,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CMD = "(root) CMD (/opt/jobs/job.sh)"


def read(text, zone=BERLIN, now=NOW, floor=None):
    line = text if isinstance(text, bytes) else text.encode()
    return read_line(line, Stamps(zone, now, floor))


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("2026-11-24T06:03:01.517616+00:00", datetime(2026, 11, 24, 6, 3, 1, 517616, UTC)),
        ("2026-11-24T07:03:01+01:00", datetime(2026, 11, 24, 6, 3, 1, tzinfo=UTC)),
        ("2026-11-24T06:03:01Z", datetime(2026, 11, 24, 6, 3, 1, tzinfo=UTC)),
        ("Nov 24 07:03:01", datetime(2026, 11, 24, 6, 3, 1, tzinfo=UTC)),
        ("Nov  4 07:03:01", datetime(2026, 11, 4, 6, 3, 1, tzinfo=UTC)),
    ],
)
def test_both_kinds_of_stamps_are_read(stamp, at):
    assert read(f"{stamp} vm CRON[32094]: {CMD}") == Line(at, "vm", 32094, CMD)


@pytest.mark.parametrize("host", ["vm", "db1.example.com", "10.0.0.7", "fe80::1", "my_host"])
def test_a_host_may_be_a_name_or_an_address(host):
    line = read(f"Nov 24 07:03:01 {host} CRON[1]: {CMD}")
    assert line is not None
    assert line.host == host


def test_facility_and_level_may_stand_before_the_program_as_busybox_has_them():
    line = read(f"Nov 24 07:03:01 vm cron.info CRON[1]: {CMD}")
    assert line is not None
    assert line.message == CMD


@pytest.mark.parametrize(
    "text",
    [
        "Nov 24 07:03:01 vm cron[15292]: (CRON) INFO (pidfile fd = 3)",
        "Nov 24 07:03:01 vm sshd[7]: a text with CRON[1]: (root) CMD (x)",
        "Nov 24 07:03:01 vm CRON: (root) CMD (x)",
        "Nov 24 07:03:01 vm last message repeated 3 times",
        b"\xff\xfe\x00 not text, and not of cron",
        "",
    ],
)
def test_lines_of_others_are_passed_over(text):
    assert read(text) is None


@pytest.mark.parametrize(
    "text",
    [
        b"Nov 24 07:03:01 vm CRON[1]: (root) CMD (\xff)",
        "CRON[1]: (root) CMD (x)",
        "Nov 24 vm CRON[1]: (root) CMD (x)",
        "Nov 24 07:03:01 vm CRON[12345678901]: (root) CMD (x)",
        f"Nov 24 07:03:01 {'h' * 101} CRON[1]: (root) CMD (x)",
    ],
)
def test_what_says_it_is_of_cron_and_cannot_be_read_is_told(text):
    with pytest.raises(Unreadable):
        read(text)


def test_the_year_is_the_latest_in_which_the_stamp_is_not_in_the_future():
    january = datetime(2027, 1, 1, 0, 30, tzinfo=UTC)
    stamps = Stamps(ZoneInfo("UTC"), january)
    assert stamps.read("Dec 31 23:59:01") == datetime(2026, 12, 31, 23, 59, 1, tzinfo=UTC)
    assert stamps.read("Jan  1 00:00:01") == datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_a_host_whose_clock_is_ahead_over_new_year_is_in_the_new_year():
    stamps = Stamps(ZoneInfo("UTC"), datetime(2026, 12, 31, 23, 59, 58, tzinfo=UTC))
    assert stamps.read("Jan  1 00:00:01") == datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_a_leap_day_is_of_the_last_leap_year():
    assert Stamps(BERLIN, NOW).read("Feb 29 12:00:00").year == 2024


def test_a_time_shown_twice_is_its_second_showing_after_later_lines():
    stamps = Stamps(BERLIN, datetime(2026, 10, 25, 3, tzinfo=UTC))
    first = stamps.read("Oct 25 02:30:01")
    between = stamps.read("Oct 25 02:59:01")
    second = stamps.read("Oct 25 02:30:01")
    assert (first.hour, between.hour, second.hour) == (0, 0, 1)


def test_a_time_shown_twice_is_its_second_showing_once_the_first_was_heard():
    floor = datetime(2026, 10, 25, 1, 20, tzinfo=UTC)
    stamps = Stamps(BERLIN, floor + timedelta(minutes=11), floor)
    assert stamps.read("Oct 25 02:30:01") == datetime(2026, 10, 25, 1, 30, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "stamp", ["Nov 31 07:03:01", "Foo 24 07:03:01", "Nov 24 25:03:01", "2026-13-01T00:00:00Z"]
)
def test_a_stamp_that_is_no_time_is_refused(stamp):
    with pytest.raises(BadStamp):
        read(f"{stamp} vm CRON[1]: {CMD}")


def test_a_clock_that_is_years_off_is_not_believed():
    stamps = Stamps(ZoneInfo("UTC"), NOW, floor=NOW - timedelta(minutes=5))
    for stamp in ("2035-01-01T00:00:00Z", "2019-01-01T00:00:00Z", "Nov 22 11:59:00"):
        with pytest.raises(BadStamp):
            stamps.read(stamp)
    assert stamps.read("2026-11-24T11:59:00Z") == NOW - timedelta(minutes=1)


def test_a_log_that_nobody_read_before_may_be_old():
    assert Stamps(BERLIN, NOW).read("2019-01-01T00:00:00Z").year == 2019


def test_how_far_a_log_reaches_back_is_told_by_any_line():
    stamps = Stamps(BERLIN, NOW)
    assert read_stamp(b"Nov 24 07:03:01 vm sshd[1]: hello", stamps) == datetime(
        2026, 11, 24, 6, 3, 1, tzinfo=UTC
    )
    assert read_stamp(b"\xff no line", stamps) is None
    assert read_stamp(b"Nov 31 07:03:01 vm sshd[1]: hello", stamps) is None

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.instant import (
    EPOCH,
    format_instant,
    from_microseconds,
    parse_instant,
    to_microseconds,
)

INSTANTS = st.datetimes(timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-04-03T02:00:00Z", datetime(2026, 4, 3, 2, tzinfo=UTC)),
        ("2026-04-03T02:00:00+02:00", datetime(2026, 4, 3, 0, tzinfo=UTC)),
        ("2026-04-03T02:00:00-00:00", datetime(2026, 4, 3, 2, tzinfo=UTC)),
        ("2026-04-03 02:00Z", datetime(2026, 4, 3, 2, tzinfo=UTC)),
        ("2026-04-03t02:00:00z", datetime(2026, 4, 3, 2, tzinfo=UTC)),
        ("2026-04-03T02:00:00.5+0530", datetime(2026, 4, 2, 20, 30, 0, 500_000, tzinfo=UTC)),
        ("2026-04-03T02:00:00.123456789Z", datetime(2026, 4, 3, 2, 0, 0, 123_456, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_in_utc(text: str, instant: datetime) -> None:
    read = parse_instant(text)
    assert read == instant
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-04-03T02:00:00", "an offset such as Z"),
        ("2026-04-03 02:00", "an offset such as Z"),
        ("2026-04-03", "a date and a time with an offset"),
        ("2026-04-03Z", "a date and a time with an offset"),
        ("2026-04-03+02:00", "a date and a time with an offset"),
        ("2026-02-30T02:00:00Z", "an RFC 3339 instant"),
        ("2026-04-03T24:00:00Z", "an RFC 3339 instant"),
        ("2026-04-03T02:00:00+99:00", "an RFC 3339 instant"),
        ("2026-W14-5T02:00:00Z", "an RFC 3339 instant"),
        ("20260403T020000Z", "an RFC 3339 instant"),
        ("2026-04-03x02:00:00Z", "an RFC 3339 instant"),
        ("2026-04-03T02:00:00Z\n", "an RFC 3339 instant"),
        ("٢٠٢٦-04-03T02:00:00Z", "an RFC 3339 instant"),
        ("yesterday", "an RFC 3339 instant"),
        ("", "an RFC 3339 instant"),
        ("0001-01-01T00:00:00+02:00", "a year between 1 and 9999"),
        ("9999-12-31T23:59:59-01:00", "a year between 1 and 9999"),
    ],
)
def test_a_text_that_is_not_one_instant_is_refused(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=f"^expected {expected}.* found ") as refusal:
        parse_instant(text)
    assert repr(text) in str(refusal.value)


def test_a_long_text_is_cut_in_the_refusal() -> None:
    with pytest.raises(ValueError, match="found") as refusal:
        parse_instant("9" * 10_000)
    assert len(str(refusal.value)) < 100


@given(st.text(max_size=30))
def test_any_text_is_an_instant_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert parse_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 4, 3, 2, tzinfo=UTC), "2026-04-03T02:00:00Z"),
        (datetime(2026, 4, 3, 2, 0, 0, 500_000, tzinfo=UTC), "2026-04-03T02:00:00.500000Z"),
        (datetime(2026, 4, 3, 2, tzinfo=timezone(timedelta(hours=2))), "2026-04-03T00:00:00Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_an_instant_is_written_in_utc_with_z(instant: datetime, text: str) -> None:
    assert format_instant(instant) == text


@given(INSTANTS)
def test_what_is_written_is_read_back(instant: datetime) -> None:
    assert parse_instant(format_instant(instant)) == instant


@given(INSTANTS)
def test_microseconds_lose_nothing(instant: datetime) -> None:
    assert from_microseconds(to_microseconds(instant)) == instant


def test_microseconds_count_from_1970_and_are_negative_before() -> None:
    assert to_microseconds(EPOCH) == 0
    assert to_microseconds(EPOCH + timedelta(seconds=1)) == 1_000_000
    assert to_microseconds(EPOCH - timedelta(microseconds=1)) == -1

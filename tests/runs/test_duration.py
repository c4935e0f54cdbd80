from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.duration import format_duration, parse_duration

DURATIONS = st.timedeltas()


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("1h30m", timedelta(minutes=90)),
        ("30m1h", timedelta(minutes=90)),
        ("7d", timedelta(days=7)),
        ("500ms", timedelta(milliseconds=500)),
        ("1m1ms", timedelta(minutes=1, milliseconds=1)),
        ("-1d", timedelta(days=-1)),
        ("-1d12h", timedelta(hours=-36)),
        ("0s", timedelta()),
        ("-0s", timedelta()),
        ("999999999d", timedelta(days=999_999_999)),
    ],
)
def test_a_duration_is_read(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "5",
        "m",
        "5 m",
        "1.5h",
        "+5m",
        "--5m",
        "5m-3s",
        "5min",
        "5M",
        "5m\n",
        "٣s",
        "1w",
        "9" * 10 + "s",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a duration such as 90s") as refusal:
        parse_duration(text)
    assert repr(text) in str(refusal.value)


def test_a_unit_used_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^expected each unit once, found '5m3s2m'"):
        parse_duration("5m3s2m")


@pytest.mark.parametrize("text", ["999999999d24h", "-999999999d1h"])
def test_a_duration_longer_than_can_be_held_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected less than 2,700,000 years, found"):
        parse_duration(text)


@given(st.text(alphabet="0123456789dhms-", max_size=24))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(parse_duration(text), timedelta)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(), "0s"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(days=1), "1d"),
        (timedelta(hours=25), "1d1h"),
        (timedelta(milliseconds=1500), "1s500ms"),
        (timedelta(hours=-36), "-1d12h"),
        (timedelta(microseconds=1999), "1ms"),
        (timedelta(microseconds=-1999), "-1ms"),
        (timedelta(microseconds=999), "0s"),
        (timedelta(microseconds=-999), "0s"),
        (timedelta.min, "-999999999d"),
        (timedelta.max, "999999999d23h59m59s999ms"),
    ],
)
def test_a_duration_is_written_greatest_unit_first(length: timedelta, text: str) -> None:
    assert format_duration(length) == text


@given(DURATIONS)
def test_what_is_written_is_read_back_to_the_millisecond(length: timedelta) -> None:
    read = parse_duration(format_duration(length))
    assert abs(read) <= abs(length)
    assert abs(length - read) < timedelta(milliseconds=1)
    assert format_duration(read) == format_duration(length)

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from verifier.checks.keys import key_of, most_copied, sample, shown

BERLIN = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (1, "1"),
        ("1", "1"),
        (1.0, "1"),
        (True, "1"),
        (Decimal("1.00"), "1"),
        (Decimal("1E+3"), "1000"),
        (1e3, "1000"),
        (-0.0, "0"),
        (Decimal("-0"), "0"),
        ("01", "01"),
        (1.5, "1.5"),
        (Decimal("1.50"), "1.5"),
        (2**62, str(2**62)),
        (float("inf"), "inf"),
        (Decimal("NaN"), "NaN"),
        ("a ", "a "),
        (None, None),
        (date(2026, 4, 2), "2026-04-02"),
        (datetime.fromisoformat("2026-04-02 08:00"), "2026-04-02 08:00:00"),
        (datetime.fromisoformat("2026-04-02 08:00:00.000005"), "2026-04-02 08:00:00.000005"),
        (datetime(2026, 4, 2, 8, tzinfo=BERLIN), "2026-04-02 06:00:00"),
        (datetime(2026, 4, 2, 6, tzinfo=UTC), "2026-04-02 06:00:00"),
        (UUID("0C6A1E9E-0000-4000-8000-000000000001"), "0c6a1e9e-0000-4000-8000-000000000001"),
        (b"\x00\xff", "x'00ff'"),
        (memoryview(b"\x01"), "x'01'"),
    ],
)
def test_values_are_compared_by_their_plain_text(value, plain):
    assert key_of([value]) == (plain,)


def test_long_values_are_cut_where_they_are_shown():
    assert shown(("x" * 101,)) == "x" * 100 + "…"
    assert shown(("a", None)) == ["a", None]


def test_a_sample_is_in_order_with_null_first():
    assert sample([("b",), (None,), ("a",)]) == [None, "a", "b"]
    assert len(sample((str(number),) for number in range(100))) == 10


def test_the_most_copied_keys_come_first():
    assert most_copied([(("a",), 2), (("b",), 3)]) == [
        {"key": "b", "count": 3},
        {"key": "a", "count": 2},
    ]

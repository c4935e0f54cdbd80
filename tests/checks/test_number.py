from decimal import Decimal

import pytest

from verifier.checks.number import plain, to_count, to_number
from verifier.checks.reason import CannotTell, UnknownReason


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (7, "7"),
        (0.1, "0.1"),
        (Decimal("1.10"), "1.10"),
        ("-12.50", "-12.50"),
        (2**63 - 1, "9223372036854775807"),
    ],
)
def test_numbers_are_taken_exactly(value, number):
    assert to_number(value) == Decimal(number)


@pytest.mark.parametrize(
    "value", ["", "1e5", "1,5", "NaN", "٣", True, float("nan"), float("inf"), Decimal("sNaN"), b"1"]
)
def test_what_is_no_plain_number_is_unknown(value):
    with pytest.raises(CannotTell) as caught:
        to_number(value)

    assert caught.value.reason is UnknownReason.NOT_A_NUMBER


def test_null_is_unknown_and_never_zero():
    with pytest.raises(CannotTell) as caught:
        to_number(None)

    assert caught.value.reason is UnknownReason.NULL_RESULT


@pytest.mark.parametrize("number", ["-1", "0.5", "1E-30"])
def test_a_count_is_whole_and_not_negative(number):
    with pytest.raises(CannotTell) as caught:
        to_count(Decimal(number))

    assert caught.value.reason is UnknownReason.NOT_A_NUMBER


def test_a_whole_number_is_a_count_however_it_is_written():
    assert [to_count(Decimal(text)) for text in ("0", "3.00", "1E+2")] == [0, 3, 100]


def test_numbers_are_shown_without_an_exponent():
    assert plain(Decimal("1E+3")) == "1000"
    assert plain(Decimal("1E-7")) == "0.0000001"

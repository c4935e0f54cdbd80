from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from verifier.checks.bounds import Range, around, overlap, percent_of

NUMBERS = st.decimals(-(10**30), 10**30, allow_nan=False, places=9)


@given(NUMBERS, NUMBERS, st.decimals(0, 10**6, places=4))
def test_a_number_is_close_if_its_distance_is_no_more_than_the_tolerance(centre, number, room):
    distance = abs(Fraction(number) - Fraction(centre))

    assert (number in around(centre, within_abs=room, within_pct=None)) == (
        distance <= Fraction(room)
    )
    assert (number in around(centre, within_abs=None, within_pct=room)) == (
        distance * 100 <= Fraction(room) * abs(Fraction(centre))
    )


@given(NUMBERS)
def test_without_a_tolerance_only_the_number_itself_is_close(centre):
    exact = around(centre, within_abs=None, within_pct=None)

    assert centre in exact
    assert exact.low == exact.high == centre


def test_both_ends_belong_to_a_range():
    span = Range(Decimal(1), Decimal(2))

    assert [Decimal(text) in span for text in ("0.9", "1", "2", "2.1")] == [
        False,
        True,
        True,
        False,
    ]
    assert span.falls_short(Decimal("0.9"))
    assert span.exceeds(Decimal("2.1"))


def test_ranges_overlap_where_all_of_them_hold():
    both = overlap([Range(low=Decimal(1)), Range(Decimal(0), Decimal(5)), Range(high=Decimal(9))])

    assert (both.low, both.high) == (Decimal(1), Decimal(5))
    assert overlap([Range(low=Decimal(6)), both]).empty
    assert Decimal(10**40) in overlap([])


def test_percents_are_exact():
    assert percent_of(Decimal("33.4"), Decimal(3)) == Decimal("1.002")

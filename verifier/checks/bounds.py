"""Bounds: how far a number may be from what is expected."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from verifier.checks.number import EXACT, plain
from verifier.checks.part import Part

Amount = Annotated[Decimal, Field(ge=0, description="An amount, in the unit of the numbers.")]
Percent = Annotated[Decimal, Field(ge=0, le=1_000_000, description="Percent: 5 means 5 %.")]


Number = Annotated[Decimal, Field(description="A number; exact, as it is written.")]


class Range:
    """The numbers from ``low`` to ``high``, both included; None is without end."""

    def __init__(self, low: Decimal | None = None, high: Decimal | None = None) -> None:
        self.low = low
        self.high = high

    def __contains__(self, number: Decimal) -> bool:
        return not self.falls_short(number) and not self.exceeds(number)

    def falls_short(self, number: Decimal) -> bool:
        """Whether ``number`` lies under the range."""
        return self.low is not None and number < self.low

    def exceeds(self, number: Decimal) -> bool:
        """Whether ``number`` lies over the range."""
        return self.high is not None and number > self.high

    @property
    def empty(self) -> bool:
        """Whether no number lies in the range."""
        return self.low is not None and self.high is not None and self.low > self.high

    def evidence(self) -> dict[str, str]:
        """The range for people: ``at_least`` and ``at_most``."""
        ends = {"at_least": self.low, "at_most": self.high}
        return {word: plain(end) for word, end in ends.items() if end is not None}


def overlap(ranges: list[Range]) -> Range:
    """The numbers that lie in all of ``ranges``."""
    lows = [each.low for each in ranges if each.low is not None]
    highs = [each.high for each in ranges if each.high is not None]
    return Range(max(lows, default=None), min(highs, default=None))


def around(centre: Decimal, *, within_abs: Decimal | None, within_pct: Decimal | None) -> Range:
    """The numbers close enough to ``centre``; without a tolerance, ``centre`` alone.

    ``within_pct`` is percent of ``centre``; with both tolerances both must hold.
    """
    room = []
    if within_abs is not None:
        room.append(within_abs)
    if within_pct is not None:
        room.append(percent_of(within_pct, centre.copy_abs()))
    most = min(room, default=Decimal(0))
    return Range(EXACT.subtract(centre, most), EXACT.add(centre, most))


def percent_of(percent: Decimal, whole: Decimal) -> Decimal:
    """``percent`` percent of ``whole``, exactly."""
    return EXACT.divide(EXACT.multiply(percent, whole), Decimal(100))


class Bounds(Part):
    """Where a number has to lie; what is given must all hold."""

    eq: Annotated[
        Number | None, Field(description="Exactly this number, or close to it by `within_…`.")
    ] = None
    ge: Annotated[Number | None, Field(description="At least this number.")] = None
    le: Annotated[Number | None, Field(description="At most this number.")] = None
    between: Annotated[
        tuple[Number, Number] | None,
        Field(description="At least the first and at most the second number."),
    ] = None
    within_abs: Annotated[Amount | None, Field(description="How far it may be from `eq`.")] = None
    within_pct: Annotated[
        Percent | None, Field(description="How far it may be from `eq`, in percent of that.")
    ] = None

    @model_validator(mode="after")
    def _bounds_that_can_hold(self) -> Self:
        tolerance = self.within_abs is not None or self.within_pct is not None
        if tolerance and self.eq is None:
            raise ValueError("expected 'eq' beside a tolerance")
        if self.bounded and self.allowed.empty:
            raise ValueError("expected bounds that a number can meet")
        return self

    @property
    def bounded(self) -> bool:
        """Whether there is any bound."""
        fixed = (self.eq, self.ge, self.le, self.between)
        return any(each is not None for each in fixed)

    @property
    def allowed(self) -> Range:
        """The numbers that all bounds allow."""
        ranges = [Range(self.ge, self.le)]
        if self.between is not None:
            ranges.append(Range(*self.between))
        if self.eq is not None:
            ranges.append(around(self.eq, within_abs=self.within_abs, within_pct=self.within_pct))
        return overlap(ranges)

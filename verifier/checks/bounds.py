"""Bounds: how far a number may be from what is expected."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from verifier.checks.number import EXACT, plain

Amount = Annotated[Decimal, Field(ge=0, description="An amount, in the unit of the numbers.")]
Percent = Annotated[Decimal, Field(ge=0, le=1_000_000, description="Percent: 5 means 5 %.")]


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

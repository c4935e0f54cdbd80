"""Rows: the values of a family with their labels, ready for any format."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product

import msgspec

from verifier.catalogue.family import Family
from verifier.runs.instant import EPOCH


class Distribution(msgspec.Struct, frozen=True):
    """What a histogram counted: events a bucket, those above the last bound at the end."""

    counts: Sequence[float]
    sum: float


class Row(msgspec.Struct, frozen=True):
    """One combination of labels, in the order of the family's, and its value."""

    labels: tuple[str, ...]
    value: float | Distribution


Rows = Mapping[str, Sequence[Row]]
"""The rows of families, by the families' names."""

Part = Mapping[str, bytes]
"""The written samples of families, by the families' names."""


def seconds(moment: datetime) -> float:
    """Seconds since 1970-01-01T00:00:00Z."""
    return (moment - EPOCH).total_seconds()


def instants(moments: Iterable[tuple[tuple[str, ...], datetime | None]]) -> list[Row]:
    """A row for each instant that exists."""
    return [Row(labels, seconds(moment)) for labels, moment in moments if moment is not None]


def combinations(family: Family, *first: str) -> Iterator[tuple[str, ...]]:
    """Every combination of the labels that come after ``first``; all must be closed."""
    for rest in product(*(label.values for label in family.labels[len(first) :])):
        yield (*first, *rest)


def distribution(family: Family, counts: Mapping[float, float], total: float) -> Distribution:
    """What was counted by upper bound, in the buckets that ``family`` has now.

    A bound that it has no more goes into the next higher one.
    """
    buckets = [0.0] * (len(family.buckets) + 1)
    for bound, count in counts.items():
        buckets[bisect_left(family.buckets, bound)] += count
    return Distribution(buckets, total)

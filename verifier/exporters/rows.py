"""Rows: the values of a family with their labels, ready for any format."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product

import msgspec
from prometheus_client.core import Metric
from prometheus_client.utils import floatToGoString

from verifier.catalogue.family import Family, Type
from verifier.runs.instant import EPOCH

INFINITY = float("inf")


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


def metric(family: Family, rows: Iterable[Row]) -> Metric:
    """The family with its rows, as prometheus-client writes it."""
    made = Metric(family.base, family.help, family.type.value, family.unit.value)
    for row in rows:
        labels = dict(zip(family.label_names, row.labels, strict=True))
        if isinstance(row.value, Distribution):
            _add_distribution(made, family, labels, row.value)
        else:
            made.add_sample(family.name, labels, row.value)
    return made


def _add_distribution(
    made: Metric, family: Family, labels: dict[str, str], value: Distribution
) -> None:
    if family.type is not Type.HISTOGRAM:
        raise TypeError(f"expected a number for {family.name}, found a distribution")
    reached = 0.0
    for bound, count in zip((*family.buckets, INFINITY), value.counts, strict=True):
        reached += count
        le = {"le": floatToGoString(bound)}  # type: ignore[no-untyped-call] # it has no hints
        made.add_sample(f"{family.name}_bucket", labels | le, reached)
    made.add_sample(f"{family.name}_sum", labels, value.sum)
    made.add_sample(f"{family.name}_count", labels, reached)

"""A family with its rows, as prometheus-client writes it."""

from collections.abc import Iterable

from prometheus_client.core import Metric
from prometheus_client.utils import floatToGoString

from verifier.catalogue.family import Family, Type
from verifier.exporters.rows import Distribution, Row

INFINITY = float("inf")


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

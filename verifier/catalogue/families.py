"""The catalogue: every family of landed, by name."""

from verifier.catalogue.counters import COUNTERS
from verifier.catalogue.family import Family
from verifier.catalogue.histograms import HISTOGRAMS
from verifier.catalogue.process import PROCESS
from verifier.catalogue.sources import SOURCES
from verifier.catalogue.states import STATES
from verifier.catalogue.times import TIMES

FAMILIES: tuple[Family, ...] = (*TIMES, *STATES, *COUNTERS, *HISTOGRAMS, *SOURCES, *PROCESS)
"""All families, those without data among them, in the order in which people read them."""

_BY_NAME = {family.name: family for family in FAMILIES}
_BY_SAMPLE = {name: family for family in FAMILIES for name in family.sample_names}


class UnknownFamily(LookupError):
    """A metric that the catalogue does not declare, or that has no data yet."""


def family(name: str) -> Family:
    """The family of that name that is on ``/metrics``.

    Raises ``UnknownFamily`` for a name that is not declared and for a family without
    data: a query of either would be blank.
    """
    return _available(name, _BY_NAME.get(name))


def family_of_sample(name: str) -> Family:
    """The family that a name in a query belongs to: ``x_bucket`` is of histogram ``x``.

    Raises ``UnknownFamily`` as ``family``; the bare name of a histogram has no samples.
    """
    return _available(name, _BY_SAMPLE.get(name))


def _available(name: str, found: Family | None) -> Family:
    if found is None:
        raise UnknownFamily(f"expected a metric of the catalogue, found {name!r}")
    if not found.available:
        raise UnknownFamily(f"{name} has no data: {found.missing}")
    return found

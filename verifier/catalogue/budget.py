"""How many series one job has, from what the catalogue declares."""

from collections.abc import Iterable
from math import prod

from verifier.catalogue.family import Family, LaneRule, Presence, Type
from verifier.catalogue.label import CHECK, JOB_NAME, KEY_STATE, Label

MOST_SERIES = 120
"""Series that a job with 4 checks may have."""

CHECKS = 4
"""Checks of the job that is counted."""

KEYED_CHECKS = 2
"""How many of them count business keys."""

HELD_AT_ONCE = 8
"""Series kept free for what is exported only while it holds: conditions, open runs."""


def series(family: Family, checks: int = CHECKS) -> int:
    """How many series of ``family`` a job has that lacks nothing and is in no trouble.

    What is exported only while it is above 0 counts for nothing here, and of a counter
    that is split by lane only the lane ``live`` does.
    """
    if not family.of_job or family.presence is Presence.HELD:
        return 0
    combinations = prod(_values(family, label, checks) for label in family.labels)
    if family.type is Type.HISTOGRAM:
        return combinations * (len(family.buckets) + len(("+Inf", "sum", "count")))
    return combinations


def series_per_job(families: Iterable[Family], checks: int = CHECKS) -> int:
    """How many series a job has in all families that have data."""
    return sum(series(family, checks) for family in families if family.available)


def _values(family: Family, label: Label, checks: int) -> int:
    if label == JOB_NAME or family.type is Type.INFO or label.name == family.one_of:
        return 1
    if label == CHECK:
        return min(checks, KEYED_CHECKS) if KEY_STATE in family.labels else checks
    if label.name == "lane" and family.lanes is LaneRule.SPLIT:
        return 1
    return max(1, len(label.values))

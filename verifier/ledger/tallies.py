"""Tallies: events counted in the transaction that first knows of them, never lowered.

A counter is one row for each combination of its labels. A histogram is a row for each
bucket that something fell into, ``…_bucket`` with its upper bound as ``le`` and not
added up, and one of their sum, ``…_sum``.

What counts once is remembered with what it happened to: each attempt and each run
keeps, in its own row, how many of its events are in the tallies. So a signal that is
told again, or that changes what was known, counts nothing twice; and as pruning and
revisions lower no tally, an event whose first telling turned out wrong stays counted
as it was told first. Where signals turn out to be of another attempt or run, its
events are moved there instead of being counted a second time, as far as that comes out
in one transaction.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, select

from verifier.catalogue import counters, histograms
from verifier.catalogue.family import Family
from verifier.ledger.bulk import add_up
from verifier.ledger.schema import tallies
from verifier.ledger.types import to_json

RUNS_DUE = counters.RUNS_DUE.name
RUNS_JUDGED = counters.RUNS_JUDGED.name
VERDICT_REVISIONS = counters.VERDICT_REVISIONS.name
ATTEMPTS = counters.ATTEMPTS.name
GUARD_DECISIONS = counters.GUARD_DECISIONS.name
CHECK_UNKNOWN = counters.CHECK_UNKNOWN.name

NO_JOB = ""
"""The job of a family that has no label ``job_name``."""


class Event(StrEnum):
    """What happens to an attempt, or to a run, and is counted."""

    ENDED = "ended"
    LASTED = "lasted"
    RAN = "ran"
    QUEUED = "queued"

    CREATED = "created"
    STARTED = "started"
    RETRIED = "retried"
    OVERLAPPED = "overlapped"
    JUDGED = "judged"
    DECIDED = "decided"
    MISSED = "missed"
    DOUBTED = "doubted"
    LIED = "lied"
    SERVED = "served"
    SETTLED = "settled"

    LISTED = "listed"
    COVERED = "covered"
    HELD = "held"
    SHARED = "shared"


FAMILIES: Mapping[str, Family] = {
    Event.ENDED: counters.ATTEMPTS,
    Event.LASTED: histograms.ATTEMPT_DURATION,
    Event.RAN: histograms.RUNTIME_TO_INTERVAL,
    Event.QUEUED: histograms.QUEUE_DELAY,
    Event.CREATED: counters.RUNS_CREATED,
    Event.STARTED: histograms.START_DELAY,
    Event.RETRIED: counters.RETRIES,
    Event.OVERLAPPED: counters.OVERLAP_VIOLATIONS,
    Event.JUDGED: counters.RUNS_JUDGED,
    Event.DECIDED: histograms.TIME_TO_VERDICT,
    Event.MISSED: counters.RUNS_MISSING,
    Event.DOUBTED: counters.AMBIGUOUS_COMPLETIONS,
    Event.LIED: counters.FALSE_SUCCESSES,
    Event.SERVED: counters.USEFUL_COMPLETIONS,
    Event.SETTLED: histograms.ATTEMPTS_PER_RUN,
    # Of a run of all partitions, for those that have no record of their own.
    Event.LISTED: counters.RUNS_DUE,
    Event.COVERED: counters.RUNS_CREATED,
    Event.HELD: counters.RUNS_JUDGED,
    Event.SHARED: counters.USEFUL_COMPLETIONS,
}
"""The family in which each event is counted."""

Marks = Mapping[str, int]
"""How many of its events an attempt or a run has in the tallies."""


class Tally(msgspec.Struct, frozen=True):
    """One counter: its family, its job, its other labels, and how far it has come."""

    family: str
    job: str
    labels: dict[str, str]
    value: float


Labels = tuple[tuple[str, str], ...]
Bounds = tuple[float, ...]
Totals = defaultdict[tuple[str, str, Labels], float]

COLUMNS = ("family", "job", "labels", "value")


class Counted:
    """What one transaction has counted so far."""

    def __init__(self) -> None:
        # Labels and number, of a histogram labels and value, by family and job.
        self._events: dict[tuple[str, str], list[tuple[Labels, float]]] = defaultdict(list)
        self._buckets: dict[str, Bounds] = {}
        self._started: set[tuple[str, str, Labels]] = set()
        self._taken_back: Counter[tuple[str, str]] = Counter()

    def count(self, family: str, job: str, number: float = 1, **labels: str) -> None:
        """``number`` more events of ``family``."""
        self._events[family, job].append((tuple(labels.items()), number))

    def observe(self, family: Family, job: str, value: float, **labels: str) -> None:
        """One more event of a histogram; less than nothing is nothing."""
        self._buckets[family.name] = family.buckets
        self._events[family.name, job].append((tuple(labels.items()), value))

    def start(self, family: str, job: str, **labels: str) -> None:
        """Have a counter begin at 0, so that its first increase is seen."""
        self._started.add((family, job, tuple(labels.items())))

    def take_back(self, job: str, marks: Marks) -> None:
        """What was counted of something that was mistaken for another.

        As many events of the same families are not counted in this transaction, since
        they are the same ones. No tally is lowered.
        """
        for event, number in marks.items():
            self._taken_back[FAMILIES[event].name, job] += number

    def write(self, connection: Connection) -> None:
        """Add the counts to the tallies, in the order of their keys."""
        totals: Totals = defaultdict(float)
        for family, job, labels in self._started:
            totals[family, job, labels] += 0
        for (family, job), events in self._events.items():
            counted = events[self._taken_back[family, job] :]
            if family in self._buckets:
                _observe_all(totals, family, self._buckets[family], job, counted)
            else:
                for labels, number in counted:
                    totals[family, job, labels] += number
        if totals:
            add_up(connection, tallies, COLUMNS, _rows(totals))
        self._events.clear()
        self._started.clear()
        self._taken_back.clear()


def _observe_all(
    totals: Totals, family: str, buckets: Bounds, job: str, observed: Iterable[tuple[Labels, float]]
) -> None:
    bucket, total, names = f"{family}_bucket", f"{family}_sum", _names_of(buckets)
    found: Counter[tuple[Labels, int]] = Counter()
    for labels, number in observed:
        value = max(0.0, number)
        found[labels, bisect_left(buckets, value)] += 1
        totals[total, job, labels] += value
    for (labels, place), times in found.items():
        totals[bucket, job, (*labels, ("le", names[place]))] += times


def _rows(totals: Totals) -> list[tuple[Any, ...]]:
    """Tallies as they are stored, by ``COLUMNS``, in the order of their keys."""
    rows: dict[tuple[str, str, str], float] = defaultdict(float)
    for (family, job, labels), number in totals.items():
        rows[family, job, _stored(labels)] += number
    return [(*key, number) for key, number in sorted(rows.items())]


@lru_cache(10_000)
def _stored(labels: Labels) -> str:
    return to_json({name: str(value) for name, value in labels})


@cache
def _names_of(buckets: Bounds) -> tuple[str, ...]:
    return tuple(f"{bound:g}" for bound in (*buckets, float("inf")))


def read(connection: Connection, family: str | None) -> list[Tally]:
    """All tallies that counted something, or those of one family, in the order of their keys."""
    found: Any = _ALL.where(tallies.c.value > 0)
    if family is not None:
        found = found.where(tallies.c.family == family)
    return [Tally(row.family, row.job, row.labels, row.value) for row in connection.execute(found)]


def of_job(connection: Connection, job: str) -> list[Tally]:
    """The tallies of one job, those among them that have only begun."""
    found = connection.execute(_OF_JOB, {"of": job})
    return [Tally(row.family, row.job, row.labels, row.value) for row in found]


_ALL = select(tallies).order_by(tallies.c.family, tallies.c.job, tallies.c.labels)
_OF_JOB = _ALL.where(tallies.c.job == bindparam("of"))

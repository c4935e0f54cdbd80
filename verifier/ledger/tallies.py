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
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, select

from verifier.catalogue import counters, histograms
from verifier.catalogue.family import Family
from verifier.ledger.schema import tallies
from verifier.ledger.statements import add_up

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


class Counted:
    """What one transaction has counted so far."""

    def __init__(self) -> None:
        self._events: dict[tuple[str, str], list[list[tuple[str, Labels, float]]]] = defaultdict(
            list
        )
        self._started: set[tuple[str, str, Labels]] = set()
        self._taken_back: Counter[tuple[str, str]] = Counter()

    def count(self, family: str, job: str, number: float = 1, **labels: str) -> None:
        """``number`` more events of ``family``."""
        self._events[family, job].append([(family, _in_order(labels), number)])

    def observe(self, family: Family, job: str, value: float, **labels: str) -> None:
        """One more event of a histogram; less than nothing is nothing."""
        value = max(0.0, value)
        bounds = (*family.buckets, float("inf"))
        le = f"{bounds[bisect_left(family.buckets, value)]:g}"
        self._events[family.name, job].append(
            [
                (f"{family.name}_bucket", _in_order({**labels, "le": le}), 1),
                (f"{family.name}_sum", _in_order(labels), value),
            ]
        )

    def start(self, family: str, job: str, **labels: str) -> None:
        """Have a counter begin at 0, so that its first increase is seen."""
        self._started.add((family, job, _in_order(labels)))

    def take_back(self, job: str, marks: Marks) -> None:
        """What was counted of something that was mistaken for another.

        As many events of the same families are not counted in this transaction, since
        they are the same ones. No tally is lowered.
        """
        for event, number in marks.items():
            self._taken_back[FAMILIES[event].name, job] += number

    def write(self, connection: Connection) -> None:
        """Add the counts to the tallies, in the order of their keys."""
        totals: dict[tuple[str, str, Labels], float] = dict.fromkeys(self._started, 0.0)
        for (family, job), events in self._events.items():
            for event in events[self._taken_back[family, job] :]:
                for name, labels, number in event:
                    totals[name, job, labels] = totals.get((name, job, labels), 0.0) + number
        rows = [
            {"family": family, "job": job, "labels": dict(labels), "value": float(number)}
            for (family, job, labels), number in sorted(totals.items())
        ]
        if rows:
            connection.execute(add_up(connection, tallies, "value"), rows)
        self._events.clear()
        self._started.clear()
        self._taken_back.clear()


def _in_order(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted((name, str(value)) for name, value in labels.items()))


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

"""Counters of events: raised in the transaction of the event, never lowered."""

from collections import Counter
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from verifier.ledger.schema import tallies
from verifier.ledger.statements import add_up

RUNS_JUDGED = "landed_runs_judged_total"
VERDICT_REVISIONS = "landed_verdict_revisions_total"
FALSE_SUCCESSES = "landed_false_successes_total"
ATTEMPTS = "landed_attempts_total"
GUARD_DECISIONS = "landed_guard_decisions_total"
CHECK_UNKNOWN = "landed_check_unknown_total"


class Tally(msgspec.Struct, frozen=True):
    """One counter: its family, its job, its other labels, and how far it has come."""

    family: str
    job: str
    labels: dict[str, str]
    value: float


class Counted:
    """What one transaction has counted so far."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, tuple[tuple[str, str], ...]]] = Counter()

    def count(self, family: str, job: str, **labels: str) -> None:
        """One more event of ``family``."""
        self._counts[family, job, tuple(sorted(labels.items()))] += 1

    def write(self, connection: Connection) -> None:
        """Add the counts to the tallies, in the order of their keys."""
        rows = [
            {"family": family, "job": job, "labels": dict(labels), "value": float(count)}
            for (family, job, labels), count in sorted(self._counts.items())
        ]
        if rows:
            connection.execute(add_up(connection, tallies, "value"), rows)
        self._counts.clear()


def read(connection: Connection, family: str | None) -> list[Tally]:
    """All tallies, or those of one family, in the order of their keys."""
    found: Any = select(tallies).order_by(tallies.c.family, tallies.c.job, tallies.c.labels)
    if family is not None:
        found = found.where(tallies.c.family == family)
    return [Tally(row.family, row.job, row.labels, row.value) for row in connection.execute(found)]

"""The due sweep: the occurrences that the schedules ask for, whether or not they came."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from verifier.ledger.ledger import Ledger
from verifier.runs.declaration import History
from verifier.runs.dues import expected_from
from verifier.runs.slots import slots

CATCH_UP = 10_000
"""Occurrences of one job that one sweep adds at most; the next goes on from there."""


def sweep_due(ledger: Ledger, now: datetime) -> int:
    """Add every occurrence that fell due up to ``now``; how many were added.

    Expectations begin at ``since``, or when the job was first declared; each slot is
    that of the schedule declared at its time.
    """
    added = 0
    for job, history in ledger.histories().items():
        dues = due_since(history, ledger.last_expected(job), now)
        if dues:
            ledger.expect(job, dues, now)
            added += len(dues)
    return added


def due_since(history: History, last: datetime | None, now: datetime) -> list[datetime]:
    """The expected occurrences after ``last`` up to ``now``, oldest first."""
    start = expected_from(history) if last is None else last + timedelta.resolution
    return list(islice(declared_slots(history, start, now + timedelta.resolution), CATCH_UP))


def declared_slots(history: History, start: datetime, end: datetime) -> Iterator[datetime]:
    """The slots in [start, end), each of the schedule that was declared at its time."""
    begins = [start, *(entry.valid_from for entry in history.entries[1:])]
    ends = [*(entry.valid_from for entry in history.entries[1:]), end]
    for entry, begin, until in zip(history.entries, begins, ends, strict=True):
        since, before = max(begin, start), min(until, end)
        if since < before:
            yield from slots(entry.declaration.schedule, since, before)

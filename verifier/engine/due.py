"""The due sweep: the occurrences that the schedules ask for, whether or not they came."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import islice

from verifier.ledger.ledger import Ledger
from verifier.runs.declaration import History, Schedule
from verifier.runs.dues import expected_from
from verifier.runs.instant import EPOCH
from verifier.runs.slots import next_slot, slots

CATCH_UP = 10_000
"""Occurrences of one job that one sweep adds at most; the next goes on from there."""

TOGETHER = 200
"""Occurrences that are added in one transaction: whoever sends signals waits for its end."""


class DueTimes:
    """When which jobs are due next: one entry for each distinct schedule, earliest first.

    Thousands of tenants have a handful of schedules between them, and what a slot
    costs is to compute it.
    """

    def __init__(self, schedules: Mapping[str, Schedule], now: datetime) -> None:
        jobs: dict[Schedule, list[str]] = defaultdict(list)
        for job, schedule in schedules.items():
            jobs[schedule].append(job)
        self._heap: list[tuple[datetime, int, Schedule, list[str]]] = []
        for number, (schedule, names) in enumerate(jobs.items()):
            self._push(number, schedule, names, now)

    def pop(self, now: datetime) -> Iterator[tuple[Sequence[str], list[datetime]]]:
        """The jobs that fell due up to ``now``, each list with its due instants."""
        fallen = []
        while self._heap and self._heap[0][0] <= now:
            fallen.append(heappop(self._heap))
        for first, number, schedule, jobs in fallen:
            dues = list(islice(slots(schedule, first, now + timedelta.resolution), CATCH_UP))
            self._push(number, schedule, jobs, dues[-1])
            yield jobs, dues

    def _push(self, number: int, schedule: Schedule, jobs: list[str], after: datetime) -> None:
        with suppress(ValueError):  # it never fires again
            heappush(self._heap, (next_slot(schedule, after), number, schedule, jobs))


class DueSweep:
    """Adds every occurrence that fell due, going on from where the ledger says it was.

    Expectations begin at ``since``, or when the job was first declared; each slot is
    that of the schedule declared at its time.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._histories: Mapping[str, History] | None = None
        self._times = DueTimes({}, EPOCH)
        self._until: datetime | None = None

    def sweep(self, now: datetime) -> Iterator[None]:
        """Add what fell due up to ``now``, some of it before each value that is taken.

        What could not be added, or was not waited for, the next sweep adds.
        """
        histories = self._ledger.histories()
        known, self._histories = self._histories, None
        if known is not histories or (self._until is not None and now >= self._until):
            dues = self._missing(histories, now)
        else:
            dues = {job: dues for jobs, dues in self._times.pop(now) for job in jobs}
        fallen = ((job, due) for job in sorted(dues) for due in sorted(dues[job]))
        while piece := list(islice(fallen, TOGETHER)):
            together: dict[str, list[datetime]] = defaultdict(list)
            for job, due in piece:
                together[job].append(due)
            self._ledger.expect_all(together, now)
            yield
        if all(len(each) < CATCH_UP for each in dues.values()):
            self._histories = histories

    def _missing(
        self, histories: Mapping[str, History], now: datetime
    ) -> dict[str, list[datetime]]:
        """What is missing of every job; from then on it is known when the next ones are due."""
        last = self._ledger.all_last_expected()
        dues = {job: due_since(each, last.get(job), now) for job, each in histories.items()}
        begins = {job: _holds_from(history) for job, history in histories.items()}
        # A job that nothing is expected of yet is left out until then.
        self._until = min((each for each in begins.values() if each > now), default=None)
        begun = {
            job: history.latest.schedule for job, history in histories.items() if begins[job] <= now
        }
        self._times = DueTimes(begun, now)
        return dues


def _holds_from(history: History) -> datetime:
    return max(expected_from(history), history.entries[-1].valid_from)


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

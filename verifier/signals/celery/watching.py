"""Watching what runs: whether it is still at work, and what became of it if not.

A worker that is heard shows that its tasks are at work; so does one that names them when
it is asked. One that does not know a task any more has seen its end, though we have not.
Silence is not told here: where heartbeats stop, the rules of attempts infer it.
"""

from collections.abc import Iterator, Mapping, Set
from datetime import datetime, timedelta
from typing import Protocol

from verifier.runs.signal import EndProof, Signal
from verifier.signals.celery.event import Event, instant
from verifier.signals.celery.inspection import Active
from verifier.signals.celery.story import STARTED
from verifier.signals.celery.tasks import Running, Tasks
from verifier.signals.celery.workers import Suspect, Workers
from verifier.signals.source import SourceUnavailable

LOOKS = timedelta(seconds=2)
ASKS = timedelta(seconds=15)
"""How often workers are asked while something runs."""

BEATS = 30.0
"""Seconds after which it is said again that a task is at work."""

ASKED_LATE = 10.0
"""Seconds for which a start is too young to ask about."""

DISOWNED = 2
"""Workers do not name a task in so many answers in a row: they have it no more."""


class Asking(Protocol):
    """Whoever can ask the workers."""

    @property
    def shared(self) -> Set[str]:
        """The node names under which more than one worker answered just now."""

    def active(self) -> Mapping[str, list[Active]]:
        """By worker, what it has at work; raises ``SourceUnavailable``."""


class Watching:
    """Looks after the starts that have not ended."""

    def __init__(self, tasks: Tasks, workers: Workers, asking: Asking | None) -> None:
        self._tasks = tasks
        self._workers = workers
        self._asking = asking
        self._looked_at: datetime | None = None
        self._asked_at: datetime | None = None

    def look(self, now: datetime, *, current: bool) -> list[Signal]:
        """What is to be said of what runs; seldom anything.

        ``current``: all that was said until just now was heard, so that what workers
        answer can be held against it.
        """
        if self._looked_at is not None and now - self._looked_at < LOOKS:
            return []
        self._looked_at = now
        gone = list(self._workers.gone(now))
        running = list(self._tasks.running())
        said: list[Signal] = []
        for each in running:
            suspect = _place_taken(each, gone)
            if suspect is not None and not self._is_shared(each):
                said.append(self._bury(each, suspect))
            else:
                said += self._beat(each, now)
        due = self._asked_at is None or now - self._asked_at >= ASKS
        if current and due and self._asking is not None:
            self._asked_at = now
            said += self._ask(self._asking, now)
        return said

    def _bury(self, each: Running, suspect: Suspect) -> Signal:
        why = f"the process of {each.start.host} is gone: another has taken its place"
        return self._tasks.lose(each, suspect.heard, EndProof.WORKER_GONE, why)

    def _beat(self, each: Running, now: datetime) -> Iterator[Signal]:
        """Show that it is at work as long as its worker is heard."""
        worker = self._workers.get(each.start.host)
        if worker is None or worker.pid != each.start.pid or not worker.beats:
            return
        at = max(each.start.at, worker.heard)
        if not each.beaten:
            # The first one tells that heartbeats are to be expected, so it needs no news.
            if self._is_old(each, now, seconds=3):
                yield self._tasks.beat(each, at)
        elif at - each.beaten >= BEATS and worker.active:
            yield self._tasks.beat(each, at)

    def _ask(self, asking: Asking, now: datetime) -> Iterator[Signal]:
        try:
            active = asking.active()
        except SourceUnavailable:
            return
        for host in asking.shared:
            self._workers.share(host, now)
        self._workers.answered_alone(active.keys() - asking.shared, now)
        for each in list(self._tasks.running()):
            host = each.start.host
            if host not in active or not self._is_old(each, now):
                continue
            if any(task.id == each.uuid for task in active[host]):
                worker = self._workers.get(host)
                at = max(each.start.at, worker.heard if worker else now.timestamp())
                if at - each.beaten >= BEATS:
                    yield self._tasks.beat(each, at)
            elif self._is_shared(each):
                continue  # the one that has it may be the one that did not answer
            elif self._tasks.miss(each) >= DISOWNED:
                why = f"{host} does not have it at work any more, and its end was not heard"
                at = max(each.start.at, each.beaten)
                yield self._tasks.lose(each, at, EndProof.EXIT, why)
        for host, tasks in active.items():
            for task in tasks:
                self._begin(host, task, now)

    def _begin(self, host: str, task: Active, now: datetime) -> None:
        """Take a task at work whose start was not heard as started then."""
        worker, began = self._workers.get(host), task.time_start
        if began is None or worker is None or self._tasks.has_begun(task.id):
            return
        if now.timestamp() - began >= ASKED_LATE:
            unheard = Event(
                type=STARTED,
                timestamp=began,
                hostname=host,
                uuid=task.id,
                name=task.name,
                pid=worker.pid,
            )
            self._tasks.hear(unheard, now)

    def _is_shared(self, each: Running) -> bool:
        """Whether another worker may have it that has the same node name."""
        return self._workers.is_shared(each.start.host, each.start.at)

    @staticmethod
    def _is_old(each: Running, now: datetime, seconds: float = ASKED_LATE) -> bool:
        return now - max(each.touched, instant(each.start.at)) >= timedelta(seconds=seconds)


def _place_taken(each: Running, gone: list[Suspect]) -> Suspect | None:
    for suspect in gone:
        if (each.start.host, each.start.pid) == (suspect.host, suspect.pid) and (
            each.start.at < suspect.before
        ):
            return suspect
    return None

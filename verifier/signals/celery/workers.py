"""The workers: who was heard when, and whose process is proven to be gone.

Silence proves nothing: a worker may be cut off and go on. Another process under the
same node name does, once the one before it stays silent; on Linux the processes of its
pool die with it. But one that said goodbye may still finish its tasks, and where two
share a name nothing can be told: not before one alone was heard and answered for an hour,
and never of what began earlier.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec
import structlog

from verifier.signals.celery.event import Event
from verifier.signals.celery.story import SENT

MAX_WORKERS = 5_000
"""Workers that are remembered; those unheard for longest are forgotten."""

FREQUENCY = 2.0
"""Seconds between two heartbeats where a worker does not say."""

MISSED_BEATS = 3
"""After so many heartbeats that did not come a worker is not at hand any more."""

COMPARED = timedelta(minutes=1)
"""For how long what a clock showed is held against ours."""

ALONE = timedelta(hours=1)
"""For how long one process has to be alone under its node name after two had it.

Another that hangs, or is cut off, and is to be heard again, is so within that time.
"""

SHORTEST_PATIENCE = timedelta(seconds=6)

log = structlog.get_logger()


class Worker(msgspec.Struct, array_like=True, gc=False):
    """One node name, and the process that was last heard under it.

    ``heard`` is by the worker's clock, in seconds since 1970; ``arrived`` by ours.
    ``shared``: two processes were heard by turns, or answered together; ``alone_from``: since
    when, by the worker's clock, one alone has the name that two had. ``ahead``: how far
    its clock is ahead of ours at least, in seconds; what it says is never late by less
    than nothing.
    """

    pid: int
    heard: float
    arrived: datetime
    frequency: float = FREQUENCY
    active: int = 0
    processed: int = 0
    beats: bool = False
    linux: bool = False
    leaving: bool = False
    shared: bool = False
    ahead: float | None = None
    ahead_since: datetime | None = None
    alone_from: float = 0.0

    @property
    def patience(self) -> timedelta:
        """After how long a silence it is not at hand any more."""
        return max(SHORTEST_PATIENCE, timedelta(seconds=MISSED_BEATS * self.frequency))


class Suspect(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A process whose place another has taken: gone if it stays silent.

    ``heard``: when it was last heard, ``before`` when the other was first, both by the
    clock of their host. ``since``: when that came to us.
    """

    host: str
    pid: int
    processed: int
    heard: float
    before: float
    since: datetime
    patience: timedelta


class SavedWorkers(msgspec.Struct, frozen=True, array_like=True):
    """All of it, as it is kept."""

    known: dict[str, Worker]
    suspects: list[Suspect]


class Workers:
    """The workers of one source, by node name."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Worker] = OrderedDict()
        self._suspects: list[Suspect] = []
        self._two_seen: dict[str, datetime] = {}

    def save(self) -> SavedWorkers:
        """What must outlast this process."""
        return SavedWorkers(dict(self._known), self._suspects)

    def restore(self, saved: SavedWorkers) -> None:
        """Go on from what was saved."""
        self._known.update(saved.known)
        self._suspects = list(saved.suspects)

    def forget(self) -> None:
        """Begin anew: something was not heard, a goodbye perhaps.

        That two have one name is remembered, whether one has been alone since or not.
        """
        kept = [(host, each) for host, each in self._known.items() if _was_shared(each)]
        for _, each in kept:
            each.shared, each.alone_from = True, 0.0
        self._known = OrderedDict(kept)
        self._suspects.clear()
        self._two_seen.clear()

    def get(self, host: str) -> Worker | None:
        """The worker of that node name; None where none was heard."""
        return self._known.get(host)

    def is_at_hand(self, host: str, now: datetime) -> bool:
        """Whether a worker was heard of late."""
        worker = self._known.get(host)
        return worker is not None and now - worker.arrived <= worker.patience

    def is_shared(self, host: str, at: float) -> bool:
        """Whether several processes may have been at work under that node name at once.

        ``at`` is by the worker's clock: what began by then may be another one's.
        """
        worker = self._known.get(host)
        if worker is None:
            return host in self._two_seen
        return worker.shared or at < worker.alone_from

    def share(self, host: str, now: datetime) -> None:
        """Several processes are at work under that node name: none is proven to be gone."""
        self._two_seen[host] = now
        worker = self._known.get(host)
        if worker is None or worker.shared:
            return
        worker.shared = True
        self._suspects = [each for each in self._suspects if each.host != host]
        log.warning(
            "node_name_shared",
            node=host[:200],
            why="several workers have this node name, so a dead one cannot be told from a "
            "living one; start each with a name of its own: celery worker -n NAME@%h",
        )

    def answered_alone(self, hosts: Iterable[str], now: datetime) -> None:
        """One worker answered under each of these names: it has it for itself after a while."""
        for host in hosts:
            worker = self._known.get(host)
            if worker is None or not worker.shared:
                continue
            # How long nobody listened before we did is no time in which one was alone.
            since = self._two_seen.setdefault(host, now)
            if now - since >= ALONE and worker.beats and self.is_at_hand(host, now):
                worker.shared, worker.alone_from = False, worker.heard
                del self._two_seen[host]
                log.info("node_name_alone", node=host[:200])

    def hear(self, event: Event, now: datetime) -> None:
        """Take in an event of a worker, or of a task that a worker told of."""
        if event.type == SENT or event.pid is None or not event.hostname:
            return
        worker = self._known.get(event.hostname)
        if worker is not None and self._is_heard_again(event):
            self.share(event.hostname, now)
        if worker is None or self._is_another(worker, event):
            before, worker = worker, Worker(pid=event.pid, heard=event.timestamp, arrived=now)
            if before is None:
                worker.shared = event.hostname in self._two_seen
            else:
                self._suspect(event, before, now)
                worker.shared, worker.alone_from = before.shared, before.alone_from
                if before.shared:
                    self._two_seen[event.hostname] = now
            self._known[event.hostname] = worker
            if len(self._known) > MAX_WORKERS:
                self._known.popitem(last=False)
        self._known.move_to_end(event.hostname)
        worker.heard = max(worker.heard, event.timestamp)
        worker.arrived = now
        self._compare(worker, event.timestamp - now.timestamp(), now)
        if event.type.startswith("worker-"):
            worker.frequency = event.freq or FREQUENCY
            worker.active = event.active or 0
            worker.processed = event.processed or 0
            worker.linux = event.sw_sys == "Linux"
            worker.beats = True
            worker.leaving = event.type == "worker-offline"

    def ahead(self, now: datetime) -> timedelta | None:
        """How far clocks are ahead of ours, by the worker that is furthest from it."""
        found = [
            worker.ahead
            for host, worker in self._known.items()
            if worker.ahead is not None and self.is_at_hand(host, now)
        ]
        return timedelta(seconds=max(found, key=abs)) if found else None

    def gone(self, now: datetime) -> Iterator[Suspect]:
        """The processes that are proven to be gone; each is told once."""
        for suspect in list(self._suspects):
            if now - suspect.since >= suspect.patience:
                self._suspects.remove(suspect)
                yield suspect

    @staticmethod
    def _compare(worker: Worker, ahead: float, now: datetime) -> None:
        """Of the last minute or so, what came with the least delay tells most."""
        since = worker.ahead_since
        if worker.ahead is None or since is None or now - since > COMPARED:
            worker.ahead, worker.ahead_since = ahead, now
        else:
            worker.ahead = max(worker.ahead, ahead)

    def _is_another(self, worker: Worker, event: Event) -> bool:
        """Whether ``event`` is of another process than the one heard before."""
        if event.pid != worker.pid:
            return True
        # In containers every process may have the same id; a counter that falls is new.
        return event.processed is not None and event.processed < worker.processed

    def _is_heard_again(self, event: Event) -> bool:
        """Whether ``event`` is of a process that was taken to be gone: then two share a name."""
        heard = [
            each
            for each in self._suspects
            if (each.host, each.pid) == (event.hostname, event.pid)
            and not (event.processed is not None and event.processed < each.processed)
            and (event.processed is not None or self._known[each.host].pid != each.pid)
        ]
        for each in heard:
            self._suspects.remove(each)
        return bool(heard)

    def _suspect(self, event: Event, worker: Worker, now: datetime) -> None:
        """The process of ``worker`` has made way for that of ``event``, or so it seems."""
        if worker.shared or worker.leaving or not worker.linux:
            return
        self._suspects.append(
            Suspect(
                host=event.hostname,
                pid=worker.pid,
                processed=worker.processed,
                heard=worker.heard,
                before=event.timestamp,
                since=now,
                patience=worker.patience,
            )
        )


def _was_shared(worker: Worker) -> bool:
    return worker.shared or bool(worker.alone_from)

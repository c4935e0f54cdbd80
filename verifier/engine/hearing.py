"""The sources of a configuration, each heard on a thread of its own."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from random import random
from threading import Event, Thread
from typing import Any, cast

import structlog

from verifier.config.config import Config
from verifier.config.source import DeclaredSource
from verifier.engine.clock import Clock
from verifier.engine.feed import Jobs, SourceFeed
from verifier.intake.door import Watch
from verifier.ledger.errors import LedgerUnavailable
from verifier.ledger.ledger import Ledger
from verifier.runs.declaration import History
from verifier.signals.source import (
    BoundJob,
    PolledSource,
    Source,
    SourceUnavailable,
    StreamingSource,
)

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(seconds=60)
MOST_PATIENCE = timedelta(hours=1)
"""How long a source is left alone at most, whatever it asks for."""

STOP_WITHIN = timedelta(seconds=5)

AnySource = Source[Any, Any]

log = structlog.get_logger()


class Hearing:
    """One source that is heard until it is stopped, whatever comes in between.

    What it raises is told as its trouble, and it is tried again after a while. A source
    that does not end when it is stopped is left behind: its thread ends with the process.
    """

    def __init__(self, source: AnySource, feed: SourceFeed, stopping: Event) -> None:
        self.feed = feed
        self._source = source
        self._stopping = stopping
        self._thread = Thread(target=self._run, name=f"source-{feed.source}", daemon=True)

    def start(self) -> None:
        """Begin to hear."""
        self._thread.start()

    def interrupt(self) -> None:
        """Have it end soon."""
        self._stopping.set()

    def stop(self) -> None:
        """Have it end, and wait for that, but not for ever."""
        self.interrupt()
        self._thread.join(STOP_WITHIN.total_seconds())
        if self._thread.is_alive():
            log.warning("source_does_not_end", source=self.feed.source)
        else:
            self._source.close()

    def _run(self) -> None:
        failures = 0
        while not self.feed.stopping:
            heard = self.feed.heard_until
            pause = self._turn()
            failures = 0 if pause is None or self.feed.heard_until != heard else failures + 1
            length = self._rest if pause is None else max(pause, wait_after(failures, random()))  # noqa: S311 - jitter
            if self.feed.wait(length):
                return

    @property
    def _rest(self) -> timedelta:
        return self._source.every if isinstance(self._source, PolledSource) else timedelta()

    def _turn(self) -> timedelta | None:
        """Hear once; None where all went well, else the least time to leave it alone."""
        try:
            self._hear()
        except SourceUnavailable as error:
            self._tell(str(error))
            return min(error.retry_after or timedelta(), MOST_PATIENCE)
        except LedgerUnavailable as error:
            log.warning("ledger_unavailable", source=self.feed.source, error=str(error))
        except Exception as error:
            # Not its text, which may hold a secret: that is for the log alone.
            log.exception("source_failed", source=self.feed.source)
            self._tell(f"a defect: {type(error).__name__}; the log of serve has more")
        else:
            return None
        return timedelta()

    def _hear(self) -> None:
        source = self._source
        if isinstance(source, PolledSource):
            source.poll(self.feed, self.feed.now())
        elif isinstance(source, StreamingSource):
            source.listen(self.feed)
            if not self.feed.stopping:
                raise SourceUnavailable("it ended by itself")

    def _tell(self, why: str) -> None:
        log.warning("source_unavailable", source=self.feed.source, why=why)
        try:
            self.feed.trouble(why)
        except LedgerUnavailable as error:
            log.warning("ledger_unavailable", source=self.feed.source, error=str(error))


def wait_after(failures: int, part: float) -> timedelta:
    """How long to wait after that many failures in a row: up to twice as long each time.

    ``part``, of 0 to 1, spreads those that failed together.
    """
    doubled: int = 2 ** min(max(failures - 1, 0), 10)
    return min(LONGEST_WAIT, FIRST_WAIT * doubled) * (0.1 + 0.9 * part)


class Hearings:
    """All sources of the configuration that is in force."""

    def __init__(self, ledger: Ledger, clock: Clock, watch: Watch | None = None) -> None:
        self._ledger = ledger
        self._clock = clock
        self._watch = watch
        self._running: dict[str, tuple[DeclaredSource, Hearing]] = {}

    def apply(self, config: Config) -> None:
        """Hear the sources of ``config``; those that are as before are heard on."""
        jobs = bound_jobs(config, self._ledger.histories())
        for name, (declared, hearing) in [*self._running.items()]:
            if config.sources.get(name) != declared:
                hearing.stop()
                del self._running[name]
        for name, declared in config.sources.items():
            bound = jobs.get(name, ())
            if name not in self._running:
                hearing = self._open(name, declared, bound)
                hearing.feed.open()
                self._running[name] = (declared, hearing)
                hearing.start()
            elif (feed := self._running[name][1].feed).jobs != bound:
                feed.jobs = bound
        for name, state in self._ledger.sources().items():
            if state.declared and name not in config.sources:
                self._feed(name, (), state.contact_within, Event()).forget()
        self.look(self._clock())

    def look(self, now: datetime) -> None:
        """See which of them are silent for too long."""
        for _, hearing in [*self._running.values()]:
            hearing.feed.look(now)

    def interrupt(self) -> None:
        """Have them end soon."""
        for _, hearing in [*self._running.values()]:
            hearing.interrupt()

    def stop(self) -> None:
        """Have them end."""
        self.interrupt()
        for _, hearing in [*self._running.values()]:
            hearing.stop()
        self._running.clear()

    def _open(self, name: str, declared: DeclaredSource, jobs: Jobs) -> Hearing:
        source = open_source(declared)
        stopping = Event()
        feed = self._feed(name, jobs, source.contact_within, stopping)
        return Hearing(source, feed, stopping)

    def _feed(self, name: str, jobs: Jobs, within: timedelta, stopping: Event) -> SourceFeed:
        return SourceFeed(
            self._ledger,
            name,
            jobs,
            within,
            clock=self._clock,
            stopping=stopping,
            watch=self._watch,
        )


def open_source(declared: DeclaredSource) -> AnySource:
    """The source that was declared; it is connected to nothing yet."""
    kind = cast(type[AnySource], declared.kind)
    return kind(declared.settings)


def bound_jobs(config: Config, histories: Mapping[str, History]) -> Mapping[str, Jobs]:
    """By source, the jobs that are bound to it, by name."""
    found: dict[str, list[BoundJob[Any]]] = defaultdict(list)
    for name, job in sorted(config.jobs.items()):
        if job.binding is not None and name in histories:
            bound = BoundJob(name=name, binding=job.binding, history=histories[name])
            found[job.binding.source].append(bound)
    return {source: tuple(jobs) for source, jobs in found.items()}

"""Retention: what is older than the configuration keeps is forgotten, in small steps."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
import structlog

from verifier.config.file import Retention
from verifier.engine.clock import Clock, Stopping, Wait
from verifier.engine.fleet import Fleet
from verifier.ledger.horizon import Page
from verifier.ledger.ledger import Ledger

EVERY = timedelta(hours=1)
"""Time between the beginnings of two rounds over what is old."""

TURN = timedelta(seconds=1)
"""After this long a turn ends, and another may begin."""

REST = 4
"""How many times as long as a step took nothing is forgotten: who sends signals comes first."""

P = TypeVar("P")

log = structlog.get_logger()


class Pruned(msgspec.Struct, frozen=True):
    """How many signals and runs were forgotten, or would be."""

    signals: int = 0
    runs: int = 0

    def __add__(self, other: "Pruned") -> "Pruned":
        return Pruned(self.signals + other.signals, self.runs + other.runs)


def prune(ledger: Ledger, kept: Retention, now: datetime) -> Iterator[Pruned]:
    """Forget what is older at ``now`` than is to be kept: signals first, then runs.

    Each step is one short transaction, and tells what it forgot. Raises
    ``LedgerUnavailable``; what was forgotten until then stays so.
    """
    if ledger.forget_signals(now - kept.signals, now):
        for number in _pages(lambda place: ledger.prune_signals(place, now)):
            yield Pruned(signals=number)
    for number in _pages(lambda place: ledger.prune_runs(now - kept.runs, place, now)):
        yield Pruned(runs=number)


def find_old(ledger: Ledger, kept: Retention, now: datetime) -> Iterator[Pruned]:
    """What ``prune`` would forget, a step at a time; nothing is changed."""
    for number in _pages(lambda place: ledger.old_signals(now - kept.signals, place)):
        yield Pruned(signals=number)
    for number in _pages(lambda place: ledger.old_runs(now - kept.runs, place)):
        yield Pruned(runs=number)


def _pages(page: Callable[[P | None], Page[P]]) -> Iterator[int]:
    found = page(None)
    yield found.number
    while found.place is not None:
        found = page(found.place)
        yield found.number


class Keeper:
    """Forgets what is old from time to time, as the configuration says by then."""

    def __init__(self, ledger: Ledger, fleet: Fleet, clock: Clock, wait: Wait) -> None:
        self._ledger = ledger
        self._fleet = fleet
        self._clock = clock
        self._wait = wait
        self._round: Iterator[Pruned] | None = None
        self._pruned = Pruned()
        self._next: datetime | None = None

    def turn(self, now: datetime) -> None:
        """Go on for a moment, where a round is under way or it is time for one.

        What could not be forgotten the next round forgets.
        """
        if self._round is None:
            if self._next is not None and now < self._next:
                return
            self._next = now + EVERY
            self._round = prune(self._ledger, self._fleet.config.retention, now)
            self._pruned = Pruned()
        # Left behind by whatever is raised here, so that then a new round begins.
        steps, self._round = self._round, None
        began = now
        for step in steps:
            self._pruned += step
            try:
                self._wait(REST * (self._clock() - began))
            except Stopping:
                return
            began = self._clock()
            if began - now >= TURN:
                self._round = steps
                return
        if self._pruned != Pruned():
            log.info("pruned", signals=self._pruned.signals, runs=self._pruned.runs)

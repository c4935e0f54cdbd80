"""Listening to one broker: what it says becomes durable, and only then is acknowledged."""

from contextlib import closing
from datetime import datetime, timedelta

import msgspec

from verifier.intake.receipt import RejectCode
from verifier.runs.signal import Signal
from verifier.signals.celery.broker import KEEPS, UNACKNOWLEDGED, Arrival, Line
from verifier.signals.celery.event import read_events
from verifier.signals.celery.inspection import Inspection
from verifier.signals.celery.place import Jobs
from verifier.signals.celery.settings import CeleryBinding, CelerySettings
from verifier.signals.celery.tasks import SETTLES, Saved, Tasks
from verifier.signals.celery.watching import Asking, Watching
from verifier.signals.celery.workers import SavedWorkers, Workers
from verifier.signals.source import Feed, SourceUnavailable

TURN = timedelta(seconds=0.5)
"""How often what was heard is told."""

SAVES = timedelta(seconds=5)
"""How often it is saved where nothing was heard of a task."""

ECHOES = timedelta(seconds=3)
"""How often we send ourselves a message."""

CURRENT = 2 * ECHOES
"""How old the last echo may be where all that was said has been heard."""

DEAF = timedelta(seconds=20)
"""Without a message for so long the line is dead, whatever it says."""

DRAIN = 0.25
"""Seconds that are waited for a message."""


class State(msgspec.Struct, frozen=True, array_like=True):
    """The cursor: all that is known of what is under way."""

    tasks: Saved
    workers: SavedWorkers


def listen(settings: CelerySettings, feed: Feed[CeleryBinding]) -> None:
    """Listen until ``feed`` is to end. Raises ``SourceUnavailable`` where that fails."""
    with closing(Inspection(settings)) as inspection, closing(Line(settings)) as line:
        listener = Listener(feed, line, inspection)
        while not feed.stopping:
            listener.step()
        listener.finish()


class Listener:
    """Listens for one feed, until it is to end or the line is lost."""

    def __init__(self, feed: Feed[CeleryBinding], line: Line, asking: Asking | None) -> None:
        self._feed = feed
        self._line = line
        self._tasks = Tasks(self._refuse)
        self._workers = Workers()
        self._watching = Watching(self._tasks, self._workers, asking)
        self._jobs: object = None
        self._refused: dict[RejectCode, tuple[int, str]] = {}
        self._echoes: list[tuple[datetime, datetime]] = []
        self._connected_at = feed.now()
        self._heard_line_at = self._alive_at = self._connected_at
        self._echoed_at: datetime | None = None
        self._heard_until: datetime | None = None
        self._told_at = self._saved_at = self._connected_at
        self._unsaved = 0
        self._gap = True
        self._restore()

    def finish(self) -> None:
        """Save what has come, so that it may go on from here."""
        self._tell(self._feed.now(), last=True)

    def step(self) -> None:
        """Hear what has come, and tell it when it is time to.

        Raises ``SourceUnavailable`` and ``LedgerUnavailable``.
        """
        if self._feed.jobs is not self._jobs:
            self._jobs = self._feed.jobs
            self._tasks.jobs = Jobs(self._feed.jobs)
        now = self._feed.now()
        if self._echoed_at is None or now - self._echoed_at >= ECHOES:
            self._line.send_echo(now)
            self._line.beat()
            self._echoed_at = now
        arrivals = self._line.drain(UNACKNOWLEDGED // 4, DRAIN)
        now = self._feed.now()
        for arrival in arrivals:
            self._take(arrival, now)
        self._alive_at = now if arrivals else self._alive_at
        if now - self._alive_at > DEAF:
            raise SourceUnavailable("the broker takes messages and passes none on")
        if now - self._told_at >= TURN or self._unsaved >= UNACKNOWLEDGED // 2:
            self._tell(now)

    def _take(self, arrival: Arrival, now: datetime) -> None:
        if arrival.echo is not None:
            self._heard_line_at = arrival.echo
            self._echoes.append((now, arrival.echo))
            if self._gap:
                self._fill_gap(arrival.echo)
            return
        if not arrival.readable:
            self._refuse(RejectCode.UNREADABLE, "an event that is not JSON")
            return
        for event in read_events(arrival.body, now, self._refuse):
            self._workers.hear(event, now)
            if event.uuid is not None:
                self._tasks.hear(event, now)
                self._unsaved += 1

    def _fill_gap(self, until: datetime) -> None:
        """Tell what was missed while nobody listened, now that somebody does."""
        self._gap = False
        line, since = self._line, self._feed.heard_until
        kept = line.keeps and not line.fresh and not line.overflowed
        missed = unheard(since, until, KEEPS if kept else None)
        if missed is not None:
            # A goodbye of a worker may have been in it.
            self._workers.forget()
            self._feed.lost(*missed)

    def _tell(self, now: datetime, *, last: bool = False) -> None:
        """Hand in what has settled; save and acknowledge where there is something to."""
        signals: list[Signal] = self._tasks.release(now)
        current = now - self._heard_line_at <= CURRENT and not self._gap
        signals += self._watching.look(now, current=current)
        heard = [sent for came, sent in self._echoes if came + SETTLES <= now]
        self._echoes = self._echoes[len(heard) :]
        # What waits to settle is saved too, so it may be acknowledged.
        saves = last or bool(self._unsaved) or bool(signals) or now - self._saved_at >= SAVES
        cursor = self._state() if saves else None
        if heard and not self._gap:
            self._heard_until = heard[-1]
        if signals or cursor is not None:
            self._feed.take(signals, cursor=cursor, heard_until=self._heard_until)
        elif self._heard_until is not None:
            self._feed.heard(self._heard_until)
        if saves:
            self._line.acknowledge()
            self._saved_at, self._unsaved = now, 0
        self._told_at = now
        for code, (count, example) in self._refused.items():
            self._feed.refuse(code, count, example)
        self._refused.clear()
        ahead = self._workers.ahead(now) if current else None
        if ahead is not None:
            self._feed.clock_offset(ahead)

    def _refuse(self, code: RejectCode, example: str) -> None:
        count, first = self._refused.get(code, (0, example))
        self._refused[code] = (count + 1, first or example)

    def _state(self) -> str:
        state = State(self._tasks.save(), self._workers.save())
        return msgspec.json.encode(state).decode()

    def _restore(self) -> None:
        if self._feed.cursor is None:
            return
        try:
            state = msgspec.json.decode(self._feed.cursor, type=State)
        except msgspec.DecodeError:
            # Of another version of landed. What is under way is learned anew.
            self._refuse(RejectCode.UNREADABLE, "the cursor")
            return
        self._tasks.restore(state.tasks)
        self._workers.restore(state.workers)


def unheard(
    since: datetime | None, until: datetime, kept: timedelta | None
) -> tuple[datetime, datetime] | None:
    """What of a time away can never be heard; None for nothing.

    ``since``: up to when all was heard, if ever. ``until``: from when on it is heard
    again. ``kept``: for how long the broker kept what it said, None for not at all.
    """
    if since is None or since >= until:
        return None
    if kept is None:
        return since, until
    return (since, until - kept) if since < until - kept else None

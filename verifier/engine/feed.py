"""The feed of one source: what it tells goes into the ledger, and how far it was heard."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from threading import Event, RLock
from typing import Any

import msgspec
import structlog

from verifier.engine.clock import Clock
from verifier.intake.door import Watch, sort_out
from verifier.intake.receipt import Receipt, RejectCode
from verifier.ledger.ledger import Ledger
from verifier.ledger.signals import Batch
from verifier.ledger.sources import Kept, SourceState
from verifier.runs.dues import expected_from
from verifier.runs.signal import Signal
from verifier.signals.source import BoundJob

GROUP = 2_000
"""Signals in one commit."""

KEPT_EVERY = timedelta(seconds=5)
"""How often it is kept that nothing new was heard."""

EXAMPLE_EVERY = timedelta(minutes=5)
"""How often refused input is logged, for each reason."""

EXAMPLE_LENGTH = 200
OFFSET_STEP = timedelta(milliseconds=100)

log = structlog.get_logger()
_encode = msgspec.json.Encoder().encode

Jobs = Sequence[BoundJob[Any]]


class SourceFeed:
    """Keeps what one source tells; see ``signals.source.Feed``.

    ``look`` and ``trouble`` may be called from other threads. Time in which the source
    was not heard for longer than it may be is a blind window, open until it is heard
    again up to the present.
    """

    def __init__(
        self,
        ledger: Ledger,
        source: str,
        jobs: Jobs,
        contact_within: timedelta,
        *,
        clock: Clock,
        stopping: Event,
        watch: Watch | None = None,
    ) -> None:
        self.source = source
        self.jobs: Jobs = tuple(jobs)
        self._ledger = ledger
        self._clock = clock
        self._stopping = stopping
        self._watch = watch
        self._lock = RLock()
        self._cursor = ledger.position(source)
        self._state = self._begin(ledger.sources().get(source), contact_within)
        self._kept_at: datetime | None = None
        self._shown: dict[RejectCode, datetime] = {}
        still = [each.since for each in ledger.windows(source) if each.until is None]
        self._blind_since = min(still, default=None)

    def _begin(self, before: SourceState | None, contact_within: timedelta) -> SourceState:
        state = before or SourceState(contact_within=contact_within)
        heard = state.heard_until
        if heard is None:
            # What was to happen before we came is not known until it was read up.
            now = self._clock()
            heard = min([now, *(expected_from(each.history) for each in self.jobs)])
        return msgspec.structs.replace(
            state, heard_until=heard, contact_within=contact_within, declared=True
        )

    def open(self) -> None:
        """Have it known that the source is declared, and from when on it is to be heard."""
        with self._lock:
            self._keep(self._state)

    @property
    def cursor(self) -> str | None:
        """The cursor that was kept last."""
        return self._cursor

    @property
    def heard_until(self) -> datetime | None:
        """Up to when everything was heard."""
        return self._state.heard_until

    @property
    def stopping(self) -> bool:
        """Whether the source is to end now."""
        return self._stopping.is_set()

    def now(self) -> datetime:
        """The present instant."""
        return self._clock()

    def wait(self, length: timedelta) -> bool:
        """Wait for that long, or until the source is to end; whether it is."""
        return self._stopping.wait(max(0.0, length.total_seconds()))

    def take(
        self,
        signals: Sequence[Signal],
        *,
        cursor: str | None = None,
        heard_until: datetime | None = None,
    ) -> Receipt:
        """Hand signals in; durable, with the cursor, when this returns."""
        receipt = Receipt()
        pieces = list(_pieces(signals))
        for piece in pieces[:-1]:
            receipt = _sum(receipt, self._append(piece, None))
        with self._lock:
            state = self._heard(heard_until)
            if not pieces:
                if cursor is not None and cursor != self._cursor:
                    self._keep(state, cursor)
                elif heard_until is not None:
                    self.heard(heard_until)
                return receipt
            kept = Kept(source=self.source, state=state, position=cursor)
            receipt = _sum(receipt, self._append(pieces[-1], kept))
            self._remember(state, cursor)
        return receipt

    def heard(self, until: datetime) -> None:
        """All that was said up to ``until`` is in; kept every few seconds."""
        with self._lock:
            state = self._heard(until)
            now = self._clock()
            urgent = self._blind_since is not None or self._state.trouble is not None
            if urgent or self._kept_at is None or now - self._kept_at >= KEPT_EVERY:
                self._keep(state)
            else:
                # What is kept for another reason meanwhile must not tell less.
                self._state = state

    def lost(self, since: datetime, until: datetime) -> None:
        """What was said in between can never be had: a window that is never caught up.

        All that there is of that time is in, so a window of silence begins after it.
        """
        with self._lock:
            if self._blind_since is not None:
                since = min(since, self._blind_since)
                if since != self._blind_since:
                    self._ledger.blind(self.source, self._blind_since, until, None)
                self._blind_since = None
            self._ledger.blind(self.source, since, until, None)
            self._keep(self._heard(until))
        log.warning("source_lost", source=self.source, since=str(since), until=str(until))

    def refuse(self, code: RejectCode, count: int = 1, example: str = "") -> None:
        """Count input that was kept out; now and then an example is logged."""
        if self._watch is not None:
            self._watch.refused(self.source, [code] * count)
        now = self._clock()
        last = self._shown.get(code)
        if last is None or now - last >= EXAMPLE_EVERY:
            self._shown[code] = now
            example = example[:EXAMPLE_LENGTH]
            log.info("input_refused", source=self.source, code=code, count=count, example=example)

    def clock_offset(self, ahead: timedelta) -> None:
        """How far the clock of the scheduler is ahead; kept with what is heard next."""
        with self._lock:
            known = self._state.ahead
            if known is None or abs(ahead - known) >= OFFSET_STEP:
                self._state = msgspec.structs.replace(self._state, ahead=ahead)

    def trouble(self, why: str) -> None:
        """Tell why the source cannot be heard now."""
        with self._lock:
            state = self._state
            if state.trouble == why:
                return
            since = state.trouble_since or self._clock()
            self._keep(msgspec.structs.replace(state, trouble=why, trouble_since=since))

    def look(self, now: datetime) -> None:
        """See whether contact was lost; the time without it is a blind window."""
        with self._lock:
            due = self._state.contact_due
            since = self._state.heard_until
            if self._blind_since is None and since is not None and due is not None and now > due:
                self._ledger.blind(self.source, since, None, None)
                self._blind_since = since
                log.warning("source_silent", source=self.source, since=str(since))

    def forget(self) -> None:
        """The configuration has the source no longer."""
        with self._lock:
            if self._blind_since is not None:
                self._ledger.blind(self.source, self._blind_since, self._clock(), None)
                self._blind_since = None
            self._keep(msgspec.structs.replace(self._state, declared=False))

    def _append(self, signals: Sequence[Signal], kept: Kept | None) -> Receipt:
        now = self._clock()
        items = [_encode(each) for each in signals]
        read = sort_out(items, self._ledger.histories(), now, self._ledger.signals_from)
        batch = Batch(signals=read.signals, source=self.source, received_at=now)
        (accepted,) = self._ledger.append_group([batch], now, kept)
        if self._watch is not None:
            self._watch.took(self.source, [each.kind for each in read.signals])
        for rejected in read.rejected:
            self.refuse(rejected.code, example=rejected.detail)
        return read.receipt(accepted)

    def _heard(self, until: datetime | None) -> SourceState:
        """The state once all is in up to ``until``; hearing never moves back."""
        if until is None:
            return self._state
        known = self._state.heard_until
        return msgspec.structs.replace(
            self._state,
            heard_until=until if known is None else max(until, known),
            trouble=None,
            trouble_since=None,
        )

    def _keep(self, state: SourceState, cursor: str | None = None) -> None:
        kept = Kept(source=self.source, state=state, position=cursor)
        self._ledger.keep_source(kept, self._clock())
        self._remember(state, cursor)

    def _remember(self, state: SourceState, cursor: str | None) -> None:
        """What is in the ledger now; a blind window is over once the present is heard."""
        now = self._clock()
        if state is not self._state:
            # A cursor that moves all the time must not put off what is heard.
            self._state, self._kept_at = state, now
        self._cursor = self._cursor if cursor is None else cursor
        due = state.contact_due
        if self._blind_since is not None and due is not None and now <= due:
            until = state.heard_until
            self._ledger.blind(self.source, self._blind_since, until, now)
            log.info("source_heard_again", source=self.source, until=str(until))
            self._blind_since = None


def _pieces(signals: Sequence[Signal]) -> Iterator[Sequence[Signal]]:
    for start in range(0, len(signals), GROUP):
        yield signals[start : start + GROUP]


def _sum(first: Receipt, second: Receipt) -> Receipt:
    return Receipt(
        accepted=first.accepted + second.accepted,
        duplicates=first.duplicates + second.duplicates,
        rejected=first.rejected + second.rejected,
    )

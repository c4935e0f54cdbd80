"""An attempt, folded from its signals.

The fold is a join: each field keeps the earliest, the latest or the union of what
was said, so the order, number and grouping of signals never matter. What depends
on the present time (alive, pending, at large) is in ``lifecycle``.
"""

from collections.abc import Iterable
from copy import copy
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from verifier.runs.instant import parse_instant
from verifier.runs.signal import (
    ANONYMOUS,
    ENDS,
    SILENCE,
    EffectNote,
    EndProof,
    Kind,
    Lane,
    Progress,
    Signal,
)

T = TypeVar("T")

HEARD = frozenset({Kind.STARTED, Kind.HEARTBEAT, Kind.PROGRESS, Kind.EFFECT})
"""Kinds by which an attempt shows that it is at work."""


class Told(msgspec.Struct, Generic[T], frozen=True, array_like=True, gc=False):
    """A value with the signal that told it."""

    at: datetime
    id: str
    value: T


class End(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One end that was told of an attempt.

    ``survived``: it was told with the proof ``none``, so something that the attempt
    started may be at work still.
    """

    kind: Kind
    at: datetime
    id: str
    exit_code: int | None = None
    reason: str | None = None
    survived: bool = False


class Inferred(msgspec.Struct, frozen=True, kw_only=True):
    """A loss that we inferred because nothing was heard after ``heard``."""

    heard: datetime
    end: End


class Reached(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The furthest progress, and when it was first reached."""

    done: float
    at: datetime


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Everything known of one execution try of a job.

    ``latest_start`` matters only to the anonymous attempt, which may run again.
    ``ends`` holds one end a kind, sorted by kind: the earliest told, or for the
    anonymous attempt the latest. ``first_said`` is None only while nothing but an
    inferred loss is known. ``proofs`` holds, by kind of proof, when it was
    last given. ``effects`` tells by surface ("" for all) whether one has begun.
    """

    job: str
    attempt: str
    first_said: datetime | None = None
    partition: Told[str] | None = None
    due: Told[datetime] | None = None
    lane: Told[Lane] | None = None
    created: datetime | None = None
    dispatched: datetime | None = None
    claimed: datetime | None = None
    started: datetime | None = None
    latest_start: datetime | None = None
    heard: datetime | None = None
    heartbeat: Told[None] | None = None
    progress: Told[Progress] | None = None
    reached: Reached | None = None
    worker: Told[str] | None = None
    output: Told[str] | None = None
    lease: Told[datetime] | None = None
    retry: Told[datetime] | None = None
    ends: tuple[End, ...] = ()
    inferred: Inferred | None = None
    proofs: dict[EndProof, datetime] = {}
    effects: dict[str, bool] = {}
    skewed: bool = False

    @property
    def anonymous(self) -> bool:
        """Whether its signals gave no attempt id."""
        return self.attempt.startswith(ANONYMOUS)


def fold(attempt: Attempt | None, signals: Iterable[Signal]) -> Attempt | None:
    """``attempt`` joined with each of ``signals``, which are all of that attempt.

    None only where there was no attempt and no signal. A ``skipped`` signal is a
    fact of the run, not of an attempt, and must not come here.
    """
    folded: Attempt | None = None
    for signal in signals:
        if signal.attempt is None:
            raise ValueError(f"signal {signal.id!r} of job {signal.job!r} names no attempt")
        if folded is None:
            # One copy for all signals; nobody else has seen it yet, so it may change.
            folded = copy(attempt) if attempt else Attempt(job=signal.job, attempt=signal.attempt)
        if signal.inferred:
            _set(folded, "inferred", _inferred(folded.inferred, signal))
        else:
            _join(folded, signal)
    return attempt if folded is None else folded


_set = msgspec.structs.force_setattr


def _join(attempt: Attempt, signal: Signal) -> None:
    """Add what ``signal`` says; most say little, so only what is said is looked at."""
    at, kind = signal.at, signal.kind
    if attempt.first_said is None or at < attempt.first_said:
        _set(attempt, "first_said", at)
    if signal.partition is not None and _is_before(signal, attempt.partition):
        _set(attempt, "partition", Told(at, signal.id, signal.partition))
    if signal.due is not None and _is_before(signal, attempt.due):
        _set(attempt, "due", Told(at, signal.id, signal.due))
    if signal.lane is not None and _is_before(signal, attempt.lane):
        _set(attempt, "lane", Told(at, signal.id, signal.lane))
    if signal.worker is not None and _is_after(signal, attempt.worker):
        _set(attempt, "worker", Told(at, signal.id, signal.worker))
    if signal.output is not None and _is_after(signal, attempt.output):
        _set(attempt, "output", Told(at, signal.id, signal.output))
    if signal.lease_until is not None and _is_after(signal, attempt.lease):
        _set(attempt, "lease", Told(at, signal.id, signal.lease_until))
    if signal.next_retry_at is not None and _is_after(signal, attempt.retry):
        _set(attempt, "retry", Told(at, signal.id, signal.next_retry_at))
    if signal.progress is not None:
        if _is_after(signal, attempt.progress):
            _set(attempt, "progress", Told(at, signal.id, signal.progress))
        _set(attempt, "reached", _furthest(attempt.reached, at, signal.progress))
    if signal.effect is not None:
        _set(attempt, "effects", _effects(attempt.effects, signal.effect))
    if signal.skewed:
        _set(attempt, "skewed", True)
    if kind in _EARLIEST:
        known = getattr(attempt, kind._value_)
        if known is None or at < known:
            _set(attempt, kind._value_, at)
        if kind is Kind.STARTED and (attempt.latest_start is None or at > attempt.latest_start):
            _set(attempt, "latest_start", at)
    if kind in HEARD and (attempt.heard is None or at > attempt.heard):
        _set(attempt, "heard", at)
    if kind is Kind.HEARTBEAT and _is_after(signal, attempt.heartbeat):
        _set(attempt, "heartbeat", Told(at, signal.id, None))
    if kind in ENDS:
        _set(attempt, "ends", _ends(attempt, signal))
        _set(attempt, "proofs", _proofs(attempt.proofs, signal))


_EARLIEST = frozenset({Kind.CREATED, Kind.DISPATCHED, Kind.CLAIMED, Kind.STARTED})
"""Kinds that have a field of their name, for when that was first said."""


def _is_before(signal: Signal, known: Told[Any] | None) -> bool:
    if known is None or signal.at < known.at:
        return True
    return signal.at == known.at and signal.id < known.id


def _is_after(signal: Signal, known: Told[Any] | None) -> bool:
    if known is None or signal.at > known.at:
        return True
    return signal.at == known.at and signal.id > known.id


def _furthest(known: Reached | None, at: datetime, progress: Progress) -> Reached:
    # A checkpoint has no order, so a step told without a number counts as movement.
    done = -1.0 if progress.done is None else progress.done
    if known is None or done > known.done:
        return Reached(done=done, at=at)
    if done < known.done:
        return known
    return Reached(done=done, at=max(known.at, at) if done < 0 else min(known.at, at))


def _ends(attempt: Attempt, signal: Signal) -> tuple[End, ...]:
    told = End(
        kind=signal.kind,
        at=signal.at,
        id=signal.id,
        exit_code=signal.exit_code,
        reason=signal.reason,
        survived=signal.end_proof is EndProof.NONE,
    )
    if not attempt.ends:
        return (told,)
    by_kind = {end.kind: end for end in attempt.ends}
    known = by_kind.get(told.kind)
    if known is not None:
        pick = max if attempt.anonymous else min
        told = pick(known, told, key=lambda end: (end.at, end.id))
    by_kind[told.kind] = told
    return tuple(by_kind[kind] for kind in sorted(by_kind))


def _proofs(known: dict[EndProof, datetime], signal: Signal) -> dict[EndProof, datetime]:
    proof = signal.end_proof
    if proof is None or proof is EndProof.NONE:
        return known
    if not known:
        return {proof: signal.at}
    at = max(known.get(proof, signal.at), signal.at)
    return dict(sorted((known | {proof: at}).items()))


def _effects(known: dict[str, bool], note: EffectNote) -> dict[str, bool]:
    surface = note.surface or ""
    begun = note.begun or known.get(surface, False)
    return dict(sorted((known | {surface: begun}).items()))


def _inferred(known: Inferred | None, signal: Signal) -> Inferred:
    heard = parse_instant(signal.id.rsplit("/", 1)[1])
    end = End(kind=signal.kind, at=signal.at, id=signal.id, reason=signal.reason)
    told = Inferred(heard=heard, end=end)
    if known is None:
        return told
    return max(known, told, key=lambda loss: (loss.heard, loss.end.at, loss.end.id))


def inferred_id(attempt: str, heard: datetime) -> str:
    """The id of the loss inferred because ``attempt`` was last heard at ``heard``."""
    return f"{SILENCE}{attempt}/{heard.isoformat()}"

"""An attempt, folded from its signals.

The fold is a join: each field keeps the earliest, the latest or the union of what
was said, so the order, number and grouping of signals never matter. What depends
on the present time (alive, pending, at large) is in ``lifecycle``.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Generic, TypeVar

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


class Told(msgspec.Struct, Generic[T], frozen=True, array_like=True):
    """A value with the signal that told it."""

    at: datetime
    id: str
    value: T


class End(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
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


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """The furthest progress, and when it was first reached."""

    done: float
    at: datetime


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
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
    for signal in signals:
        attempt = _join(attempt, signal)
    return attempt


def _join(attempt: Attempt | None, signal: Signal) -> Attempt:
    if signal.attempt is None:
        raise ValueError(f"signal {signal.id!r} of job {signal.job!r} names no attempt")
    at, kind = signal.at, signal.kind
    if attempt is None:
        attempt = Attempt(job=signal.job, attempt=signal.attempt)
    if signal.inferred:
        return msgspec.structs.replace(attempt, inferred=_inferred(attempt.inferred, signal))
    starts = kind is Kind.STARTED
    return msgspec.structs.replace(
        attempt,
        first_said=_earliest(attempt.first_said, at, True),
        partition=_first(attempt.partition, signal, signal.partition),
        due=_first(attempt.due, signal, signal.due),
        lane=_first(attempt.lane, signal, signal.lane),
        created=_earliest(attempt.created, at, kind is Kind.CREATED),
        dispatched=_earliest(attempt.dispatched, at, kind is Kind.DISPATCHED),
        claimed=_earliest(attempt.claimed, at, kind is Kind.CLAIMED),
        started=_earliest(attempt.started, at, starts),
        latest_start=_latest(attempt.latest_start, at, starts),
        heard=_latest(attempt.heard, at, kind in HEARD),
        heartbeat=(
            _last_beat(attempt.heartbeat, signal) if kind is Kind.HEARTBEAT else attempt.heartbeat
        ),
        progress=_last(attempt.progress, signal, signal.progress),
        reached=_furthest(attempt.reached, signal),
        worker=_last(attempt.worker, signal, signal.worker),
        lease=_last(attempt.lease, signal, signal.lease_until),
        retry=_last(attempt.retry, signal, signal.next_retry_at),
        ends=_ends(attempt, signal) if kind in ENDS else attempt.ends,
        proofs=_proofs(attempt.proofs, signal) if kind in ENDS else attempt.proofs,
        effects=_effects(attempt.effects, signal.effect),
        skewed=attempt.skewed or signal.skewed,
    )


def _first(known: Told[T] | None, signal: Signal, value: T | None) -> Told[T] | None:
    if value is None:
        return known
    if known is not None and (known.at, known.id) <= (signal.at, signal.id):
        return known
    return Told(signal.at, signal.id, value)


def _last(known: Told[T] | None, signal: Signal, value: T | None) -> Told[T] | None:
    if value is None:
        return known
    if known is not None and (known.at, known.id) >= (signal.at, signal.id):
        return known
    return Told(signal.at, signal.id, value)


def _last_beat(known: Told[None] | None, signal: Signal) -> Told[None]:
    if known is not None and (known.at, known.id) >= (signal.at, signal.id):
        return known
    return Told(signal.at, signal.id, None)


def _earliest(known: datetime | None, at: datetime, applies: bool) -> datetime | None:
    if not applies:
        return known
    return at if known is None else min(known, at)


def _latest(known: datetime | None, at: datetime, applies: bool) -> datetime | None:
    if not applies:
        return known
    return at if known is None else max(known, at)


def _furthest(known: Reached | None, signal: Signal) -> Reached | None:
    if signal.progress is None:
        return known
    # A checkpoint has no order, so a step told without a number counts as movement.
    done = -1.0 if signal.progress.done is None else signal.progress.done
    if known is None or done > known.done:
        return Reached(done=done, at=signal.at)
    if done < known.done:
        return known
    at = max(known.at, signal.at) if done < 0 else min(known.at, signal.at)
    return Reached(done=done, at=at)


def _ends(attempt: Attempt, signal: Signal) -> tuple[End, ...]:
    told = End(
        kind=signal.kind,
        at=signal.at,
        id=signal.id,
        exit_code=signal.exit_code,
        reason=signal.reason,
        survived=signal.end_proof is EndProof.NONE,
    )
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
    at = max(known.get(proof, signal.at), signal.at)
    return dict(sorted((known | {proof: at}).items()))


def _effects(known: dict[str, bool], note: EffectNote | None) -> dict[str, bool]:
    if note is None:
        return known
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

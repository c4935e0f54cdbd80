"""Where an attempt stands at a given instant: pending, alive, ended, at large."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from verifier.runs.attempt import Attempt, End, inferred_id
from verifier.runs.declaration import Declaration
from verifier.runs.duration import format_duration
from verifier.runs.signal import EndProof, Kind, Signal


class AttemptState(StrEnum):
    """The furthest that an attempt is known to have come."""

    CREATED = "created"
    DISPATCHED = "dispatched"
    CLAIMED = "claimed"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    LOST = "lost"


_OWN_WORD, _TOLD, _INFERRED = range(3)
_TIERS = {
    Kind.SUCCEEDED: _OWN_WORD,
    Kind.FAILED: _OWN_WORD,
    Kind.CANCELLED: _TOLD,
    Kind.TIMED_OUT: _TOLD,
    Kind.LOST: _TOLD,
}
_ENDED = {kind: AttemptState(kind) for kind in _TIERS}
_LOSSES = (Kind.LOST, Kind.TIMED_OUT)
"""Ends that mean silence, not death: only a proof tells that it can't write any more."""


def end_of(attempt: Attempt) -> End | None:
    """The end that counts: the process's own word, then others', then silence.

    Within a tier the earliest. An anonymous attempt that started again after an
    end has not ended; an inferred loss holds while nothing newer was heard. Where
    heartbeats had stopped, what others tell of the loss later (a proof of death, the
    next night) does not postpone it.
    """
    if attempt.inferred is None:
        if not attempt.ends:
            return None
        if len(attempt.ends) == 1 and not attempt.anonymous:
            return attempt.ends[0]
    ends = [(_TIERS[end.kind], end) for end in attempt.ends]
    if attempt.anonymous and attempt.latest_start is not None:
        ends = [(tier, end) for tier, end in ends if end.at >= attempt.latest_start]
    loss = attempt.inferred
    if loss is not None and attempt.heard is not None and attempt.heard > loss.heard:
        loss = None
    if loss is not None:
        ends.append((_INFERRED, loss.end))
    if not ends:
        return None
    end = min(ends, key=lambda ranked: (ranked[0], ranked[1].at, ranked[1].id))[1]
    if loss is not None and loss.end.kind is Kind.LOST and end.kind in _LOSSES:
        return msgspec.structs.replace(end, at=min(end.at, loss.end.at))
    return end


def ends_disagree(attempt: Attempt) -> bool:
    """Whether different ends were told of it; the better one counts, all are kept."""
    return len(attempt.ends) > 1 and not attempt.anonymous


def state_of(attempt: Attempt) -> AttemptState:
    """The attempt's state, whatever the time."""
    return state_with(attempt, end_of(attempt))


def state_with(attempt: Attempt, end: End | None) -> AttemptState:
    """The state of an attempt whose end is ``end``."""
    if end is not None:
        return _ENDED[end.kind]
    if attempt.heard is not None:
        return AttemptState.RUNNING
    if attempt.claimed is not None:
        return AttemptState.CLAIMED
    if attempt.dispatched is not None:
        return AttemptState.DISPATCHED
    return AttemptState.CREATED


def is_alive(attempt: Attempt) -> bool:
    """Started or heard from, and not ended."""
    return state_of(attempt) is AttemptState.RUNNING


def pending_until(attempt: Attempt, declaration: Declaration) -> datetime | None:
    """Until when an attempt that has not started may still start; None where it did.

    Its lease, or where none was told the time in which a run must finish.
    """
    if attempt.heard is not None or end_of(attempt) is not None or attempt.first_said is None:
        return None
    if attempt.lease is not None:
        return attempt.lease.value
    return attempt.first_said + declaration.finish_within


def is_pending(attempt: Attempt, declaration: Declaration, now: datetime) -> bool:
    """Created, dispatched or claimed, and its lease has not passed."""
    until = pending_until(attempt, declaration)
    return until is not None and now < until


def is_void(attempt: Attempt, declaration: Declaration, now: datetime) -> bool:
    """Never started, and its lease has passed: it counts nowhere."""
    until = pending_until(attempt, declaration)
    return until is not None and now >= until


def proof_of(attempt: Attempt) -> EndProof | None:
    """How its end is proven; None where it has not ended.

    What the attempt showed after a proof was given makes that proof void.
    """
    if end_of(attempt) is None:
        return None
    proofs = _standing_proofs(attempt)
    return next((proof for proof in EndProof if proof in proofs), EndProof.NONE)


def _standing_proofs(attempt: Attempt) -> dict[EndProof, datetime]:
    return {
        proof: given
        for proof, given in attempt.proofs.items()
        if attempt.heard is None or attempt.heard <= given
    }


def at_large_until(attempt: Attempt, declaration: Declaration) -> datetime | None:
    """Until when an ended attempt may still write; None where it can't.

    One that was lost or timed out, or left something at work: the later of its lease
    and ``zombie_grace`` after it was last heard.
    """
    return None if _standing_proofs(attempt) else _presumed_dead_at(attempt, declaration)


def _presumed_dead_at(attempt: Attempt, declaration: Declaration) -> datetime | None:
    end, heard = end_of(attempt), attempt.heard or attempt.first_said
    if end is None or heard is None:
        return None
    if end.kind not in _LOSSES:
        if not end.survived:
            return None
        heard = max(heard, end.at)
    lease = attempt.lease.value if attempt.lease else heard + declaration.lease
    return max(lease, heard + declaration.zombie_grace)


def is_at_large(attempt: Attempt, declaration: Declaration, now: datetime) -> bool:
    """Whether it counts as ended and may still write."""
    until = at_large_until(attempt, declaration)
    return until is not None and now < until


def quiet_since(attempt: Attempt, declaration: Declaration) -> datetime | None:
    """From when on an attempt could not write any more; None while it may.

    An attempt that is at large becomes quiet when its time at large is over or its
    death was proven, whichever comes first: a late proof changes nothing.
    """
    end = end_of(attempt)
    if end is None:
        return None
    presumed = _presumed_dead_at(attempt, declaration)
    if presumed is None:
        return end.at
    return max(end.at, min([presumed, *_standing_proofs(attempt).values()]))


def said_no_effect(attempt: Attempt, surfaces: frozenset[str]) -> bool:
    """Whether it told of every surface that no effect had begun there."""
    if any(attempt.effects.values()):
        return False
    return "" in attempt.effects or (bool(surfaces) and surfaces <= attempt.effects.keys())


def expects_beats(attempt: Attempt, declaration: Declaration) -> bool:
    """Whether silence means something: heartbeats were declared or heard."""
    return declaration.heartbeat_within is not None or attempt.heartbeat is not None


def silence_deadline(
    attempt: Attempt, declaration: Declaration, due: datetime | None
) -> datetime | None:
    """When silence becomes the end of a running attempt; None for one that isn't."""
    if attempt.heard is None or not is_alive(attempt):
        return None
    if expects_beats(attempt, declaration):
        lease = attempt.heard + declaration.lease
        return max(lease, attempt.lease.value) if attempt.lease else lease
    started = attempt.started or attempt.heard
    return max(started, due or started) + declaration.finish_within


def infer_loss(
    attempt: Attempt, declaration: Declaration, due: datetime | None, now: datetime
) -> Signal | None:
    """The end to be told of an attempt that has been silent for too long.

    ``lost`` after ``lease`` where heartbeats are expected, else ``timed_out`` after
    ``finish_within``. Its id and instant follow from what was last heard, so that
    whoever infers it says the same thing.
    """
    deadline = silence_deadline(attempt, declaration, due)
    if deadline is None or attempt.heard is None or now < deadline:
        return None
    beats = expects_beats(attempt, declaration)
    return Signal(
        job=attempt.job,
        kind=Kind.LOST if beats else Kind.TIMED_OUT,
        at=deadline,
        id=inferred_id(attempt.attempt, attempt.heard),
        attempt=attempt.attempt,
        end_proof=EndProof.NONE,
        reason=_why(declaration.lease if beats else declaration.finish_within, beats),
    )


def _why(length: timedelta, beats: bool) -> str:
    told = format_duration(length)
    return f"no heartbeat for {told}" if beats else f"not finished within {told}"

"""What was reported of a run: the scheduler's side of the story, never the truth."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from verifier.runs.attempt import Attempt
from verifier.runs.declaration import Declaration
from verifier.runs.lifecycle import (
    AttemptState,
    end_of,
    is_alive,
    is_pending,
    is_void,
    state_of,
)


class Reported(StrEnum):
    """What the attempts of a run add up to."""

    NONE = "none"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    LOST = "lost"


class Link(StrEnum):
    """The steps from due to start; a chain breaks at the first that did not happen."""

    CREATION = "creation"
    DISPATCH = "dispatch"
    CLAIM = "claim"
    START = "start"


def counting(attempts: Sequence[Attempt], declaration: Declaration, now: datetime) -> list[Attempt]:
    """The attempts that count: all but those whose grant passed without a start."""
    return [attempt for attempt in attempts if not is_void(attempt, declaration, now)]


def reported(attempts: Sequence[Attempt], declaration: Declaration, now: datetime) -> Reported:
    """What ``attempts``, all of one run, report at ``now``."""
    counted = counting(attempts, declaration, now)
    if any(is_alive(attempt) for attempt in counted):
        return Reported.RUNNING
    if any(is_pending(attempt, declaration, now) for attempt in counted):
        return Reported.QUEUED
    if any(state_of(attempt) is AttemptState.SUCCEEDED for attempt in counted):
        return Reported.SUCCEEDED
    ends = [end for attempt in counted if (end := end_of(attempt)) is not None]
    if not ends:
        return Reported.NONE
    return Reported(max(ends, key=lambda end: (end.at, end.id)).kind)


def chain_broke_at(attempts: Sequence[Attempt]) -> Link | None:
    """Which step towards a start did not happen; None where one did."""
    if any(attempt.heard is not None or attempt.ends for attempt in attempts):
        return None
    if any(attempt.claimed is not None for attempt in attempts):
        return Link.START
    if any(attempt.dispatched is not None for attempt in attempts):
        return Link.CLAIM
    if any(attempt.created is not None for attempt in attempts):
        return Link.DISPATCH
    return Link.CREATION

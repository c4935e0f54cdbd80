"""Conditions: what is noteworthy about a run right now, computed and never stored."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from verifier.runs.attempt import Attempt
from verifier.runs.contact import Contact, heard_at
from verifier.runs.declaration import Declaration, Overlap, SurfaceKind
from verifier.runs.effect import findings
from verifier.runs.evaluation import Effect, Evaluation
from verifier.runs.lifecycle import (
    AttemptState,
    at_large_until,
    end_of,
    expects_beats,
    is_alive,
    is_at_large,
    is_void,
    quiet_since,
    said_no_effect,
    state_of,
)
from verifier.runs.looks import source_moved
from verifier.runs.signal import Lane

NEAR = 0.8
"""The part of its interval above which a run is near it."""


class ConditionName(StrEnum):
    """Every condition that a run can be in."""

    LATE = "late"
    OVERDUE = "overdue"
    HEARTBEAT_STALE = "heartbeat_stale"
    STALLED = "stalled"
    OVERLAPPING = "overlapping"
    NEAR_INTERVAL = "near_interval"
    EXCEEDS_INTERVAL = "exceeds_interval"
    RETRY_PENDING = "retry_pending"
    REPLAYING_UNKNOWN = "replaying_unknown"
    AT_LARGE = "at_large"
    LEASE_BELOW_TAIL = "lease_below_tail"
    SOURCE_MOVED = "source_moved"
    DECLARATION_CONTRADICTED = "declaration_contradicted"
    CLOCK_SKEWED = "clock_skewed"


class Condition(msgspec.Struct, frozen=True, omit_defaults=True):
    """A condition, since when it holds, and where that is known until when."""

    condition: ConditionName
    since: datetime
    until: datetime | None = None


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What conditions are computed from.

    ``attempts`` are those of the run; ``others`` are attempts of other runs of the
    job that were at work in its time. ``interval`` is the time from due to the next
    slot, None for a run without a slot. ``runtime_tail`` is how long the slow runs
    of this job take (its 95th percentile), None while too few are known. ``contact`` is
    how far the job's source was heard; ``deaf``: its start fell into a time of which that
    says nothing, for now or for good.
    """

    declaration: Declaration
    due: datetime | None
    interval: timedelta | None
    attempts: Sequence[Attempt]
    others: Sequence[Attempt] = ()
    evaluations: Sequence[Evaluation] = ()
    runtime_tail: timedelta | None = None
    contact: Contact | None = None
    deaf: bool = False
    now: datetime

    @property
    def heard(self) -> datetime:
        """Up to when silence proves something."""
        return heard_at(self.contact, self.now)


def conditions(situation: Situation) -> tuple[Condition, ...]:
    """Every condition that holds, in the order of ``ConditionName``."""
    found = [
        *_punctuality(situation),
        *_liveness(situation),
        *_overlap(situation),
        *_runtime(situation),
        *_retry(situation),
        *_replay(situation),
        *_at_large(situation),
        *_lease(situation),
        *_evidence(situation),
        *_skew(situation),
    ]
    order = list(ConditionName)
    return tuple(sorted(found, key=lambda each: order.index(each.condition)))


def _punctuality(s: Situation) -> Iterator[Condition]:
    if s.due is None:
        return
    started = any(attempt.heard or attempt.ends for attempt in s.attempts)
    should_start = s.due + s.declaration.start_within
    if not started and not s.deaf and s.heard >= should_start:
        yield Condition(ConditionName.LATE, should_start)
    alive = [attempt for attempt in s.attempts if is_alive(attempt)]
    limits = [_finish_by(attempt, s.due, s.declaration) for attempt in alive]
    if s.declaration.runtime_within is not None:
        limits += [a.started + s.declaration.runtime_within for a in alive if a.started]
    passed = [limit for limit in limits if s.heard >= limit]
    if passed:
        yield Condition(ConditionName.OVERDUE, min(passed))


def _finish_by(attempt: Attempt, due: datetime, declaration: Declaration) -> datetime:
    """Until when it should finish; a replay of an old run counts from its own start."""
    limit = due + declaration.finish_within
    started = attempt.started or attempt.heard or due
    replays = attempt.lane is not None and attempt.lane.value is not Lane.LIVE
    return max(limit, started + declaration.finish_within) if replays or started >= limit else limit


def _liveness(s: Situation) -> Iterator[Condition]:
    stale = [at for a in s.attempts if (at := _beat_missed_at(a, s.declaration)) and s.heard >= at]
    if stale:
        yield Condition(ConditionName.HEARTBEAT_STALE, min(stale))
    stalled = [at for a in s.attempts if (at := _stalled_at(a, s)) is not None]
    if stalled:
        yield Condition(ConditionName.STALLED, min(stalled))


def _beat_missed_at(attempt: Attempt, declaration: Declaration) -> datetime | None:
    """When the next heartbeat was overdue; where none is declared, at half the lease."""
    if not is_alive(attempt) or attempt.heard is None or not expects_beats(attempt, declaration):
        return None
    return attempt.heard + (declaration.heartbeat_within or declaration.lease / 2)


def _stalled_at(attempt: Attempt, s: Situation) -> datetime | None:
    """Since when it breathes and does not move; None where it moves or is silent."""
    if s.declaration.progress_within is None or not is_alive(attempt):
        return None
    missed = _beat_missed_at(attempt, s.declaration)
    if missed is not None and s.heard >= missed:
        return None
    moved = attempt.reached.at if attempt.reached else attempt.started or attempt.heard
    if moved is None or s.heard < moved + s.declaration.progress_within:
        return None
    return moved + s.declaration.progress_within


def at_work(attempt: Attempt, declaration: Declaration, now: datetime) -> tuple[datetime, datetime]:
    """From when to when an attempt could write; the second is ``now`` while it may."""
    started = attempt.started or attempt.heard or attempt.first_said or now
    return started, quiet_since(attempt, declaration) or now


def _overlap(s: Situation) -> Iterator[Condition]:
    if s.declaration.overlap is Overlap.ALLOW:
        return
    mine = [a for a in s.attempts if a.heard is not None]
    rivals = [a for a in s.others if a.heard is not None]
    if s.declaration.overlap is Overlap.SERIALIZE:
        rivals = [a for a in rivals if any(_same_partition(a, own) for own in mine)]
    spans = [at_work(a, s.declaration, s.now) for a in mine]
    pairs = [(a, b) for i, a in enumerate(spans) for b in spans[i + 1 :]]
    pairs += [(a, at_work(b, s.declaration, s.now)) for a in spans for b in rivals]
    clashes = [max(a[0], b[0]) for a, b in pairs if a[0] < b[1] and b[0] < a[1]]
    if clashes:
        yield Condition(ConditionName.OVERLAPPING, min(clashes))


def _same_partition(a: Attempt, b: Attempt) -> bool:
    """An attempt without a partition covers all of them."""
    if a.partition is None or b.partition is None:
        return True
    return a.partition.value == b.partition.value


def _runtime(s: Situation) -> Iterator[Condition]:
    if s.interval is None:
        return
    starts = [
        (a.started, end.at if (end := end_of(a)) is not None else s.now)
        for a in s.attempts
        if a.started is not None
    ]
    over = [start + s.interval for start, end in starts if end - start >= s.interval]
    near = [start + NEAR * s.interval for start, end in starts if end - start >= NEAR * s.interval]
    if over:
        yield Condition(ConditionName.EXCEEDS_INTERVAL, min(over))
    elif near:
        yield Condition(ConditionName.NEAR_INTERVAL, min(near))


def retry_at(
    attempts: Sequence[Attempt], declaration: Declaration, heard: datetime
) -> datetime | None:
    """When the scheduler will retry by itself; None where it won't.

    A retry that has not come ``start_within`` after its time is not waited for, as far as
    anything was ``heard``.
    """
    ended = [(end, a) for a in attempts if (end := end_of(a)) is not None]
    if not ended or len(ended) < len([a for a in attempts if not is_void(a, declaration, heard)]):
        return None
    end, last = max(ended, key=lambda pair: (pair[0].at, pair[0].id))
    if last.retry is None or state_of(last) is AttemptState.SUCCEEDED:
        return None
    again = last.retry.value
    return again if again >= end.at and heard < again + declaration.start_within else None


def _retry(s: Situation) -> Iterator[Condition]:
    again = retry_at(s.attempts, s.declaration, s.heard)
    if again is not None:
        ends = [end.at for attempt in s.attempts if (end := end_of(attempt)) is not None]
        yield Condition(ConditionName.RETRY_PENDING, max(ends), again)


def unresolved(attempt: Attempt, declaration: Declaration) -> bool:
    """Ended other than in success, without having told that no effect had begun."""
    end = end_of(attempt)
    if end is None or state_of(attempt) is AttemptState.SUCCEEDED:
        return False
    return not said_no_effect(attempt, frozenset(each.name for each in declaration.surfaces))


def _replay(s: Situation) -> Iterator[Condition]:
    if not s.declaration.repeats_harm:
        return
    begun = [
        after.started
        for before in s.attempts
        for after in s.attempts
        if after is not before
        and after.started is not None
        and unresolved(before, s.declaration)
        and (end := end_of(before)) is not None
        and after.started >= end.at
        and not _known_between(s, end.at, after.started)
    ]
    if begun:
        yield Condition(ConditionName.REPLAYING_UNKNOWN, min(begun))


def _known_between(s: Situation, start: datetime, end: datetime) -> bool:
    """Whether the destination was asked, and answered, between two instants."""
    return any(
        start <= each.started_at
        and each.finished_at <= end
        and findings(s.declaration, each.results).effect is not Effect.UNKNOWN
        for each in s.evaluations
    )


def _at_large(s: Situation) -> Iterator[Condition]:
    loose = [a for a in s.attempts if is_at_large(a, s.declaration, s.now)]
    if loose:
        ends = [end.at for a in loose if (end := end_of(a)) is not None]
        untils = [until for a in loose if (until := at_large_until(a, s.declaration)) is not None]
        yield Condition(ConditionName.AT_LARGE, min(ends), max(untils))


def _lease(s: Situation) -> Iterator[Condition]:
    if s.runtime_tail is None:
        return
    short = [
        a.started
        for a in s.attempts
        if a.started is not None
        and is_alive(a)
        and not expects_beats(a, s.declaration)
        and a.lease is not None
        and a.lease.value - a.started < s.runtime_tail
    ]
    if short:
        yield Condition(ConditionName.LEASE_BELOW_TAIL, min(short))


def _evidence(s: Situation) -> Iterator[Condition]:
    for before, after in zip(s.evaluations, s.evaluations[1:], strict=False):
        if source_moved(before, after):
            yield Condition(ConditionName.SOURCE_MOVED, after.finished_at)
            break
    if s.evaluations:
        last = s.evaluations[-1]
        finding = findings(s.declaration, last.results)
        if any(
            each.surface.kind is SurfaceKind.UPSERT and each.effect is Effect.DUPLICATED
            for each in finding.surfaces
        ):
            yield Condition(ConditionName.DECLARATION_CONTRADICTED, last.finished_at)


def _skew(s: Situation) -> Iterator[Condition]:
    skewed = [a.first_said for a in s.attempts if a.skewed and a.first_said is not None]
    if skewed:
        yield Condition(ConditionName.CLOCK_SKEWED, min(skewed))

"""The advice table: the safest next action, by verdict and by what a surface is."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from verifier.runs.declaration import Overlap, Surface, SurfaceKind
from verifier.runs.effect import SurfaceEffect
from verifier.runs.evaluation import Effect
from verifier.runs.verdict import RunState, Verdict


class AdviceAction(StrEnum):
    """What to do next."""

    ACCEPT = "accept"
    WAIT = "wait"
    RUN = "run"
    RETRY = "retry"
    RESUME = "resume"
    REPAIR_RERUN = "repair_rerun"
    RECONCILE_FIRST = "reconcile_first"
    STOP_RETRIES = "stop_retries"
    STOP_FIRST = "stop_first"
    FENCE_FIRST = "fence_first"
    DECLARE_CHECK = "declare_check"
    ASK_AGAIN = "ask_again"
    CORRECT_CHECK = "correct_check"


STARTS_WORK = frozenset(
    {AdviceAction.RUN, AdviceAction.RETRY, AdviceAction.RESUME, AdviceAction.REPAIR_RERUN}
)
"""Actions that let the job's own code take effect again."""


class Advised(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the advice rests on.

    ``verdict`` is None while the state is open. ``surfaces`` carry the last known
    effect of each. ``stuck``: running, and stalled or overdue. ``retry_at``: when
    the scheduler retries by itself, or None. ``unknown``: a required check could
    not be asked, ``incorrect``: for a reason that asking again does not take away.
    ``doubted``: the last look complained of what the verdict does not say, and a second
    look is owed. ``stranger``: it is of a partition that nobody listed, and nobody tried
    it. ``surplus``: rows or keys that should not be there were seen.
    ``checkpoint``: an attempt reported one. ``newest``: no later run is due.
    ``may_yet_start``: an attempt was given to a queue without a lease, and nobody knows
    what became of it there.
    """

    verdict: Verdict | None
    state: RunState
    surfaces: Sequence[SurfaceEffect]
    overlap: Overlap = Overlap.ALLOW
    at_large: bool = False
    stuck: bool = False
    retry_at: datetime | None = None
    effect: Effect = Effect.UNKNOWN
    unexpected: bool = False
    unknown: bool = False
    incorrect: bool = False
    doubted: bool = False
    stranger: bool = False
    surplus: bool = False
    resumable: bool = False
    checkpoint: bool = False
    newest: bool = True
    may_yet_start: bool = False


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """The action, the surface it is about, and what it rests on in words.

    ``valid_until`` is None where only a new fact can change it.
    """

    action: AdviceAction
    because: tuple[str, ...]
    do_not: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()
    valid_until: datetime | None = None


def action(facts: Advised) -> AdviceAction:
    """The safest action, in the order: running, settling, a retry pending, the verdict."""
    if facts.state is RunState.RUNNING:
        return AdviceAction.STOP_FIRST if facts.stuck else AdviceAction.WAIT
    if facts.at_large:
        return AdviceAction.FENCE_FIRST
    if facts.retry_at is not None:
        return _while_retry_pends(facts)
    if facts.stranger:
        return AdviceAction.ACCEPT
    if facts.verdict is None:
        return AdviceAction.WAIT
    chosen = _by_verdict(facts, facts.verdict)
    if chosen in STARTS_WORK and repeated(facts.surfaces):
        return AdviceAction.RECONCILE_FIRST
    if chosen in STARTS_WORK and facts.doubted:
        return AdviceAction.WAIT
    if chosen in STARTS_WORK and facts.overlap is Overlap.COALESCE and not facts.newest:
        return AdviceAction.WAIT
    return chosen


def gravest(surfaces: Sequence[SurfaceEffect]) -> Surface | None:
    """The gravest surface not proven complete; where all are, the gravest of all."""
    open_ones = [each for each in surfaces if each.effect is not Effect.COMPLETE]
    candidates = [each.surface for each in (open_ones or surfaces)]
    return max(candidates, key=lambda surface: surface.kind.gravity, default=None)


def repeated(surfaces: Sequence[SurfaceEffect]) -> tuple[str, ...]:
    """Surfaces whose effect is complete and would be taken twice by a new attempt.

    They make every action that starts work unsafe, whatever the other surfaces need.
    """
    return tuple(
        each.surface.name
        for each in surfaces
        if each.surface.kind.repeats_harm and each.effect is Effect.COMPLETE
    )


def _kind(facts: Advised) -> SurfaceKind:
    surface = gravest(facts.surfaces)
    return surface.kind if surface is not None else SurfaceKind.NONE


def _while_retry_pends(facts: Advised) -> AdviceAction:
    if not _kind(facts).repeats_harm and not repeated(facts.surfaces):
        return AdviceAction.WAIT
    absent = facts.verdict in (Verdict.ABSENT, Verdict.MISSING)
    if absent or (facts.verdict is None and facts.effect is Effect.NONE):
        return AdviceAction.WAIT
    return AdviceAction.STOP_RETRIES


def _by_verdict(facts: Advised, judged: Verdict) -> AdviceAction:
    kind = _kind(facts)
    match judged:
        case Verdict.VERIFIED | Verdict.RECONCILED | Verdict.EXCUSED:
            return AdviceAction.ACCEPT
        case Verdict.MISSING:
            nothing_there = facts.effect is Effect.NONE and not facts.may_yet_start
            safe = not kind.repeats_harm or nothing_there
            return AdviceAction.RUN if safe else AdviceAction.RECONCILE_FIRST
        case Verdict.ABSENT:
            return AdviceAction.RETRY
        case Verdict.PARTIAL:
            return _of_partial(facts, kind)
        case Verdict.DUPLICATED:
            only_replace = kind is SurfaceKind.REPLACE
            return AdviceAction.REPAIR_RERUN if only_replace else AdviceAction.RECONCILE_FIRST
        case Verdict.WRONG:
            return _of_wrong(facts, kind)
        case Verdict.AMBIGUOUS:
            return _rerun(kind)
        case _:
            return _of_unproven(facts)


def _of_unproven(facts: Advised) -> AdviceAction:
    if facts.incorrect:
        return AdviceAction.CORRECT_CHECK
    return AdviceAction.ASK_AGAIN if facts.unknown else AdviceAction.DECLARE_CHECK


def _rerun(kind: SurfaceKind) -> AdviceAction:
    """How to do the work again where it may be half done, by what the surface is."""
    if kind is SurfaceKind.NONE:
        return AdviceAction.RETRY
    if kind.repeats_harm:
        return AdviceAction.RECONCILE_FIRST
    return AdviceAction.REPAIR_RERUN


def _of_partial(facts: Advised, kind: SurfaceKind) -> AdviceAction:
    trusted = facts.resumable and facts.checkpoint and not facts.surplus
    if kind is SurfaceKind.APPEND and trusted:
        return AdviceAction.RESUME
    return _rerun(kind)


def _of_wrong(facts: Advised, kind: SurfaceKind) -> AdviceAction:
    if kind is SurfaceKind.UPSERT and facts.unexpected:
        return AdviceAction.RECONCILE_FIRST
    return _rerun(kind)

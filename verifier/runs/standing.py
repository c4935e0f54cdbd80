"""Where a run stands: everything known of it, judged at one instant."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from verifier.runs.action import Action, ActionKind, closing, is_muted
from verifier.runs.advice import AdviceAction, Advised, action
from verifier.runs.attempt import Attempt, Told
from verifier.runs.binding import RunKey
from verifier.runs.conditions import (
    Condition,
    ConditionName,
    Situation,
    conditions,
    retry_at,
    unresolved,
)
from verifier.runs.contact import Contact, heard_at, next_contact
from verifier.runs.declaration import Declaration
from verifier.runs.effect import Finding, SurfaceEffect, findings
from verifier.runs.evaluation import Effect, Evaluation, Result, is_unlisted
from verifier.runs.lifecycle import (
    AttemptState,
    end_of,
    is_alive,
    is_at_large,
    is_void,
    pending_until,
    said_no_effect,
    silence_deadline,
    state_of,
)
from verifier.runs.looks import Look, Looks, asks_nothing, looks
from verifier.runs.reported import Link, Reported, chain_broke_at, counting, reported
from verifier.runs.verdict import Case, RunState, Verdict, is_false_success, verdict


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything durable that is known of one run.

    ``declared_at``: since when the declaration is valid; None where nobody told.
    ``expected``: the schedule asked for it. ``interval``: from due to the next slot.
    ``attempts``: the run's own; ``whole_job``: for a run of one partition, those that
    cover all of them; for a run of all, those of single ones. ``parts``: for a run of all,
    the verdicts of those partitions that have a run of their own. ``others``: attempts of
    other runs of the job that are alive.
    ``skipped``: the scheduler said that it would not run. ``evaluations``: oldest
    first; ``set_aside`` are those from before a person had the run judged anew, by
    another declaration. ``actions``: those on the run, of a partition a skip of all, and
    those on the whole job. ``miss_after``:
    silence proves nothing before then, because nobody had been listening; None where
    it always did, and ``deaf`` where it never will; ``heard_again``: since when
    a deaf run's job is heard again, None while it is not. ``contact``: how far the source of
    the job was heard; None for a job that reports by itself. ``newest``: no later run of the
    job is due. ``answered_by_newer``: a later run that stands for this one is
    verified over this one's interval. ``newer_verified_at``: where runs coalesce, when the
    first later run that is verified was judged so; whether it did this one's work too is
    told by this one's own checks, asked since. ``runtime_tail``: the 95th percentile of
    the job's runtimes, None while too few are known.
    """

    key: RunKey
    declaration: Declaration
    declared_at: datetime | None = None
    expected: bool
    interval: timedelta | None = None
    attempts: Sequence[Attempt] = ()
    whole_job: Sequence[Attempt] = ()
    parts: Mapping[str, Verdict | None] = {}
    others: Sequence[Attempt] = ()
    skipped: Told[str] | None = None
    evaluations: Sequence[Evaluation] = ()
    set_aside: Sequence[Evaluation] = ()
    actions: Sequence[Action] = ()
    miss_after: datetime | None = None
    deaf: bool = False
    heard_again: datetime | None = None
    contact: Contact | None = None
    newest: bool = True
    answered_by_newer: bool = False
    newer_verified_at: datetime | None = None
    runtime_tail: timedelta | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A run, judged.

    ``doubted_by`` is the evaluation whose complaint waits for a second look, and ``wake_at``
    is when any of it may change without any new fact.
    """

    state: RunState
    verdict: Verdict | None
    reported: Reported
    effect: Effect
    effect_now: Effect
    provisional: bool
    false_success: bool
    chain_broke_at: Link | None
    action: AdviceAction
    conditions: tuple[Condition, ...]
    finding: Finding | None
    judged_by: Evaluation | None
    doubted_by: Evaluation | None
    completed_at: datetime | None
    useful: bool
    next_look: Look | None
    wake_at: datetime | None


def standing(facts: Facts, now: datetime) -> Standing:
    """Judge one run at ``now``."""
    declaration = facts.declaration
    due = facts.key.due
    own = counting(facts.attempts, declaration, now)
    whole = counting(facts.whole_job, declaration, now)
    # Nobody who covered all partitions covered one that is none of them.
    stranger = not own and bool(facts.key.partition) and is_unlisted(facts.evaluations)
    if stranger:
        whole = []
    # A partition reports its own attempts, but whoever covers all may write here too.
    counted, writers = own or whole, own + whole
    said = reported(counted, declaration, now)
    if any(is_alive(attempt) for attempt in writers):
        said = Reported.RUNNING
    expected_by, unheard_until = _expected_by(facts, now), _unheard_until(facts, now)
    seen = looks(
        declaration,
        writers,
        facts.evaluations,
        expected_by=expected_by,
        unheard_until=unheard_until,
        newer_verified_at=facts.newer_verified_at,
        now=now,
    )
    finding = seen.judged.finding if seen.judged else None
    shown = seen.latest.finding if seen.latest else None
    holding = conditions(
        Situation(
            declaration=declaration,
            due=due,
            interval=facts.interval,
            attempts=[*facts.attempts, *facts.whole_job],
            others=facts.others,
            evaluations=facts.evaluations,
            runtime_tail=facts.runtime_tail,
            contact=facts.contact,
            deaf=_is_deaf(facts, now),
            now=now,
        )
    )
    at_large = any(is_at_large(attempt, declaration, now) for attempt in writers)
    blocked = _open_state(facts, seen, said, at_large, expected_by or unheard_until, now)
    by = seen.judged.evaluation if seen.judged else None
    judged = verdict(case_of(facts, writers, said, finding, blocked, now, by=by))
    # Where the verdict table gives none, something was in its way.
    state = RunState.JUDGED if judged is not None or blocked is None else blocked
    advised = advised_of(
        facts,
        counted,
        judged,
        blocked or RunState.JUDGED,
        finding or shown,
        holding,
        now,
        doubted=finding is not None and seen.provisional,
        stranger=stranger,
    )
    return Standing(
        state=state,
        verdict=judged,
        reported=said,
        effect=finding.effect if finding else Effect.UNKNOWN,
        effect_now=shown.effect if shown else Effect.UNKNOWN,
        provisional=seen.provisional,
        false_success=is_false_success(said, judged),
        chain_broke_at=(
            None
            if state is RunState.WAITING or (facts.deaf and said is Reported.NONE)
            else chain_broke_at([*facts.attempts, *facts.whole_job])
        ),
        action=action(advised),
        conditions=holding,
        finding=finding or shown,
        judged_by=by,
        doubted_by=seen.doubted.evaluation if seen.doubted else None,
        completed_at=_completed_at(counted, by),
        useful=_useful(facts, writers, judged, by),
        next_look=seen.next,
        wake_at=_wake_at(facts, seen.next, expected_by or unheard_until, holding, judged, now),
    )


def _expected_by(facts: Facts, now: datetime) -> datetime | None:
    """When an attempt should have started at the latest, and we could have heard it.

    None where nobody can tell when we could.
    """
    due = facts.key.due
    if due is None or not facts.expected or facts.deaf:
        return None
    latest = _heard_by(facts, due + facts.declaration.start_within, now)
    if latest is None or facts.miss_after is None:
        return latest
    return max(latest, facts.miss_after)


def _unheard_until(facts: Facts, now: datetime) -> datetime | None:
    """When a run that nobody could hear should be done at the latest, if it ran.

    None where it could be heard, and where nobody can tell.
    """
    due, declaration = facts.key.due, facts.declaration
    if due is None or not facts.expected or facts.heard_again is None:
        return None
    # Whoever still works by then is heard of from then on.
    done = due + max(declaration.start_within, declaration.finish_within)
    return _heard_by(facts, max(done, facts.heard_again + declaration.settle), now)


def _heard_by(facts: Facts, moment: datetime, now: datetime) -> datetime | None:
    """From when on all that was said up to ``moment`` is known; None where nobody can tell."""
    if heard_at(facts.contact, max(now, moment)) >= moment:
        return moment
    again = next_contact(facts.contact, now)
    return None if again is None else max(moment, again)


def _is_deaf(facts: Facts, now: datetime) -> bool:
    """Whether silence about the start of the run says nothing, for now or for good."""
    return facts.deaf or (facts.miss_after is not None and now < facts.miss_after)


def _open_state(
    facts: Facts,
    seen: Looks,
    said: Reported,
    at_large: bool,
    expected_by: datetime | None,
    now: datetime,
) -> RunState | None:
    """Why there can be no verdict yet, or None."""
    if said is Reported.RUNNING:
        return RunState.RUNNING
    if said is Reported.QUEUED:
        return RunState.WAITING
    if at_large:
        return RunState.SETTLING
    if said is Reported.NONE:
        if expected_by is None and not _shows_work(seen):
            return RunState.WAITING
        if expected_by is not None and now < expected_by:
            return RunState.WAITING
    if asks_nothing(facts.declaration):
        return None
    if seen.judged is None or (said is Reported.NONE and _asked_early(seen, expected_by)):
        return RunState.SETTLING
    return None


def _asked_early(seen: Looks, expected_by: datetime | None) -> bool:
    """Whether the destination showed nothing before it had to, and is yet to be asked since."""
    if seen.judged is None or expected_by is None or _shows_work(seen):
        return False
    return seen.judged.evaluation.started_at < expected_by


def _shows_work(seen: Looks) -> bool:
    """Whether the destination shows that somebody did something, whoever told us."""
    if seen.judged is None:
        return False
    finding = seen.judged.finding
    return finding.effect not in (Effect.NONE, Effect.UNKNOWN) or bool(finding.violated)


def case_of(
    facts: Facts,
    writers: Sequence[Attempt],
    said: Reported,
    finding: Finding | None,
    open_state: RunState | None,
    now: datetime,
    *,
    by: Evaluation | None = None,
) -> Case:
    """The row of facts that the verdict table reads; ``writers`` may have written here.

    ``by``: the evaluation with that ``finding``, where the verdict rests on it.
    """
    declaration = facts.declaration
    surfaces = frozenset(surface.name for surface in declaration.surfaces)
    succeeded = [a for a in writers if state_of(a) is AttemptState.SUCCEEDED]
    due = facts.key.due
    return Case(
        reported=said,
        effect=finding.effect if finding else Effect.UNKNOWN,
        reconciled=_reconciled(facts, writers, finding) and not _open_parts(facts, by),
        excused=_excused(facts, writers, now),
        answered=_answered(facts, writers, finding, by, now),
        muted=due is not None and is_muted(facts.actions, due),
        open_state=open_state,
        parts=None if by is None else _all_closed(facts, by),
        unexpected=finding is not None and finding.unexpected > 0,
        violated=finding is not None and bool(finding.violated),
        unknown=finding is not None and bool(finding.unknown),
        required_hold=finding is not None and finding.required_hold,
        effects_none=declaration.effects_none,
        repeats_harm=declaration.repeats_harm,
        all_said_no_effect=bool(writers)
        and all(said_no_effect(attempt, surfaces) for attempt in writers),
        unresolved_beside_success=bool(succeeded)
        and any(unresolved(attempt, declaration) for attempt in writers),
        deaf=facts.deaf,
        checked=not asks_nothing(declaration),
    )


def _all_closed(facts: Facts, by: Evaluation) -> Verdict | None:
    """What a run of all is where each partition that was an exception is closed by now.

    None where one is not, or has no name, and where anything but exceptions is amiss.
    """
    count = by.partitions
    if count is None or count.strange or not count.exceptions or not _whole_holds(facts, by):
        return None
    closed = [
        word
        for name in count.exceptions
        if (word := facts.parts.get(name)) is not None and word.closed
    ]
    if len(closed) < count.total - count.holding:
        return None
    return max(closed, key=lambda word: word.gravity)


def _open_parts(facts: Facts, by: Evaluation | None) -> bool:
    """Whether a partition that is an exception is open, so that all of them are not closed."""
    count = None if by is None else by.partitions
    known = [facts.parts.get(name) for name in count.exceptions] if count else []
    return any(word is not None and not word.closed for word in known)


def _whole_holds(facts: Facts, by: Evaluation) -> bool:
    """Whether every check that speaks of the whole run alone, and decides, holds."""
    whole = {check.name for check in facts.declaration.checks if check.decides and not check.apart}
    return all(each.result is Result.HOLDS for each in by.results if each.name in whole)


def _closed_by(facts: Facts, kind: ActionKind, writers: Sequence[Attempt]) -> Action | None:
    """The closing action in force: an attempt that starts later undoes it."""
    # Who skips all partitions skips each; what was seen of all is no evidence of one.
    whole = RunKey(facts.key.job, facts.key.occurrence)
    on = {facts.key.run_id, whole.run_id} if kind is ActionKind.SKIP else {facts.key.run_id}
    closed = closing((each for each in facts.actions if each.run_id in on), kind)
    if closed is None:
        return None
    starts = [attempt.latest_start or attempt.first_said for attempt in writers]
    return None if any(start and start > closed.at for start in starts) else closed


def _reconciled(facts: Facts, writers: Sequence[Attempt], finding: Finding | None) -> bool:
    closed = _closed_by(facts, ActionKind.RECONCILE, writers)
    if closed is None:
        return False
    return finding is None or finding.digest == closed.evidence


def _excused(facts: Facts, writers: Sequence[Attempt], now: datetime) -> bool:
    if _may_write(facts, writers, now):
        return False
    if _closed_by(facts, ActionKind.SKIP, writers) is not None:
        return True
    return facts.skipped is not None and not writers


def _answered(
    facts: Facts,
    writers: Sequence[Attempt],
    finding: Finding | None,
    by: Evaluation | None,
    now: datetime,
) -> bool:
    """Whether a later run that is verified did the work of this one."""
    if _may_write(facts, writers, now):
        return False
    since = facts.newer_verified_at
    holds = finding is not None and finding.required_hold
    asked = by is not None and since is not None and by.started_at >= since
    return facts.answered_by_newer or (holds and asked)


def _may_write(facts: Facts, writers: Sequence[Attempt], now: datetime) -> bool:
    return any(is_alive(a) or is_at_large(a, facts.declaration, now) for a in writers)


def advised_of(
    facts: Facts,
    counted: Sequence[Attempt],
    judged: Verdict | None,
    state: RunState,
    finding: Finding | None,
    holding: Sequence[Condition],
    now: datetime,
    *,
    doubted: bool = False,
    stranger: bool = False,
) -> Advised:
    """The row of facts that the advice table reads."""
    declaration = facts.declaration
    names = {each.condition for each in holding}
    surfaces = (
        finding.surfaces
        if finding
        else tuple(SurfaceEffect(surface, Effect.UNKNOWN) for surface in declaration.surfaces)
    )
    unexpected = finding is not None and finding.unexpected > 0
    last = facts.evaluations[-1].results if facts.evaluations else ()
    return Advised(
        verdict=judged,
        state=state,
        surfaces=surfaces,
        overlap=declaration.overlap,
        at_large=ConditionName.AT_LARGE in names,
        stuck=bool(names & {ConditionName.STALLED, ConditionName.OVERDUE}),
        retry_at=retry_at(
            [*facts.attempts, *facts.whole_job], declaration, heard_at(facts.contact, now)
        ),
        effect=finding.effect if finding else Effect.UNKNOWN,
        unexpected=unexpected,
        unknown=finding is not None and bool(finding.unknown),
        incorrect=finding is not None and bool(finding.incorrect),
        doubted=doubted,
        stranger=stranger,
        surplus=unexpected or any(result.surplus or result.unexpected for result in last),
        resumable=declaration.resumable,
        checkpoint=_has_checkpoint(counted),
        newest=facts.newest,
        may_yet_start=any(
            attempt.lease is None and is_void(attempt, declaration, now)
            for attempt in (*facts.attempts, *facts.whole_job)
        ),
    )


def _has_checkpoint(counted: Sequence[Attempt]) -> bool:
    return any(a.progress is not None and a.progress.value.checkpoint for a in counted)


def _completed_at(counted: Sequence[Attempt], by: Evaluation | None) -> datetime | None:
    """When the work was done: the last end, or where nothing ended the evaluation."""
    ends = [end.at for attempt in counted if (end := end_of(attempt)) is not None]
    if ends:
        return max(ends)
    return by.started_at if by else None


def _useful(
    facts: Facts, writers: Sequence[Attempt], judged: Verdict | None, by: Evaluation | None
) -> bool:
    if judged is Verdict.RECONCILED:
        closed = _closed_by(facts, ActionKind.RECONCILE, writers)
        return closed is not None and closed.counts_as_useful
    return judged is Verdict.VERIFIED or (judged is not None and _is_enough(facts, by))


def _is_enough(facts: Facts, by: Evaluation | None) -> bool:
    """Whether so many partitions hold that the rest is borne, and nothing else is wrong."""
    count = None if by is None else by.partitions
    if by is None or count is None or facts.declaration.complete_when_pct >= 100:
        return False
    return (
        _whole_holds(facts, by)
        and count.holding * 100 >= facts.declaration.complete_when_pct * count.total
    )


def _wake_at(
    facts: Facts,
    look: Look | None,
    expected_by: datetime | None,
    holding: Sequence[Condition],
    judged: Verdict | None,
    now: datetime,
) -> datetime | None:
    """The next instant at which time alone may change something."""
    declaration, due = facts.declaration, facts.key.due
    # A retry that pends and an attempt at large are conditions that end by themselves.
    moments: list[datetime | None] = [each.until for each in holding]
    if look is not None:
        moments.append(look.at)
    if judged is None:
        moments.append(expected_by)
    attempts = [*facts.attempts, *facts.whole_job]
    silences = [silence_deadline(attempt, declaration, due) for attempt in attempts]
    moments += silences
    moments += [pending_until(attempt, declaration) for attempt in attempts]
    heard = heard_at(facts.contact, now)
    passed = [each for each in silences if each is not None and each <= now]
    if any(each > heard for each in passed):
        # What was silent beyond what was heard may have been said since.
        moments.append(next_contact(facts.contact, now))
    known = [each for each in moments if each is not None]
    owed = look is not None and look.at <= now
    if owed or any(each <= heard for each in passed):
        return now
    return min((each for each in known if each > now), default=None)


def finding_of(facts: Facts, evaluation: Evaluation) -> Finding:
    """What one evaluation of the run shows by itself."""
    return findings(facts.declaration, evaluation.results)

"""The figures of one job at one instant, for tables, pages and metrics alike."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from math import ceil

import msgspec

from verifier.runs.action import Action, is_held, muted_until
from verifier.runs.attempt import Attempt
from verifier.runs.conditions import ConditionName
from verifier.runs.declaration import Declaration, History
from verifier.runs.dues import last_due, next_due, useful_due
from verifier.runs.evaluation import CheckResult, PartitionCount
from verifier.runs.lifecycle import is_alive, is_pending
from verifier.runs.occurrence import Useful
from verifier.runs.signal import Lane
from verifier.runs.slots import interval_after
from verifier.runs.standing import Facts, standing
from verifier.runs.verdict import Verdict

ENOUGH_RATIOS = 5
"""Fewer runtimes tell nothing of how long a job takes."""


class Unended(msgspec.Struct, frozen=True):
    """An attempt that has not ended, and the due instant of its run, if it has one."""

    attempt: Attempt
    due: datetime | None

    @property
    def lane(self) -> Lane:
        """The attempt's lane."""
        return self.attempt.lane.value if self.attempt.lane else Lane.LIVE


class OpenRuns(msgspec.Struct, frozen=True):
    """How many runs of one lane and verdict wait for a person, and how many of those are lies."""

    lane: str
    verdict: Verdict
    runs: int
    false_successes: int


class JobFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything durable that the figures of one job follow from.

    ``actions``: those on the whole job. ``useful``: the last useful completion.
    ``partitions``: those of the newest run that has a verdict by its checks. The
    ``last_…`` instants never move back.
    ``undecided``: the runs that the schedule asked for and that have no verdict yet.
    ``waiting``: how many runs have no attempt that started. ``since_useful``: how many
    attempts started after the last useful completion, None where there can be none.
    ``ratios``: the last 50 runtimes of live attempts that succeeded, each as a part of
    the time between two slots, newest first. ``answers``: what the checks of the
    newest live run said that its verdict rests on. ``answered``: by check, when it
    last said anything but unknown.
    """

    history: History
    actions: Sequence[Action] = ()
    useful: Useful | None = None
    partitions: PartitionCount | None = None
    last_created: datetime | None = None
    last_started: datetime | None = None
    last_success: datetime | None = None
    unended: Sequence[Unended] = ()
    undecided: Sequence[Facts] = ()
    waiting: int = 0
    open: Sequence[OpenRuns] = ()
    since_useful: int | None = None
    ratios: Sequence[float] = ()
    answers: Sequence[CheckResult] = ()
    answered: Mapping[str, datetime] = {}

    @property
    def declaration(self) -> Declaration:
        """What the job is declared to be now."""
        return self.history.latest


class JobFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How one job stands; an instant or a figure that does not exist is None.

    ``active``: attempts that started and have not ended, by lane. ``open``: runs that
    wait for a person. ``conditions``: how many undecided live runs are in each.
    ``running_ratio``: the longest runtime so far as a part of the time between two
    slots. The ``oldest_…`` instants are of live attempts.
    """

    registered: datetime
    next_due: datetime | None
    last_due: datetime | None
    last_created: datetime | None
    last_started: datetime | None
    last_success: datetime | None
    useful: Useful | None
    useful_due: datetime | None
    muted_until: datetime | None
    held: Action | None
    oldest_start: datetime | None
    oldest_heartbeat: datetime | None
    oldest_progress: datetime | None
    oldest_unclaimed: datetime | None
    running_ratio: float | None
    active: Mapping[Lane, int]
    open: Sequence[OpenRuns]
    waiting: int
    conditions: Mapping[ConditionName, int]
    partitions: PartitionCount | None
    since_useful: int | None
    ratios: Sequence[float]
    answers: Sequence[CheckResult]
    answered: Mapping[str, datetime]

    @property
    def false_successes(self) -> int:
        """Open runs that reported success while their destination shows otherwise."""
        return sum(each.false_successes for each in self.open)

    def quantile(self, part: float) -> float | None:
        """The runtime that ``part`` of the recent ones did not exceed, as a ratio."""
        if len(self.ratios) < ENOUGH_RATIOS:
            return None
        return sorted(self.ratios)[max(1, ceil(len(self.ratios) * part)) - 1]


def figures(facts: JobFacts, now: datetime) -> JobFigures:
    """How the job stands at ``now``."""
    history, declaration = facts.history, facts.declaration
    muted = muted_until(facts.actions, now)
    running = [each for each in facts.unended if is_alive(each.attempt)]
    live = [each for each in running if each.lane is Lane.LIVE]
    reached = [each.attempt.reached.at for each in live if each.attempt.reached]
    unclaimed = [
        each.attempt.created or each.attempt.first_said
        for each in facts.unended
        if each.lane is Lane.LIVE
        and each.attempt.claimed is None
        and is_pending(each.attempt, declaration, now)
    ]
    return JobFigures(
        registered=history.registered,
        next_due=_known(lambda: next_due(history, now)),
        last_due=_known(lambda: last_due(history, now)),
        last_created=facts.last_created,
        last_started=facts.last_started,
        last_success=facts.last_success,
        useful=facts.useful,
        useful_due=_useful_due(facts) if muted is None else None,
        muted_until=muted,
        held=is_held(facts.actions),
        oldest_start=_oldest(each.attempt.started for each in live),
        oldest_heartbeat=_oldest(each.attempt.heard for each in live),
        oldest_progress=_oldest(reached),
        oldest_unclaimed=_oldest(unclaimed),
        running_ratio=max(
            (ratio for each in live if (ratio := _ratio(each, declaration, now)) is not None),
            default=None,
        ),
        active=Counter(each.lane for each in running),
        open=_open(facts),
        waiting=facts.waiting,
        conditions=Counter(
            each.condition for run in facts.undecided for each in standing(run, now).conditions
        ),
        since_useful=facts.since_useful,
        partitions=facts.partitions,
        ratios=facts.ratios,
        answers=facts.answers,
        answered=facts.answered,
    )


def _open(facts: JobFacts) -> list[OpenRuns]:
    """An ``unproven`` run of a job without checks is its normal state, so not open."""
    asks = bool(facts.declaration.checks)
    return [each for each in facts.open if asks or each.verdict is not Verdict.UNPROVEN]


def still_hold(facts: JobFacts, known: JobFigures, now: datetime) -> bool:
    """Whether ``figures`` of the same facts, ``known`` from before, are the same at ``now``.

    False where it would take long to tell.
    """
    if facts.unended or facts.undecided or any(each.at > now for each in facts.actions):
        return False
    changes = (known.next_due, known.muted_until)
    return all(each is None or now < each for each in changes)


def _oldest(instants: Iterable[datetime | None]) -> datetime | None:
    return min((each for each in instants if each is not None), default=None)


def _ratio(running: Unended, declaration: Declaration, now: datetime) -> float | None:
    if running.attempt.started is None or running.due is None:
        return None
    return runtime_ratio(running.attempt.started, now, running.due, declaration)


def runtime_ratio(
    started: datetime, ended: datetime, due: datetime, declaration: Declaration
) -> float | None:
    """A runtime as a part of the time from ``due`` to the next slot; at least 0."""
    with suppress(ValueError):
        interval = interval_after(declaration.schedule, due)
        return max(ended - started, timedelta()) / interval
    return None


def _useful_due(facts: JobFacts) -> datetime | None:
    """When the last useful completion becomes stale; None where nothing can prove one."""
    if not facts.declaration.provable:
        return None
    return _known(lambda: useful_due(facts.history, facts.useful))


def _known(slot: Callable[[], datetime | None]) -> datetime | None:
    """The slot; None where the schedule has none there any more."""
    with suppress(ValueError):
        return slot()
    return None

"""What is counted of a run: when it is judged, at the first time that shows it.

A run has its first verdict once, and is missing, ambiguous, a false success or useful
once, however often its verdict changes; each change of a verdict for another counts as
a revision. Of its attempts each start after the first is a retry, and each that began
beside another against the policy is a violation. Distributions are of the live lane.

Counters count partitions, each as a run: one that is an exception by its own record, and all
others by that of the run of all, which is itself counted only where it has a verdict that no
partition explains. Who they are is known once they were listed. One that gets its record when
it was counted by the run of all already remembers that, as the one that held.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import msgspec

from verifier.catalogue.label import VERDICT, Direction, RetryReason
from verifier.ledger.attempt_events import lane_of
from verifier.ledger.tallies import FAMILIES, RUNS_JUDGED, VERDICT_REVISIONS, Event, Marks
from verifier.ledger.transaction import Transaction
from verifier.ledger.types import RunLane
from verifier.runs.attempt import Attempt
from verifier.runs.binding import RunKey
from verifier.runs.declaration import Overlap
from verifier.runs.lifecycle import AttemptState, end_of, state_of
from verifier.runs.overlap import violations
from verifier.runs.reported import counting
from verifier.runs.signal import Lane
from verifier.runs.standing import Facts, Standing
from verifier.runs.verdict import Verdict

_REASONS = {
    AttemptState.FAILED: RetryReason.FAILED,
    AttemptState.LOST: RetryReason.LOST,
    AttemptState.TIMED_OUT: RetryReason.LOST,
}


class _Run:
    """One run at the counting: what of it is in the tallies, and what comes to them."""

    def __init__(self, transaction: Transaction, job: str, marks: Marks) -> None:
        self._told = transaction.counted
        self._job = job
        self.marks = dict(marks)

    def reach(self, event: Event, number: int) -> int:
        """How many of ``number`` events were not counted yet; from now on they are."""
        new = max(0, number - self.marks.get(event, 0))
        if new:
            self.marks[event] = number
        return new

    def recall(self, event: Event, number: int) -> None:
        """Take back what was counted beyond ``number``: it is of another run."""
        beyond = self.marks.get(event, 0) - number
        if beyond > 0:
            self._told.take_back(self._job, {event: beyond})
            self.marks[event] = number

    def count(self, event: Event, number: int, **labels: str) -> None:
        """Count what is new of ``number`` events."""
        new = self.reach(event, number)
        if new:
            self._told.count(FAMILIES[event].name, self._job, new, **labels)

    def observe(self, event: Event, value: float | None) -> None:
        """Count a value of the run, if it has one."""
        if value is not None and self.reach(event, 1):
            self._told.observe(FAMILIES[event], self._job, value)


class Others(msgspec.Struct, frozen=True, kw_only=True):
    """What counting a run needs to know of other runs.

    ``rivals``: attempts of the job's other runs that may have been at work beside its own.
    ``strangers``: of a run of all, the partitions with a record that nobody listed.
    ``of_all``: of a partition, the marks of the run of all before any of this; None where
    they are not at hand.
    """

    rivals: Sequence[Attempt]
    strangers: Collection[str]
    of_all: Marks | None


def count(
    transaction: Transaction,
    marks: Marks,
    facts: Facts,
    stood: Standing,
    lane: RunLane,
    others: Others,
) -> Marks:
    """Count what ``stood`` shows of the run and was not counted yet, as ``marks`` tells.

    Returns the marks as they are then.
    """
    job, verdict = facts.key.job, stood.verdict
    if lane is RunLane.OTHER and not marks:
        for word in VERDICT.values:
            transaction.counted.start(RUNS_JUDGED, job, lane=lane, verdict=word)
    run = _Run(transaction, job, marks)
    held_before = facts.key.partition and _held_before(run, others.of_all)
    starts = _started(facts.attempts)
    delay = _start_delay(facts) if lane is RunLane.LIVE else None
    parts = _Parts(facts, stood, others.strangers)
    created = int(_is_first_tried(facts))
    run.recall(Event.CREATED, created)
    run.recall(Event.STARTED, int(delay is not None))
    run.recall(Event.RETRIED, max(0, len(starts) - 1))
    run.count(Event.CREATED, created)
    run.count(Event.COVERED, parts.covered)
    run.observe(Event.STARTED, delay)
    _count_retries(transaction, run, starts)
    if facts.declaration.overlap is not Overlap.ALLOW and facts.attempts:
        clashes = violations(facts.attempts, others.rivals, facts.declaration, transaction.now)
        run.count(Event.OVERLAPPED, clashes)
    if held_before and verdict is Verdict.VERIFIED:
        run.reach(Event.JUDGED, 1)
    if verdict is not None and parts.by_itself:
        run.count(Event.JUDGED, 1, lane=lane, verdict=verdict)
    run.count(Event.HELD, parts.held, lane=lane, verdict=Verdict.VERIFIED)
    run.count(Event.MISSED, int(verdict is Verdict.MISSING and parts.by_itself))
    run.count(Event.DOUBTED, int(verdict is Verdict.AMBIGUOUS and parts.by_itself))
    run.count(Event.LIED, int(stood.false_success and parts.by_itself))
    if held_before:
        run.reach(Event.SERVED, 1)
    run.count(Event.SERVED, int(stood.useful and not parts.told))
    run.count(Event.SHARED, parts.held)
    if lane is RunLane.LIVE:
        run.count(Event.LISTED, parts.beyond_one)
        if verdict is not None:
            run.observe(Event.DECIDED, _time_to_verdict(facts, transaction.now))
        if verdict in (Verdict.VERIFIED, Verdict.RECONCILED):
            run.observe(Event.SETTLED, _attempts_taken(facts, transaction.now))
    return run.marks


def marks_of(key: RunKey, marks: Marks) -> Marks:
    """Those of ``marks`` that tell of events of the run itself, and not of the run of all."""
    return {event: n for event, n in marks.items() if not (key.partition and event == Event.HELD)}


def _held_before(run: "_Run", of_all: Marks | None) -> bool:
    """Whether a partition was counted as one that held before it had a record of its own.

    Whoever had none when the run of all was judged was no exception of it. It is told at the
    first counting, which comes no later than the next one of the run of all.
    """
    if Event.HELD not in run.marks and of_all is not None:
        was = Event.JUDGED not in run.marks and of_all.get(Event.HELD, 0) > 0
        run.marks[Event.HELD] = int(was)
    return run.marks.get(Event.HELD, 0) > 0


def count_revision(
    transaction: Transaction, facts: Facts, was: Verdict | None, became: Verdict | None
) -> None:
    """Count a verdict that changed for another; of partitions each by its own record."""
    if was is None or became is None or was is became or facts.parts:
        return
    direction = Direction.BETTER if became.gravity < was.gravity else Direction.WORSE
    transaction.counted.count(VERDICT_REVISIONS, facts.key.job, direction=direction)


class _Parts:
    """The partitions that a run of all stands for: of any other run there are none."""

    def __init__(self, facts: Facts, stood: Standing, strangers: Collection[str]) -> None:
        count = stood.judged_by.partitions if stood.judged_by else None
        self.told = count is not None and stood.verdict is not None
        self.by_itself = not self.told
        self.beyond_one = self.covered = self.held = 0
        if count is None or stood.verdict is None:
            return
        recorded = facts.parts.keys() - {*count.exceptions, *strangers}
        self.held = max(0, count.holding - len(recorded))
        self.by_itself = stood.verdict is not Verdict.VERIFIED and not count.exceptions
        self.beyond_one = count.total - 1
        if facts.attempts:
            first = _first_said(facts.attempts)
            earlier = [each for each in facts.whole_job if _first_said([each]) < first]
            named = {each.partition.value for each in earlier if each.partition}
            self.covered = max(0, self.beyond_one - len(named))


def _is_first_tried(facts: Facts) -> bool:
    """Whether the run was tried, and a partition before all were."""
    if not facts.key.partition or not facts.whole_job:
        return bool(facts.attempts)
    return _first_said(facts.attempts) < _first_said(facts.whole_job)


def _first_said(known: Sequence[Attempt]) -> datetime:
    never = datetime.max.replace(tzinfo=UTC)
    return min((each.first_said or never for each in known), default=never)


def _count_retries(transaction: Transaction, run: _Run, starts: Sequence[Attempt]) -> None:
    """Each live start after the first, by how the attempt before it stands."""
    repeated = starts[:-1]
    new = run.reach(Event.RETRIED, len(repeated))
    for attempt in repeated[len(repeated) - new :]:
        reason = _REASONS.get(state_of(attempt), RetryReason.OTHER)
        transaction.counted.count(FAMILIES[Event.RETRIED].name, attempt.job, reason=reason)


def _started(known: Sequence[Attempt]) -> list[Attempt]:
    """The live attempts that started, in the order in which they did."""
    live = [(each.started or each.heard, each) for each in known if lane_of(each) is Lane.LIVE]
    started = [(at, each.attempt, each) for at, each in live if at is not None]
    return [each for _, _, each in sorted(started, key=lambda found: found[:2])]


def _start_delay(facts: Facts) -> float | None:
    """Seconds from due to the first live start that was told."""
    due = facts.key.due
    starts = [a.started for a in facts.attempts if a.started and lane_of(a) is Lane.LIVE]
    if due is None or not starts:
        return None
    return (min(starts) - due).total_seconds()


def _time_to_verdict(facts: Facts, now: datetime) -> float | None:
    """Seconds since the last end; where nothing ended, since it should have started."""
    tried = [*facts.attempts, *facts.whole_job]
    ends = [end.at for attempt in tried if (end := end_of(attempt)) is not None]
    due = facts.key.due
    if ends:
        return (now - max(ends)).total_seconds()
    if due is None:
        return None
    return (now - due - facts.declaration.start_within).total_seconds()


def _attempts_taken(facts: Facts, now: datetime) -> float | None:
    """How many attempts the run has had; None where nobody told of any."""
    tried = facts.attempts or facts.whole_job
    return len(counting(tried, facts.declaration, now)) or None

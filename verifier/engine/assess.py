"""Asking the destination: one evaluation of one run, recorded."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import islice

import msgspec

from verifier.checks import survey
from verifier.checks.evaluate import evaluate
from verifier.checks.question import Question
from verifier.checks.reason import UnknownReason
from verifier.checks.survey import Survey
from verifier.engine.clock import Clock, Stopping
from verifier.engine.fleet import Fleet
from verifier.ledger.evaluations import Answered
from verifier.ledger.ledger import Ledger
from verifier.runs.action import rejudged_at
from verifier.runs.binding import RunKey
from verifier.runs.declaration import CheckTraits
from verifier.runs.evaluation import Cause, CheckResult, Evaluation, PartitionCount, Result
from verifier.runs.instant import to_microseconds
from verifier.runs.lifecycle import end_of
from verifier.runs.standing import Facts, standing
from verifier.runs.view import interval_of

UPON_REQUEST = frozenset({Cause.ASKED, Cause.GUARD})
"""Somebody wants to know: kept however many ask at once."""


def assess(ledger: Ledger, fleet: Fleet, key: RunKey, cause: Cause, clock: Clock) -> Evaluation:
    """Ask every check of the run, and record what they answered; see ``inquire``.

    A look that time brings about is not kept where another answer came meanwhile.
    Raises ``LedgerUnavailable`` too where the answer could not be kept.
    """
    answered = inquire(ledger, fleet, key, cause, clock)
    found, partitions = answered.evaluation, answered.partitions
    if cause in UPON_REQUEST:
        ledger.record(answered.key, found, found.finished_at, partitions=partitions)
    else:
        ledger.record_all([answered], found.finished_at)
    return partitions.get(key, found)


def inquire(ledger: Ledger, fleet: Fleet, key: RunKey, cause: Cause, clock: Clock) -> Answered:
    """Ask every check of the run; what they answered is to be recorded.

    Of a job with partitions all are asked about at once, whichever ``key`` names. What
    is kept is an evaluation of the run of all, and one of each partition that has a run of
    its own already, or is an exception of an answer that counts; of the others only how many
    they are.

    Whatever could not be asked is in the evaluation as unknown. Raises
    ``LedgerUnavailable``, and ``Stopping`` where asking was cut short by us: that says
    nothing of the destination, so it is not kept.
    """
    started = clock()
    whole = fleet.asked_as(key, started)
    facts = ledger.known(whole, started)
    found = _ask(ledger, fleet, facts, started)
    if any(answer.reason == UnknownReason.INTERRUPTED for answer in found.whole):
        raise Stopping("the verifier is stopping: ask again when it is back")
    making = _Making(cause, started, max(started, clock()))
    evaluation = making.of(whole, facts.declaration.checks, found.whole, found.count)
    apart = facts.declaration.of_partition().checks
    if cause is Cause.GUARD and key != whole:
        # Thousands may ask, each for itself: what it was told is all that is kept.
        return Answered(key=key, evaluation=making.of(key, apart, found.of(key.partition)))
    known = {key, *ledger.partitions_of(whole)} - {whole}
    new = found.exceptions if _counts(facts, evaluation) else ()
    feared = _feared(facts, evaluation)
    before = [*facts.set_aside, *facts.evaluations]
    return Answered(
        key=whole,
        evaluation=evaluation,
        partitions={
            each: making.because(_cause(cause, each, feared)).of(
                each, apart, found.of(each.partition)
            )
            for each in _recorded(whole, known, new)
        },
        last=before[-1].evaluation_id if before else None,
        rejudged_at=rejudged_at(facts.actions),
    )


def _ask(ledger: Ledger, fleet: Fleet, facts: Facts, now: datetime) -> Survey:
    key, instant = facts.key, facts.declared_at or facts.key.due or now
    checks = fleet.checks(key.job, instant)
    partitions = fleet.partitions(key.job, instant)
    question, detail = question_of(facts), fleet.evidence(key.job, instant)
    depth = max((check.history for check in checks), default=0)
    known = ledger.verified_answers(key, depth) if depth else {}
    if partitions is None:
        answers = evaluate(checks, fleet.stores, question, now, history=known, detail=detail)
        return Survey(whole=answers)
    return survey.survey(
        checks, partitions, fleet.stores, question, now, history=known, detail=detail
    )


def _counts(facts: Facts, evaluation: Evaluation) -> bool:
    """Whether the verdict of the run of all rests on ``evaluation``.

    Elsewhere what is no exception yet may be none: somebody still writes, a second look is
    owed, or only the source moved, and who is listed after the run was no part of it.
    """
    known = msgspec.structs.replace(facts, evaluations=[*facts.evaluations, evaluation])
    return standing(known, evaluation.finished_at).judged_by is evaluation


def _feared(facts: Facts, evaluation: Evaluation) -> AbstractSet[str]:
    """The partitions of which ``evaluation`` is the second look, one settle after the first."""
    first = standing(facts, evaluation.started_at).doubted_by
    if first is None or first.partitions is None:
        return frozenset()
    if evaluation.started_at < first.finished_at + facts.declaration.settle:
        return frozenset()
    return frozenset(first.partitions.exceptions)


def _cause(cause: Cause, key: RunKey, feared: AbstractSet[str]) -> Cause:
    """Why a partition was looked at: only what was feared of it can be confirmed."""
    if key.partition in feared:
        return Cause.CONFIRM
    return Cause.RECHECK if cause is Cause.CONFIRM else cause


def _recorded(whole: RunKey, known: AbstractSet[RunKey], new: Iterable[str]) -> list[RunKey]:
    """The partitions whose answers are kept one by one: the ``known``, and ``new`` ones."""
    room = max(0, survey.MAX_EXCEPTIONS - len(known))
    keys = (msgspec.structs.replace(whole, partition=name) for name in new)
    return sorted({*known, *islice((key for key in keys if key not in known), room)})


class _Making(msgspec.Struct, frozen=True):
    """What all evaluations of one survey have in common."""

    cause: Cause
    started: datetime
    finished: datetime

    def because(self, cause: Cause) -> "_Making":
        """The same, of evaluations with another cause."""
        return msgspec.structs.replace(self, cause=cause)

    def of(
        self,
        key: RunKey,
        declared: Sequence[CheckTraits],
        answers: Iterable[CheckResult],
        count: PartitionCount | None = None,
    ) -> Evaluation:
        """The evaluation of one run; a declared check without an answer is unknown."""
        known = {answer.name: answer for answer in answers}
        return Evaluation(
            evaluation_id=f"{key.run_id}-{to_microseconds(self.started):x}-{self.cause}",
            run_id=key.run_id,
            cause=self.cause,
            started_at=self.started,
            finished_at=self.finished,
            results=tuple(
                known.get(check.name) or _unreadable(check, self.started) for check in declared
            ),
            partitions=count,
        )


def question_of(facts: Facts) -> Question:
    """The run as its checks ask about it."""
    return Question(
        job=facts.key.job,
        run=facts.key.path,
        partition=facts.key.partition or None,
        due=facts.key.due,
        interval=interval_of(facts),
        timezone=facts.declaration.schedule.timezone,
        started=min((each.started for each in facts.attempts if each.started), default=None),
        ended=max((end.at for each in facts.attempts if (end := end_of(each))), default=None),
    )


def _unreadable(check: CheckTraits, at: datetime) -> CheckResult:
    return CheckResult(
        name=check.name,
        type=check.type,
        result=Result.UNKNOWN,
        reason="declaration_unreadable",
        evaluated_at=at,
    )

"""Asking the destination: one evaluation of one run, recorded."""

from datetime import datetime

from verifier.checks.evaluate import evaluate
from verifier.checks.question import Question
from verifier.checks.reason import UnknownReason
from verifier.engine.clock import Clock, Stopping
from verifier.engine.fleet import Fleet
from verifier.ledger.ledger import Ledger
from verifier.runs.binding import RunKey
from verifier.runs.declaration import CheckTraits
from verifier.runs.evaluation import Cause, CheckResult, Evaluation, Result
from verifier.runs.instant import to_microseconds
from verifier.runs.standing import Facts
from verifier.runs.view import interval_of

UPON_REQUEST = frozenset({Cause.ASKED, Cause.GUARD})
"""Somebody wants to know: kept however many ask at once."""


def assess(ledger: Ledger, fleet: Fleet, key: RunKey, cause: Cause, clock: Clock) -> Evaluation:
    """Ask every check of the run, and record what they answered.

    A look that time brings about is not kept where another answer came meanwhile.
    Whatever could not be asked is in the evaluation as unknown. Raises
    ``LedgerUnavailable`` where the answer could not be kept, and ``Stopping`` where
    asking was cut short by us: that says nothing of the destination, so it is not kept.
    """
    started = clock()
    facts = ledger.facts(key, started)
    checks = fleet.checks(key.job, key.due or started)
    answers = evaluate(
        checks,
        fleet.stores,
        question_of(facts),
        started,
        verified_expected=ledger.verified_expected(key.job),
    )
    if any(answer.reason == UnknownReason.INTERRUPTED for answer in answers):
        raise Stopping("the verifier is stopping: ask again when it is back")
    known = {answer.name: answer for answer in answers}
    evaluation = Evaluation(
        evaluation_id=f"{key.run_id}-{to_microseconds(started):x}-{cause}",
        run_id=key.run_id,
        cause=cause,
        started_at=started,
        finished_at=max(started, clock()),
        results=tuple(
            known.get(check.name) or _unreadable(check, started)
            for check in facts.declaration.checks
        ),
    )
    if cause in UPON_REQUEST:
        ledger.record(key, evaluation, evaluation.finished_at)
    else:
        last = facts.evaluations[-1].evaluation_id if facts.evaluations else None
        ledger.record_after(last, key, evaluation, evaluation.finished_at)
    return evaluation


def question_of(facts: Facts) -> Question:
    """The run as its checks ask about it."""
    return Question(
        job=facts.key.job,
        run=facts.key.path,
        partition=facts.key.partition or None,
        due=facts.key.due,
        interval=interval_of(facts),
        timezone=facts.declaration.schedule.timezone,
    )


def _unreadable(check: CheckTraits, at: datetime) -> CheckResult:
    return CheckResult(
        name=check.name,
        type=check.type,
        result=Result.UNKNOWN,
        reason="declaration_unreadable",
        evaluated_at=at,
    )

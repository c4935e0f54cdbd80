"""Asks the checks of one run, all on one snapshot of each store."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from time import perf_counter
from types import MappingProxyType

from verifier.checks.answer import Answer
from verifier.checks.inquiry import Inquiry
from verifier.checks.model import CheckModel
from verifier.checks.question import Question
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.store import Session
from verifier.checks.stores.registry import Stores
from verifier.runs.evaluation import CheckResult, Effect, Result

MAX_KEYS = 1_000_000
"""How many keys one check holds in memory at most, on each side."""

NO_HISTORY: Mapping[str, Sequence[int]] = MappingProxyType({})


def evaluate(
    checks: Sequence[CheckModel],
    stores: Stores,
    question: Question,
    now: datetime,
    *,
    verified_expected: Mapping[str, Sequence[int]] = NO_HISTORY,
    max_keys: int = MAX_KEYS,
) -> tuple[CheckResult, ...]:
    """The answer of each of ``checks`` to ``question``, in their order.

    ``now`` is noted as the time of the answers. ``verified_expected`` holds, by the
    check's name, the expected counts of earlier verified runs, for drift.

    Whatever keeps a check from answering is its own ``unknown`` with a reason; it
    raises nothing and takes no other check with it.
    """
    results = []
    with ExitStack() as stack:
        sessions = _open(stack, checks, stores)
        for check in checks:
            inquiry = Inquiry(
                question=question,
                sessions=sessions,
                history=verified_expected.get(check.name, ()),
                max_keys=max_keys,
            )
            results.append(_ask(check, inquiry, now))
    return tuple(results)


def _open(
    stack: ExitStack, checks: Sequence[CheckModel], stores: Stores
) -> dict[str, Session | CannotTell]:
    """A snapshot of each store that the checks ask, or why there is none.

    In order of their names: two evaluations that wait for each other's connections
    would wait forever.
    """
    sessions: dict[str, Session | CannotTell] = {}
    for name in sorted({query.store for check in checks for query in check.queries()}):
        try:
            sessions[name] = stack.enter_context(stores.get(name).session())
        except CannotTell as error:
            sessions[name] = error
        except Exception as error:
            sessions[name] = _unforeseen(error)
    return sessions


def _ask(check: CheckModel, inquiry: Inquiry, now: datetime) -> CheckResult:
    began = perf_counter()
    reason = None
    try:
        answer = check.answer(inquiry)
    except CannotTell as error:
        answer, reason = _unknown(error, inquiry)
    except Exception as error:
        answer, reason = _unknown(_unforeseen(error), inquiry)
    proves = check.proves == "complete" and answer.result is Result.HOLDS
    return CheckResult(
        name=check.name,
        type=check.type,
        result=answer.result,
        reason=reason,
        effect=Effect.COMPLETE if proves else answer.effect,
        expected=answer.expected,
        done=answer.done,
        missing=answer.missing,
        surplus=answer.surplus,
        unexpected=answer.unexpected,
        evidence=inquiry.evidence,
        source_sketch=answer.source_sketch,
        destination_sketch=answer.destination_sketch,
        evaluated_at=now,
        duration_seconds=perf_counter() - began,
    )


def _unknown(error: CannotTell, inquiry: Inquiry) -> tuple[Answer, str]:
    if error.detail:
        inquiry.evidence["detail"] = error.detail
    return Answer(result=Result.UNKNOWN), str(error.reason)


def _unforeseen(error: Exception) -> CannotTell:
    """Only the class is told: a message may hold values, and so secrets."""
    return CannotTell(UnknownReason.INTERNAL, type(error).__name__)

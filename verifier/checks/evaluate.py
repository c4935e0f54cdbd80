"""Asks the checks of one run, all on one snapshot of each store."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from time import perf_counter
from types import MappingProxyType

from verifier.checks.aggregates import Aggregates, ask_together
from verifier.checks.answer import Answer
from verifier.checks.evidence import Detail, kept
from verifier.checks.inquiry import Inquiry
from verifier.checks.model import CheckModel
from verifier.checks.number import plain
from verifier.checks.question import Question
from verifier.checks.reason import CannotTell, told, unforeseen
from verifier.checks.split import PartitionedCheck
from verifier.checks.store import Opened
from verifier.checks.stores.registry import Stores
from verifier.runs.evaluation import CheckResult, Effect, Result

MAX_KEYS = 1_000_000
"""How many keys one check holds in memory at most, on each side."""

NO_HISTORY: Mapping[str, Sequence[CheckResult]] = MappingProxyType({})


def evaluate(
    checks: Sequence[CheckModel],
    stores: Stores,
    question: Question,
    now: datetime,
    *,
    history: Mapping[str, Sequence[CheckResult]] = NO_HISTORY,
    detail: Detail = Detail.KEYS,
    max_keys: int = MAX_KEYS,
) -> tuple[CheckResult, ...]:
    """The answer of each of ``checks`` to ``question``, in their order.

    ``now`` is noted as the time of the answers. ``history`` holds, by the check's name,
    its answers in earlier verified runs, newest first. ``detail`` says how much of what
    was seen is kept as evidence.

    Whatever keeps a check from answering is its own ``unknown`` with a reason; it
    raises nothing and takes no other check with it.
    """
    with ExitStack() as stack:
        asked = (need.store for check in checks for need in check.needs())
        sessions = open_sessions(stack, asked, stores)
        asking = [
            (
                check,
                Inquiry(
                    question=question,
                    now=now,
                    sessions=sessions,
                    stop=stores.stop,
                    history=history.get(check.name, ())[: check.history],
                    max_keys=max_keys,
                ),
            )
            for check in checks
        ]
        ask_alike(asking)
        return tuple(ask(check, inquiry, detail) for check, inquiry in asking)


def ask_alike(asking: Iterable[tuple[CheckModel, Inquiry]], *, by_partition: bool = False) -> None:
    """Ask first, and together, what several checks ask of the same table.

    ``by_partition``: of those that tell partitions apart, what they ask to do so.
    """
    wanted = []
    for check, inquiry in asking:
        aggregates = check.aggregates
        if by_partition and isinstance(check, PartitionedCheck) and check.partition is not None:
            aggregates = check.aggregates_by_partition
        wanted.append((inquiry, told(partial(aggregates, inquiry))))
    ask_together([(inquiry, each) for inquiry, each in wanted if isinstance(each, Aggregates)])


def open_sessions(
    stack: ExitStack, names: Iterable[str], stores: Stores
) -> dict[str, Opened | CannotTell]:
    """A snapshot of each store of those ``names``, or why there is none.

    In order of their names: two evaluations that wait for each other's connections
    would wait forever.
    """
    sessions: dict[str, Opened | CannotTell] = {}
    for name in sorted(set(names)):
        try:
            sessions[name] = stack.enter_context(stores.get(name).session())
        except CannotTell as error:
            sessions[name] = error
        except Exception as error:
            sessions[name] = unforeseen(error)
    return sessions


def ask(check: CheckModel, inquiry: Inquiry, detail: Detail) -> CheckResult:
    """One check's answer; whatever keeps it from answering is its ``unknown``."""
    began = perf_counter()
    answer = told(lambda: check.answer(inquiry))
    return result_of(check, answer, inquiry, detail, began)


def result_of(
    check: CheckModel,
    answer: Answer | CannotTell,
    inquiry: Inquiry,
    detail: Detail,
    began: float,
) -> CheckResult:
    """The full result of a check that was begun at ``began`` (perf_counter)."""
    if isinstance(answer, CannotTell):
        if answer.detail:
            inquiry.evidence["detail"] = answer.detail
        answer = Answer(result=Result.UNKNOWN, reason=answer.reason)
    proves = check.proves == "complete" and answer.result is Result.HOLDS
    return CheckResult(
        name=check.name,
        type=check.type,
        result=answer.result,
        reason=answer.reason,
        effect=Effect.COMPLETE if proves else answer.effect,
        expected=answer.expected,
        done=answer.done,
        missing=answer.missing,
        surplus=answer.surplus,
        unexpected=answer.unexpected,
        measured=None if answer.measured is None else plain(answer.measured),
        evidence=kept(inquiry.evidence, detail),
        source_sketch=answer.source_sketch,
        destination_sketch=answer.destination_sketch,
        evaluated_at=inquiry.now,
        duration_seconds=perf_counter() - began,
    )

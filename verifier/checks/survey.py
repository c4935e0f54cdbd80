"""All partitions of a run at once: each check asks once, and answers for every one of them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from time import perf_counter

import msgspec

from verifier.checks.apart import UNKNOWN, Apart, gravity, names_sketch
from verifier.checks.evaluate import (
    MAX_KEYS,
    NO_HISTORY,
    ask,
    ask_alike,
    open_sessions,
    result_of,
)
from verifier.checks.evidence import Detail, kept
from verifier.checks.inquiry import Inquiry
from verifier.checks.keys import SAMPLE
from verifier.checks.model import CheckModel
from verifier.checks.partitions import Partitions
from verifier.checks.question import Question
from verifier.checks.reason import CannotTell, UnknownReason, told
from verifier.checks.split import PartitionedCheck
from verifier.checks.stores.registry import Stores
from verifier.runs.evaluation import CheckResult, PartitionCount, Result

MAX_EXCEPTIONS = 1_000
"""Partitions of one run, at most, that are named as exceptions, the gravest; all are counted."""


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What the checks of one run answered, for the run and for each of its partitions.

    ``whole`` holds one answer a check, in their order: the gravest of any partition's,
    with the counts of all. ``exceptions`` are the partitions of which not every check
    holds that decides, gravest first. ``count`` is None where the partitions could not be
    listed.
    """

    whole: tuple[CheckResult, ...]
    listed: Collection[str] = ()
    exceptions: Sequence[str] = ()
    count: PartitionCount | None = None
    apart: Sequence["_Apart"] = ()
    blind: tuple[CheckResult, ...] = ()

    def of(self, partition: str) -> tuple[CheckResult, ...]:
        """The answers of the checks that tell partitions apart, for one of them."""
        if self.listed and partition not in self.listed:
            whole = (*(each.result for each in self.apart), *self.blind)
            return tuple(_of_stranger(answer) for answer in whole)
        return (*(_of_partition(each, partition) for each in self.apart), *self.blind)


def survey(
    checks: Sequence[CheckModel],
    partitions: Partitions,
    stores: Stores,
    question: Question,
    now: datetime,
    *,
    history: Mapping[str, Sequence[CheckResult]] = NO_HISTORY,
    detail: Detail = Detail.KEYS,
    max_keys: int = MAX_KEYS,
) -> Survey:
    """Ask every check once about all partitions of the run of ``question``.

    As ``evaluate`` does, on one snapshot of each store; whatever keeps a check from
    answering is its own ``unknown``. Where the partitions cannot be listed, every
    check that tells them apart is unknown for that reason.
    """
    with ExitStack() as stack:
        asked_of = [need.store for check in checks for need in check.needs()]
        sessions = open_sessions(stack, [partitions.store, *asked_of], stores)

        def inquiry(known: Sequence[CheckResult] = ()) -> Inquiry:
            return Inquiry(
                question=question,
                now=now,
                sessions=sessions,
                stop=stores.stop,
                history=known,
                max_keys=max_keys,
            )

        listing = inquiry()
        listed = told(lambda: _Listed(partitions.listed(listing)))
        asking_each = [
            (check, inquiry(history.get(check.name, ())[: check.history])) for check in checks
        ]
        if isinstance(listed, _Listed):
            ask_alike(asking_each, by_partition=True)
        asked: list[_Whole | _Apart] = []
        for check, asking in asking_each:
            if not isinstance(check, PartitionedCheck) or check.partition is None:
                asked.append(_Whole(check, ask(check, asking, detail)))
            else:
                asked.append(_split(check, asking, listed, detail))
    if isinstance(listed, CannotTell):
        return Survey(whole=tuple(each.result for each in asked), blind=_blind(asked))
    return _surveyed(asked, listed.classes)


class _Whole(msgspec.Struct, frozen=True):
    """A check that spoke of the run as a whole, or could not be asked at all."""

    check: CheckModel
    result: CheckResult


class _Apart(msgspec.Struct, frozen=True):
    """A check that told the partitions apart; ``result`` is that of the whole run."""

    check: PartitionedCheck
    result: CheckResult
    answers: Apart
    detail: Detail


class _Listed:
    """The partitions of the run: the class of each, and a short text that names them."""

    def __init__(self, classes: Mapping[str, str]) -> None:
        self.classes = classes
        self.sketch = names_sketch(classes)


def _split(
    check: PartitionedCheck, inquiry: Inquiry, listed: _Listed | CannotTell, detail: Detail
) -> "_Whole | _Apart":
    began = perf_counter()
    if isinstance(listed, CannotTell):
        return _Whole(check, result_of(check, listed, inquiry, detail, began))
    split = told(lambda: check.split(inquiry))
    if isinstance(split, CannotTell):
        return _Whole(check, result_of(check, split, inquiry, detail, began))
    answers = Apart(split, listed.classes)
    inquiry.evidence["partitions"] = {
        "listed": len(listed.classes),
        "sample": answers.sample(),
        "unlisted": answers.unlisted[:SAMPLE],
    }
    whole = result_of(check, answers.whole(listed.sketch), inquiry, detail, began)
    return _Apart(check, whole, answers, detail)


def _surveyed(asked: Sequence[_Whole | _Apart], classes: Mapping[str, str]) -> Survey:
    apart = [each for each in asked if isinstance(each, _Apart)]
    blind = _blind(asked)
    doubtful: dict[str, int] = {}
    deciding = [each for each in apart if each.check.traits().decides]
    for each in deciding:
        for name, answer in each.answers.exceptions.items():
            doubtful[name] = min(gravity(answer), doubtful.get(name, gravity(answer)))
    total = Counter(classes.values())
    amiss = Counter(classes[name] for name, grave in doubtful.items() if grave < UNKNOWN)
    holding = Counter[str]() if blind else total - Counter(classes[name] for name in doubtful)
    in_order = sorted(doubtful, key=lambda name: (doubtful[name], name))
    return Survey(
        whole=tuple(each.result for each in asked),
        listed=classes,
        exceptions=in_order,
        count=PartitionCount(
            total=len(classes),
            holding=sum(holding.values()),
            by_class={name: (holding[name], total[name]) for name in sorted(total)},
            unknown=dict(sorted((total - amiss - holding).items())),
            exceptions=tuple(in_order[:MAX_EXCEPTIONS]),
            strange=max((each.answers.strange for each in deciding), default=0),
        ),
        apart=apart,
        blind=blind,
    )


def _blind(asked: Sequence[_Whole | _Apart]) -> tuple[CheckResult, ...]:
    """The answers of the checks that should have told the partitions apart, and could not."""
    return tuple(
        each.result
        for each in asked
        if isinstance(each, _Whole)
        and isinstance(each.check, PartitionedCheck)
        and each.check.partition is not None
    )


def _of_stranger(whole: CheckResult) -> CheckResult:
    """One check's answer for a partition that the run does not have."""
    return CheckResult(
        name=whole.name,
        type=whole.type,
        result=Result.UNKNOWN,
        reason=str(UnknownReason.NO_PARTITION),
        evidence={"detail": "the run has no such partition"},
        evaluated_at=whole.evaluated_at,
    )


def _of_partition(asked: _Apart, name: str) -> CheckResult:
    """One check's answer for one partition."""
    whole, answer = asked.result, asked.answers.of(name)
    keys = asked.answers.keys_of(name)
    return CheckResult(
        name=whole.name,
        type=whole.type,
        result=answer.result,
        reason=answer.reason,
        effect=answer.effect,
        expected=answer.expected,
        done=answer.done,
        missing=answer.missing,
        surplus=answer.surplus,
        unexpected=answer.unexpected,
        evidence={"partition": name, **kept({"sample": keys} if keys else {}, asked.detail)},
        source_sketch=answer.source_sketch,
        destination_sketch=answer.destination_sketch,
        evaluated_at=whole.evaluated_at,
    )

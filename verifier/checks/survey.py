"""All partitions of a run at once: each check asks once, and answers for every one of them."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from time import perf_counter
from typing import Any

import msgspec

from verifier.checks.answer import Answer
from verifier.checks.evaluate import (
    MAX_KEYS,
    NO_HISTORY,
    ask,
    ask_alike,
    open_sessions,
    result_of,
)
from verifier.checks.evidence import Detail
from verifier.checks.inquiry import Inquiry
from verifier.checks.keys import SAMPLE, sketch
from verifier.checks.model import CheckModel
from verifier.checks.partitions import Partitions
from verifier.checks.question import Question
from verifier.checks.reason import CannotTell, UnknownReason, told
from verifier.checks.split import PartitionedCheck, Split
from verifier.checks.stores.registry import Stores
from verifier.runs.evaluation import CheckResult, Effect, PartitionCount, Result

MAX_EXCEPTIONS = 1_000
"""Partitions of one run, at most, that are named as exceptions, the gravest; all are counted."""

_GRAVEST = (Effect.DUPLICATED, Effect.PARTIAL, None, Effect.NONE)
"""What a violated answer may say of the effect, gravest first; None: only of quality."""

_EMPTY = Answer(result=Result.UNKNOWN, reason=UnknownReason.EXPECTED_EMPTY)


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What the checks of one run answered, for the run and for each of its partitions.

    ``whole`` holds one answer a check, in their order: the gravest of any partition's,
    with the counts of all. ``exceptions`` are the partitions of which not every check
    holds, gravest first, each with the answers of the checks that tell partitions
    apart; ``others`` are those for any other one that is ``listed``, and ``strangers``
    those for one that is not. ``count`` is None where the partitions could not be listed.
    """

    whole: tuple[CheckResult, ...]
    listed: Collection[str] = ()
    exceptions: Mapping[str, tuple[CheckResult, ...]] = {}
    others: tuple[CheckResult, ...] = ()
    strangers: tuple[CheckResult, ...] = ()
    count: PartitionCount | None = None

    def of(self, partition: str) -> tuple[CheckResult, ...]:
        """The answers of the checks that tell partitions apart, for one of them."""
        if partition not in self.listed:
            return self.strangers
        return self.exceptions.get(partition, self.others)

    @property
    def tells_apart(self) -> bool:
        """Whether there are partitions to be told apart."""
        return bool(self.strangers)


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
        classes = told(lambda: partitions.listed(listing))
        asking_each = [
            (check, inquiry(history.get(check.name, ())[: check.history])) for check in checks
        ]
        if not isinstance(classes, CannotTell):
            ask_alike(asking_each, by_partition=True)
        asked: list[_Whole | _Apart] = []
        for check, asking in asking_each:
            if not isinstance(check, PartitionedCheck) or check.partition is None:
                asked.append(_Whole(check, ask(check, asking, detail)))
            else:
                asked.append(_split(check, asking, classes, detail))
    if isinstance(classes, CannotTell):
        whole = tuple(each.result for each in asked)
        return Survey(whole=whole, strangers=tuple(each.result for each in asked if _splits(each)))
    return _surveyed(asked, classes)


class _Whole(msgspec.Struct, frozen=True):
    """A check that spoke of the run as a whole, or could not be asked at all."""

    check: CheckModel
    result: CheckResult


class _Apart(msgspec.Struct, frozen=True):
    """A check that told the partitions apart; ``result`` is that of the whole run."""

    check: PartitionedCheck
    result: CheckResult
    split: Split


def _split(
    check: PartitionedCheck,
    inquiry: Inquiry,
    classes: Mapping[str, str] | CannotTell,
    detail: Detail,
) -> "_Whole | _Apart":
    began = perf_counter()
    if isinstance(classes, CannotTell):
        return _Whole(check, result_of(check, classes, inquiry, detail, began))
    split = told(lambda: check.split(inquiry))
    if isinstance(split, CannotTell):
        return _Whole(check, result_of(check, split, inquiry, detail, began))
    answer, unlisted = _together(split, classes)
    inquiry.evidence["partitions"] = {
        "listed": len(classes),
        "sample": _sample(split, classes),
        "unlisted": unlisted,
    }
    return _Apart(check, result_of(check, answer, inquiry, detail, began), split)


def _answer(split: Split, partition: str) -> Answer:
    answer = split.answers.get(partition, split.rest) or _EMPTY
    if split.doubt is None or answer.effect is Effect.DUPLICATED:
        return answer
    return Answer(result=Result.UNKNOWN, reason=split.doubt.reason)


def _together(split: Split, classes: Mapping[str, str]) -> tuple[Answer, list[str]]:
    """The answer for the run of all with the counts of all, and who is not listed.

    Rows of a partition that is not listed, or of none, are keys that nobody expected; so
    is what is expected of one that nobody listed, and copies are copies whoever has them.
    """
    unlisted = {
        name: answer
        for name, answer in split.answers.items()
        if name not in classes
        and (answer is None or answer.done or answer.unexpected or answer.missing or answer.surplus)
    }
    answers = [_answer(split, name) for name in classes]
    copies = [each for each in unlisted.values() if each and each.effect is Effect.DUPLICATED]
    strange = len(unlisted) + split.nameless
    gravest = _of_all([*answers, *copies], strange)
    holds = gravest.result is Result.HOLDS
    return (
        Answer(
            result=Result.VIOLATED if holds and strange else gravest.result,
            reason=gravest.reason,
            effect=gravest.effect,
            expected=_sum(answer.expected for answer in answers),
            done=_sum(answer.done for answer in answers),
            missing=sum(answer.missing for answer in answers),
            surplus=sum(answer.surplus for answer in [*answers, *copies]),
            unexpected=sum(answer.unexpected for answer in answers) + strange,
            source_sketch=_sketch(split, "source_sketch"),
            destination_sketch=_sketch(split, "destination_sketch"),
        ),
        sorted(unlisted)[:SAMPLE],
    )


def _of_all(answers: Sequence[Answer], strange: int) -> Answer:
    """The gravest answer, as what it means for the run of all.

    Nothing was done only where nothing is there of anybody: beside what is there, a
    partition without anything makes the whole partial, and beside what nobody could
    tell, the whole cannot be told.
    """
    gravest = min(answers, key=_gravity)
    if gravest.effect is not Effect.NONE:
        return gravest
    if strange or any(each.effect is Effect.COMPLETE for each in answers):
        return Answer(result=Result.VIOLATED, effect=Effect.PARTIAL)
    return next((each for each in answers if each.result is Result.UNKNOWN), gravest)


def _gravity(answer: Answer) -> int:
    """0 for the gravest answer."""
    if answer.result is Result.HOLDS:
        return len(_GRAVEST) + 1
    if answer.result is Result.UNKNOWN:
        return len(_GRAVEST)
    # Keys that nobody expected beside a complete effect are a matter of quality.
    said = None if answer.effect is Effect.COMPLETE else answer.effect
    return _GRAVEST.index(said)


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def _sketch(split: Split, side: str) -> str | None:
    sketches = [
        ((name, getattr(answer, side)), 1)
        for name, answer in split.answers.items()
        if answer is not None and getattr(answer, side) is not None
    ]
    return sketch(sketches) if sketches else None


def _sample(split: Split, classes: Mapping[str, str]) -> dict[str, list[str]]:
    """Some partitions of each kind of answer but the one that holds."""
    found: dict[str, list[str]] = {}
    for name in sorted(classes):
        answer = _answer(split, name)
        if answer.result is Result.HOLDS:
            continue
        word = str(answer.effect or answer.result)
        if len(found.setdefault(word, [])) < SAMPLE:
            found[word].append(name)
    return found


def _surveyed(asked: Sequence[_Whole | _Apart], classes: Mapping[str, str]) -> Survey:
    apart = [each for each in asked if isinstance(each, _Apart)]
    blind = [each.result for each in asked if isinstance(each, _Whole) and _splits(each)]
    deciding = [each for each in apart if each.check.traits().decides]
    doubtful = {
        name: min(_gravity(_answer(each.split, name)) for each in deciding)
        for name in classes
        if any(_answer(each.split, name).result is not Result.HOLDS for each in deciding)
    }
    holding: Counter[str] = Counter(
        of_class for name, of_class in classes.items() if name not in doubtful and not blind
    )
    total = Counter(classes.values())

    def results(name: str | None) -> tuple[CheckResult, ...]:
        return (*(_of_partition(each, name) for each in apart), *blind)

    in_order = sorted(doubtful, key=lambda name: (doubtful[name], name))
    return Survey(
        whole=tuple(each.result for each in asked),
        listed=classes,
        exceptions={name: results(name) for name in in_order},
        count=PartitionCount(
            total=len(classes),
            holding=sum(holding.values()),
            by_class={name: (holding[name], total[name]) for name in sorted(total)},
            exceptions=tuple(in_order[:MAX_EXCEPTIONS]),
        ),
        others=results(None),
        strangers=tuple(_of_stranger(each.result) for each in asked if _splits(each)),
    )


def _splits(asked: _Whole | _Apart) -> bool:
    check = asked.check
    return isinstance(check, PartitionedCheck) and check.partition is not None


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


def _of_partition(asked: _Apart, name: str | None) -> CheckResult:
    """One check's answer for one partition, or for any that is no exception."""
    whole = asked.result
    if name is None:
        answer = Answer(
            result=Result.HOLDS,
            effect=None if asked.check.type == "exactly_once" else Effect.COMPLETE,
        )
        evidence: dict[str, Any] = {}
    else:
        answer = _answer(asked.split, name)
        evidence = {"partition": name}
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
        evidence=evidence,
        source_sketch=answer.source_sketch,
        destination_sketch=answer.destination_sketch,
        evaluated_at=whole.evaluated_at,
        duration_seconds=0.0,
    )

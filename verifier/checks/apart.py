"""One check's answers for every partition of a run, and what they mean for the run of all."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import repeat
from typing import Any

from verifier.checks.answer import Answer
from verifier.checks.keys import SAMPLE
from verifier.checks.reason import UnknownReason
from verifier.checks.split import Split
from verifier.runs.evaluation import Effect, Result

_GRAVEST = (Effect.DUPLICATED, Effect.PARTIAL, None, Effect.NONE)
"""What a violated answer may say of the effect, gravest first; None: only of quality."""

UNKNOWN = len(_GRAVEST)
"""The gravity of an answer that could not be told."""

_EMPTY = Answer(result=Result.UNKNOWN, reason=UnknownReason.EXPECTED_EMPTY)


class Apart:
    """The answers of a ``split``, of the partitions that are listed in ``classes``.

    Most of very many partitions share one answer, so each different one is looked at
    once. ``exceptions`` are the partitions of which the check does not hold. ``unlisted``
    are those of which something is there, or is expected, though nobody listed them, and
    ``strange`` is how many they are with the rows that are of none.
    """

    def __init__(self, split: Split, classes: Mapping[str, str]) -> None:
        self._split = split
        given = list(map(split.answers.get, classes, repeat(split.rest)))
        answers = dict(zip(map(id, given), given, strict=True))
        different = {each: self._believed(answer) for each, answer in answers.items()}
        self._counted = [(different[each], n) for each, n in Counter(map(id, given)).items()]
        amiss = {each for each, answer in different.items() if answer.result is not Result.HOLDS}
        self.exceptions: dict[str, Answer] = {
            name: different[id(answer)]
            for name, answer in zip(classes, given, strict=True)
            if id(answer) in amiss
        }
        self.unlisted = sorted(split.answers.keys() - classes.keys())
        self.strange = len(self.unlisted) + split.nameless

    def of(self, partition: str) -> Answer:
        """The answer for one partition that is listed."""
        return self._believed(self._split.answers.get(partition, self._split.rest))

    def keys_of(self, partition: str) -> dict[str, list[Any]]:
        """Some keys of one partition, by what is the matter with them."""
        return {word: keys for word, keys in self._split.sample(partition).items() if keys}

    def _believed(self, answer: Answer | None) -> Answer:
        doubt = self._split.doubt
        answer = answer or _EMPTY
        if doubt is None or answer.effect is Effect.DUPLICATED:
            return answer
        return Answer(result=Result.UNKNOWN, reason=doubt.reason)

    def _strange_keys(self) -> int:
        """How many keys are there, or expected, that are of no partition that is listed."""
        return self._split.nameless + sum(map(self._number_of, self.unlisted))

    def _number_of(self, name: str) -> int:
        """The keys of a partition that nobody listed; one at least, or it would not be here."""
        answer = self._split.answers[name]
        if answer is None:
            return self._split.strays.get(name) or 1
        return (answer.done or 0) + answer.unexpected or 1

    def whole(self, listing: str) -> Answer:
        """The answer for the run of all, with the counts of all; ``listing`` names who they are.

        Rows of a partition that is not listed, or of none, are keys that nobody expected; so
        is what is expected of one that nobody listed, and copies are copies whoever has them.
        """
        strangers = [self._split.answers[name] for name in self.unlisted]
        copies = [each for each in strangers if each and each.effect is Effect.DUPLICATED]
        gravest = _of_all([*(answer for answer, _ in self._counted), *copies], self.strange)
        violated = gravest.result is Result.HOLDS and self.strange
        source, destination = _sketches(self._split, listing)
        return Answer(
            result=Result.VIOLATED if violated else gravest.result,
            reason=gravest.reason,
            effect=gravest.effect,
            expected=_sum((answer.expected, n) for answer, n in self._counted),
            done=_sum((answer.done, n) for answer, n in self._counted),
            missing=sum(answer.missing * n for answer, n in self._counted),
            surplus=sum(answer.surplus * n for answer, n in self._counted)
            + sum(answer.surplus for answer in copies),
            unexpected=sum(answer.unexpected * n for answer, n in self._counted)
            + self._strange_keys(),
            source_sketch=source,
            destination_sketch=destination,
        )

    def sample(self) -> dict[str, list[str]]:
        """Some partitions of each kind of answer but the one that holds."""
        found: dict[str, list[str]] = {}
        for name in sorted(self.exceptions):
            answer = self.exceptions[name]
            word = str(answer.effect or answer.result)
            if len(found.setdefault(word, [])) < SAMPLE:
                found[word].append(name)
        return found


def gravity(answer: Answer) -> int:
    """0 for the gravest answer."""
    if answer.result is Result.HOLDS:
        return UNKNOWN + 1
    if answer.result is Result.UNKNOWN:
        return UNKNOWN
    # Keys that nobody expected beside a complete effect are a matter of quality.
    said = None if answer.effect is Effect.COMPLETE else answer.effect
    return _GRAVEST.index(said)


def names_sketch(names: Iterable[str]) -> str:
    """A short text that names a set of partitions."""
    return _sketch([("", list(names))])


def _is_there(answer: Answer) -> bool:
    return bool(answer.done or answer.surplus or answer.unexpected)


def _of_all(answers: Sequence[Answer], strange: int) -> Answer:
    """The gravest answer, as what it means for the run of all.

    Nothing was done only where nothing is there of anybody: beside what is there, a
    partition without anything makes the whole partial, and beside what nobody could
    tell, the whole cannot be told.
    """
    gravest = min(answers, key=gravity)
    if gravest.effect is not Effect.NONE:
        return gravest
    if strange or any(each.effect is Effect.COMPLETE for each in answers):
        return Answer(result=Result.VIOLATED, effect=Effect.PARTIAL)
    return next((each for each in answers if each.result is Result.UNKNOWN), gravest)


def _sum(counted: Iterable[tuple[int | None, int]]) -> int | None:
    known = [number * times for number, times in counted if number is not None]
    return sum(known) if known else None


def _sketches(split: Split, listing: str) -> tuple[str, str]:
    """What names the state of the source side, and that of the destination.

    Who is listed is of the source side. A partition of which nothing is there is no part
    of the destination, so that it does not change when somebody is listed anew.
    """
    alike: dict[int, list[str]] = defaultdict(list)
    for name, answer in split.answers.items():
        alike[id(answer)].append(name)
    shared = [(split.answers[names[0]], names) for names in alike.values()]
    return _sketch([(listing, []), *_of_source(shared)]), _sketch(
        [(str(split.nameless), []), *_of_destination(shared)]
    )


_Shared = Iterable[tuple[Answer | None, list[str]]]


def _of_source(shared: _Shared) -> Iterator[tuple[str, list[str]]]:
    for answer, names in shared:
        if answer is not None and answer.source_sketch is not None:
            yield answer.source_sketch, names


def _of_destination(shared: _Shared) -> Iterator[tuple[str, list[str]]]:
    for answer, names in shared:
        if answer is None or _is_there(answer):
            yield (answer and answer.destination_sketch) or "", names


def _sketch(parts: Iterable[tuple[str, list[str]]]) -> str:
    """A short text that names which partitions have which sketch, whatever their order."""
    having: dict[str, list[str]] = defaultdict(list)
    for sketch, names in parts:
        having[sketch] += names
    text = ascii(sorted((sketch, sorted(names)) for sketch, names in having.items())).encode()
    size = sum(map(len, having.values()))
    return f"{size}-{blake2b(text, digest_size=8).hexdigest()}"

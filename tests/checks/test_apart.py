"""What the answers of a check for many partitions mean for the run of all of them."""

from collections.abc import Mapping
from typing import Any

import pytest

from verifier.checks.answer import Answer
from verifier.checks.apart import Apart, gravity, names_sketch
from verifier.checks.keys import SAMPLE
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.split import Split
from verifier.runs.evaluation import Effect, Result

HELD = Answer(result=Result.HOLDS, effect=Effect.COMPLETE, expected=3, done=3)
LACKING = Answer(result=Result.VIOLATED, effect=Effect.PARTIAL, expected=3, done=1, missing=2)
ABSENT = Answer(result=Result.VIOLATED, effect=Effect.NONE, expected=3, done=0, missing=3)
TWICE = Answer(result=Result.VIOLATED, effect=Effect.DUPLICATED, expected=3, done=3, surplus=2)
MORE = Answer(result=Result.VIOLATED, effect=Effect.COMPLETE, expected=3, done=3, unexpected=1)
TOO_MANY = Answer(result=Result.VIOLATED, expected=3, done=9)
UNTOLD = Answer(result=Result.UNKNOWN, reason=UnknownReason.EXPECTED_EMPTY)


def apart(answers: Mapping[str, Answer | None], **split: Any) -> Apart:
    """Of partitions a, b, c and d."""
    return Apart(Split(answers, **split), dict.fromkeys("abcd", ""))


def whole(answers: Mapping[str, Answer | None], **split: Any) -> Answer:
    return apart(answers, **split).whole("")


def test_an_answer_that_many_share_counts_for_each_of_them() -> None:
    found = whole({"a": LACKING, "b": LACKING, "c": TWICE, "d": TWICE})
    assert (found.expected, found.done, found.missing, found.surplus) == (12, 8, 4, 4)
    assert whole({}, rest=MORE).unexpected == 4


def test_what_was_not_read_of_a_partition_is_answered_by_the_rest() -> None:
    found = apart({"a": HELD}, rest=ABSENT)
    assert list(found.exceptions) == ["b", "c", "d"]
    assert (found.of("a"), found.of("b")) == (HELD, ABSENT)


def test_numbers_that_no_answer_tells_are_not_told_of_all() -> None:
    held = Answer(result=Result.HOLDS)
    found = whole({}, rest=held)
    assert (found.expected, found.done, found.missing) == (None, None, 0)


def test_copies_of_a_partition_that_nobody_listed_are_counted_with_all() -> None:
    found = whole({"stranger": TWICE}, rest=HELD)
    assert (found.effect, found.surplus, found.unexpected) == (Effect.DUPLICATED, 2, 3)


def test_rows_of_nobody_are_keys_that_nobody_expected() -> None:
    found = whole({}, rest=HELD, nameless=5)
    assert (found.result, found.effect, found.unexpected) == (
        Result.VIOLATED,
        Effect.COMPLETE,
        5,
    )


def test_the_gravest_answer_is_that_of_all() -> None:
    in_order = [TWICE, LACKING, TOO_MANY, ABSENT, UNTOLD, HELD]
    assert [gravity(each) for each in in_order] == sorted(gravity(each) for each in in_order)
    assert len({gravity(each) for each in in_order}) == len(in_order)
    assert gravity(MORE) == gravity(TOO_MANY)


@pytest.mark.parametrize(
    ("beside", "result", "effect"),
    [
        (ABSENT, Result.VIOLATED, Effect.NONE),
        (HELD, Result.VIOLATED, Effect.PARTIAL),
        (UNTOLD, Result.UNKNOWN, None),
        (TOO_MANY, Result.VIOLATED, None),
    ],
    ids=["nothing", "all", "unknown", "more"],
)
def test_nothing_of_one_partition_is_nothing_of_all_only_where_there_is_nothing_else(
    beside: Answer, result: Result, effect: Effect | None
) -> None:
    found = whole({"a": ABSENT}, rest=beside)
    assert (found.result, found.effect) == (result, effect)


def test_a_doubt_leaves_copies_alone() -> None:
    doubt = CannotTell(UnknownReason.OUT_OF_REACH)
    found = apart({"a": TWICE}, rest=HELD, doubt=doubt)
    assert (found.of("a"), found.of("b").reason) == (TWICE, UnknownReason.OUT_OF_REACH)
    assert list(found.exceptions) == ["a", "b", "c", "d"]


def test_evidence_names_a_few_of_each_kind() -> None:
    names = [f"p{n:02}" for n in range(2 * SAMPLE + 1)]
    answers = {name: LACKING if n % 2 else UNTOLD for n, name in enumerate(names)}
    found = Apart(Split(answers), dict.fromkeys(names, "")).sample()
    assert found == {"unknown": names[0::2][:SAMPLE], "partial": names[1::2][:SAMPLE]}


@pytest.mark.parametrize(
    "there",
    [{"done": 1}, {"surplus": 1}, {"unexpected": 1}],
    ids=lambda each: next(iter(each)),
)
def test_whatever_is_there_is_part_of_the_destination(there: dict[str, int]) -> None:
    some = Answer(result=Result.VIOLATED, destination_sketch="1", **there)
    none = Answer(result=Result.VIOLATED, destination_sketch="1")
    nothing = whole({}, rest=HELD).destination_sketch
    assert whole({"a": none}, rest=HELD).destination_sketch == nothing
    assert whole({"a": some}, rest=HELD).destination_sketch != nothing


def test_who_is_listed_and_what_is_expected_of_whom_is_the_source() -> None:
    expected = Answer(result=Result.HOLDS, source_sketch="1")
    found = [
        apart(answers, rest=HELD).whole(listing).source_sketch
        for answers in ({"a": expected}, {"b": expected}, {})
        for listing in (names_sketch("ab"), names_sketch("ba"), names_sketch("abc"))
    ]
    assert [found[0], found[3], found[6]] == [found[1], found[4], found[7]]
    assert len(set(found)) == 6

from collections.abc import Callable

import pytest

from verifier.config.codes import Code
from verifier.config.load import Reading
from verifier.config.problem import Level, Problem

With = Callable[..., str]
Only = Callable[..., Problem]


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ({"statement": None}, "expected a statement"),
        ({"class_": None}, "expected class or overlap"),
        ({"effects": None}, "expected effects or surfaces"),
    ],
)
def test_a_job_says_what_it_promises_how_it_meets_itself_and_how_it_takes_effect(
    missing: dict[str, None], says: str, with_job: With, only: Only
) -> None:
    problem = only(with_job(**missing))
    assert problem.code is Code.NEEDS_POLICY
    assert says in problem.message
    assert "class: best-effort" in (problem.hint or "")


def test_all_that_a_job_leaves_out_is_told_at_once(
    with_job: With, read: Callable[..., Reading]
) -> None:
    problems = read(with_job(statement=None, class_=None, effects=None)).problems
    assert [each.code for each in problems] == [Code.NEEDS_POLICY] * 3


def test_overlap_takes_the_place_of_a_class(with_job: With, read: Callable[..., Reading]) -> None:
    assert read(with_job(class_=None, overlap="forbid")).problems == ()


def test_a_best_effort_job_needs_nothing_but_a_schedule(read: Callable[..., Reading]) -> None:
    text = "version: 1\njobs: {warm: {schedule: {every: 1h}, class: best-effort}}\n"
    assert read(text).problems == ()


def test_retries_that_never_happen_are_doubted(with_job: With, only: Only) -> None:
    problem = only(with_job(class_="no-auto-retry", retry="{max_attempts: 3}"))
    assert (problem.code, problem.level) == (Code.RETRY_CONTRADICTS, Level.WARNING)
    assert problem.path == "jobs.daily.retry.max_attempts"


@pytest.mark.parametrize("kind", ["append", "external"])
def test_retries_that_repeat_harm_by_themselves_are_doubted(
    kind: str, with_job: With, only: Only
) -> None:
    problem = only(with_job(effects=kind, retry="{auto: always}"))
    assert problem.code is Code.RETRY_CONTRADICTS
    assert f"where effects are {kind}" in problem.message


def test_a_retry_of_what_repeats_no_harm_is_fine(
    with_job: With, read: Callable[..., Reading]
) -> None:
    assert read(with_job(effects="upsert", retry="{auto: always}")).problems == ()

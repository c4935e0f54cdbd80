from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from verifier.checks.registry import Check
from verifier.runs.evaluation import CheckResult, Result

USUAL = {
    "type": "baseline",
    "store": "warehouse",
    "sql": "select count(*) from daily_revenue where day = :day",
    "at_least": 3,
    "within_pct": 50,
}


def answers(*measured):
    """Those of earlier verified runs, newest first."""
    return {
        "it": [
            CheckResult(
                name="it",
                type="baseline",
                result=Result.HOLDS,
                measured=each,
                evaluated_at=datetime(2026, 4, 2, tzinfo=UTC),
            )
            for each in measured
        ]
    }


@pytest.mark.parametrize(
    ("before", "result"),
    [
        (("3", "4", "2"), Result.HOLDS),
        (("3", "1000", "2"), Result.HOLDS),
        (("7", "8", "6.5"), Result.VIOLATED),
        (("1", "1", "1"), Result.VIOLATED),
        (("6", "6", "6"), Result.HOLDS),
    ],
)
def test_a_number_far_from_the_median_of_verified_runs_is_a_violation(ask, load, before, result):
    load("DE", "FR", "IT")

    answer = ask(USUAL, history=answers(*before))

    assert (answer.result, answer.measured) == (result, "3")
    assert answer.evidence["verified_runs"] == 3


@pytest.mark.parametrize("before", [(), ("3", "3"), ("3", None, "3")])
def test_while_it_learns_it_cannot_tell_but_keeps_the_number_for_later_runs(ask, load, before):
    load("DE", "FR", "IT")

    answer = ask(USUAL, history=answers(*before))

    assert (answer.result, answer.reason) == (Result.UNKNOWN, "not_enough_history")
    assert answer.measured == "3"


def test_only_as_many_runs_as_declared_are_used(ask, load):
    load("DE", "FR", "IT")

    answer = ask({**USUAL, "runs": 3}, history=answers("3", "3", "3", "90", "90", "90", "90"))

    assert (answer.result, answer.evidence["usual"]) == (Result.HOLDS, "3")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"within_pct": None}, "within_abs"),
        ({"runs": 2}, "at_least to be at most runs"),
        ({"runs": 1000}, "less than or equal to 100"),
    ],
)
def test_what_could_never_tell_is_an_error(fields, says):
    with pytest.raises(ValidationError, match=says):
        TypeAdapter(Check).validate_python({"name": "it", **USUAL, **fields})

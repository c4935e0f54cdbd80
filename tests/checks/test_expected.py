from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from verifier.checks.registry import Check
from verifier.runs.evaluation import CheckResult, Effect, Result


def verified(*expected: int) -> list[CheckResult]:
    """Answers of earlier verified runs."""
    return [
        CheckResult(
            name="it",
            type="scope",
            result=Result.HOLDS,
            expected=each,
            evaluated_at=datetime(2026, 4, 2, tzinfo=UTC),
        )
        for each in expected
    ]


def scope(**expected: Any) -> dict[str, Any]:
    return {
        "type": "scope",
        "store": "warehouse",
        "table": "daily_revenue",
        "key": ["region"],
        "where": "day = :day",
        "expected": {
            "store": "orders",
            "sql": "select code from regions where active",
            **expected,
        },
    }


def count(**expected: Any) -> dict[str, Any]:
    return {
        "type": "row_count",
        "store": "warehouse",
        "table": "daily_revenue",
        "where": "day = :day",
        "at_least_pct_of_expected": 100,
        "expected": {
            "store": "orders",
            "sql": "select count(*) from regions where active",
            **expected,
        },
    }


BOTH = pytest.mark.parametrize("check", [scope, count])
EMPTY = {
    scope: "select code from regions where active = 7",
    count: "select count(*) from regions where active = 7",
}


@BOTH
def test_an_empty_expected_set_is_unknown_and_never_complete(ask, orders, warehouse, check):
    answer = ask(check(sql=EMPTY[check]))

    assert (answer.result, answer.reason, answer.effect) == (
        Result.UNKNOWN,
        "expected_empty",
        None,
    )


def test_nothing_due_and_nothing_there_is_complete_where_allow_empty_says_so(ask, orders, load):
    check = scope(sql=EMPTY[scope], allow_empty=True)

    assert ask(check).effect is Effect.COMPLETE
    assert ask(check).result is Result.HOLDS
    load("DE")
    answer = ask(check)
    assert (answer.effect, answer.result, answer.unexpected) == (
        Effect.COMPLETE,
        Result.VIOLATED,
        1,
    )


@BOTH
def test_fewer_expected_than_min_are_not_believed(ask, orders, load, check):
    load("DE", "FR", "IT")

    assert ask(check(min=4)).reason == "expected_below_min"
    assert ask(check(min=3)).effect is Effect.COMPLETE


@BOTH
@pytest.mark.parametrize(
    ("history", "reason"),
    [
        ([], None),
        ([3, 3, 3], None),
        ([4, 4, 2], "expected_drifted"),
        ([2, 2, 2], "expected_drifted"),
        ([3, 4], None),
        ([1, 3, 1000], None),
    ],
)
def test_an_expected_number_far_from_that_of_verified_runs_is_not_believed(
    ask, orders, load, check, history, reason
):
    load("DE", "FR", "IT")

    answer = ask(
        check(drift_within_pct=20), history={"it": verified(*history), "other": verified(99)}
    )

    assert answer.reason == reason
    assert (answer.effect is Effect.COMPLETE) == (reason is None)


@BOTH
@pytest.mark.parametrize(
    ("ready", "reason"),
    [
        ("select 1", None),
        ("select '1'", None),
        ("select count(*) from regions", None),
        ("select 0", "expected_not_ready"),
        ("select null", "expected_not_ready"),
        ("select 1 from regions where code = 'never'", "expected_not_ready"),
        ("select 1, 1", "wrong_shape"),
        ("select code from regions", "wrong_shape"),
        ("select 'yes'", "not_a_number"),
        ("select 1 from no_such", "no_such_table"),
        ("select count(*) from orders where day = :day", None),
        ("select count(*) from orders where day > :day", "expected_not_ready"),
    ],
)
def test_the_expected_side_is_asked_whether_it_is_ready(ask, orders, load, check, ready, reason):
    load("DE", "FR", "IT")

    answer = ask(check(ready={"sql": ready}))

    assert answer.reason == reason
    assert answer.evidence["expected"]["ready"]["statement"] == ready


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select -1", "not_a_number"),
        ("select 2.5", "not_a_number"),
        ("select null", "null_result"),
        ("select code from regions", "wrong_shape"),
    ],
)
def test_an_expected_number_that_is_no_count_is_unknown(ask, orders, warehouse, sql, reason):
    assert ask(count(sql=sql)).reason == reason


def test_an_expected_side_that_cannot_be_asked_is_unknown_whatever_the_table_holds(
    ask, orders, load
):
    load("DE")

    answer = ask(scope(sql="select code from no_such"))

    assert (answer.reason, answer.effect) == ("no_such_table", None)
    assert answer.evidence["expected"]["statement"] == "select code from no_such"
    assert "statement" not in answer.evidence


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"min": 0}, "greater than or equal to 1"),
        ({"min": 5, "allow_empty": True}, "either 'min' or 'allow_empty'"),
        ({"drift_within_pct": -1}, "greater than or equal to 0"),
        ({"ready": {"sql": ""}}, "at least 1 character"),
        ({"ready": {"sql": "select 1", "store": "orders"}}, "Extra inputs"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(fields, says):
    with pytest.raises(ValidationError, match=says):
        TypeAdapter(Check).validate_python({"name": "it", **scope(**fields)})

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from verifier.checks.registry import Check
from verifier.runs.evaluation import Effect, Result

COUNT: dict[str, Any] = {
    "type": "row_count",
    "store": "warehouse",
    "table": "daily_revenue",
    "where": "day = :day",
}
EXPECTED = {"store": "orders", "sql": "select count(*) from regions where active"}


def declared(**fields: Any) -> Any:
    return TypeAdapter(Check).validate_python({"name": "it", **COUNT, **fields})


@pytest.mark.parametrize(
    ("rows", "bounds", "effect", "result", "missing"),
    [
        (0, {"ge": 1}, Effect.NONE, Result.VIOLATED, 1),
        (0, {"between": (2, 4)}, Effect.NONE, Result.VIOLATED, 2),
        (1, {"between": (2, 4)}, Effect.PARTIAL, Result.VIOLATED, 1),
        (2, {"between": (2, 4)}, Effect.COMPLETE, Result.HOLDS, 0),
        (4, {"between": (2, 4)}, Effect.COMPLETE, Result.HOLDS, 0),
        (5, {"between": (2, 4)}, None, Result.VIOLATED, 0),
        (3, {"eq": 3}, Effect.COMPLETE, Result.HOLDS, 0),
        (2, {"eq": 3}, Effect.PARTIAL, Result.VIOLATED, 1),
        (6, {"eq": 3}, None, Result.VIOLATED, 0),
        (5, {"ge": 1, "le": 4}, None, Result.VIOLATED, 0),
        (1, {"ge": 1, "le": 4}, Effect.COMPLETE, Result.HOLDS, 0),
    ],
)
def test_row_count_tells_none_partial_and_complete_and_more_is_a_matter_of_quality(
    ask, load, rows, bounds, effect, result, missing
):
    load(*["DE"] * rows)

    answer = ask({**COUNT, **bounds})

    assert (answer.effect, answer.result) == (effect, result)
    assert (answer.done, answer.missing, answer.surplus) == (rows, missing, 0)


@pytest.mark.parametrize(
    ("rows", "bounds", "effect", "result"),
    [
        (0, {"at_least_pct_of_expected": 60}, Effect.NONE, Result.VIOLATED),
        (1, {"at_least_pct_of_expected": 60}, Effect.PARTIAL, Result.VIOLATED),
        (2, {"at_least_pct_of_expected": 60}, Effect.COMPLETE, Result.HOLDS),
        (9, {"at_least_pct_of_expected": 60}, Effect.COMPLETE, Result.HOLDS),
        (9, {"at_least_pct_of_expected": 60, "le": 8}, None, Result.VIOLATED),
        (2, {"within_abs": 1}, Effect.COMPLETE, Result.HOLDS),
        (5, {"within_abs": 1}, None, Result.VIOLATED),
        (1, {"within_abs": 1}, Effect.PARTIAL, Result.VIOLATED),
        (2, {"within_pct": 33.3}, Effect.PARTIAL, Result.VIOLATED),
        (2, {"within_pct": 33.4}, Effect.COMPLETE, Result.HOLDS),
        (0, {"within_abs": 5}, Effect.NONE, Result.VIOLATED),
    ],
)
def test_bounds_against_the_expected_number(ask, orders, load, rows, bounds, effect, result):
    load(*["DE"] * rows)

    answer = ask({**COUNT, **bounds, "expected": EXPECTED})

    assert (answer.effect, answer.result, answer.expected, answer.done) == (effect, result, 3, rows)


def test_the_missing_rows_are_those_up_to_the_bound(ask, orders, load):
    load("DE")

    assert ask({**COUNT, "at_least_pct_of_expected": 60, "expected": EXPECTED}).missing == 1
    assert ask({**COUNT, "at_least_pct_of_expected": 100, "expected": EXPECTED}).missing == 2


def test_a_comment_at_the_end_of_where_hides_nothing(ask, load):
    load("DE")

    assert ask({**COUNT, "where": "day = :day -- that day", "ge": 1}).done == 1


def test_a_statement_may_give_the_count(ask, load):
    load("DE", "FR")
    check = {
        "type": "row_count",
        "store": "warehouse",
        "sql": "select count(distinct region) from daily_revenue where day = :day",
        "ge": 2,
    }

    answer = ask(check)

    assert (answer.effect, answer.done) == (Effect.COMPLETE, 2)
    assert answer.evidence["parameters"] == {"day": "2026-04-02"}


def test_zero_rows_are_complete_only_where_allow_empty_says_that_they_can_be(ask, warehouse, load):
    nothing_left = {**COUNT, "eq": 0, "allow_empty": True}

    assert ask(nothing_left).effect is Effect.COMPLETE
    assert ask({**COUNT, "ge": 1, "allow_empty": True}).effect is Effect.NONE
    load("DE")
    answer = ask(nothing_left)
    assert (answer.effect, answer.result) == (None, Result.VIOLATED)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select null", "null_result"),
        ("select sum(amount) from daily_revenue where day = 'never'", "null_result"),
        ("select 1, 2", "wrong_shape"),
        ("select 1 where false", "wrong_shape"),
        ("select 1 union all select 2", "wrong_shape"),
        ("select 'many'", "not_a_number"),
        ("select 1.5", "not_a_number"),
        ("select -1", "not_a_number"),
        ("select 9e999", "not_a_number"),
        ("select x'01'", "not_a_number"),
        ("select count(*) from no_such", "no_such_table"),
        ("select count(no_such) from daily_revenue", "no_such_column"),
        ("select count(*) frm daily_revenue", "bad_query"),
        ("select count(*) from daily_revenue where day = ?", "bad_query"),
        ("delete from daily_revenue", "not_read_only"),
    ],
)
def test_what_gives_no_count_is_unknown(ask, warehouse, sql, reason):
    answer = ask({"type": "row_count", "store": "warehouse", "sql": sql, "ge": 1})

    assert (answer.result, answer.reason, answer.effect) == (Result.UNKNOWN, reason, None)
    assert answer.evidence["statement"] == sql


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "expected a bound"),
        ({"ge": 5, "le": 4}, "bounds that a number can meet"),
        ({"eq": 0}, "bounds that zero rows do not meet"),
        ({"le": 5}, "bounds that zero rows do not meet"),
        ({"ge": 1, "where": None}, "expected 'where' beside 'table'"),
        ({"ge": 1, "sql": "select 1"}, "either 'table' with 'where', or 'sql'"),
        ({"ge": 1, "table": None}, "either 'table' with 'where', or 'sql'"),
        ({"ge": 1, "table": None, "sql": "select 1"}, "expected 'where' beside 'table'"),
        ({"within_pct": 5}, "expected 'expected' beside 'within_pct'"),
        ({"ge": 1, "expected": EXPECTED}, "expected one of within_abs"),
        ({"ge": -1}, "greater than or equal to 0"),
        ({"ge": True, "le": 2.5}, "valid integer"),
        ({"ge": 1, "proves": "complete"}, "speaks of the effect by itself"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(fields, says):
    with pytest.raises(ValidationError, match=says):
        declared(**fields)

import pytest
from pydantic import TypeAdapter, ValidationError

from verifier.checks.registry import Check
from verifier.runs.evaluation import Result


def check(sql, **fields):
    return {"type": "sql", "name": "it", "store": "warehouse", "sql": sql, **fields}


@pytest.mark.parametrize(
    ("bounds", "holds"),
    [
        ({"eq": 30}, True),
        ({"eq": 31}, False),
        ({"eq": 31, "within_abs": 1}, True),
        ({"eq": "30.5", "within_pct": 2}, True),
        ({"eq": 31, "within_pct": 3}, False),
        ({"ge": 30, "le": 30}, True),
        ({"ge": "30.000001"}, False),
        ({"between": [0, 29.99]}, False),
        ({"between": [-5, 30]}, True),
    ],
)
def test_one_number_has_to_meet_its_bounds(ask, load, bounds, holds):
    load("DE", "FR", "IT")

    answer = ask(check("select sum(amount) from daily_revenue where day = :day", **bounds))

    assert answer.result is (Result.HOLDS if holds else Result.VIOLATED)
    assert answer.effect is None
    assert (answer.measured, answer.evidence["value"]) == ("30", "30")


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select 1, 2", "wrong_shape"),
        ("select 1 where 1 = 0", "wrong_shape"),
        ("values (1), (2)", "wrong_shape"),
        ("select sum(amount) from daily_revenue where 1 = 0", "null_result"),
        ("select 'many'", "not_a_number"),
        ("select 9e999", "not_a_number"),
        ("select no_such from daily_revenue", "no_such_column"),
    ],
)
def test_what_is_no_number_is_unknown_and_never_a_pass(ask, warehouse, sql, reason):
    assert ask(check(sql, ge=-10)).reason == reason


def test_rows_that_must_not_be_are_shown_and_counted(ask, load):
    load("DE", "DE", "FR")
    sql = "select region from daily_revenue where day = :day group by region having count(*) > 1"

    violated = ask(check(sql, no_rows=True))
    holds = ask(check(f"{sql} and region > 'X'", no_rows=True))

    assert (violated.result, violated.evidence["rows"]) == (Result.VIOLATED, 1)
    assert violated.evidence["sample"] == {"unwanted": ["DE"]}
    assert (holds.result, holds.evidence["rows"]) == (Result.HOLDS, 0)


def test_too_many_rows_that_must_not_be_are_not_held_in_memory(ask, load):
    load(*"abcdef")

    answer = ask(check("select region from daily_revenue", no_rows=True), max_keys=5)

    assert answer.reason == "too_many_keys"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "either a bound"),
        ({"eq": 1, "no_rows": True}, "either a bound"),
        ({"ge": 2, "le": 1}, "that a number can meet"),
        ({"ge": 2, "within_abs": 1}, "'eq' beside a tolerance"),
        ({"eq": "nan"}, "finite number"),
        ({"ge": "many"}, "valid decimal"),
    ],
)
def test_bounds_that_cannot_be_meant_are_errors(fields, says):
    with pytest.raises(ValidationError, match=says):
        TypeAdapter(Check).validate_python(check("select 1", **fields))

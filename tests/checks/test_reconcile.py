from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from verifier.checks.registry import Check
from verifier.runs.evaluation import Effect, Result


def totals(left: str, right: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "reconcile",
        "left": {"store": "orders", "sql": left},
        "right": {"store": "warehouse", "sql": right},
        **fields,
    }


@pytest.mark.parametrize(
    ("left", "right", "fields", "result"),
    [
        ("60.5", "60.5", {}, Result.HOLDS),
        ("60.5", "60.51", {}, Result.VIOLATED),
        ("60.5", "60.51", {"within_abs": 0.01}, Result.HOLDS),
        ("60.5", "60.49", {"within_abs": 0.01}, Result.HOLDS),
        ("60.5", "60.511", {"within_abs": 0.01}, Result.VIOLATED),
        ("200", "190", {"within_pct": 5}, Result.HOLDS),
        ("200", "189.99", {"within_pct": 5}, Result.VIOLATED),
        ("-200", "-190", {"within_pct": 5}, Result.HOLDS),
        ("0", "0.01", {"within_pct": 5}, Result.VIOLATED),
        ("0", "1", {}, Result.VIOLATED),
        ("'12345678901234567890.10'", "'12345678901234567890.1'", {}, Result.HOLDS),
        ("'12345678901234567890.10'", "'12345678901234567890.11'", {}, Result.VIOLATED),
    ],
)
def test_two_numbers_agree_exactly_or_within_a_tolerance(
    ask, orders, warehouse, left, right, fields, result
):
    answer = ask(totals(f"select {left}", f"select {right}", **fields))

    assert (answer.result, answer.effect) == (result, None)


def test_evidence_shows_both_sides_and_the_difference_as_exact_text(ask, orders, load):
    load("DE", "FR")

    answer = ask(
        totals(
            "select sum(amount) from orders where day = :day",
            "select sum(amount) from daily_revenue where day = :day",
            within_abs=0.01,
        )
    )

    assert answer.result is Result.VIOLATED
    assert answer.evidence["left"]["value"] == "60.5"
    assert answer.evidence["right"]["value"] == "20"
    assert answer.evidence["difference"] == "-40.5"
    assert answer.evidence["allowed"] == {"at_least": "60.49", "at_most": "60.51"}
    assert answer.evidence["right"]["parameters"] == {"day": "2026-04-02"}


def test_zero_on_both_sides_proves_nothing_unless_it_is_allowed(ask, orders, warehouse):
    zero = totals("select 0", "select 0.0")

    answer = ask(zero)

    assert (answer.result, answer.reason) == (Result.UNKNOWN, "zero_on_both_sides")
    assert ask({**zero, "allow_empty": True}).result is Result.HOLDS


def test_holding_proves_complete_only_where_declared_and_violation_never_speaks_of_the_effect(
    ask, orders, warehouse
):
    assert ask(totals("select 1", "select 1")).effect is None
    assert ask(totals("select 1", "select 1", proves="complete")).effect is Effect.COMPLETE
    assert ask(totals("select 1", "select 2", proves="complete")).effect is None
    assert ask(totals("select 0", "select 0", proves="complete")).effect is None


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        ("select null", "select 1", "null_result"),
        ("select sum(amount) from orders where false", "select 0", "null_result"),
        ("select 1", "select 1, 2", "wrong_shape"),
        ("select 'a'", "select 1", "not_a_number"),
        ("select 1", "select 1 from no_such", "no_such_table"),
        ("select :partition", "select 1", "no_partition"),
    ],
)
def test_a_side_that_gives_no_number_is_unknown(ask, orders, warehouse, left, right, reason):
    answer = ask(totals(left, right))

    assert (answer.result, answer.reason) == (Result.UNKNOWN, reason)


def test_the_sketches_are_those_of_the_two_numbers(ask, orders, warehouse):
    one = ask(totals("select 1", "select 2"))
    same = ask(totals("select 1.0", "select '2.00'"))
    moved = ask(totals("select 3", "select 2"))

    assert (one.source_sketch, one.destination_sketch) == (
        same.source_sketch,
        same.destination_sketch,
    )
    assert moved.source_sketch != one.source_sketch
    assert moved.destination_sketch == one.destination_sketch


def test_both_sides_may_be_in_one_store(ask, warehouse, load):
    load("DE")
    same = totals("select count(*) from daily_revenue", "select 4")
    same["left"]["store"] = "warehouse"

    assert ask(same).result is Result.HOLDS


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"within_abs": 1, "within_pct": 1}, "either 'within_abs' or 'within_pct'"),
        ({"within_abs": -1}, "greater than or equal to 0"),
        ({"within_abs": True}, "Decimal input"),
        ({"within_abs": float("nan")}, "finite number"),
        ({"left": {"store": "orders"}}, "Field required"),
        ({"proves": "everything"}, "Input should be 'complete'"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(fields, says):
    with pytest.raises(ValidationError, match=says):
        TypeAdapter(Check).validate_python(
            {"name": "it", **totals("select 1", "select 1"), **fields}
        )

"""Whether what checks name is there, on a real database of each kind."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from pydantic import TypeAdapter

from verifier.checks.evaluate import MAX_KEYS, open_sessions
from verifier.checks.inquiry import Inquiry
from verifier.checks.names import Trial, try_names
from verifier.checks.question import Question
from verifier.checks.registry import Check
from verifier.checks.stores.registry import StoreConfig, Stores

Trying = Callable[..., list[Trial]]

SCOPE = {
    "type": "scope",
    "store": "shop",
    "table": "sales",
    "key": ["day", "region"],
    "where": "day = :day -- of the run",
    "expected": {"store": "shop", "sql": "select :day, code from regions;"},
}
FRESH = {
    "type": "freshness",
    "store": "shop",
    "table": "sales",
    "column": "loaded_at",
    "within": "1h",
}
COUNT = {"type": "row_count", "store": "shop", "table": "sales", "where": "day = :day", "ge": 1}
LEDGER = {
    "type": "ledger",
    "expected": {"store": "other", "sql": "select nothing from nowhere"},
    "log": {"store": "shop", "table": "sales", "key": ["region"], "where": "day = :day"},
}


@pytest.fixture
def trying(target: Any, night: Question, now: datetime) -> Trying:
    """Tries a check, written as in landed.yaml, on the store ``shop``."""
    target.write(
        "CREATE TABLE sales (day DATE, region VARCHAR(9), loaded_at TIMESTAMP)",
        "CREATE TABLE regions (code VARCHAR(9))",
        "INSERT INTO regions VALUES ('DE')",
    )

    def trying(check: Mapping[str, Any], store: str = "shop", **fields: Any) -> list[Trial]:
        model = TypeAdapter(Check).validate_python({"name": "it", **check, **fields})
        config = TypeAdapter(StoreConfig).validate_python({"type": "sql", "url": target.url})
        with Stores({"shop": config}) as stores, ExitStack() as stack:
            inquiry = Inquiry(
                question=msgspec.structs.replace(night, partition="trial"),
                now=now,
                sessions=open_sessions(stack, [store], stores),
                stop=stores.stop,
                max_keys=MAX_KEYS,
            )
            return list(try_names(model, store, inquiry))

    return trying


def problems(trials: list[Trial]) -> list[tuple[tuple[str | int, ...], str, str]]:
    return [(each.path, each.expected, str(each.problem.reason)) for each in trials if each.problem]


TEXT = "tables and columns that are there"


def test_what_is_there_is_told_of_each_thing_that_is_asked(trying: Trying) -> None:
    trials = trying(SCOPE)
    assert [each.path for each in trials] == [("table",), ("where",), ("expected", "sql")]
    assert problems(trials) == []
    for check in (FRESH, COUNT, LEDGER):
        assert (problems(trying(check)), bool(trying(check))) == ([], True)


def test_a_table_that_is_not_there_is_told_once(trying: Trying) -> None:
    found = [(("table",), "the table sale", "no_such_table")]
    assert problems(trying(SCOPE, table="sale")) == found
    assert problems(trying(COUNT, table="sale")) == found
    assert problems(trying(FRESH, table="sale")) == found


def test_each_column_that_is_not_there_is_told(trying: Trying) -> None:
    assert problems(trying(SCOPE, key=["day", "regoin"])) == [
        (("key", 1), "the column regoin in sales", "no_such_column")
    ]
    assert problems(trying(FRESH, column="loaded")) == [
        (("column",), "the column loaded in sales", "no_such_column")
    ]
    log = {**LEDGER["log"], "key": ["mail", "day", "to"]}  # type: ignore[dict-item]
    assert [path for path, _, _ in problems(trying(LEDGER, log=log))] == [
        ("log", "key", 0),
        ("log", "key", 2),
    ]


def test_a_text_that_names_what_is_not_there_is_told_with_the_words_of_the_store(
    trying: Trying,
) -> None:
    assert problems(trying(COUNT, where="dey = :day")) == [(("where",), TEXT, "no_such_column")]
    wrong = {"store": "shop", "sql": "select day, code from regoins order by 1"}
    (told,) = [each for each in trying(SCOPE, expected=wrong) if each.problem]
    assert (told.path, str(told.problem and told.problem.reason)) == (
        ("expected", "sql"),
        "no_such_table",
    )
    assert "regoins" in told.found
    assert "\n" not in told.found


def test_what_is_asked_of_another_store_is_not_asked_of_this_one(trying: Trying) -> None:
    assert {each.path[0] for each in trying(LEDGER)} == {"log"}


def test_after_a_store_is_lost_nothing_more_is_asked(trying: Trying) -> None:
    (only,) = trying(LEDGER, store="other")
    assert only.problem is not None
    assert only.problem.reason == "unreachable"


def test_a_value_that_does_not_fit_says_nothing_against_the_check(trying: Trying) -> None:
    tenant = "length(region) = cast(:partition as decimal(9))"
    assert problems(trying(COUNT, where=tenant)) == []
    casts = {"store": "shop", "sql": "select cast(:partition as date), code from regions"}
    assert problems(trying(SCOPE, expected=casts)) == []


def test_two_columns_of_one_name_say_nothing_against_the_check(trying: Trying, kind: str) -> None:
    twice = {"store": "shop", "sql": "select code, code from regions"}
    trials = trying(SCOPE, expected=twice)
    assert problems(trials) == []
    assert trials[-1].tried is (kind != "mariadb")


def test_a_statement_that_is_never_answered_is_its_own_fault(trying: Trying) -> None:
    for where in ("no_such_function(region) = 1", "day = = :day"):
        (told,) = [each for each in trying(COUNT, where=where) if each.problem]
        assert told.problem is not None
        assert (told.problem.reason, told.problem.fault) == ("bad_query", "statement")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgresql"])
def test_what_takes_long_is_ended_and_the_last_that_is_tried(
    trying: Trying, target: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The planner computes what is said to be immutable, though no row is asked for.
    target.write(
        "CREATE FUNCTION slow() RETURNS text LANGUAGE plpgsql IMMUTABLE "
        "AS $$ BEGIN PERFORM pg_sleep(600); RETURN 'DE'; END $$"
    )
    monkeypatch.setattr("verifier.checks.names.LONGEST", timedelta(milliseconds=200))
    try:
        trials = trying(SCOPE, where="region = slow()")
    finally:
        target.write("DROP FUNCTION slow()")
    assert [each.path for each in trials] == [("table",), ("where",)]
    assert [each.late for each in trials] == [False, True]


def test_no_statement_is_carried_out(trying: Trying) -> None:
    endless = (
        "with recursive n as (select 1 as i union all select i + 1 from n where i < 900000000) "
        "select count(*) from n"
    )
    began = time.monotonic()
    assert problems(trying({"type": "sql", "store": "shop", "sql": endless, "ge": 1})) == []
    assert time.monotonic() - began < 20

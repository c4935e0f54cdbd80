"""Each type, each thing that can be there, each kind of database: with exact counts.

The defects are planted by hand; what has to come out stands beside them. A cell is left
out where a type cannot say the word: ``row_count`` sees no duplicates, for one.
"""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter

from verifier.checks.evaluate import evaluate
from verifier.checks.registry import Check
from verifier.checks.stores.registry import Stores
from verifier.checks.stores.sql import SqlStoreConfig
from verifier.runs.evaluation import CheckResult, Effect, Result

EXPECTED = {"store": "shop", "sql": "select code from regions"}
HERE = {"store": "shop", "table": "revenue", "key": ["region"], "where": "load_day = :day"}
COUNT = "select count(*) from revenue where load_day = :day"

CHECKS: dict[str, dict[str, Any]] = {
    "scope": {"type": "scope", **HERE, "expected": EXPECTED},
    "exactly_once": {"type": "exactly_once", **HERE, "key": ["load_day", "region"]},
    "row_count": {
        "type": "row_count",
        "store": "shop",
        "table": "revenue",
        "where": "load_day = :day",
        "expected": {"store": "shop", "sql": "select count(*) from regions"},
        "within_abs": 0,
    },
    "ledger": {
        "type": "ledger",
        "expected": EXPECTED,
        "log": {**HERE, "done": "state = 'done'", "in_doubt": "state = 'begun'"},
    },
    "reconcile": {
        "type": "reconcile",
        "left": {"store": "shop", "sql": "select 10 * count(*) from regions"},
        "right": {"store": "shop", "sql": "select sum(amount) from revenue where load_day = :day"},
    },
    "sql": {"type": "sql", "store": "shop", "sql": COUNT, "eq": 4},
    "baseline": {
        "type": "baseline",
        "store": "shop",
        "sql": COUNT,
        "at_least": 1,
        "within_pct": 0,
    },
    "freshness": {
        "type": "freshness",
        "store": "shop",
        "table": "revenue",
        "column": "loaded_at",
        "where": "load_day = :day",
        "within": "4h",
    },
}

# What is there, one letter a row: A to D are expected, X is not; of the ledger a small
# letter is a row in doubt.
SITUATIONS = {
    "nothing": "",
    "partial": "AB",
    "complete": "ABCD",
    "duplicated": "ABCDAA",
    "partial and duplicated": "ABA",
    "unexpected": "ABCDX",
    "in doubt": "ABCd",
}
ALL = ("nothing", "partial", "complete", "duplicated", "partial and duplicated", "unexpected")

N, P, C, D = Effect.NONE, Effect.PARTIAL, Effect.COMPLETE, Effect.DUPLICATED
HOLDS, VIOLATED, UNKNOWN = Result.HOLDS, Result.VIOLATED, Result.UNKNOWN

# result, effect, (expected, done, missing, surplus, unexpected)
KEYED = {
    "nothing": (VIOLATED, N, (4, 0, 4, 0, 0)),
    "partial": (VIOLATED, P, (4, 2, 2, 0, 0)),
    "complete": (HOLDS, C, (4, 4, 0, 0, 0)),
    "duplicated": (VIOLATED, D, (4, 4, 0, 2, 0)),
    "partial and duplicated": (VIOLATED, D, (4, 2, 2, 1, 0)),
    "unexpected": (VIOLATED, C, (4, 4, 0, 0, 1)),
}
OUTCOMES: dict[str, dict[str, tuple[Result, Effect | None, tuple[int | None, ...]]]] = {
    "scope": KEYED,
    "ledger": {**KEYED, "in doubt": (UNKNOWN, None, (None, None, 0, 0, 0))},
    "exactly_once": {
        "nothing": (HOLDS, None, (None, None, 0, 0, 0)),
        "partial": (HOLDS, None, (None, None, 0, 0, 0)),
        "complete": (HOLDS, None, (None, None, 0, 0, 0)),
        "duplicated": (VIOLATED, D, (None, None, 0, 2, 0)),
        "partial and duplicated": (VIOLATED, D, (None, None, 0, 1, 0)),
        "unexpected": (HOLDS, None, (None, None, 0, 0, 0)),
    },
    "row_count": {
        "nothing": (VIOLATED, N, (4, 0, 4, 0, 0)),
        "partial": (VIOLATED, P, (4, 2, 2, 0, 0)),
        "complete": (HOLDS, C, (4, 4, 0, 0, 0)),
        "duplicated": (VIOLATED, None, (4, 6, 0, 0, 0)),
        "partial and duplicated": (VIOLATED, P, (4, 3, 1, 0, 0)),
        "unexpected": (VIOLATED, None, (4, 5, 0, 0, 0)),
    },
    **{
        name: {
            situation: (result, None, (None, None, 0, 0, 0))
            for situation, result in {
                "nothing": VIOLATED if name in ("sql", "baseline") else UNKNOWN,
                "partial": HOLDS if name == "freshness" else VIOLATED,
                "complete": HOLDS,
                "duplicated": HOLDS if name == "freshness" else VIOLATED,
                "partial and duplicated": HOLDS if name == "freshness" else VIOLATED,
                "unexpected": HOLDS if name == "freshness" else VIOLATED,
            }.items()
        }
        for name in ("reconcile", "sql", "baseline", "freshness")
    },
}
REASONS = {("ledger", "in doubt"): "in_doubt"}
REASONS |= {(name, "nothing"): "null_result" for name in ("reconcile", "freshness")}


@pytest.fixture
def shop(target, night, now) -> Callable[..., CheckResult]:
    """Plants a situation, and asks one check about it."""
    instant = "text" if target.kind == "sqlite" else "timestamp"
    target.write(
        "create table regions (code varchar(10))",
        "insert into regions values ('A'), ('B'), ('C'), ('D')",
        f"create table revenue (load_day {'text' if target.kind == 'sqlite' else 'date'}, "
        f"region varchar(10), amount integer, state varchar(10), loaded_at {instant})",
        # Another day's rows, which no check of this run may count.
        "insert into revenue values ('2026-04-01', 'Z', 10, 'done', '2026-04-01 23:00:00')",
    )

    def asking(check: dict[str, Any], rows: str) -> CheckResult:
        values = [
            f"('2026-04-02', '{row.upper()}', 10, '{'done' if row.isupper() else 'begun'}', "
            "'2026-04-03 00:01:00')"
            for row in rows
        ]
        target.write(
            "delete from revenue where load_day = '2026-04-02'",
            *([f"insert into revenue values {', '.join(values)}"] if values else []),
        )
        model = TypeAdapter(Check).validate_python({"name": "it", **check})
        config = SqlStoreConfig.model_validate({"type": "sql", "url": target.url})
        usual = CheckResult(
            name="it", type="baseline", result=HOLDS, measured="4", evaluated_at=now
        )
        with Stores({"shop": config}) as stores:
            return evaluate([model], stores, night, now, history={"it": [usual]})[0]

    return asking


@pytest.mark.parametrize("name", CHECKS)
def test_what_was_planted_comes_out_to_the_row(shop, name):
    for situation, outcome in OUTCOMES[name].items():
        answer = shop(CHECKS[name], SITUATIONS[situation])
        counts = (answer.expected, answer.done, answer.missing, answer.surplus, answer.unexpected)
        assert (answer.result, answer.effect, counts) == outcome, situation
        assert answer.reason == REASONS.get((name, situation)), situation


@pytest.mark.parametrize("name", CHECKS)
def test_what_cannot_be_asked_is_never_a_pass_and_never_a_fail(shop, target, name):
    """The table is gone: a migration failed, or somebody mistyped its name."""
    broken = eval(repr(CHECKS[name]).replace("revenue", "no_such"))

    answer = shop(broken, "ABCD")

    assert (answer.result, answer.effect) == (UNKNOWN, None)
    assert answer.reason == "no_such_table"


def test_every_type_that_reads_databases_has_its_row_in_the_matrix():
    from verifier.checks.registry import CHECK_TYPES

    assert set(CHECK_TYPES) - set(CHECKS) == {"file", "http", "python"}
    assert all(set(ALL) <= set(OUTCOMES[name]) for name in CHECKS)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select 1, 2", "wrong_shape"),
        ("select code from regions", "wrong_shape"),
        ("select amount from revenue where 1 = 0", "wrong_shape"),
        ("select sum(amount) from revenue where 1 = 0", "null_result"),
        ("select max(region) from revenue", "not_a_number"),
        ("select no_such from revenue", "no_such_column"),
    ],
)
def test_a_statement_that_gives_no_number_is_unknown(shop, sql, reason):
    answer = shop({**CHECKS["sql"], "sql": sql}, "ABCD")

    assert (answer.result, answer.reason) == (UNKNOWN, reason)


def test_not_a_number_is_no_number(shop, target):
    nan = {"duckdb": "select 'nan'::double", "postgresql": "select 'NaN'::numeric"}
    if target.kind not in nan:
        pytest.skip("it knows no NaN")

    assert shop({**CHECKS["sql"], "sql": nan[target.kind]}, "").reason == "not_a_number"


def test_keys_of_other_types_than_the_expected_ones_are_the_same_keys(shop, target):
    target.write(
        "create table numbers (id integer, load_day varchar(10))",
        "insert into numbers values (1, '2026-04-02'), (2, '2026-04-02')",
    )
    check = {
        **CHECKS["scope"],
        "table": "numbers",
        "key": ["id"],
        "where": "load_day = '2026-04-02'",
        "expected": {"store": "shop", "sql": "select '1' union all select '2.0'"},
    }

    answer = shop(check, "")

    assert (answer.missing, answer.unexpected) == (1, 1)  # the text '2.0' is another key than 2
    check["expected"] = {"store": "shop", "sql": "select '1' union all select '2'"}
    assert shop(check, "").effect is C


def test_more_keys_than_are_held_in_memory_are_unknown(shop, target, night, now):
    model = TypeAdapter(Check).validate_python({"name": "it", **CHECKS["scope"]})
    shop(CHECKS["scope"], "ABCD")
    config = SqlStoreConfig.model_validate({"type": "sql", "url": target.url})
    with Stores({"shop": config}) as stores:
        few, enough = (evaluate([model], stores, night, now, max_keys=most)[0] for most in (3, 4))

    assert (few.result, few.reason) == (UNKNOWN, "too_many_keys")
    assert enough.result is HOLDS


def test_the_expected_side_is_not_believed_when_it_is_empty(shop, target):
    target.write("delete from regions")

    for name in ("scope", "ledger", "row_count"):
        assert shop(CHECKS[name], "AB").reason == "expected_empty", name


def test_evidence_lets_a_person_ask_again(shop, target):
    answer = shop(CHECKS["scope"], "ABAX")

    evidence = answer.evidence
    assert evidence["store"] == "shop"
    assert "load_day = :day" in evidence["statement"]
    assert evidence["parameters"] == {"day": "2026-04-02"}
    assert evidence["sample"] == {
        "missing": ["C", "D"],
        "unexpected": ["X"],
        "duplicated": [{"key": "A", "count": 2}],
    }
    assert evidence["expected"]["statement"] == EXPECTED["sql"]
    asked = evidence["asked"]["shop"]
    assert asked["snapshot"]
    assert asked["seconds"] > 0

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from pydantic import TypeAdapter

from verifier.checks.answer import Answer
from verifier.checks.evaluate import evaluate
from verifier.checks.inquiry import Inquiry
from verifier.checks.model import CheckModel, Query
from verifier.checks.registry import Check
from verifier.checks.stores.registry import Stores
from verifier.checks.stores.sql import SqlStore
from verifier.runs.evaluation import CheckResult, Effect, Result


def rows(name: str, sql: str, **fields: Any) -> dict[str, Any]:
    return {"type": "row_count", "name": name, "store": "warehouse", "sql": sql, "ge": 1, **fields}


COUNT = "select count(*) from daily_revenue where day = :day"
FOREVER = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"


def test_a_check_that_fails_takes_no_other_with_it_and_the_order_is_kept(
    ask, orders, load, make_database
):
    load("DE")
    make_database("orders").path.unlink()

    results = ask.all(
        [
            rows("first", COUNT),
            rows("no-table", "select count(*) from no_such"),
            rows("never-ends", FOREVER),
            rows("other-store", "select 1", store="orders"),
            rows("no-number", "select 'a'"),
            rows("last", COUNT),
        ],
        store_fields={"statement_timeout": "100ms"},
    )

    assert [(each.name, each.result, each.reason) for each in results] == [
        ("first", Result.HOLDS, None),
        ("no-table", Result.UNKNOWN, "no_such_table"),
        ("never-ends", Result.UNKNOWN, "timed_out"),
        ("other-store", Result.UNKNOWN, "unreachable"),
        ("no-number", Result.UNKNOWN, "not_a_number"),
        ("last", Result.HOLDS, None),
    ]


def test_a_locked_database_is_unknown_for_all_its_checks(ask, orders, warehouse):
    with closing(sqlite3.connect(warehouse.path, isolation_level=None)) as job:
        job.execute("BEGIN EXCLUSIVE")
        results = ask.all(
            [rows("a", COUNT), rows("b", "select 1", store="orders"), rows("c", COUNT)],
            store_fields={"statement_timeout": "100ms"},
        )

    assert [each.reason for each in results] == ["locked", None, "locked"]


class Writer(CheckModel):
    """A check that lets a job write between two others."""

    type: Literal["writer"]
    path: Path

    def queries(self):
        yield Query(path=("sql",), sql="select 1", store="warehouse", store_path=("store",))

    def answer(self, inquiry: Inquiry) -> Answer:
        with closing(sqlite3.connect(self.path)) as job, job:
            job.execute("INSERT INTO daily_revenue VALUES ('2026-04-02', 'DE', 1, NULL)")
        return Answer(result=Result.HOLDS)


class Broken(CheckModel):
    """A check with a bug in it."""

    type: Literal["broken"]

    def queries(self):
        yield Query(path=("sql",), sql="select 1", store="warehouse", store_path=("store",))

    def answer(self, inquiry: Inquiry) -> Answer:
        raise LookupError("hunter2")


def test_all_checks_of_a_store_see_one_snapshot(ask, orders, warehouse, night, now):
    with closing(sqlite3.connect(warehouse.path)) as job:
        job.execute("PRAGMA journal_mode = wal")
        job.execute("SELECT * FROM daily_revenue")
        count = TypeAdapter(Check).validate_python(rows("rows", COUNT))
        writer = Writer(type="writer", name="writer", path=warehouse.path)
        with ask.stores() as stores:
            before, _, after = evaluate([count, writer, count], stores, night, now)
            later = evaluate([count], stores, night, now)[0]

    assert (before.done, after.done, later.done) == (0, 0, 1)


def test_a_bug_in_a_check_is_unknown_and_shows_only_its_kind(ask, warehouse, night, now):
    with ask.stores() as stores:
        result = evaluate([Broken(type="broken", name="it")], stores, night, now)[0]

    assert (result.result, result.reason) == (Result.UNKNOWN, "internal")
    assert result.evidence == {"detail": "LookupError"}


class Haunted(Stores):
    """Stores with a bug in them."""

    def get(self, name: str) -> SqlStore:
        raise MemoryError("hunter2")


def test_a_bug_in_a_store_is_unknown_for_the_checks_that_ask_it(night, now):
    check = TypeAdapter(Check).validate_python(rows("it", COUNT))

    with Haunted({}) as stores:
        result = evaluate([check], stores, night, now)[0]

    assert (result.reason, result.evidence) == ("internal", {"detail": "MemoryError"})


def test_a_store_that_is_no_longer_declared_is_unreachable(ask, warehouse):
    result = ask(rows("it", "select 1", store="gone"))

    assert (result.result, result.reason) == (Result.UNKNOWN, "unreachable")


def test_a_result_says_when_it_was_made_and_how_long_it_took(ask, load, now):
    load("DE")

    result = ask(rows("it", COUNT))

    assert result.evaluated_at == now
    assert 0 < result.duration_seconds < 30
    assert (result.name, result.type, result.effect) == ("it", "row_count", Effect.COMPLETE)


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("select :due = '2026-04-03 00:00:00'", {"due": "2026-04-03 00:00:00"}),
        (
            "select :interval_start < :interval_end",
            {"interval_start": "2026-04-01 22:00:00", "interval_end": "2026-04-02 22:00:00"},
        ),
        (
            "select :local_start < :local_end",
            {"local_start": "2026-04-02 00:00:00", "local_end": "2026-04-03 00:00:00"},
        ),
        ("select :day = '2026-04-02'", {"day": "2026-04-02"}),
        (
            "select :job = 'daily-revenue' and :run like :job || '/%'",
            {"job": "daily-revenue", "run": "daily-revenue/2026-04-03T00:00:00Z"},
        ),
        ("select :partition = 'eu'", {"partition": "eu"}),
        ("select ':day' <> '' -- :due", {}),
    ],
)
def test_only_the_parameters_that_a_statement_uses_are_bound_and_shown(
    ask, warehouse, night, sql, parameters
):
    result = ask(rows("it", sql), msgspec.structs.replace(night, partition="eu"))

    assert result.result is Result.HOLDS
    assert result.evidence["parameters"] == parameters


@pytest.mark.parametrize("word", ["due", "interval_start", "local_end", "day"])
def test_a_run_without_a_slot_is_unknown_where_one_is_needed(ask, load, night, word):
    load("DE")
    manual = msgspec.structs.replace(night, due=None, interval=None)

    needing, other = ask.all(
        [rows("needing", f"select :{word} is not null"), rows("other", "select 1")], manual
    )

    assert (needing.result, needing.reason) == (Result.UNKNOWN, "no_interval")
    assert other.result is Result.HOLDS


def test_a_result_can_be_kept_as_json(ask, orders, load):
    load("DE", "DE", None)
    scope = {
        "type": "scope",
        "store": "warehouse",
        "table": "daily_revenue",
        "key": ["day", "region"],
        "where": "day = :day",
        "expected": {"store": "orders", "sql": "select :day, code from regions where active"},
    }

    result = ask(scope)

    kept = msgspec.json.decode(msgspec.json.encode(result), type=CheckResult)
    assert kept == result


def test_a_failing_store_shows_neither_its_path_nor_what_was_bound(ask, night, tmp_path):
    secret = msgspec.structs.replace(night, partition="hunter2")

    gone = ask(rows("it", "select :partition"), secret)

    assert gone.reason == "unreachable"
    assert str(tmp_path) not in repr(gone)
    assert "hunter2" not in gone.evidence["detail"]


def test_two_evaluations_never_wait_for_each_others_connections(ask, orders, warehouse, night, now):
    checks = [
        TypeAdapter(Check).validate_python(rows(store, "select 1", store=store))
        for store in ("orders", "warehouse")
    ]
    results: list[CheckResult] = []
    with ask.stores(max_concurrency=1) as stores:

        def run(order: list[CheckModel]) -> None:
            for _ in range(20):
                results.extend(evaluate(order, stores, night, now))

        threads = [threading.Thread(target=run, args=(order,)) for order in (checks, checks[::-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

    assert [each.result for each in results] == [Result.HOLDS] * 80

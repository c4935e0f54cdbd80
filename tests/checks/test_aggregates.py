"""Checks of one table asked in one statement answer as if each had asked by itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlalchemy.exc import NotSupportedError

from verifier.checks.aggregates import MOST_FAILURES
from verifier.checks.evaluate import evaluate
from verifier.checks.model import CheckModel
from verifier.checks.partitions import Partitions
from verifier.checks.question import Question
from verifier.checks.registry import Check
from verifier.checks.stores.registry import Stores
from verifier.checks.stores.sql import SqlSession, SqlStoreConfig
from verifier.checks.survey import Survey, survey
from verifier.runs.evaluation import CheckResult, Effect, Result

SHOP = {"store": "shop", "table": "revenue"}
DAY = {**SHOP, "where": "load_day = :day"}
ONCE = {"type": "exactly_once", "within": "interval"}

ROWS = {"type": "row_count", **DAY, "ge": 2}
MANY = {"type": "row_count", **DAY, "ge": 1000}
NONE = {"type": "row_count", **SHOP, "where": "load_day = :day and region = 'Z'", "ge": 1}
COMMENT = {"type": "row_count", **SHOP, "where": "region <> 'A' or 1 = 0 -- not A", "ge": 4}
FRESH = {"type": "freshness", **DAY, "column": "loaded_at", "within": "4h"}
EVER = {"type": "freshness", **SHOP, "column": "loaded_at", "within": "1m"}
NO_ROW = {**FRESH, "where": "region = 'Q'"}
KEYS = {**ONCE, **DAY, "key": ["load_day", "region"]}
COPIES = {**ONCE, **SHOP, "where": "1 = 1", "key": ["region"]}
NULLS = {**ONCE, **SHOP, "where": "amount = 7", "key": ["region"]}
SAME_AMOUNT = {**ONCE, **DAY, "key": ["amount", "load_day"]}
LIFETIME = {"type": "exactly_once", **DAY, "key": ["region"]}
OF_EXPECTED = {
    "type": "row_count",
    **DAY,
    "expected": {"store": "shop", "sql": "select count(*) from regions"},
    "within_abs": 0,
}
GOOD = [ROWS, MANY, NONE, COMMENT, FRESH, EVER, NO_ROW, KEYS, COPIES, NULLS, SAME_AMOUNT]
GOOD += [LIFETIME, OF_EXPECTED]

BAD_COLUMN = {"type": "row_count", **SHOP, "where": "no_such = 1", "ge": 1}
BAD_SYNTAX = {"type": "row_count", **SHOP, "where": "region region", "ge": 1}
BAD_KEY = {**ONCE, **DAY, "key": ["no_such"]}
BAD_VALUE = {"type": "row_count", **SHOP, "where": "region = :partition", "ge": 1}
AGGREGATE = {"type": "row_count", **SHOP, "where": "count(*) > 1", "ge": 1}
BAD = [BAD_COLUMN, BAD_SYNTAX, BAD_KEY, BAD_VALUE, AGGREGATE]


class Shop:
    """A table with a run's rows, and how checks are asked about it."""

    def __init__(self, target: Any, night: Question, now: Any) -> None:
        self.target, self.night, self.now = target, night, now
        text, instant = ("text", "text") if target.kind == "sqlite" else ("date", "timestamp")
        target.write(
            "create table regions (code varchar(10))",
            "insert into regions values ('A'), ('B'), ('C')",
            f"create table revenue (load_day {text}, region varchar(10), amount numeric(9, 3), "
            f"loaded_at {instant})",
            "insert into revenue values ('2026-04-01', 'Z', 1, '2026-04-01 23:00:00')",
        )

    def has(self, *regions: str | None, amount: str = "1") -> None:
        named = ["null" if region is None else f"'{region}'" for region in regions]
        rows = [f"('2026-04-02', {name}, {amount}, '2026-04-02 23:30:00')" for name in named]
        self.target.write(f"insert into revenue values {', '.join(rows)}")

    def ask(self, checks: Sequence[Mapping[str, Any]], **fields: Any) -> tuple[CheckResult, ...]:
        with self.stores(**fields) as stores:
            return evaluate(models(checks), stores, self.night, self.now)

    def survey(self, checks: Sequence[Mapping[str, Any]]) -> Survey:
        with self.stores() as stores:
            return survey(models(checks), PARTITIONS, stores, self.night, self.now)

    def stores(self, **fields: Any) -> Stores:
        config = {"type": "sql", "url": self.target.url, **fields}
        return Stores({"shop": SqlStoreConfig.model_validate(config)})


def models(checks: Sequence[Mapping[str, Any]]) -> list[CheckModel]:
    read = TypeAdapter(Check).validate_python
    return [read({"name": f"c{n}", **each}) for n, each in enumerate(checks)]


@contextmanager
def asked_one_by_one() -> Iterator[None]:
    """As if nothing could be asked together, nor in another way than by its statement."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("evaluate", "survey"):
            patch.setattr(f"verifier.checks.{module}.ask_alike", lambda *_, **__: None)
        yield


@pytest.fixture
def shop(target, night, now) -> Shop:
    return Shop(target, night, now)


@pytest.fixture
def statements(monkeypatch) -> Callable[[], list[str]]:
    """What has been asked since it was last told, but for how columns are compared."""
    asked: list[str] = []
    select = SqlSession.select

    @contextmanager
    def noting(session: SqlSession, sql: str, parameters: Mapping[str, object]) -> Iterator[Any]:
        asked.append(sql)
        with select(session, sql, parameters) as rows:
            yield rows

    def told() -> list[str]:
        since = [sql for sql in asked if "pg_catalog" not in sql]
        asked.clear()
        return since

    monkeypatch.setattr(SqlSession, "select", noting)
    return told


def facts(result: CheckResult) -> Any:
    """All that a result says but its name, how long it took, when, and with how many."""
    said = {name: getattr(result, name) for name in result.__struct_fields__}
    del said["name"], said["duration_seconds"]
    said["evidence"] = {name: part for name, part in result.evidence.items() if name != "asked"}
    return said | {"stores": list(result.evidence.get("asked", ()))}


@pytest.mark.parametrize(
    "rows",
    [(), ("A",), ("A", "B", "C"), ("A", "B", "A", "A"), ("A", None), (None, None, "B", "B")],
    ids=str,
)
def test_asked_together_each_check_says_what_it_says_alone(shop, rows):
    if rows:
        shop.has(*rows)
        shop.has("N", None, amount="7")

    together = shop.ask([*GOOD, *BAD])

    with asked_one_by_one():
        alone = [shop.ask([each])[0] for each in [*GOOD, *BAD]]
    assert [facts(each) for each in together] == [facts(each) for each in alone]


def test_a_table_is_asked_once_for_all_and_the_evidence_is_each_checks_own(shop, statements):
    shop.has("A", "B")

    rows, many, fresh = shop.ask([ROWS, MANY, FRESH])

    assert len(statements()) == 1
    assert (rows.result, rows.effect, rows.done) == (Result.HOLDS, Effect.COMPLETE, 2)
    assert (many.result, many.effect, many.missing) == (Result.VIOLATED, Effect.PARTIAL, 998)
    assert fresh.result is Result.HOLDS
    for each in (rows, many, fresh):
        assert each.evidence["asked"]["shop"]["together"] == 3
    own = "SELECT count(*)\nFROM revenue\nWHERE (load_day = :day\n)"
    assert rows.evidence["statement"] == own


def test_figures_of_some_rows_are_asked_for_as_the_store_has_them_soonest(shop, statements):
    shop.has("A", "Z", "Z")
    found = shop.ask([ROWS, NONE, FRESH, NO_ROW])
    (sql,) = statements()
    assert ("FILTER (WHERE" in sql) is (shop.target.kind == "postgresql") is ("CASE" not in sql)
    assert [each.done for each in found[:2]] == [3, 2]


def test_what_has_no_condition_does_not_make_others_read_the_whole_table(shop, statements):
    shop.has("A")
    shop.ask([ROWS, MANY, EVER, {**EVER, "within": "9d"}])
    assert sorted("WHERE" in sql for sql in statements()) == [False, True]


def test_one_bad_check_among_many_is_found_by_halves_and_blinds_nobody(shop, statements):
    shop.has("A", "B")
    checks = [ROWS] * 40
    checks[17] = BAD_COLUMN

    results = shop.ask(checks)

    assert len(statements()) <= 2 * MOST_FAILURES + 2
    said = [(each.result, each.reason) for each in results]
    bad = (Result.UNKNOWN, "no_such_column")
    assert said == [bad if n == 17 else (Result.HOLDS, None) for n in range(40)]


def test_halves_are_tried_a_few_times_and_who_is_left_asks_alone(shop, statements):
    shop.has("A", "B")
    checks = [ROWS, BAD_COLUMN] * 16

    results = shop.ask(checks)

    asked = len(statements())
    assert asked <= len(checks) + 2 * MOST_FAILURES
    assert [each.reason for each in results] == [None, "no_such_column"] * 16


def test_a_check_that_is_slow_takes_no_other_with_it(shop):
    if shop.target.kind != "sqlite":
        pytest.skip("a statement that never ends is written in SQLite's words")
    shop.has("A", "B")
    forever = (
        "(with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n)"
    )
    slow = {"type": "row_count", **SHOP, "where": f"{forever} > 1", "ge": 1}

    results = shop.ask([ROWS, slow, MANY, FRESH], statement_timeout="100ms")

    assert [each.reason for each in results] == [None, "timed_out", None, None]


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.slow)])
def test_duplicates_are_looked_for_by_hash_and_only_a_surplus_asks_for_keys(shop, statements):
    shop.has("A", "B", "C")
    (held,) = shop.ask([KEYS])
    assert ["hash_record_extended" in sql for sql in statements()] == [True]
    assert held.result is Result.HOLDS

    shop.has("C")
    (copied,) = shop.ask([KEYS])

    assert ["hash_record_extended" in sql for sql in statements()] == [True, False]
    assert (copied.effect, copied.surplus) == (Effect.DUPLICATED, 1)


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.slow)])
def test_keys_that_the_table_calls_equal_are_one_whatever_they_look_like(shop):
    shop.target.write(
        "create table soft (size float8, amount numeric, code char(9))",
        "insert into soft values (0.0, 1.0, 'A'), ('-0', 1.00, 'A ')",
    )
    for column in ("size", "amount", "code"):
        check = {**ONCE, "store": "shop", "table": "soft", "where": "1 = 1", "key": [column]}
        (found,) = shop.ask([check])
        assert (found.effect, found.surplus) == (Effect.DUPLICATED, 1), column


PARTITIONS = Partitions(name="region", store="shop", sql="select code from regions")
BY_REGION = [
    {"type": "row_count", **DAY, "partition": "region", "eq": 2},
    {**ONCE, **DAY, "key": ["region", "amount"], "partition": "region"},
    {**ONCE, **DAY, "key": ["amount", "region"], "partition": "region"},
    {"type": "row_count", **SHOP, "where": "amount > 1", "partition": "region", "ge": 1},
    {"type": "row_count", **DAY, "ge": 1},
    {"type": "row_count", **SHOP, "where": "no_such = 1", "partition": "region", "ge": 1},
]


def told_apart(found: Survey) -> Any:
    return (
        [facts(each) for each in found.whole],
        {name: [facts(each) for each in found.of(name)] for name in ("A", "B", "C", "Z")},
        found.count,
    )


@pytest.mark.parametrize(
    "rows", [(), ("A", "B", "C"), ("A", "A", "B"), ("A", None, None, "C", "C", "X", "X")], ids=str
)
def test_partitions_told_apart_together_are_told_apart_as_by_each_check_alone(shop, rows):
    if rows:
        shop.has(*rows)
        shop.has("A", "B", amount="2")

    together = shop.survey(BY_REGION)

    with asked_one_by_one():
        assert told_apart(together) == told_apart(shop.survey(BY_REGION))


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.slow)])
def test_partitions_take_one_statement_and_one_more_for_those_with_a_surplus(shop, statements):
    shop.has("A", "B", "C")
    shop.survey(BY_REGION[:2])
    assert len(statements()) == 2  # with the list of partitions

    shop.has("C")
    found = shop.survey(BY_REGION[:2])

    _, figures, keys = statements()
    assert "hash_record_extended" in figures
    assert "IN (:partition_0)" in keys
    assert [each.surplus for each in found.of("C")] == [0, 1]


def test_partitions_that_differ_only_in_case_are_two_however_many_checks_count_them(shop):
    collations = {"mariadb": "utf8mb4_general_ci", "postgresql": "ignorant"}
    column = f"varchar(10) collate {collations.get(shop.target.kind, 'nocase')}"
    if shop.target.kind == "postgresql":
        try:
            shop.target.write(
                "create collation ignorant (provider = icu, locale = 'und-u-ks-level2', "
                "deterministic = false)"
            )
        except NotSupportedError:
            pytest.skip("this server was built without ICU, so all its collations are exact")
    shop.target.write(
        f"create table calls (region {column}, number int)",
        "insert into calls values ('A', 1), ('a', 2), ('a', 2), ('B', 1)",
        "insert into regions values ('a')",
    )
    calls = {"store": "shop", "table": "calls", "where": "1 = 1", "partition": "region"}
    count = {"type": "row_count", **calls, "eq": 1}
    once = {**ONCE, **calls, "key": ["region", "number"]}

    together = shop.survey([count, {**count, "eq": 2}, once])

    found = {name: [each.done for each in together.of(name)[:2]] for name in ("A", "a", "B")}
    assert found == {"A": [1, 1], "a": [2, 2], "B": [1, 1]}
    with asked_one_by_one():
        assert told_apart(together) == told_apart(shop.survey([count, {**count, "eq": 2}, once]))


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.slow)])
def test_where_a_table_may_call_two_partitions_equal_copies_are_looked_for_across_them(
    shop, statements
):
    # Any type of this name is taken for one that ignores case; the extension is rarely there.
    shop.target.write(
        "create domain citext as text",
        "create table calls (region citext, number int)",
        "insert into calls values ('A', 1), ('A', 1), ('B', 1)",
    )
    calls = {"store": "shop", "table": "calls", "where": "1 = 1", "partition": "region"}
    found = shop.survey(
        [{"type": "row_count", **calls, "eq": 1}, {**ONCE, **calls, "key": ["region", "number"]}]
    )
    assert not any("hash_record_extended" in sql for sql in statements())
    assert [each.surplus for each in found.of("A")] == [0, 1]


def test_counts_of_partitions_share_one_statement(shop, statements):
    shop.has("A", "B", "C")
    counts = [{**BY_REGION[0], "eq": rows} for rows in (1, 2)]
    found = shop.survey(counts)
    assert sum("GROUP BY" in sql for sql in statements()) == 1
    assert [each.result for each in found.of("A")] == [Result.HOLDS, Result.VIOLATED]


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.slow)])
@pytest.mark.parametrize("type_", ["int", "timestamptz", "boolean", "numeric", "text"])
def test_within_a_partition_the_rest_of_a_key_tells_copies_whatever_its_type(
    shop, statements, type_
):
    value = {"timestamptz": "'2026-04-02 12:00Z'", "boolean": "true"}.get(type_, "'1'")
    one, two = f"('A', {value})", f"('B', {value})"
    nothing, nobody, neither = "('A', null)", f"(null, {value})", "(null, null)"
    shop.target.write(f'create table calls (region varchar(10), "n%%m" {type_})')
    calls = {"store": "shop", "table": "calls", "where": "1 = 1", "partition": "region"}
    checks = [{"type": "row_count", **calls, "eq": 1}, {**ONCE, **calls, "key": ["region", "n%m"]}]
    for rows in (
        [one, two],
        [one, one, two],
        [nobody, one],
        [nothing, two],
        [neither, nobody, nobody, two, two],
    ):
        shop.target.write("delete from calls", f"insert into calls values {', '.join(rows)}")
        statements()

        together = shop.survey(checks)

        (figures,) = [sql for sql in statements() if "DISTINCT" in sql]
        assert ("hash_record_extended" in figures) is (type_ in ("numeric", "text"))
        with asked_one_by_one():
            assert told_apart(together) == told_apart(shop.survey(checks))

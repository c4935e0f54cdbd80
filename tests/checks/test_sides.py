"""By sketches or key by key: the answer is the same, to the row and to the sample."""

from itertools import count, product
from random import Random
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from verifier.checks import sides, sketches
from verifier.checks.evaluate import evaluate
from verifier.checks.inquiry import Inquiry
from verifier.checks.partitions import Partitions
from verifier.checks.registry import Check
from verifier.checks.sketch import digest
from verifier.checks.stores.digests import BUCKET_DIGITS
from verifier.checks.stores.registry import StoreConfig, Stores
from verifier.checks.survey import survey
from verifier.runs.evaluation import CheckResult, Effect, Result

SCOPE: dict[str, Any] = {
    "type": "scope",
    "name": "it",
    "store": "shop",
    "table": "t",
    "key": ["k"],
    "where": "load_day = :day",
    "expected": {"store": "orders", "sql": "select k from o", "allow_empty": True},
}


@pytest.fixture(
    params=[
        "duckdb",
        pytest.param("postgresql", marks=pytest.mark.slow),
        pytest.param("mariadb", marks=pytest.mark.slow),
    ]
)
def kind(request):
    """Of the destination; the expected keys are in a DuckDB file."""
    return request.param


class Both:
    """Two stores, and a check asked about them in both ways."""

    def __init__(self, target, path, night, now, monkeypatch):
        self.target, self.path, self.night, self.now = target, path, night, now
        self.few = lambda keys: monkeypatch.setattr(sides, "FEW_ROWS", keys)

    def expect(self, columns: str, rows: list[tuple[Any, ...]]) -> None:
        with duckdb.connect(str(self.path)) as connection:
            connection.execute("drop table if exists o")
            connection.execute(f"create table o ({columns})")
            if rows:
                connection.execute(f"insert into o values {values(rows)}")

    def write(self, columns: str, rows: list[tuple[Any, ...]], day: str = "2026-04-02") -> None:
        dated = [(day, *row) for row in rows]
        self.target.write(
            "drop table if exists t",
            f"create table t (load_day date, {columns})",
            *([f"insert into t values {values(dated)}"] if rows else []),
        )

    def stores(self) -> Stores:
        urls = {"shop": self.target.url, "orders": f"duckdb:///{self.path}"}
        read = TypeAdapter(StoreConfig).validate_python
        return Stores({name: read({"type": "sql", "url": url}) for name, url in urls.items()})

    def all(self, checks: list[dict[str, Any]], **more: Any) -> tuple[CheckResult, ...]:
        models = [TypeAdapter(Check).validate_python(check) for check in checks]
        with self.stores() as stores:
            return evaluate(models, stores, self.night, self.now, **more)

    def ask(self, check: dict[str, Any], **more: Any) -> CheckResult:
        return self.all([check], **more)[0]

    def by_keys(self, check: dict[str, Any], **more: Any) -> CheckResult:
        self.few(10**9)
        return self.ask(check, **more)

    def by_sketches(self, check: dict[str, Any], **more: Any) -> CheckResult:
        self.few(0)
        return self.ask(check, **more)

    def same(self, check: dict[str, Any]) -> CheckResult:
        """The answer by sketches, which is the one by keys in all but how it came about."""
        one, other = self.by_keys(check), self.by_sketches(check)
        assert told(other) == told(one)
        return other


def values(rows: list[tuple[Any, ...]]) -> str:
    return ", ".join(f"({', '.join(map(literal, row))})" for row in rows)


def literal(value: Any) -> str:
    if value is None:
        return "null"
    return str(value) if isinstance(value, int) else f"'{value}'"


def told(answer: CheckResult) -> CheckResult:
    """All but seconds, and how it was found."""
    evidence = {name: each for name, each in answer.evidence.items() if name != "compared"}
    evidence.pop("asked")
    if "expected" in evidence:
        hidden = ("sketch", "exact")
        expected = evidence["expected"].items()
        evidence["expected"] = {name: each for name, each in expected if name not in hidden}
    return msgspec.structs.replace(answer, evidence=evidence, duration_seconds=0.0)


@pytest.fixture
def both(target, tmp_path, night, now, monkeypatch):
    return Both(target, tmp_path / "orders.duckdb", night, now, monkeypatch)


@pytest.mark.parametrize(
    ("present", "effect", "differing"),
    [
        ("ABCD", Effect.COMPLETE, 0),
        ("", Effect.NONE, None),
        ("AB", Effect.PARTIAL, 2),
        ("ABCDAA", Effect.DUPLICATED, 1),
        ("ABA", Effect.DUPLICATED, 3),
        ("ABCDX", Effect.COMPLETE, 1),
        ("XXY", Effect.DUPLICATED, 6),
        ("ABC?", Effect.PARTIAL, 2),
        ("ABCD??", Effect.COMPLETE, 1),
    ],
)
def test_what_is_planted_comes_out_in_both_ways(both, present, effect, differing):
    both.expect("k varchar", [(each,) for each in "ABCD"])
    both.write("k varchar(9)", [(None if each == "?" else each,) for each in present])

    answer = both.same(SCOPE)

    assert answer.effect is effect
    assert answer.evidence["compared"].get("differing") == differing


LEDGER: dict[str, Any] = {
    "type": "ledger",
    "name": "mailed",
    "expected": {"store": "orders", "sql": "select k from o"},
    "log": {
        "store": "shop",
        "table": "t",
        "key": ["k"],
        "where": "load_day = :day",
        "done": "state = 'sent' -- for good",
        "in_doubt": "state = 'begun'",
    },
}


@pytest.mark.parametrize(
    ("there", "says", "by"),
    [
        ("ABCD", (Effect.COMPLETE, 0, 0), "sketches"),
        ("ABCDab", (Effect.COMPLETE, 0, 0), "sketches"),
        ("ABCDA", (Effect.DUPLICATED, 0, 1), "sketches"),
        ("AB", (Effect.PARTIAL, 2, 0), "sketches"),
        ("ABc", (Effect.PARTIAL, 2, 0), "sketches"),
        ("ABcd", "in_doubt", "sketches"),
        ("abcd", "in_doubt", "keys"),
        ("???", (Effect.NONE, 4, 0), "keys"),
    ],
)
def test_effects_are_compared_alike_in_both_ways(both, there, says, by):
    """A small letter was begun and never confirmed, a question mark waits."""
    both.expect("k varchar", [(each,) for each in "ABCD"])
    states = [("sent" if each.isupper() else "begun", each.upper()) for each in there]
    both.write("state varchar(9), k varchar(9)", [(s if k != "?" else "new", k) for s, k in states])

    answer = both.same(LEDGER)

    assert answer.evidence["compared"]["by"] == by
    assert (answer.reason or (answer.effect, answer.missing, answer.surplus)) == says
    doubtful = {each for each in there if each.islower() and each.upper() not in there}
    assert answer.evidence["in_doubt"] == len(doubtful)


def test_keys_of_several_columns_and_types_agree_across_stores(both):
    rows = [("2026-04-02", 1, "a"), ("2026-04-02", 10, "b:1"), ("2026-04-03", 2, "é")]
    both.expect("d date, n varchar, k varchar", rows)
    both.write("d date, n integer, k varchar(9)", [*rows, ("2026-04-03", 2, "e")])
    expected = {"store": "orders", "sql": "select d, n, k from o"}

    answer = both.same({**SCOPE, "key": ["d", "n", "k"], "expected": expected})

    assert (answer.effect, answer.unexpected) == (Effect.COMPLETE, 1)
    assert answer.evidence["compared"]["differing"] == 1


def test_a_collation_that_ignores_case_merges_no_keys(both, kind):
    loose = {
        "duckdb": "varchar collate nocase",
        "postgresql": "varchar",
        "mariadb": "varchar(9) collate utf8mb4_general_ci",
    }
    both.expect("k varchar collate nocase", [("a",), ("A",), ("b",)])
    both.write(f"k {loose[kind]}", [("a",), ("B",), ("b",)])

    answer = both.same(SCOPE)

    assert (answer.expected, answer.missing, answer.unexpected) == (3, 1, 1)


@pytest.mark.parametrize(
    "sql",
    [
        "select k from o;",
        "select k from o -- all of them",
        "select k from o -- all; of them\n;  -- and no more",
        "with every as (select k from o) select k from every order by k",
        "select k from o union all select k from o",
        "select k from o where :day = '2026-04-02' and k <> ';'",
        "select 'A' union all select 'B'",
        "values ('A'), ('B')",
        "(select k from o)",
    ],
)
def test_whatever_statement_gives_the_expected_keys_may_stand_in_another(both, sql):
    both.expect("k varchar", [("A",), ("B",)])
    both.write("k varchar(9)", [("A",), ("A",), ("B",)])
    both.target.write("create table o (k varchar(9))", "insert into o values ('A'), ('B')")

    for store in ("orders", "shop"):
        answer = both.same({**SCOPE, "expected": {"store": store, "sql": sql}})

        assert (answer.expected, answer.surplus) == (2, 1)
        assert answer.evidence["compared"]["by"] == "sketches"


def test_expected_keys_may_have_one_name_and_be_in_the_same_table(both):
    both.write("k varchar(9), k2 varchar(9)", [("A", "A"), ("B", "B")])
    sql = "select k, k from t where load_day = :day order by k2"
    check = {**SCOPE, "key": ["k", "k2"], "expected": {"store": "shop", "sql": sql}}

    answer = both.same(check)

    assert answer.result is Result.HOLDS
    assert answer.evidence["compared"]["by"] == "sketches"


@pytest.mark.parametrize("within", ["lifetime", "30d"])
def test_copies_beyond_the_interval_are_found_in_both_ways(both, within):
    both.expect("k varchar", [("A",), ("B",), ("C",)])
    both.write("k varchar(9), seen timestamp", [(each, "2026-04-02 08:00:00") for each in "AB"])
    both.target.write("insert into t values ('2026-03-28', 'A', '2026-03-28 08:00:00')")
    look_back = {"column": "seen"} if within == "30d" else {}

    answer = both.same({**SCOPE, "within": within, **look_back})

    assert (answer.effect, answer.surplus, answer.missing) == (Effect.DUPLICATED, 1, 1)


@pytest.mark.parametrize(
    ("columns", "rows", "says"),
    [
        ("k double", [("1",), ("2",)], "a type that the key has"),
        ("k date", [("infinity",), ("2026-04-02",)], "has no digest"),
        ("k varchar", [("A",), (None,)], "has no digest"),
    ],
)
def test_keys_without_a_digest_are_compared_one_by_one(both, columns, rows, says):
    both.expect(columns, rows)
    both.write("k varchar(9)", [("1",), ("2",)])

    answer = both.same(SCOPE)

    assert answer.evidence.get("compared", {"by": "keys"})["by"] == "keys"
    if answer.result is not Result.UNKNOWN:
        assert says in answer.evidence["compared"]["detail"]


def test_a_row_whose_key_has_no_digest_is_compared_one_by_one(both, kind):
    both.expect("k varchar", [("2026-04-02",), ("1999-01-01",)])
    both.write("k date", [("2026-04-02",), ("1999-01-01",)])
    beyond = "0000-00-00" if kind == "mariadb" else "infinity"
    with both.target.writing() as execute:
        if kind == "mariadb":
            execute("set sql_mode = ''")
        execute(f"insert into t values ('2026-04-02', '{beyond}')")

    answer = both.same(SCOPE)

    if kind == "postgresql":
        assert answer.result is Result.UNKNOWN  # neither can its driver hold it
    else:
        assert (answer.effect, answer.unexpected) == (Effect.COMPLETE, 1)
        assert answer.evidence["compared"] == {
            "by": "keys",
            "detail": "the key of a row has no digest",
        }


def test_a_store_that_takes_no_digests_is_asked_for_the_keys(both, make_database, monkeypatch):
    both.write("k varchar(9)", [("A",)])
    make_database("orders").run("create table o (k text); insert into o values ('A'), ('B')")
    both.few(0)
    model = TypeAdapter(Check).validate_python(SCOPE)
    read = TypeAdapter(StoreConfig).validate_python
    urls = {"shop": both.target.url, "orders": make_database("orders").url}

    with Stores({name: read({"type": "sql", "url": url}) for name, url in urls.items()}) as stores:
        answer = evaluate([model], stores, both.night, both.now)[0]

    assert (answer.effect, answer.evidence["compared"]) == (Effect.PARTIAL, {"by": "keys"})


def test_sides_that_have_little_in_common_are_compared_one_by_one(both, monkeypatch):
    monkeypatch.setattr(sketches, "MOST_BUCKETS", 3)
    both.expect("k varchar", [(each,) for each in "ABCD"])
    both.write("k varchar(9)", [("A",)])
    assert "little in common" not in str(both.same(SCOPE).evidence["compared"])

    both.write("k varchar(9)", [("X",)])

    assert "little in common" in both.same(SCOPE).evidence["compared"]["detail"]


def test_sides_that_change_between_two_statements_are_read_once_more(both):
    """As in a table without transactions, or by a ``LIMIT`` without an order."""
    both.expect("k varchar", [(f"{number}",) for number in range(200)])
    both.write("k varchar(9)", [(f"{number}",) for number in range(100)])
    expected = {"store": "orders", "sql": "select k from o where random() < 0.5"}

    answer = both.by_sketches({**SCOPE, "expected": expected})

    assert answer.evidence["compared"]["by"] == "keys"
    assert "did not stay" in answer.evidence["compared"]["detail"]
    assert answer.expected == answer.done + answer.missing


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"table": "no_such"}, "no_such_table"),
        ({"key": ["no_such"]}, "no_such_column"),
        ({"where": "no_such = :day"}, "no_such_column"),
        ({"expected": {"store": "orders", "sql": "select k, k from o"}}, "wrong_shape"),
        ({"expected": {"store": "orders", "sql": "select k from o where 0 = 1"}}, "expected_empty"),
        ({"expected": {"store": "orders", "sql": "select null from o"}}, "null_key"),
        (
            {"expected": {"store": "orders", "sql": "select k from o", "min": 9}},
            "expected_below_min",
        ),
    ],
)
def test_what_cannot_be_asked_has_the_same_reason_in_both_ways(both, change, reason):
    both.expect("k varchar", [("A",), ("B",)])
    both.write("k varchar(9)", [("A",)])

    answer = both.same({**SCOPE, **change})

    assert (answer.result, answer.reason) == (Result.UNKNOWN, reason)


def bucket(name: str) -> str:
    return str(digest((name,)))[:BUCKET_DIGITS]


KEYS = ["a", "A", "a ", "b", "1", "01", "é", "3:x", ""]


def test_a_thousand_defects_planted_at_random_come_out_in_both_ways(both):
    chance = Random(6)
    due = [(f"{number % 40}", f"order-{number}") for number in range(2_000)]
    there = [row for row in due if chance.random() > 0.05]
    there += chance.sample(there, 60) + [("7", f"strange-{n}") for n in range(30)] + [(None, "x")]
    both.expect("s varchar, k varchar", due)
    both.write("s integer, k varchar(20)", there)
    expected = {"store": "orders", "sql": "select s, k from o"}

    answer = both.same({**SCOPE, "key": ["s", "k"], "expected": expected})

    assert answer.evidence["compared"]["by"] == "sketches"
    assert (answer.expected, answer.surplus, answer.unexpected) == (2_000, 60, 31)
    assert answer.missing == 2_000 - len({*due} & {*there})


def test_partitions_are_told_apart_in_both_ways(both):
    tenants = [f"tenant-{number}" for number in range(60)]
    # It is read together with tenant-1, with whom it shares nothing but a bucket.
    tenants.append(next(each for each in map(str, count()) if bucket(each) == bucket("tenant-1")))
    due = [(tenant, number) for tenant, number in product(tenants, range(5))]
    absent, partial, copied = {"tenant-1"}, {"tenant-2"}, {"tenant-3"}
    there = [row for row in due if row[0] not in absent and not (row[0] in partial and row[1] > 2)]
    there += [row for row in due if row[0] in copied and row[1] == 4]
    there += [("tenant-4", 99), ("nobody", 1), (None, 1), ("tenant-5", None)]
    both.expect("tenant varchar, n integer", due)
    both.write("tenant varchar(20), n integer", there)
    check = {
        **SCOPE,
        "key": ["tenant", "n"],
        "partition": "tenant",
        "expected": {"store": "orders", "sql": "select tenant, n from o"},
    }
    model = TypeAdapter(Check).validate_python(check)
    listed = Partitions(name="tenant", store="orders", sql="select distinct tenant from o")

    def asked(few: int) -> Any:
        both.few(few)
        with both.stores() as stores:
            return survey([model], listed, stores, both.night, both.now)

    one, other = asked(10**9), asked(0)

    (whole,) = other.whole
    assert told(whole) == told(one.whole[0])
    assert (other.exceptions, other.count) == (one.exceptions, one.count)
    assert [other.of(name) for name in tenants] == [one.of(name) for name in tenants]
    assert sorted(other.exceptions) == [f"tenant-{number}" for number in range(1, 6)]
    assert whole.evidence["compared"]["by"] == "sketches"
    assert whole.evidence["compared"]["differing"] == 7


@pytest.mark.parametrize("kind", ["duckdb"])
def test_many_keys_that_agree_are_not_held(both):
    rows = [(f"order-{number}",) for number in range(12_000)]
    both.expect("k varchar", rows)
    both.write("k varchar", [*rows[:-1], rows[0]])

    answer = both.ask(SCOPE, max_keys=11_000)

    assert (answer.effect, answer.missing, answer.surplus) == (Effect.DUPLICATED, 1, 1)
    assert answer.evidence["compared"]["by"] == "sketches"
    assert answer.evidence["sample"]["missing"] == ["order-11999"]
    assert answer.evidence["expected"]["keys"] == 12_000
    both.write("k varchar", rows[:6_000])
    assert both.ask(SCOPE, max_keys=11_000).reason == "too_many_keys"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_server_that_was_asked_for_all_keys_is_asked_for_their_sketch(both, kind):
    """What it still sends of them is not wanted any more."""
    numbers = {"postgresql": "generate_series(1, 60000) as s(n)", "mariadb": "numbers"}
    both.write("k integer", [])
    if kind == "mariadb":
        both.target.write("create view numbers as select seq as n from seq_1_to_60000")
    both.target.write(
        "create table o (k integer)",
        f"insert into o select n from {numbers[kind]}",
        "insert into t select '2026-04-02', k from o where k > 1",
        "insert into t values ('2026-04-02', 7)",
    )
    expected = {"store": "shop", "sql": "select k from o"}

    for _ in range(5):
        answer = both.ask({**SCOPE, "expected": expected}, max_keys=50_000)

        assert (answer.expected, answer.missing, answer.surplus) == (60_000, 1, 1)
        assert answer.evidence["compared"]["by"] == "sketches"


@pytest.mark.parametrize("kind", ["duckdb"])
def test_more_keys_than_can_be_held_may_all_be_missing(both):
    rows = [(f"tenant-{number % 700}", f"{number}") for number in range(12_000)]
    both.expect("tenant varchar, k varchar", rows)
    both.write("tenant varchar, k varchar", [])
    check = {
        **SCOPE,
        "key": ["tenant", "k"],
        "partition": "tenant",
        "expected": {"store": "orders", "sql": "select tenant, k from o"},
    }

    answer = both.ask(check, max_keys=11_000)
    held = both.by_keys(check)

    assert (answer.effect, answer.expected, answer.missing) == (Effect.NONE, 12_000, 12_000)
    assert (answer.result, answer.done, answer.surplus) == (Result.VIOLATED, 0, 0)
    assert len(answer.evidence["sample"]["missing"]) == 3
    assert answer.source_sketch == held.source_sketch
    assert answer.destination_sketch == held.destination_sketch
    listed = Partitions(name="tenant", store="orders", sql="select distinct tenant from o")
    both.few(10)
    with both.stores() as stores:
        model = TypeAdapter(Check).validate_python(check)
        found = survey([model], listed, stores, both.night, both.now, max_keys=11_000)
    assert found.whole[0].evidence["compared"]["by"] == "sketches"
    assert found.whole[0].missing == 12_000
    assert {found.of(name)[0].effect for name in found.exceptions} == {Effect.NONE}
    assert len(found.exceptions) == 700


@pytest.mark.parametrize("kind", ["duckdb"])
@pytest.mark.parametrize(
    ("there", "by", "times"),
    [(12_000, "sketches", 1), (11_999, "sketches", 2), (10_000, "keys", 1), (0, "keys", 1)],
)
def test_what_is_expected_is_asked_once_unless_keys_of_many_differ(
    both, monkeypatch, there, by, times
):
    asked = []

    class Listening(Inquiry):
        def rows(self, statement):
            asked.append(statement.store)
            return super().rows(statement)

    rows = [(f"order-{number}",) for number in range(12_000)]
    both.expect("k varchar", rows)
    both.write("k varchar", rows[:there])
    monkeypatch.setattr("verifier.checks.evaluate.Inquiry", Listening)

    answer = both.ask(SCOPE)

    assert (answer.missing, answer.evidence["compared"]["by"]) == (12_000 - there, by)
    assert asked.count("orders") == times


@pytest.mark.parametrize("kind", ["duckdb"])
def test_few_keys_are_read_at_once(both):
    both.expect("k varchar", [("A",)])
    both.write("k varchar", [("A",)])

    assert both.ask(SCOPE).evidence["compared"] == {"by": "keys"}


def test_a_person_can_run_again_what_was_asked(both):
    both.expect("k varchar", [("A",), ("B",)])
    both.write("k varchar(9)", [("A",), ("X",)])

    evidence = both.by_sketches(SCOPE).evidence

    day = ":day", "'2026-04-02'"
    assert len(both.target.rows(evidence["statement"].replace(*day))) == 2
    assert len(both.target.rows(evidence["compared"]["sketch"].replace(*day))) == 2
    assert both.target.rows(evidence["compared"]["exact"].replace(*day)) == [("X", 1)]
    with duckdb.connect(str(both.path)) as connection:
        assert len(connection.execute(evidence["expected"]["sketch"]).fetchall()) == 2
        assert connection.execute(evidence["expected"]["exact"]).fetchall() == [("B",)]


BAGS = st.tuples(
    st.lists(st.sampled_from(KEYS), max_size=5),
    st.lists(st.one_of(st.sampled_from(KEYS), st.none()), max_size=7),
)


@pytest.mark.parametrize("kind", ["duckdb"])
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bags=st.lists(BAGS, min_size=20, max_size=30))
def test_any_two_bags_of_keys_are_compared_alike(both, bags):
    """Many at a time, since opening a file takes longer than comparing."""
    both.expect("bag integer, k varchar", [(n, k) for n, (due, _) in enumerate(bags) for k in due])
    there = [(n, k) for n, (_, found) in enumerate(bags) for k in found]
    both.write("bag integer, k varchar collate nocase", there)
    checks = [
        {
            **SCOPE,
            "where": f"bag = {number}",
            "expected": {
                "store": "orders",
                "sql": f"select k from o where bag = {number}",
                "allow_empty": True,
            },
        }
        for number in range(len(bags))
    ]
    both.few(10**9)
    by_keys = both.all(checks)
    both.few(0)
    by_sketches = both.all(checks)

    assert [told(each) for each in by_sketches] == [told(each) for each in by_keys]
    for (_, found), answer in zip(bags, by_sketches, strict=True):
        assert answer.evidence["compared"]["by"] == ("sketches" if found else "keys")

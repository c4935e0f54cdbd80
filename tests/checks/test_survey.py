"""All partitions of a run in one go, against real databases with planted defects."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from verifier.checks.evidence import Detail
from verifier.checks.partitions import MAX_CLASSES, Partitions
from verifier.checks.registry import Check
from verifier.checks.survey import Survey, survey
from verifier.runs.evaluation import CheckResult, Effect, Result

SLOTS = ["1", "2", "3"]
TENANTS = "select id, tier from tenants"

SCOPE = {
    "type": "scope",
    "name": "slots",
    "store": "warehouse",
    "table": "metrics",
    "key": ["tenant", "slot"],
    "partition": "tenant",
    "where": "day = :day",
    "expected": {"store": "orders", "sql": "select id, slot from tenants, slots"},
}
ONCE = {
    "type": "exactly_once",
    "name": "once",
    "store": "warehouse",
    "table": "metrics",
    "key": ["day", "tenant", "slot"],
    "partition": "tenant",
    "where": "day = :day",
}
COUNT = {
    "type": "row_count",
    "name": "rows",
    "store": "warehouse",
    "table": "metrics",
    "partition": "tenant",
    "where": "day = :day",
    "eq": 3,
}


class Fleet:
    """Tenants in one database, and what the run wrote for them in another."""

    def __init__(self, ask: Any, database: Any, night: Any, now: Any) -> None:
        self.ask, self.night, self.now = ask, night, now
        self.orders, self.warehouse = database("orders"), database("warehouse")
        self.orders.run("create table tenants (id, tier); create table slots (slot)")
        self.orders.run("insert into slots values (?)", [(slot,) for slot in SLOTS])
        self.warehouse.run("create table metrics (day, tenant, slot)")

    def has(self, *tenants: str, tier: str = "gold") -> None:
        self.orders.run("insert into tenants values (?, ?)", [(each, tier) for each in tenants])

    def wrote(self, tenant: str | None, *slots: str, day: str = "2026-04-02") -> None:
        rows = [(day, tenant, slot) for slot in slots]
        self.warehouse.run("insert into metrics values (?, ?, ?)", rows)

    def survey(self, *checks: Mapping[str, Any], sql: str = TENANTS, **more: Any) -> Survey:
        models = [TypeAdapter(Check).validate_python(check) for check in checks]
        of_class = {} if "," not in sql else {"class": "tier"}
        source = Partitions.model_validate(
            {"name": "tenant", "store": "orders", "sql": sql, **of_class}
        )
        with self.ask.stores() as stores:
            return survey(models, source, stores, self.night, self.now, **more)


@pytest.fixture
def fleet(ask: Any, make_database: Any, night: Any, now: Any) -> Fleet:
    return Fleet(ask, make_database, night, now)


def effects(answers: Sequence[CheckResult]) -> list[tuple[Result, Effect | None]]:
    return [(answer.result, answer.effect) for answer in answers]


@pytest.fixture
def defects(fleet: Fleet) -> Fleet:
    """Of each kind of tenant one, and two that are as they should be."""
    fleet.has("good", "fine", "absent", "partial", "double", "both", "more")
    for tenant in ("good", "fine", "double", "more"):
        fleet.wrote(tenant, *SLOTS)
    fleet.wrote("partial", "1")
    fleet.wrote("double", "2")
    fleet.wrote("both", "1", "1")
    fleet.wrote("more", "4")
    return fleet


def test_each_partition_gets_its_own_answer_by_scope(defects: Fleet) -> None:
    found = defects.survey(SCOPE)
    assert {name: found.of(name)[0].effect for name in found.exceptions} == {
        "absent": Effect.NONE,
        "partial": Effect.PARTIAL,
        "double": Effect.DUPLICATED,
        "both": Effect.DUPLICATED,
        "more": Effect.COMPLETE,
    }
    counts = {
        name: (each[0].expected, each[0].done, each[0].missing, each[0].surplus, each[0].unexpected)
        for name in found.exceptions
        for each in [found.of(name)]
    }
    assert counts == {
        "absent": (3, 0, 3, 0, 0),
        "partial": (3, 1, 2, 0, 0),
        "double": (3, 3, 0, 1, 0),
        "both": (3, 1, 2, 1, 0),
        "more": (3, 3, 0, 0, 1),
    }
    assert found.count is not None
    assert (found.count.total, found.count.holding) == (7, 2)


def test_each_partition_shows_its_own_keys(defects: Fleet) -> None:
    found = defects.survey(SCOPE, ONCE)
    shown = {
        name: [each.evidence.get("sample") for each in found.of(name)]
        for name in ("good", "partial", "both", "more")
    }
    copies = {"duplicated": [{"key": ["both", "1"], "count": 2}]}
    assert shown == {
        "good": [None, None],
        "partial": [{"missing": [["partial", "2"], ["partial", "3"]]}, None],
        "both": [
            {"missing": [["both", "2"], ["both", "3"]], **copies},
            {"duplicated": [{"key": ["2026-04-02", "both", "1"], "count": 2}]},
        ],
        "more": [{"unexpected": [["more", "4"]]}, None],
    }


@pytest.mark.parametrize("detail", [Detail.COUNTS, Detail.NONE])
def test_no_keys_of_a_partition_are_kept_where_they_are_private(
    defects: Fleet, detail: Detail
) -> None:
    (answer,) = defects.survey(SCOPE, detail=detail).of("partial")
    assert answer.evidence == {"partition": "partial"}


def test_the_gravest_comes_first(defects: Fleet) -> None:
    assert list(defects.survey(SCOPE).exceptions) == [
        "both",
        "double",
        "partial",
        "more",
        "absent",
    ]


def test_the_run_of_all_has_the_gravest_answer_and_the_counts_of_all(defects: Fleet) -> None:
    (whole,) = defects.survey(SCOPE).whole
    assert (whole.result, whole.effect) == (Result.VIOLATED, Effect.DUPLICATED)
    assert (whole.expected, whole.done, whole.missing) == (21, 14, 7)
    assert (whole.surplus, whole.unexpected) == (2, 1)
    assert whole.evidence["partitions"]["listed"] == 7
    assert whole.evidence["partitions"]["sample"]["partial"] == ["partial"]
    assert whole.evidence["statement"].startswith("SELECT")


def test_each_partition_gets_its_own_answer_by_count(defects: Fleet) -> None:
    found = defects.survey(COUNT)
    assert {name: effects(found.of(name)) for name in found.exceptions} == {
        "absent": [(Result.VIOLATED, Effect.NONE)],
        "partial": [(Result.VIOLATED, Effect.PARTIAL)],
        "both": [(Result.VIOLATED, Effect.PARTIAL)],
        "double": [(Result.VIOLATED, None)],
        "more": [(Result.VIOLATED, None)],
    }


def test_exactly_once_speaks_of_the_partitions_with_copies_alone(defects: Fleet) -> None:
    defects.wrote("good", "1", day="2026-04-01")
    found = defects.survey(ONCE)
    assert {name: found.of(name)[0].surplus for name in found.exceptions} == {
        "double": 1,
        "both": 1,
    }
    assert effects(found.of("absent")) == [(Result.HOLDS, None)]


def test_counts_may_be_expected_of_each_partition(fleet: Fleet) -> None:
    fleet.has("a", "b", "c")
    fleet.orders.run("create table usage (id, slots)")
    fleet.orders.run("insert into usage values (?, ?)", [("a", 1), ("b", 3)])
    fleet.wrote("a", "1")
    fleet.wrote("b", "1")
    check = {k: v for k, v in COUNT.items() if k != "eq"} | {
        "expected": {"store": "orders", "sql": "select id, slots from usage"},
        "within_abs": 0,
    }
    found = fleet.survey(check)
    assert effects(found.of("b")) == [(Result.VIOLATED, Effect.PARTIAL)]
    assert found.of("c")[0].reason == "expected_empty"
    assert "a" not in found.exceptions


def test_nothing_is_left_to_do_where_all_partitions_hold(fleet: Fleet) -> None:
    fleet.has("a", "b")
    fleet.has("c", tier="free")
    for tenant in "abc":
        fleet.wrote(tenant, *SLOTS)
    found = fleet.survey(SCOPE, ONCE, COUNT)
    assert not found.exceptions
    assert all(answer.result is Result.HOLDS for answer in found.whole)
    assert found.count is not None
    assert found.count.by_class == {"free": (1, 1), "gold": (2, 2)}
    assert effects(found.of("a")) == [
        (Result.HOLDS, Effect.COMPLETE),
        (Result.HOLDS, None),
        (Result.HOLDS, Effect.COMPLETE),
    ]


def test_classes_count_their_own(defects: Fleet) -> None:
    defects.has("free-good", "free-absent", tier="free")
    defects.wrote("free-good", *SLOTS)
    count = defects.survey(SCOPE).count
    assert count is not None
    assert count.by_class == {"free": (1, 2), "gold": (2, 7)}
    assert count.unknown == {}


def test_a_partition_that_nobody_listed_is_no_exception_but_unexpected(fleet: Fleet) -> None:
    fleet.has("a")
    fleet.wrote("a", *SLOTS)
    fleet.wrote("stranger", "1", "2", "3")
    fleet.wrote(None, "1", "2")
    (whole,) = fleet.survey(SCOPE).whole
    assert (whole.result, whole.effect, whole.unexpected) == (Result.VIOLATED, Effect.COMPLETE, 5)
    assert whole.evidence["partitions"]["unlisted"] == ["stranger"]


def test_a_partition_that_the_run_does_not_have_is_unknown(fleet: Fleet) -> None:
    fleet.has("a")
    fleet.wrote("a", *SLOTS)
    (answer,) = fleet.survey(SCOPE).of("gone")
    assert (answer.result, answer.reason) == (Result.UNKNOWN, "no_partition")


def test_a_partition_of_which_nothing_is_expected_is_unknown_unless_that_may_be(
    fleet: Fleet,
) -> None:
    fleet.has("a", "idle")
    fleet.wrote("a", *SLOTS)
    sql = "select id, slot from tenants, slots where id <> 'idle'"
    check = SCOPE | {"expected": {"store": "orders", "sql": sql}}
    found = fleet.survey(check)
    assert [(each.result, each.reason) for each in found.of("idle")] == [
        (Result.UNKNOWN, "expected_empty")
    ]
    assert found.exceptions == ["idle"]
    assert found.count is not None
    assert (found.count.holding, found.count.unknown) == (1, {"gold": 1})
    assert (found.whole[0].result, found.whole[0].reason) == (Result.UNKNOWN, "expected_empty")
    check = SCOPE | {"expected": {"store": "orders", "sql": sql, "allow_empty": True}}
    assert not fleet.survey(check).exceptions


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select id from nowhere", "no_such_table"),
        ("select id, tier, 1 from tenants", "wrong_shape"),
        ("select id, tier from tenants where id = 'nobody'", "expected_empty"),
        ("select null, 'gold'", "null_key"),
    ],
)
def test_where_partitions_cannot_be_listed_all_is_unknown_for_that_reason(
    defects: Fleet, sql: str, reason: str
) -> None:
    found = defects.survey(SCOPE, ONCE, sql=sql)
    assert [(each.result, each.reason) for each in found.whole] == [(Result.UNKNOWN, reason)] * 2
    assert found.count is None
    assert [each.reason for each in found.of("good")] == [reason] * 2


def test_one_check_that_cannot_be_asked_takes_no_other_with_it(defects: Fleet) -> None:
    found = defects.survey(SCOPE, ONCE | {"table": "nowhere"})
    assert [(each.name, each.reason) for each in found.whole] == [
        ("slots", None),
        ("once", "no_such_table"),
    ]
    assert found.of("absent")[1].reason == "no_such_table"
    assert [each.reason for each in found.of("good")] == [None, "no_such_table"]
    assert found.count is not None
    assert (found.count.holding, found.count.unknown) == (0, {"gold": 2})


def test_a_check_of_the_whole_run_stays_one(defects: Fleet) -> None:
    whole = {
        "type": "row_count",
        "name": "any",
        "store": "warehouse",
        "table": "metrics",
        "where": "day = :day",
        "ge": 1,
    }
    found = defects.survey(SCOPE, whole)
    assert [each.name for each in found.whole] == ["slots", "any"]
    assert (found.whole[1].result, found.whole[1].done) == (Result.HOLDS, 17)
    assert [each.name for each in found.of("absent")] == ["slots"]


def test_too_many_classes_are_refused(fleet: Fleet) -> None:
    for number in range(MAX_CLASSES + 1):
        fleet.has(str(number), tier=str(number))
    (whole,) = fleet.survey(SCOPE).whole
    assert (whole.result, whole.reason) == (Result.UNKNOWN, "wrong_shape")


def test_too_many_partitions_are_unknown_and_not_held_in_memory(defects: Fleet) -> None:
    (whole,) = defects.survey(COUNT, max_keys=3).whole
    assert (whole.result, whole.reason) == (Result.UNKNOWN, "too_many_keys")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    written=st.dictionaries(
        st.sampled_from("abcd"),
        st.lists(st.sampled_from([*SLOTS, "9"]), max_size=5),
    )
)
def test_each_partition_is_answered_as_if_it_had_been_asked_alone(
    fleet: Fleet, ask: Any, written: dict[str, list[str]]
) -> None:
    fleet.orders.run("delete from tenants")
    fleet.warehouse.run("delete from metrics")
    fleet.has(*"abcd")
    for tenant, slots in written.items():
        fleet.wrote(tenant, *slots)
    found = fleet.survey(SCOPE, ONCE, COUNT)
    for tenant in "abcd":
        where = f"day = :day and tenant = '{tenant}'"
        alone = [{**check, "where": where} for check in (ONCE, COUNT)]
        sql = f"select id, slot from tenants, slots where id = '{tenant}'"
        scope = {**SCOPE, "where": where, "expected": {"store": "orders", "sql": sql}}
        asked = ask.all([scope, *alone])
        assert effects(found.of(tenant)) == effects(asked)


def test_nothing_was_done_only_where_nothing_is_there_of_anybody(fleet: Fleet) -> None:
    fleet.has("a", "b")
    assert effects(fleet.survey(SCOPE).whole) == [(Result.VIOLATED, Effect.NONE)]
    fleet.wrote("A", *SLOTS)  # under a wrong name
    assert effects(fleet.survey(SCOPE).whole) == [(Result.VIOLATED, Effect.PARTIAL)]
    fleet.wrote("a", *SLOTS)
    assert effects(fleet.survey(SCOPE).whole) == [(Result.VIOLATED, Effect.PARTIAL)]


def test_damage_to_one_partition_hides_no_doubt_about_another(fleet: Fleet) -> None:
    fleet.has("a", "b")
    fleet.wrote("a", *SLOTS, "1")
    fleet.wrote("b", *SLOTS)
    fleet.warehouse.run("alter table metrics add column loaded")
    back = {"within": "30d", "column": "loaded"}
    found = fleet.survey({**SCOPE, **back}, {**ONCE, **back})
    assert effects(found.of("a"))[0] == (Result.VIOLATED, Effect.DUPLICATED)
    assert [each.reason for each in found.of("b")] == ["out_of_reach", "out_of_reach"]


def test_what_is_expected_of_a_partition_that_nobody_listed_is_not_forgotten(fleet: Fleet) -> None:
    fleet.has("a", "lost")
    fleet.wrote("a", *SLOTS)
    (whole,) = fleet.survey(SCOPE, sql="select id, tier from tenants where id = 'a'").whole
    assert whole.result is Result.VIOLATED
    assert whole.evidence["partitions"]["unlisted"] == ["lost"]


def test_copies_are_copies_whoever_has_them(fleet: Fleet) -> None:
    fleet.has("a")
    fleet.wrote("a", *SLOTS)
    fleet.wrote("stranger", "1", "1")
    assert effects(fleet.survey(SCOPE, ONCE).whole) == [(Result.VIOLATED, Effect.DUPLICATED)] * 2


def test_a_check_that_only_warns_makes_no_exception(fleet: Fleet) -> None:
    fleet.has("a")
    fleet.wrote("a", *SLOTS)
    found = fleet.survey(SCOPE, {**COUNT, "eq": 4, "on_violation": "warn"})
    assert not found.exceptions
    assert found.count is not None
    assert found.count.holding == 1


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201, "a\x00b"])
def test_a_name_that_no_signal_could_carry_is_refused(fleet: Fleet, name: str) -> None:
    fleet.has("a", name)
    (whole,) = fleet.survey(SCOPE).whole
    assert (whole.result, whole.reason) == (Result.UNKNOWN, "wrong_shape")


OF_USAGE = {k: v for k, v in COUNT.items() if k != "eq"} | {
    "expected": {"store": "orders", "sql": "select id, count(*) from tenants, slots group by id"},
    "within_abs": 0,
}


@pytest.mark.parametrize("check", [SCOPE, COUNT, OF_USAGE], ids=["scope", "count", "expected"])
def test_who_is_listed_anew_changes_the_source_and_not_the_destination(
    fleet: Fleet, check: Mapping[str, Any]
) -> None:
    fleet.has("a")
    fleet.wrote("a", *SLOTS)
    (before,) = fleet.survey(check).whole
    fleet.has("new")
    (after,) = fleet.survey(check).whole
    assert after.effect is Effect.PARTIAL
    assert after.source_sketch != before.source_sketch
    assert after.destination_sketch == before.destination_sketch


@pytest.mark.parametrize("check", [SCOPE, COUNT, OF_USAGE], ids=["scope", "count", "expected"])
@pytest.mark.parametrize("tenant", ["a", "stranger", None])
def test_any_row_more_changes_the_destination_and_not_the_source(
    fleet: Fleet, check: Mapping[str, Any], tenant: str | None
) -> None:
    fleet.has("a")
    fleet.wrote("a", *SLOTS)
    (before,) = fleet.survey(check).whole
    fleet.wrote(tenant, "4")
    (after,) = fleet.survey(check).whole
    assert after.source_sketch == before.source_sketch
    assert after.destination_sketch != before.destination_sketch


def test_what_goes_from_one_partition_to_another_changes_the_destination(fleet: Fleet) -> None:
    fleet.has("a", "b")
    fleet.wrote("a", *SLOTS, "4")
    fleet.wrote("b", *SLOTS)
    (before,) = fleet.survey(COUNT).whole
    fleet.warehouse.run("update metrics set tenant = 'b' where slot = '4'")
    (after,) = fleet.survey(COUNT).whole
    assert after.destination_sketch != before.destination_sketch


def test_the_order_of_reading_changes_no_sketch(fleet: Fleet) -> None:
    fleet.has("a", "b")
    fleet.wrote("a", *SLOTS)
    fleet.wrote("b", *SLOTS)
    (one,) = fleet.survey(SCOPE, sql=f"{TENANTS} order by id").whole
    fleet.warehouse.run("create table again as select * from metrics order by tenant desc")
    (other,) = fleet.survey({**SCOPE, "table": "again"}, sql=f"{TENANTS} order by id desc").whole
    assert (one.source_sketch, one.destination_sketch) == (
        other.source_sketch,
        other.destination_sketch,
    )


def test_a_stranger_beside_what_nobody_could_tell_is_counted_and_proves_nothing(
    fleet: Fleet,
) -> None:
    fleet.has("a", "idle")
    fleet.wrote("a", *SLOTS)
    fleet.wrote("stranger", "1")
    sql = "select id, slot from tenants, slots where id <> 'idle'"
    (whole,) = fleet.survey(SCOPE | {"expected": {"store": "orders", "sql": sql}}).whole
    assert (whole.result, whole.reason, whole.unexpected) == (Result.UNKNOWN, "expected_empty", 1)


@pytest.mark.parametrize("checks", [(COUNT, ONCE), (ONCE, COUNT)], ids=["count", "once"])
def test_a_partition_is_as_grave_as_the_gravest_that_any_check_says(
    defects: Fleet, checks: Sequence[Mapping[str, Any]]
) -> None:
    found = defects.survey(*checks)
    assert found.exceptions == ["both", "double", "partial", "more", "absent"]


def test_only_the_gravest_have_a_name(defects: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verifier.checks.survey.MAX_EXCEPTIONS", 2)
    count = defects.survey(SCOPE).count
    assert count is not None
    assert count.exceptions == ("both", "double")


def test_what_is_usual_is_known_by_check(fleet: Fleet, ask: Any) -> None:
    fleet.has("a", "b")
    for tenant in "ab":
        fleet.wrote(tenant, *SLOTS)
    check = {**SCOPE, "expected": {**SCOPE["expected"], "drift_within_pct": 10}}  # type: ignore[dict-item]
    (before,) = fleet.survey(check).whole
    assert (before.result, before.expected) == (Result.HOLDS, 6)
    fleet.orders.run("delete from tenants where id = 'b'")
    (after,) = fleet.survey(check, history={"slots": [before]}).whole
    assert after.reason == "expected_drifted"
    (other,) = fleet.survey(check, history={"another": [before]}).whole
    assert other.reason != "expected_drifted"


def test_a_partition_without_a_class_has_the_empty_one(fleet: Fleet) -> None:
    fleet.orders.run("insert into tenants values ('a', null)")
    count = fleet.survey(COUNT).count
    assert count is not None
    assert count.by_class == {"": (0, 1)}


def test_as_many_partitions_as_may_be_held_are_held(defects: Fleet) -> None:
    count = defects.survey(COUNT, max_keys=7).count
    assert count is not None
    assert count.total == 7


def test_partitions_are_compared_by_their_plain_text(fleet: Fleet) -> None:
    fleet.orders.run("insert into tenants values (1, 'gold'), (2.0, 'gold')")
    fleet.warehouse.run("insert into metrics values ('2026-04-02', '1', '1')")
    fleet.warehouse.run("insert into metrics values ('2026-04-02', 2, '1')")
    found = fleet.survey({**COUNT, "eq": 1})
    assert sorted(found.listed) == ["1", "2"]
    assert found.exceptions == []


@pytest.mark.parametrize("told", ["bounds", "numbers"])
def test_rows_of_a_partition_that_nobody_listed_are_each_unexpected(
    fleet: Fleet, told: str
) -> None:
    fleet.has("a")
    fleet.wrote("a", *SLOTS)
    fleet.wrote("stranger", "1", "2")
    sql = "select id, 3 from tenants"
    numbers = {"expected": {"store": "orders", "sql": sql}, "within_abs": 0}
    check = COUNT if told == "bounds" else {**COUNT, **numbers}
    if told == "numbers":
        del check["eq"]
    (whole,) = fleet.survey(check).whole
    assert (whole.result, whole.unexpected) == (Result.VIOLATED, 2)


def test_rows_of_nobody_are_counted_each_by_itself(fleet: Fleet) -> None:
    fleet.has("a")
    fleet.wrote("a", *SLOTS)
    fleet.wrote(None, "1", "1")
    (whole,) = fleet.survey(SCOPE).whole
    assert whole.unexpected == 2


def test_a_row_whose_key_is_not_whole_is_unexpected_of_its_partition(fleet: Fleet) -> None:
    fleet.has("a", "b")
    fleet.wrote("a", *SLOTS)
    fleet.wrote("b", *SLOTS)
    fleet.warehouse.run("insert into metrics values ('2026-04-02', 'a', null)")
    found = fleet.survey(SCOPE)
    assert {name: found.of(name)[0].unexpected for name in "ab"} == {"a": 1, "b": 0}
    assert found.whole[0].unexpected == 1


def test_strangers_are_counted_with_the_partitions(fleet: Fleet) -> None:
    fleet.has("a")
    fleet.wrote("a", *SLOTS)
    fleet.wrote("stranger", "1", "2")
    fleet.wrote(None, "1", "2")
    counts = [fleet.survey(*checks).count for checks in ([SCOPE], [COUNT], [COUNT, ONCE])]
    assert [count and count.strange for count in counts] == [3, 3, 3]
    only_warns = {**COUNT, "on_violation": "warn"}
    fleet.orders.run("insert into tenants values ('stranger', 'gold')")
    count = fleet.survey(only_warns, {**ONCE, "key": ["tenant", "slot"], "where": "1 = 0"}).count
    assert count is not None
    assert count.strange == 0


@pytest.mark.parametrize(
    ("allow_empty", "idle", "busy"),
    [
        (True, (Result.HOLDS, Effect.COMPLETE), (Result.VIOLATED, None)),
        (False, (Result.UNKNOWN, None), (Result.UNKNOWN, None)),
    ],
)
def test_nothing_may_be_expected_of_a_partition_only_where_that_is_said(
    fleet: Fleet,
    allow_empty: bool,
    idle: tuple[Result, Effect | None],
    busy: tuple[Result, Effect | None],
) -> None:
    fleet.has("a", "idle", "busy")
    fleet.orders.run("create table usage (id, slots)")
    fleet.orders.run("insert into usage values ('a', 3), ('ghost', 0)")
    fleet.wrote("a", *SLOTS)
    fleet.wrote("busy", "1")
    expected = {"store": "orders", "sql": "select id, slots from usage", "allow_empty": allow_empty}
    check = {k: v for k, v in COUNT.items() if k != "eq"} | {"expected": expected, "within_abs": 0}
    found = fleet.survey({**check, "allow_empty": allow_empty})
    assert effects(found.of("idle")) == [idle]
    assert effects(found.of("busy")) == [busy]
    assert found.whole[0].evidence["partitions"]["unlisted"] == []

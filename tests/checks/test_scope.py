from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from verifier.checks.registry import Check
from verifier.runs.evaluation import Effect, Result

SCOPE: dict[str, Any] = {
    "type": "scope",
    "store": "warehouse",
    "table": "daily_revenue",
    "key": ["region"],
    "where": "day = :day",
    "expected": {"store": "orders", "sql": "select code from regions where active"},
}


def counts(answer: Any) -> tuple[Any, ...]:
    return (answer.expected, answer.done, answer.missing, answer.surplus, answer.unexpected)


@pytest.mark.parametrize(
    ("regions", "effect", "result", "numbers"),
    [
        ([], Effect.NONE, Result.VIOLATED, (3, 0, 3, 0, 0)),
        (["DE"], Effect.PARTIAL, Result.VIOLATED, (3, 1, 2, 0, 0)),
        (["DE", "FR", "IT"], Effect.COMPLETE, Result.HOLDS, (3, 3, 0, 0, 0)),
        (["DE", "FR", "IT", "IT", "IT"], Effect.DUPLICATED, Result.VIOLATED, (3, 3, 0, 2, 0)),
        (["DE", "DE"], Effect.DUPLICATED, Result.VIOLATED, (3, 1, 2, 1, 0)),
        (["DE", "FR", "IT", "XX"], Effect.COMPLETE, Result.VIOLATED, (3, 3, 0, 0, 1)),
        (["XX", "YY"], Effect.PARTIAL, Result.VIOLATED, (3, 0, 3, 0, 2)),
        (["XX", "XX", "DE"], Effect.DUPLICATED, Result.VIOLATED, (3, 1, 2, 1, 1)),
    ],
    ids=[
        "nothing",
        "partial",
        "complete",
        "duplicated",
        "partial and duplicated at once",
        "complete with unexpected keys",
        "only unexpected keys: something was written",
        "an unexpected key twice is a second effect too",
    ],
)
def test_scope_says_what_is_there_with_exact_counts(
    ask, orders, load, regions, effect, result, numbers
):
    load(*regions)

    answer = ask(SCOPE)

    assert (answer.effect, answer.result, counts(answer)) == (effect, result, numbers)
    assert answer.reason is None


def test_rows_of_other_days_are_not_the_runs_concern(ask, orders, warehouse):
    answer = ask(SCOPE)

    assert answer.effect is Effect.NONE


def test_a_row_with_a_null_key_is_unexpected_and_never_a_match(ask, orders, load):
    load("DE", "FR", "IT", None, None)

    answer = ask(SCOPE)

    assert answer.effect is Effect.COMPLETE
    assert answer.result is Result.VIOLATED
    assert counts(answer) == (3, 3, 0, 0, 2)
    assert answer.evidence["sample"]["unexpected"] == [None]


def test_case_and_spaces_of_a_key_count(ask, orders, load):
    load("de", "FR ", "IT")

    answer = ask(SCOPE)

    assert counts(answer) == (3, 1, 2, 0, 2)


def test_a_column_that_ignores_case_does_not_merge_keys(ask, orders, make_database):
    make_database("warehouse").run(
        """
        CREATE TABLE daily_revenue (day TEXT, region TEXT COLLATE NOCASE);
        INSERT INTO daily_revenue VALUES ('2026-04-02', 'DE'), ('2026-04-02', 'de'),
            ('2026-04-02', 'FR'), ('2026-04-02', 'IT');
        """
    )

    answer = ask(SCOPE)

    assert counts(answer) == (3, 3, 0, 0, 1)
    assert answer.evidence["sample"]["unexpected"] == ["de"]


def test_keys_match_across_the_types_of_two_stores(ask, make_database):
    make_database("orders").run("CREATE TABLE t (id INTEGER); INSERT INTO t VALUES (1), (2), (30);")
    make_database("warehouse").run(
        "CREATE TABLE copies (id TEXT); INSERT INTO copies VALUES ('1'), ('2'), ('03');"
    )

    answer = ask(
        {
            "type": "scope",
            "store": "warehouse",
            "table": "copies",
            "key": ["id"],
            "where": "true",
            "expected": {"store": "orders", "sql": "select id from t"},
        }
    )

    assert answer.evidence["sample"]["missing"] == ["30"]
    assert answer.evidence["sample"]["unexpected"] == ["03"]


def test_one_key_that_a_store_holds_in_two_types_is_there_twice(ask, make_database):
    make_database("orders").run("CREATE TABLE o (id INTEGER); INSERT INTO o VALUES (1);")
    make_database("warehouse").run(
        "CREATE TABLE copies (id); INSERT INTO copies VALUES (1), ('1'), (1.0), (1);"
    )

    answer = ask(
        {
            "type": "scope",
            "store": "warehouse",
            "table": "copies",
            "key": ["id"],
            "where": "true",
            "expected": {"store": "orders", "sql": "select id from o"},
        }
    )

    assert (answer.effect, counts(answer)) == (Effect.DUPLICATED, (1, 1, 0, 3, 0))


def test_a_copy_that_was_found_counts_although_the_look_back_may_have_missed_others(
    ask, orders, load, warehouse
):
    load("DE", "DE", "FR", "IT")
    check = {**SCOPE, "within": "30d", "column": "loaded_at"}
    assert ask(check).effect is Effect.DUPLICATED
    warehouse.run("UPDATE daily_revenue SET loaded_at = NULL")
    assert (ask(check).effect, ask(check).surplus) == (Effect.DUPLICATED, 1)
    warehouse.run(
        "DELETE FROM daily_revenue WHERE rowid IN (SELECT max(rowid) - 3 FROM daily_revenue)"
    )

    answer = ask(check)

    assert (answer.result, answer.reason) == (Result.UNKNOWN, "out_of_reach")


def test_a_key_of_several_columns_is_compared_as_a_whole(ask, make_database):
    make_database("orders").run(
        "CREATE TABLE t (day TEXT, shop INTEGER); INSERT INTO t VALUES ('a', 1), ('a', 2);"
    )
    make_database("warehouse").run(
        "CREATE TABLE copies (day TEXT, shop INTEGER);INSERT INTO copies VALUES ('a', 1), ('b', 2);"
    )

    answer = ask(
        {
            "type": "scope",
            "store": "warehouse",
            "table": "copies",
            "key": ["day", "shop"],
            "where": "true",
            "expected": {"store": "orders", "sql": "select day, shop from t"},
        }
    )

    assert counts(answer) == (2, 1, 1, 0, 1)
    assert answer.evidence["sample"]["missing"] == [["a", "2"]]


def test_a_key_that_the_expected_side_names_twice_is_expected_once(ask, orders, load):
    load("DE", "FR", "IT")
    twice = {
        "store": "orders",
        "sql": "select 'DE' union all select code from regions where active",
    }

    assert ask({**SCOPE, "expected": twice}).effect is Effect.COMPLETE


def test_copies_outside_the_interval_are_found_where_within_says_so(ask, make_database):
    make_database("orders").run("CREATE TABLE o (id TEXT); INSERT INTO o VALUES ('a'), ('b');")
    make_database("warehouse").run(
        """
        CREATE TABLE payouts (day TEXT, id TEXT, at TEXT);
        INSERT INTO payouts VALUES
            ('2026-04-02', 'a', '2026-04-02 08:00:00'),
            ('2026-04-02', 'b', '2026-04-02 08:00:00'),
            ('2026-03-20', 'a', '2026-03-20 08:00:00'),
            ('2025-01-01', 'b', '2025-01-01 08:00:00'),
            ('2026-03-20', 'other', '2026-03-20 08:00:00');
        """
    )
    check = {
        "type": "scope",
        "store": "warehouse",
        "table": "payouts",
        "key": ["id"],
        "where": "day = :day",
        "expected": {"store": "orders", "sql": "select id from o"},
    }

    interval = ask(check)
    lifetime = ask({**check, "within": "lifetime"})
    month = ask({**check, "within": "30d", "column": "at"})

    assert (interval.effect, counts(interval)) == (Effect.COMPLETE, (2, 2, 0, 0, 0))
    assert (lifetime.effect, counts(lifetime)) == (Effect.DUPLICATED, (2, 2, 0, 2, 0))
    assert (month.effect, counts(month)) == (Effect.DUPLICATED, (2, 2, 0, 1, 0))
    assert month.evidence["sample"]["duplicated"] == [{"key": "a", "count": 2}]


def test_copies_found_in_a_lifetime_keep_their_case_apart(ask, make_database):
    make_database("orders").run("CREATE TABLE o (id TEXT); INSERT INTO o VALUES ('a');")
    make_database("warehouse").run(
        """
        CREATE TABLE t (day TEXT, id TEXT COLLATE NOCASE);
        INSERT INTO t VALUES ('2026-04-02', 'a'), ('2026-01-01', 'A');
        """
    )

    answer = ask(
        {
            "type": "scope",
            "store": "warehouse",
            "table": "t",
            "key": ["id"],
            "where": "day = :day",
            "within": "lifetime",
            "expected": {"store": "orders", "sql": "select id from o"},
        }
    )

    assert answer.result is Result.HOLDS


def test_a_comment_at_the_end_of_where_hides_nothing(ask, orders, load):
    load("DE", "FR", "IT")

    assert ask({**SCOPE, "where": "day = :day -- that day"}).effect is Effect.COMPLETE


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"table": "no_such"}, "no_such_table"),
        ({"key": ["no_such"]}, "no_such_column"),
        ({"key": ["No_Such"]}, "no_such_column"),
        ({"where": "no_such = :day"}, "no_such_column"),
        ({"where": "day = = :day"}, "bad_query"),
        ({"where": "day = :day /* open"}, "bad_query"),
        ({"where": "day = :no_such"}, "bad_query"),
        (
            {"expected": {"store": "orders", "sql": "select code, active from regions"}},
            "wrong_shape",
        ),
        ({"expected": {"store": "orders", "sql": "select null"}}, "null_key"),
    ],
)
def test_what_cannot_be_asked_is_unknown_and_says_nothing_of_the_effect(
    ask, orders, load, change, reason
):
    load("DE")

    answer = ask({**SCOPE, **change})

    assert (answer.result, answer.reason, answer.effect) == (Result.UNKNOWN, reason, None)


def test_more_keys_than_may_be_held_are_unknown(ask, orders, load):
    load("DE", "FR", "IT", "XX")

    assert ask(SCOPE, max_keys=2).reason == "too_many_keys"
    assert ask(SCOPE, max_keys=3).reason == "too_many_keys"
    assert ask(SCOPE, max_keys=4).reason is None


def test_evidence_shows_what_was_asked_and_a_bounded_sample(ask, make_database):
    make_database("orders").run("CREATE TABLE o (id TEXT)")
    make_database("orders").run(
        "INSERT INTO o VALUES (?)", [(f"{number:03}" + "x" * 200,) for number in range(30)]
    )
    make_database("warehouse").run("CREATE TABLE t (day TEXT, id TEXT)")

    answer = ask(
        {
            "type": "scope",
            "store": "warehouse",
            "table": "t",
            "key": ["id"],
            "where": "day = :day",
            "expected": {"store": "orders", "sql": "select id from o"},
        }
    )

    assert answer.evidence["store"] == "warehouse"
    assert answer.evidence["parameters"] == {"day": "2026-04-02"}
    assert "day = :day" in answer.evidence["statement"]
    assert answer.evidence["expected"]["statement"] == "select id from o"
    assert answer.evidence["expected"]["keys"] == 30
    missing = answer.evidence["sample"]["missing"]
    assert len(missing) == 10
    assert missing[0] == "000" + "x" * 97 + "…"


def test_sketches_change_with_their_own_side_only(ask, orders, load):
    load("DE")
    before = ask(SCOPE)
    orders.run("INSERT INTO regions VALUES ('ES', 1)")
    source_moved = ask(SCOPE)
    load("FR")
    written = ask(SCOPE)

    assert source_moved.source_sketch != before.source_sketch
    assert source_moved.destination_sketch == before.destination_sketch
    assert written.source_sketch == source_moved.source_sketch
    assert written.destination_sketch != source_moved.destination_sketch


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"within": "90d"}, "expected 'column'"),
        ({"column": "loaded_at"}, "expected no 'column'"),
        ({"within": "for ever"}, "expected interval, lifetime or a look-back"),
        ({"within": "0s"}, "expected more than no time"),
        ({"key": []}, "at least 1 item"),
        ({"key": ["a", "a"]}, "each column of 'key' once"),
        ({"proves": "complete"}, "speaks of the effect by itself"),
        ({"table": "a\nb"}, "match pattern"),
        ({"partition": "x"}, "one of the columns of 'key'"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(change, says):
    with pytest.raises(ValidationError, match=says):
        TypeAdapter(Check).validate_python({**SCOPE, "name": "it", **change})


def test_names_are_quoted_where_they_must_be(ask, make_database):
    make_database("orders").run("CREATE TABLE o (id TEXT); INSERT INTO o VALUES ('a');")
    make_database("warehouse").run(
        """
        CREATE TABLE "Order" ("Group" TEXT, "a:b" TEXT, "say ""hi" TEXT);
        INSERT INTO "Order" VALUES ('a', 'a', 'a');
        """
    )

    def key(*columns: str) -> Any:
        return {
            "type": "scope",
            "store": "warehouse",
            "table": "main.Order",
            "key": columns,
            "where": "true",
            "expected": {"store": "orders", "sql": "select id, id, id from o"},
        }

    assert ask(key("Group", "a:b", 'say "hi')).result is Result.HOLDS
    assert ask(key("Group", "a:b", 'x"; drop table "Order')).reason == "no_such_column"

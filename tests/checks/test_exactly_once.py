from typing import Any

import msgspec
import pytest

from verifier.runs.evaluation import Effect, Result

ONCE: dict[str, Any] = {
    "type": "exactly_once",
    "store": "warehouse",
    "table": "daily_revenue",
    "key": ["day", "region"],
    "where": "day = :day",
}


@pytest.mark.parametrize(
    ("regions", "effect", "result", "surplus"),
    [
        ([], None, Result.HOLDS, 0),
        (["DE"], None, Result.HOLDS, 0),
        (["DE", "FR", "IT"], None, Result.HOLDS, 0),
        (["DE", "FR", "FR", "FR"], Effect.DUPLICATED, Result.VIOLATED, 2),
    ],
)
def test_exactly_once_says_duplicated_or_nothing(ask, load, regions, effect, result, surplus):
    load(*regions)

    answer = ask(ONCE)

    assert (answer.effect, answer.result, answer.surplus) == (effect, result, surplus)
    assert (answer.expected, answer.done, answer.missing) == (None, None, 0)


def test_a_copy_of_long_ago_is_found_by_default(ask, load, warehouse):
    load("DE")
    warehouse.run("INSERT INTO daily_revenue VALUES ('2020-01-01', 'DE', 1, '2020-01-01 00:00:00')")

    region_once = ask({**ONCE, "key": ["region"]})
    region_that_day = ask({**ONCE, "key": ["region"], "within": "interval"})

    assert (region_once.effect, region_once.surplus) == (Effect.DUPLICATED, 2)
    assert region_that_day.result is Result.HOLDS


def test_a_copy_is_found_before_and_after_the_interval_within_a_look_back(ask, load, warehouse):
    load("DE", "FR", "IT")
    warehouse.run(
        """
        DELETE FROM daily_revenue WHERE day = '2026-04-01';
        INSERT INTO daily_revenue VALUES
            ('2026-03-01', 'DE', 1, '2026-03-01 00:00:00'),
            ('2026-05-01', 'FR', 1, '2026-05-01 00:00:00'),
            ('2020-01-01', 'IT', 1, '2020-01-01 00:00:00');
        """
    )

    answer = ask({**ONCE, "key": ["region"], "within": "90d", "column": "loaded_at"})

    assert answer.surplus == 2
    assert [each["key"] for each in answer.evidence["sample"]["duplicated"]] == ["DE", "FR"]


def test_the_sample_shows_the_most_copied_keys_first_and_no_more_than_ten(ask, load):
    load(*[f"R{number:02}" for number in range(12) for _ in range(number + 1)])

    sample = ask({**ONCE, "key": ["region"]}).evidence["sample"]["duplicated"]

    assert sample[0] == {"key": "R11", "count": 12}
    assert len(sample) == 10


def test_a_null_in_a_key_is_unknown_since_nobody_can_say_what_it_equals(ask, load):
    load("DE", None)

    answer = ask(ONCE)

    assert (answer.result, answer.reason, answer.effect) == (Result.UNKNOWN, "null_key", None)
    assert answer.evidence["rows_with_null_key"] == 1


def test_a_copy_that_was_found_counts_although_other_keys_are_null(ask, load):
    load("DE", "DE", None, None)

    answer = ask(ONCE)

    assert (answer.effect, answer.surplus) == (Effect.DUPLICATED, 1)


def test_the_tables_own_equality_says_which_keys_are_the_same(ask, make_database):
    make_database("warehouse").run(
        """
        CREATE TABLE mails (day TEXT, address TEXT COLLATE NOCASE);
        INSERT INTO mails VALUES ('2026-04-02', 'ann@x.example'), ('2025-01-01', 'Ann@x.example');
        """
    )

    answer = ask({**ONCE, "table": "mails", "key": ["address"]})

    assert (answer.effect, answer.surplus) == (Effect.DUPLICATED, 1)


@pytest.mark.parametrize("loaded_at", [None, 1775174460, "02/04/2026", "1999-01-01 00:00:00"])
def test_a_look_back_by_a_column_that_misses_the_runs_own_rows_is_unknown(
    ask, warehouse, loaded_at
):
    warehouse.run(
        "INSERT INTO daily_revenue VALUES ('2026-04-02', 'DE', 1, ?)",
        [(loaded_at,)],
    )

    answer = ask({**ONCE, "within": "90d", "column": "loaded_at"})

    assert (answer.result, answer.reason) == (Result.UNKNOWN, "out_of_reach")
    assert answer.evidence["reach"]["outside"] == 1


def test_a_look_back_needs_an_interval_to_count_from(ask, warehouse, night):
    manual = msgspec.structs.replace(night, interval=None, due=None)

    answer = ask({**ONCE, "where": "true", "within": "90d", "column": "loaded_at"}, manual)

    assert (answer.result, answer.reason) == (Result.UNKNOWN, "no_interval")


def test_a_look_back_beyond_the_calendar_reaches_to_its_start(ask, load):
    load("DE")

    answer = ask({**ONCE, "within": "999999d", "column": "loaded_at"})

    assert answer.result is Result.HOLDS
    assert answer.evidence["parameters"]["look_back_start"] == "0001-01-01 00:00:00"


def test_more_copied_keys_than_may_be_held_are_unknown(ask, load):
    load("DE", "DE", "FR", "FR")

    assert ask(ONCE, max_keys=1).reason == "too_many_keys"

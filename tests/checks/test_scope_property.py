"""The scope check against a few lines of plain Python that say what it must answer."""

import sqlite3
from collections import Counter
from contextlib import closing

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifier.runs.evaluation import Effect, Result

KEYS = st.sampled_from(["a", "A", "b", "c", "c ", "1", "é"])
PRESENT = st.lists(st.one_of(KEYS, st.none()), max_size=8)
SCOPE = {
    "type": "scope",
    "store": "warehouse",
    "table": "t",
    "key": ["k"],
    "where": "day = :day",
    "expected": {"store": "orders", "sql": "select k from o", "allow_empty": True},
}


def replace_rows(path, table, rows):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"create table if not exists {table} (day text, k text)")
        connection.execute(f"delete from {table}")
        connection.executemany(f"insert into {table} values (?, ?)", rows)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(expected=st.lists(KEYS, max_size=6), present=PRESENT, elsewhere=PRESENT)
def test_scope_answers_as_a_comparison_of_two_bags_would(
    ask, tmp_path, expected, present, elsewhere
):
    replace_rows(tmp_path / "orders.db", "o", [("", key) for key in expected])
    rows = [("2026-04-02", key) for key in present] + [("2026-04-01", key) for key in elsewhere]
    replace_rows(tmp_path / "warehouse.db", "t", rows)

    answer = ask(SCOPE)

    due, found = set(expected), Counter(key for key in present if key is not None)
    missing = len(due - found.keys())
    surplus = sum(found.values()) - len(found)
    unexpected = len(found.keys() - due) + present.count(None)
    if surplus:
        effect = Effect.DUPLICATED
    elif missing == 0:
        effect = Effect.COMPLETE
    else:
        effect = Effect.PARTIAL if present else Effect.NONE
    assert (answer.expected, answer.done) == (len(due), len(due) - missing)
    assert (answer.missing, answer.surplus, answer.unexpected) == (missing, surplus, unexpected)
    assert answer.effect is effect
    assert (answer.result is Result.HOLDS) == (effect is Effect.COMPLETE and unexpected == 0)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(present=st.lists(KEYS, max_size=8), elsewhere=st.lists(KEYS, max_size=8))
def test_exactly_once_finds_every_further_row_of_the_runs_keys_in_their_lifetime(
    ask, tmp_path, present, elsewhere
):
    rows = [("2026-04-02", key) for key in present] + [("2026-04-01", key) for key in elsewhere]
    replace_rows(tmp_path / "warehouse.db", "t", rows)
    check = {
        "type": "exactly_once",
        "store": "warehouse",
        "table": "t",
        "key": ["k"],
        "where": "day = :day",
    }

    lifetime, interval = ask(check), ask({**check, "within": "interval"})

    everywhere = Counter(key for key in [*present, *elsewhere] if key in present)
    surplus = sum(everywhere.values()) - len(everywhere)
    assert lifetime.surplus == surplus
    assert lifetime.effect is (Effect.DUPLICATED if surplus else None)
    assert lifetime.result is (Result.VIOLATED if surplus else Result.HOLDS)
    assert interval.surplus == len(present) - len(set(present))

import shlex
import sqlite3
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.cli.paste import folded, shell_block, sql_block, with_values

PRINTABLE = st.text().filter(lambda text: text.isprintable() and "\\" not in text)


def run(**more: Any) -> dict[str, Any]:
    return {
        "job": "revenue",
        "due": "2026-04-03T02:00:00Z",
        "partition": None,
        "run": "revenue/2026-04-03T02:00:00Z",
        "verdict": None,
        "declaration": {"valid_from": "2026-04-01T00:00:00Z", "corrected_at": None},
        "checks": [],
        "advice": {"action": "accept", "do_not": [], "commands": []},
        **more,
    }


def check(evidence: dict[str, Any], name: str = "regions") -> dict[str, Any]:
    return {"name": name, "evidence": evidence}


def asked(sql: str, store: str = "warehouse", **parameters: Any) -> dict[str, Any]:
    return {"store": store, "statement": sql, "parameters": parameters}


def test_values_are_written_into_the_statement() -> None:
    assert (
        with_values("select 1 from t where day = :day and n > :n", {"day": "2026-04-02", "n": 3})
        == "select 1 from t where day = '2026-04-02' and n > 3"
    )


def test_what_only_looks_like_a_parameter_is_left_alone() -> None:
    sql = "select a::date, ':day', 'it''s 12:30' -- :day\nfrom t where day = :day"
    assert with_values(sql, {"day": "x"}) == sql.replace("day = :day", "day = 'x'")


def test_an_escaped_colon_is_written_as_a_client_wants_it() -> None:
    assert with_values(r"select '\:' , a\:b from t", {}) == r"select '\:' , a:b from t"


def test_a_missing_value_is_null() -> None:
    assert with_values("select :p", {"p": None}) == "select NULL"


def test_a_value_that_clients_read_in_different_ways_stays_a_parameter() -> None:
    told = with_values("select :partition", {"partition": "a\\' or 1=1 --"})
    assert told == "-- :partition is a\\' or 1=1 --\nselect :partition"


def test_a_value_with_a_line_break_cannot_end_its_comment() -> None:
    told = with_values("select :p", {"p": "x\ndrop table t"})
    assert told == "-- :p is x drop table t\nselect :p"


@given(PRINTABLE)
def test_a_written_value_is_read_back_as_itself(value: str) -> None:
    with sqlite3.connect(":memory:") as database:
        statement = with_values("select :p, ':p'", {"p": value})
        assert database.execute(statement).fetchone() == (value, ":p")
    database.close()


def test_every_statement_of_a_check_is_told_once_with_its_store() -> None:
    scope = check({**asked("select a from t"), "expected": asked("select b from s", "orders")})
    totals = check({"left": asked("select b from s", "orders"), "right": asked("select 1")}, "sum")
    assert sql_block(run(checks=[scope, totals])) == [
        "-- check regions asks store warehouse",
        "select a from t",
        ";",
        "-- check regions asks store orders",
        "select b from s",
        ";",
        "-- check sum asks store warehouse",
        "select 1",
        ";",
    ]


def test_a_statement_is_told_with_the_instant_that_it_was_asked_of() -> None:
    told = {"warehouse": {"snapshot": "2026-04-03T00:12:01+00:00", "seconds": 0.2}}
    lines = sql_block(run(checks=[check({**asked("select 1"), "asked": told})]))
    assert lines[0] == "-- check regions asks store warehouse, as of 2026-04-03T00:12:01+00:00"


def test_a_check_that_asked_nothing_has_nothing_to_paste() -> None:
    assert sql_block(run(checks=[check({"expected": {}, "detail": "no such file"})])) == []


def test_a_comment_at_the_end_of_a_statement_swallows_nothing() -> None:
    lines = sql_block(run(checks=[check(asked("select 1 -- one;"))]))
    with sqlite3.connect(":memory:") as database:
        assert database.execute("\n".join(lines)).fetchall() == [(1,)]
    database.close()


def test_what_must_not_be_run_is_a_comment() -> None:
    advice = {
        "action": "reconcile_first",
        "do_not": ["do not start it again: what it wrote already would be there twice"],
        "commands": ["landed verify revenue --due 2026-04-03T02:00:00Z"],
    }
    assert shell_block(run(advice=advice, partition="a b")) == [
        "# in this order:",
        "landed verify revenue --due 2026-04-03T02:00:00Z",
        "# FORBIDDEN:",
        "#   landed exec --job revenue --due 2026-04-03T02:00:00Z --partition 'a b' -- COMMAND",
        "#   do not start it again: what it wrote already would be there twice",
    ]


def test_where_starting_it_is_the_advice_no_start_is_forbidden() -> None:
    advice = {
        "action": "repair_rerun",
        "do_not": ["do not rerun before the cause is known"],
        "commands": ["landed exec --job revenue --guard --mode repair -- COMMAND"],
    }
    assert shell_block(run(advice=advice)) == [
        "# in this order:",
        "landed exec --job revenue --guard --mode repair -- COMMAND",
        "# FORBIDDEN:",
        "#   do not rerun before the cause is known",
    ]


def test_where_nothing_is_to_be_run_the_block_says_so() -> None:
    assert shell_block(run()) == ["# accept: there is nothing to run"]


CORRECTED = {"valid_from": "2026-04-01T00:00:00Z", "corrected_at": "2026-04-03T09:00:00Z"}


@pytest.mark.parametrize("verdict", [None, "wrong", "unproven"])
@pytest.mark.parametrize("partition", [None, "eu"])
def test_an_open_run_that_is_judged_by_older_checks_may_be_judged_anew(
    verdict: str | None, partition: str | None
) -> None:
    path = "revenue/2026-04-03T02:00:00Z" + (f"/{partition}" if partition else "")
    told = shell_block(run(verdict=verdict, partition=partition, run=path, declaration=CORRECTED))
    assert told[1:] == [
        "# It is judged by the checks of its time.",
        "# To judge it by those since 2026-04-03T09:00:00Z:",
        "landed act rejudge revenue/2026-04-03T02:00:00Z --by YOU --reason WHY",
        "landed verify revenue --due 2026-04-03T02:00:00Z",
    ]


def test_once_a_check_was_corrected_the_run_is_only_to_be_judged_by_it() -> None:
    advice = {"action": "correct_check", "do_not": [], "commands": ["landed act rejudge RUN"]}
    told = shell_block(run(verdict="unproven", advice=advice, declaration=CORRECTED))
    assert [line.split()[:3] for line in told[2:]] == [
        ["landed", "act", "rejudge"],
        ["landed", "verify", "revenue"],
    ]
    assert shell_block(run(verdict="unproven", advice=advice))[1] == "landed act rejudge RUN"


@pytest.mark.parametrize("verdict", ["verified", "reconciled", "excused"])
def test_nothing_is_to_be_judged_anew_of_a_run_that_is_closed(verdict: str) -> None:
    assert len(shell_block(run(verdict=verdict, declaration=CORRECTED))) == 1


def test_the_block_runs_in_a_shell_and_does_only_what_is_safe() -> None:
    advice = {
        "action": "stop_first",
        "do_not": ["do not start another; $(echo forbidden) `echo forbidden`"],
        "commands": ["echo safe   # on host-1; it is running", "echo 'still  safe' " + "x" * 80],
    }
    told = subprocess.run(
        ["sh", "-c", "\n".join(shell_block(run(advice=advice)))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == f"safe\nstill  safe {'x' * 80}\n"
    assert told.stderr == ""


@given(st.lists(PRINTABLE, min_size=1).map(lambda words: ["echo", *words]))
def test_a_folded_command_has_the_same_words(words: list[str]) -> None:
    lines = folded(shlex.join(words))
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == words


@given(st.lists(st.text("abc", min_size=1, max_size=60), min_size=1))
def test_a_folded_command_is_no_wider_than_a_screen(words: list[str]) -> None:
    assert max(map(len, folded(shlex.join(words)))) <= 80


def test_a_comment_comes_before_its_command() -> None:
    assert folded("kill -TERM 12    # on host-1; it is running") == [
        "# on host-1; it is running",
        "kill -TERM 12",
    ]


@pytest.mark.parametrize("command", ["it's unbalanced " * 9, 'say "x ' * 20 + '"'])
def test_a_command_that_cannot_be_read_is_left_as_it_is(command: str) -> None:
    assert folded(command) == [command]

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from verifier.engine.clock import system_clock
from verifier.exec import landed_exec
from verifier.runs.instant import format_instant, parse_instant

Landed = Callable[..., Any]

TENANTS = """\
version: 1
ledger: sqlite:///landed.db
stores: {shop: {type: sql, url: "sqlite:///shop.db"}}
jobs:
  health:
    statement: Every tenant has its hour.
    schedule: {every: 1h}
    class: one-result
    effects: upsert
    settle: 100ms
    partitions: {name: tenant, store: shop, sql: "select id from tenants"}
    checks:
      - {type: scope, name: hours, store: shop, table: hours, key: [tenant], partition: tenant,
         where: "slot = :interval_start", expected: {store: shop, sql: "select id from tenants"}}
"""


def test_runs_are_told_in_one_document_newest_first(home: Any, landed: Landed) -> None:
    told = landed("runs", "--json")
    assert told.code == 0
    assert told.json.keys() == {"runs"}
    dues = [run["due"] for run in told.json["runs"]]
    assert dues == sorted(dues, reverse=True)
    assert told.err == ""


@pytest.mark.parametrize(
    ("words", "hours"),
    [
        (["--verdict", "partial"], ["lied"]),
        (["--verdict", "missing", "--until", "now"], ["missing"]),
        (["--worker", "host-1:4711"], ["ambiguous", "lied", "verified"]),
        (["--lane", "other"], []),
        (["--partition", "eu"], []),
    ],
)
def test_filters_pick_runs(home: Any, landed: Landed, words: list[str], hours: list[str]) -> None:
    known = {getattr(home, name): name for name in ("verified", "lied", "missing", "ambiguous")}
    runs = landed("runs", "--job", "revenue", "--json", *words).json["runs"]
    assert [known[run["due"]] for run in runs if run["due"] in known] == hours


def test_a_span_of_time_is_half_open(home: Any, landed: Landed) -> None:
    span = ("--since", home.lied, "--until", home.ambiguous)
    runs = landed("runs", "--job", "revenue", "--json", *span).json["runs"]
    assert [run["due"] for run in runs] == [home.missing, home.lied]


def test_a_list_that_is_cut_says_so(home: Any, landed: Landed) -> None:
    told = landed("runs", "--limit", "2")
    assert len(told.out.splitlines()) == 4
    assert "only the newest 2" in told.err


def test_no_run_is_no_mistake(home: Any, landed: Landed) -> None:
    told = landed("runs", "--since", "2000-01-01", "--until", "2000-01-02")
    assert (told.code, told.out) == (0, "")
    assert "no run matches" in told.err


@pytest.mark.parametrize(
    "words",
    [
        ["--job", "nope"],
        ["--verdict", "great"],
        ["--lane", "fast"],
        ["--since", "fryday"],
        ["--limit", "0"],
        ["--limit", "many"],
    ],
)
def test_a_filter_that_makes_no_sense_is_a_mistake(
    home: Any, landed: Landed, words: list[str]
) -> None:
    told = landed("runs", *words)
    assert (told.code, told.out) == (2, "")
    assert told.err


def test_the_table_has_the_verdict_first_and_fits(home: Any, landed: Landed) -> None:
    lines = landed("runs", "--verdict", "partial").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["VERDICT", "JOB", "DUE", "REPORTED", "DO", "NEXT"]
    assert lines[2].split()[:2] == ["partial", "revenue"]
    every = landed("runs").out.splitlines()
    assert max(map(len, every)) <= 80
    assert any(line.split()[0] == "unproven" and "nightly" in line for line in every)


def test_only_a_terminal_gets_colours(
    home: Any, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b" not in landed("runs").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[31m" in landed("runs").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[31m" not in landed("runs").out


def tenants(home: Path, *lacking: str) -> str:
    """The job, done for all tenants but those an hour ago; when it was due."""
    (home / "landed.yaml").write_text(TENANTS)
    due = system_clock().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    slot = f"{due - timedelta(hours=1):%Y-%m-%d %H:%M:%S}"
    with sqlite3.connect(home / "shop.db") as shop:
        shop.execute("create table tenants (id text)")
        shop.execute("create table hours (slot text, tenant text)")
        shop.executemany("insert into tenants values (?)", [("acme",), *zip(lacking, strict=True)])
        shop.execute("insert into hours values (?, 'acme')", (slot,))
    shop.close()
    return format_instant(due)


def test_a_slip_in_the_name_of_a_partition_is_evident(empty: Path, landed: Landed) -> None:
    due = tenants(empty)
    said = {"job": "health", "due": due, "partition": "acmee", "attempt": "a1"}
    for kind, minute in (("started", 1), ("succeeded", 2)):
        at = format_instant(parse_instant(due) + timedelta(minutes=minute))
        signal = {**said, "kind": kind, "at": at, "id": kind}
        landed_exec.spool_signal(str(empty / "spool"), "", signal)
    assert landed("verify", "health", "--due", due).code == 0
    told = landed("runs")
    words = {tuple(line.split()[:2]) for line in told.out.splitlines()[2:]}
    assert words == {("verified", "health"), ("not", "listed")}
    assert "partitions that nobody listed: 1, such as acmee of health" in told.err


def test_a_partition_is_explained_with_its_keys_and_what_was_asked_of_all(
    empty: Path, landed: Landed
) -> None:
    due = tenants(empty, "it's")
    assert landed("verify", "health", "--due", due).code == 1
    told = landed("explain", f"health/{due}/it%27s").out
    assert "missing keys: it's" in told
    block = told.partition("To paste into an SQL client\n")[2].partition("\nTo paste")[0]
    assert block.startswith("-- about all partitions: look for it's\n-- check hours asks")
    with sqlite3.connect(empty / "shop.db") as shop:
        there, due_keys = (shop.execute(each).fetchall() for each in block.split("\n;")[:2])
    shop.close()
    assert (there, due_keys) == ([("acme", 1)], [("acme",), ("it's",)])

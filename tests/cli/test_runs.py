from collections.abc import Callable
from typing import Any

import pytest

Landed = Callable[..., Any]


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

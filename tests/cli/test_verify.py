import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from verifier.engine.clock import system_clock
from verifier.exec import landed_exec
from verifier.runs.instant import format_instant, parse_instant

Landed = Callable[..., Any]


@pytest.mark.parametrize(
    ("which", "code", "verdict"),
    [
        ("verified", 0, "verified"),
        ("lied", 1, "partial"),
        ("missing", 1, "missing"),
        ("ambiguous", 1, "absent"),
    ],
)
def test_verify_asks_again_and_exits_by_the_verdict(
    home: Any, landed: Landed, which: str, code: int, verdict: str
) -> None:
    told = landed("verify", "revenue", "--due", getattr(home, which), "--json")
    assert told.json.keys() == {"runs"}
    assert [run["verdict"] for run in told.json["runs"]] == [verdict]
    assert told.code == code


def test_what_cannot_be_asked_cannot_be_told(home: Any, landed: Landed) -> None:
    (home.path / "warehouse.db").unlink()
    told = landed("verify", "revenue", "--due", home.ambiguous)
    assert told.code == 3
    assert "ambiguous" in told.out


def test_a_verdict_that_stands_is_no_answer_of_a_destination_that_is_away(
    home: Any, landed: Landed
) -> None:
    assert landed("verify", "revenue", "--due", home.verified).code == 0
    (home.path / "warehouse.db").rename(home.path / "away.db")
    told = landed("verify", "revenue", "--due", home.verified)
    assert told.code == 3
    assert told.out.splitlines()[2].split()[0] == "verified"
    assert "the destination could not tell now" in told.err
    (home.path / "away.db").rename(home.path / "warehouse.db")
    again = landed("verify", "revenue", "--due", home.verified)
    assert (again.code, "could not tell" in again.err) == (0, False)


def test_what_was_repaired_is_verified(home: Any, landed: Landed) -> None:
    hour = parse_instant(home.lied) - timedelta(hours=1)
    with sqlite3.connect(home.path / "warehouse.db") as warehouse:
        warehouse.execute("insert into revenue values (?, 'R3')", (f"{hour:%Y-%m-%d %H:%M:%S}",))
    warehouse.close()
    told = landed("verify", "revenue", "--due", home.lied)
    assert told.code == 0
    assert told.out.splitlines()[2].split()[0] == "verified"


def test_a_span_exits_by_its_worst_run(home: Any, landed: Landed) -> None:
    after = format_instant(parse_instant(home.verified) + timedelta(minutes=1))
    fine = landed("verify", "revenue", "--from", home.verified, "--to", after)
    assert (fine.code, len(fine.out.splitlines())) == (0, 3)
    worst = landed("verify", "revenue", "--from", home.verified, "--to", home.missing, "--json")
    assert [run["due"] for run in worst.json["runs"]] == [home.verified, home.lied]
    assert worst.code == 1


def test_a_span_without_an_occurrence_is_fine_and_says_so(home: Any, landed: Landed) -> None:
    start = format_instant(parse_instant(home.verified) + timedelta(minutes=1))
    end = format_instant(parse_instant(home.verified) + timedelta(minutes=2))
    told = landed("verify", "revenue", "--from", start, "--to", end)
    assert (told.code, told.out) == (0, "")
    assert "no run is due there" in told.err


def test_what_is_not_due_yet_is_no_part_of_a_span(home: Any, landed: Landed) -> None:
    tomorrow = format_instant(system_clock() + timedelta(days=1))
    told = landed("verify", "revenue", "--from", home.missing, "--to", tomorrow, "--json")
    assert all(parse_instant(run["due"]) <= system_clock() for run in told.json["runs"])


def test_without_a_due_the_last_run_is_asked(home: Any, landed: Landed) -> None:
    told = landed("verify", "revenue", "--json")
    last = system_clock().replace(minute=0, second=0, microsecond=0)
    assert [run["due"] for run in told.json["runs"]] == [format_instant(last)]


def test_verify_makes_the_ledger_and_declares_the_job(
    home: Any, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDED_LEDGER", "sqlite:///new.db")
    told = landed("verify", "revenue", "--due", home.verified, "--json")
    assert (told.code, told.json["runs"][0]["verdict"]) == (0, "verified")
    assert Path("new.db").exists()


def test_a_served_ledger_is_verified_there(home: Any, served: Any, landed: Landed) -> None:
    told = landed("verify", "revenue", "--due", home.lied, "--json")
    assert (told.code, told.json["runs"][0]["verdict"]) == (1, "partial")


def test_the_progress_of_a_span_is_shown_to_a_terminal_alone(
    home: Any, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("verify", "revenue", "--from", home.verified, "--to", home.missing, "--json")
    assert landed(*words).err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    told = landed(*words)
    assert "2/2" in told.err
    assert len(told.json["runs"]) == 2


@pytest.mark.parametrize(
    "words",
    [
        ["nope"],
        [],
        ["revenue", "--due", "friday"],
        ["revenue", "--due", "2026-04-03T02:00:00"],
        ["revenue", "--due", "9999-01-01T00:00:00Z"],
        ["revenue", "--from", "2026-04-03T02:00:00Z"],
        ["revenue", "--to", "2026-04-03T02:00:00Z"],
        ["revenue", "--from", "2026-04-03T02:00:00Z", "--to", "2026-04-03T02:00:00Z"],
        ["revenue", "--from", "9999-01-01T00:00:00Z", "--to", "9999-01-02T00:00:00Z"],
        [
            *("revenue", "--from", "2026-04-03T02:00:00Z", "--to", "2026-04-04T02:00:00Z"),
            *("--due", "2026-04-03T02:00:00Z"),
        ],
        ["revenue", "--partition", "eu"],
    ],
)
def test_what_makes_no_sense_is_a_mistake(home: Any, landed: Landed, words: list[str]) -> None:
    told = landed("verify", *words)
    assert (told.code, told.out) == (2, "")
    assert told.err


def test_what_the_wrapper_spooled_before_the_job_was_known_is_heard(
    home: Any, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDED_LEDGER", "sqlite:///new.db")
    wrapped = ["--job", "revenue", "--due", home.verified, "--url", "http://127.0.0.1:9"]
    command = [sys.executable, landed_exec.__file__, *wrapped, "--spool", str(home.path / "spool")]
    subprocess.run([*command, "--", "false"], check=False)
    told = landed("verify", "revenue", "--due", home.verified, "--json")
    assert told.json["runs"][0]["reported"] == "failed"


def correct_the_check(home: Any) -> None:
    """Region R3 is no region any more, so what was partial is complete."""
    path = home.path / "landed.yaml"
    wrong = "select code from regions"
    path.write_text(path.read_text().replace(wrong, f"{wrong} where code <> 'R3'"))


def test_after_a_check_was_corrected_it_is_told_that_an_older_run_was_asked_the_old_one(
    home: Any, landed: Landed
) -> None:
    correct_the_check(home)
    told = landed("verify", "revenue", "--due", home.lied)
    assert (told.code, told.out.splitlines()[2].split()[0]) == (1, "partial")
    assert "this run was asked by the checks of its time" in told.err
    assert f"landed act rejudge revenue/{home.lied} --by YOU --reason WHY" in told.err
    span = ("--from", home.verified, "--to", home.ambiguous)
    assert "3 of these runs were asked by the checks" in landed("verify", "revenue", *span).err
    assert landed("verify", "revenue", "--due", home.lied, "--json").err == ""


def test_an_older_run_is_verified_by_the_corrected_check_once_somebody_wants_that(
    home: Any, landed: Landed
) -> None:
    correct_the_check(home)
    done = landed("act", "rejudge", f"revenue/{home.lied}", "--by", "mia", "--reason", "no R3")
    assert (done.code, done.err) == (0, "")
    told = landed("verify", "revenue", "--due", home.lied)
    assert (told.code, told.out.splitlines()[2].split()[0], told.err) == (0, "verified", "")
    story = landed("explain", f"revenue/{home.lied}").out
    assert "partial became open" in story
    assert "rejudge by mia: no R3" in story


def test_a_run_is_not_judged_anew_where_nothing_was_declared_since(
    home: Any, landed: Landed
) -> None:
    done = landed("act", "rejudge", f"revenue/{home.lied}", "--by", "mia", "--reason", "no R3")
    assert done.code == 2
    assert "is judged already by what is declared now" in done.err

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from verifier.exec import landed_exec

Landed = Callable[..., Any]

FIELDS = {
    *("job", "next_due", "last_due", "last_started", "last_success"),
    *("last_useful_completion", "useful_completion_due", "active_attempts", "open"),
}


def test_every_job_is_told_in_one_document(home: Any, landed: Landed) -> None:
    told = landed("status", "--json")
    assert told.code == 0
    assert told.json.keys() == {
        *("jobs", "sources", "unknown_jobs"),
        "configuration_refused",
    }
    assert told.json["configuration_refused"] is None
    assert [job["job"] for job in told.json["jobs"]] == [home.long, "revenue", "unproved"]
    assert all(job.keys() >= FIELDS for job in told.json["jobs"])
    assert told.err == ""


def test_one_job_alone_can_be_told(home: Any, landed: Landed) -> None:
    told = landed("status", "--job", "revenue", "--json")
    assert [job["job"] for job in told.json["jobs"]] == ["revenue"]
    assert landed("status", "--job", "nope").code == 2


def test_the_table_shows_what_is_open_within_the_width(home: Any, landed: Landed) -> None:
    told = landed("status")
    lines = told.out.splitlines()
    assert max(map(len, lines)) <= 80
    (revenue,) = [line for line in lines if " revenue " in line]
    assert revenue.startswith("stale")
    assert "1 partial" in told.out


def test_a_ledger_without_jobs_says_how_they_come_there(empty: Path, landed: Landed) -> None:
    ledger = ("--ledger", "sqlite:///new.db")
    assert landed("ledger", "migrate", *ledger).code == 0
    told = landed("status", *ledger)
    assert (told.code, told.out) == (0, "")
    assert "landed serve" in told.err
    told = landed("status", *ledger, "--json").json
    assert told["jobs"] == []
    assert [each["source"] for each in told["sources"]] == ["native"]


def slip(home: Any) -> None:
    """A wrapper on this host was given the name of a job with a slip in it."""
    signal = {"job": "revenu", "kind": "started", "at": home.lied, "id": "1", "attempt": "a"}
    landed_exec.spool_signal(str(home.path / "spool"), "", signal)


def test_a_job_that_nobody_declared_is_told_with_the_one_that_was_meant(
    home: Any, landed: Landed
) -> None:
    slip(home)
    told = landed("status")
    assert told.code == 0
    assert "nobody declared revenu: its signals are kept out, 1 so far" in told.err
    assert "did you mean revenue?" in told.err
    (unknown,) = landed("status", "--json").json["unknown_jobs"]
    assert (unknown["job"], unknown["signals"]) == ("revenu", 1)
    assert unknown["last_at"] == home.lied


def test_a_command_logs_nothing_of_a_job_that_nobody_declared(home: Any, landed: Landed) -> None:
    slip(home)
    assert "unknown_job" not in landed("runs").err


def test_where_no_configuration_is_every_way_to_name_one_is_told(
    empty: Path, landed: Landed
) -> None:
    told = landed("status")
    assert told.code == 2
    assert all(way in told.err for way in ("landed init", "--config", "--url"))


def test_the_verifier_that_runs_tells_of_jobs_that_nobody_declared(
    home: Any, landed: Landed, served: Any
) -> None:
    signal = {"job": "revenu", "kind": "started", "at": home.lied, "id": "1", "attempt": "a"}
    served.service.receive([json.dumps(signal).encode()], "native")
    assert "nobody declared revenu" in landed("status").err

from collections.abc import Callable
from pathlib import Path
from typing import Any

Landed = Callable[..., Any]

FIELDS = {
    *("job", "next_due", "last_due", "last_started", "last_success"),
    *("last_useful_completion", "useful_completion_due", "active_attempts", "open"),
}


def test_every_job_is_told_in_one_document(home: Any, landed: Landed) -> None:
    told = landed("status", "--json")
    assert told.code == 0
    assert told.json.keys() == {"jobs", "sources"}
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

from collections.abc import Callable
from typing import Any

import pytest

Landed = Callable[..., Any]


def test_since_tells_of_each_job_what_became_of_it(home: Any, landed: Landed) -> None:
    told = landed("since", home.verified, "--json")
    assert told.code == 0
    assert told.json["since"] == home.verified
    jobs = {job["job"]: job for job in told.json["jobs"]}
    assert jobs.keys() == {"revenue", "unproved", home.long}
    revenue = jobs["revenue"]
    assert revenue["did"]["verified"] == 1
    assert revenue["did"]["partial"] == 1
    assert revenue["false_successes"] == 1
    assert home.ambiguous in [run["due"] for run in revenue["unknown"]]
    assert {"reconcile_first", "run"} <= {run["action"] for run in revenue["next"]}


def test_what_fell_due_before_is_left_out(home: Any, landed: Landed) -> None:
    told = landed("since", home.lied, "--job", "revenue", "--json")
    (revenue,) = told.json["jobs"]
    assert "verified" not in revenue["did"]


def test_the_recap_fits_the_width(home: Any, landed: Landed) -> None:
    told = landed("since", "2d")
    assert told.code == 0
    assert max(map(len, told.out.splitlines())) <= 80
    assert "do next" in told.out


@pytest.mark.parametrize("when", ["friday", "yesterday", "today", "3d", "2026-04-01"])
def test_since_takes_any_day(home: Any, landed: Landed, when: str) -> None:
    assert landed("since", when).code == 0


@pytest.mark.parametrize("words", [["fryday"], ["2026-04-01T02:00"], ["3d", "--job", "nope"], []])
def test_what_makes_no_sense_is_a_mistake(home: Any, landed: Landed, words: list[str]) -> None:
    assert landed("since", *words).code == 2

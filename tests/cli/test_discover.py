import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Landed = Callable[..., Any]

SOURCES = """\
version: 1
sources:
  night: {type: lines, path: night.jsonl}
jobs:
  load: {schedule: {every: 1h}, class: best-effort, scheduler: {source: night, task: load}}
"""


@pytest.fixture
def told(empty: Path, plugin: object) -> Path:
    lines = [{"task": task} for task in ("load", "send", "send")] + [{}]
    (empty / "night.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return empty


def test_what_is_not_declared_yet_is_printed_to_be_pasted(told: Path, landed: Landed) -> None:
    (told / "landed.yaml").write_text(SOURCES)
    shown = landed("discover", "lines")
    assert shown.code == 0
    assert "note: 1 of 2 are declared already" in shown.err
    assert "note: one line speaks of no task" in shown.err
    jobs = shown.out.partition("\njobs:\n")[2]
    (told / "landed.yaml").write_text(SOURCES + jobs)
    assert landed("validate").code == 0
    again = landed("discover", "night")
    assert (again.code, again.out) == (0, "")
    assert "2 of 2" in again.err


def test_as_json_it_is_one_document(told: Path, landed: Landed) -> None:
    (told / "landed.yaml").write_text(SOURCES)
    assert landed("discover", "night", "--json").json == {
        "jobs": [
            {
                "name": "send",
                "scheduler": {"task": "send"},
                "schedule": {"cron": "0 2 * * *", "timezone": "Europe/Berlin"},
                "comments": ["found in the file"],
                "further": {"retry": {"max_attempts": 2}},
            }
        ],
        "notes": ["one line speaks of no task"],
    }


def test_a_scheduler_that_cannot_be_asked_leaves_it_open(told: Path, landed: Landed) -> None:
    shown = landed("discover", "lines")
    assert (shown.code, shown.out) == (3, "")
    assert "no source of type lines is declared" in shown.err


def test_a_name_that_nobody_has_is_told_with_those_there_are(told: Path, landed: Landed) -> None:
    (told / "landed.yaml").write_text(SOURCES)
    shown = landed("discover", "quartz")
    assert shown.code == 2
    assert "lines" in shown.err
    assert "night" in shown.err


def test_of_two_sources_of_a_kind_one_has_to_be_named(told: Path, landed: Landed) -> None:
    two = SOURCES.replace("jobs:", "  day: {type: lines, path: day.jsonl}\njobs:")
    (told / "landed.yaml").write_text(two)
    shown = landed("discover", "lines")
    assert shown.code == 2
    assert "which of the sources night, day" in shown.err

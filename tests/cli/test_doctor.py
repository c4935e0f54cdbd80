from collections.abc import Callable
from pathlib import Path
from typing import Any

Landed = Callable[..., Any]

CONFIG = """\
version: 1
sources:
  night: {type: lines, path: night.jsonl}
jobs:
  load: {schedule: {every: 1h}, class: best-effort, scheduler: {source: night, task: load}}
"""


def test_all_is_told_and_an_error_exits_1(empty: Path, landed: Landed, plugin: object) -> None:
    (empty / "landed.yaml").write_text(CONFIG)
    shown = landed("doctor", "--json")
    assert shown.code == 1
    ledger, night = shown.json["findings"]
    assert (ledger["subject"], ledger["level"]) == ("ledger", "note")
    assert night == {
        "subject": "sources.night",
        "level": "error",
        "message": "night.jsonl: No such file or directory",
        "hint": "write it",
    }
    assert not (empty / "landed.db").exists()


def test_without_an_error_it_exits_0(empty: Path, landed: Landed, plugin: object) -> None:
    (empty / "landed.yaml").write_text(CONFIG)
    (empty / "night.jsonl").touch()
    shown = landed("doctor")
    assert shown.code == 0
    assert "ok      sources.night: 1 jobs are read from it" in shown.out.splitlines()


def test_a_configuration_that_cannot_be_read_is_a_mistake(empty: Path, landed: Landed) -> None:
    (empty / "landed.yaml").write_text("version: 2\n")
    shown = landed("doctor")
    assert (shown.code, shown.out) == (2, "")
    assert "LND104" in shown.err


def test_a_job_of_this_host_that_nobody_declared_is_told(
    empty: Path, landed: Landed, plugin: object
) -> None:
    (empty / "landed.yaml").write_text(CONFIG)
    (empty / "night.jsonl").touch()
    (empty / "spool").mkdir()
    for job in ("laod", "load", "other"):
        (empty / "spool" / f"{job}.unknown").write_text("expected a declared job")
    shown = landed("doctor", "--json")
    assert shown.code == 0
    spool = [each for each in shown.json["findings"] if each["subject"] == "spool"]
    assert [(each["level"], each["hint"]) for each in spool] == [
        ("warning", "did you mean load?"),
        ("warning", "declare it in landed.yaml"),
    ]
    assert spool[0]["message"] == (
        "nobody declared laod, which runs on this host: what it tells waits here"
    )

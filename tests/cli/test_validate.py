from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Landed = Callable[..., Any]

BROKEN = """\
version: 1
stores: {}
jobs:
  revenue:
    statement: x
    schedule: {cron: "0 2 * * *"}
    clas: one-result
    effects: sometimes
"""
UNPROVABLE = """\
version: 1
jobs:
  revenue:
    statement: x
    schedule: {cron: "0 2 * * *"}
    class: one-result
    effects: none
"""


def test_every_error_is_told_at_its_place(empty: Path, landed: Landed) -> None:
    Path("landed.yaml").write_text(BROKEN)
    told = landed("validate")
    assert told.code == 2
    lines = told.out.splitlines()
    assert any(line.startswith("landed.yaml:7:5 LND101 jobs.revenue.clas: ") for line in lines)
    assert any(line.startswith("landed.yaml:8:14 LND104 jobs.revenue.effects: ") for line in lines)
    assert any("Hint: " in line for line in lines)
    assert told.err == ""


def test_errors_are_told_in_one_document(empty: Path, landed: Landed) -> None:
    Path("landed.yaml").write_text(BROKEN)
    told = landed("validate", "--json")
    assert told.code == 2
    assert told.json["errors"]
    for error in told.json["errors"]:
        assert error.keys() == {"file", "line", "column", "code", "path", "message", "hint"}
    assert (7, "LND101") in [(each["line"], each["code"]) for each in told.json["errors"]]


def test_one_job_is_counted_as_one(empty: Path, landed: Landed) -> None:
    job = "{schedule: {every: 1h}, class: best-effort}"
    Path("landed.yaml").write_text(f"version: 1\njobs: {{a: {job}}}\n")
    assert "landed.yaml: valid, 1 job\n" in landed("validate").out


def test_a_valid_file_shows_the_card_of_each_job(home: Any, landed: Landed) -> None:
    told = landed("validate")
    assert told.code == 0
    assert "landed.yaml: valid, 3 jobs" in told.out
    assert "\nrevenue\n  promises " in told.out
    assert "if it dies half way:" in told.out
    assert "[red]finance[/red]" in told.out
    cards = told.out.splitlines()
    assert max(len(line) for line in cards if not line.startswith(home.long)) <= 80


def test_warnings_alone_are_told_and_are_no_failure(empty: Path, landed: Landed) -> None:
    Path("landed.yaml").write_text(UNPROVABLE)
    told = landed("validate")
    assert told.code == 0
    assert "LND209" in told.out
    document = landed("validate", "--json").json
    assert document["errors"] == []
    assert [each["code"] for each in document["warnings"]] == ["LND209"]


def test_several_files_are_told_together(home: Any, landed: Landed) -> None:
    Path("broken.yaml").write_text(BROKEN)
    told = landed("validate", "landed.yaml", "broken.yaml", "nope.yaml", "--json")
    assert told.code == 2
    assert {each["file"] for each in told.json["errors"]} == {"broken.yaml", "nope.yaml"}


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"a: [", b"version: 1\n---\nversion: 1\n", b"- 1\n", b"\x00"]
)
def test_a_file_that_is_no_configuration_is_a_mistake(
    empty: Path, landed: Landed, content: bytes
) -> None:
    Path("landed.yaml").write_bytes(content)
    told = landed("validate")
    assert told.code == 2
    assert told.out.startswith("landed.yaml:")


def test_the_file_is_the_one_that_the_environment_names(
    home: Any, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("landed.yaml").rename("other.yaml")
    monkeypatch.setenv("LANDED_CONFIG", "other.yaml")
    assert landed("validate", "--json").json == {"errors": [], "warnings": []}


def test_an_error_with_a_terminal_escape_is_shown_and_never_obeyed(
    empty: Path, landed: Landed
) -> None:
    Path("landed.yaml").write_text('version: 1\n"\\e[31m": 1\njobs: {}\n')
    told = landed("validate")
    assert told.code == 2
    assert "\x1b" not in told.out

import json
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from verifier.cli import ledger_export

Landed = Callable[..., Any]


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_each_run_is_a_line_and_is_what_explain_tells(home: Any, landed: Landed) -> None:
    told = landed("ledger", "export")
    assert (told.code, told.err) == (0, "")
    runs = lines(told.out)
    known = landed("runs", "--json").json["runs"]
    assert {run["run_id"] for run in runs} == {run["run_id"] for run in known}
    for run in runs:
        evaluations = run.pop("evaluations")
        explained = landed("explain", run["run"], "--json").json
        volatile = {"advice": None, "conditions": None}  # they change with the time
        assert run | volatile == explained | volatile
        asked = [each for each in evaluations if each["checks"] == run["checks"]]
        assert bool(asked) == any(check["evaluated_at"] for check in run["checks"])
    assert any(len(run["attempts"]) and len(run["revisions"]) for run in runs)


def test_a_file_gets_its_name_once_it_is_whole(home: Any, landed: Landed) -> None:
    out = home.path / "history.ndjson"
    told = landed("ledger", "export", "--out", str(out))
    assert (told.code, told.out) == (0, "")
    assert f"wrote {len(lines(out.read_text()))} runs to" in told.err
    again = lines(landed("ledger", "export").out)
    assert [run["run_id"] for run in lines(out.read_text())] == [run["run_id"] for run in again]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert list(home.path.glob(".history*")) == []


def test_a_file_stays_as_it_was_where_an_export_breaks_off(
    home: Any, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = home.path / "history.ndjson"
    out.write_text("yesterday's\n")
    dumps, written = json.dumps, []

    def broken(document: Any, **options: Any) -> str:
        if written:
            raise RuntimeError("out of luck")
        written.append(document)
        return dumps(document, **options)

    monkeypatch.setattr(ledger_export.json, "dumps", broken)
    assert landed("ledger", "export", "--out", str(out)).code == 3
    assert out.read_text() == "yesterday's\n"
    assert list(home.path.glob(".history*")) == []


@pytest.mark.parametrize("out", ["nowhere/history.ndjson", "."])
def test_what_cannot_be_written_is_a_mistake(home: Any, landed: Landed, out: str) -> None:
    told = landed("ledger", "export", "--out", out)
    assert (told.code, told.out) == (2, "")
    assert "cannot be written" in told.err


def test_only_what_is_asked_for_is_written(home: Any, landed: Landed) -> None:
    runs = lines(landed("ledger", "export").out)
    job, due = runs[0]["job"], sorted({run["due"] for run in runs})[1]
    only = lines(landed("ledger", "export", "--job", job).out)
    assert {run["job"] for run in only} == {job}
    late = lines(landed("ledger", "export", "--since", due).out)
    early = lines(landed("ledger", "export", "--until", due).out)
    assert 0 < len(early) < len(runs)
    assert sorted(run["run_id"] for run in [*early, *late]) == sorted(r["run_id"] for r in runs)


def test_a_job_that_never_was_is_a_mistake(home: Any, landed: Landed) -> None:
    told = landed("ledger", "export", "--job", "revenu")
    assert (told.code, told.out) == (2, "")
    assert "no job is declared by the name of revenu" in told.err


@pytest.mark.slow
def test_jq_reads_it(home: Any, landed: Landed, tmp_path: Path) -> None:
    jq = shutil.which("jq")
    if jq is None:
        pytest.skip("jq is not on PATH")
    out = home.path / "history.ndjson"
    landed("ledger", "export", "--out", str(out))
    asked = [jq, "-r", 'select(.false_success) | "\\(.run) \\(.verdict)"', str(out)]
    found = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    lied = [run for run in lines(out.read_text()) if run["false_success"]]
    assert found.split("\n")[:-1] == [f"{run['run']} {run['verdict']}" for run in lied]
    assert lied

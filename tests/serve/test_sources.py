"""A scheduler that somebody else's package teaches us to hear, through a whole ``serve``."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

MORE = """\
  load:
    statement: Every row is loaded.
    schedule: {{every: 1d}}
    class: one-result
    effects: replace
    scheduler: {{source: night, task: load}}
sources:
  night: {{type: lines, path: {path}, every: 100ms}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "night.jsonl"
    path.touch()
    return path


def tell(file, event, run="r1"):
    at = datetime.now(UTC).isoformat()
    with file.open("a") as lines:
        lines.write(json.dumps({"task": "load", "run": run, "event": event, "at": at}) + "\n")


def source(serve):
    told = serve.get("/v1/sources").json()["sources"]
    return next((each for each in told if each["source"] == "night"), {"heard_until": None})


def figure(serve, name, *labels):
    series = rf"^{name}{{(?:{'|'.join(labels)})}} (\S+)$"
    found = re.search(series, serve.get("/metrics").text, re.MULTILINE)
    return None if found is None else float(found[1])


@pytest.mark.slow
def test_it_is_heard_missed_when_it_is_away_and_heard_again(start, tmp_path, plugin, file):
    ledger = f"sqlite:///{tmp_path}/landed.db"
    serve = start(ledger, MORE.format(path=file), PYTHONPATH=str(plugin))
    tell(file, "started")
    runs = lambda: serve.get("/v1/runs?job=load").json()["runs"]  # noqa: E731 - asked again and again
    serve.eventually(lambda: runs() and runs()[0]["reported"] == "running")
    assert source(serve)["silent_since"] is None

    # It is away: that is told with its reason, and nothing is made of the silence.
    away = file.rename(file.with_suffix(".away"))
    serve.eventually(lambda: source(serve)["silent_since"] is not None)
    assert "No such file" in source(serve)["trouble"]
    serve.eventually(lambda: len(source(serve)["blind"]) == 1)
    assert source(serve)["blind"][0]["until"] is None
    tell(away, "succeeded")
    assert serve.get("/v1/runs?job=load").json()["runs"][0]["reported"] == "running"

    # It is back: what it said meanwhile is read, and the window is caught up.
    away.rename(file)
    serve.eventually(lambda: runs()[0]["reported"] == "succeeded")
    serve.eventually(lambda: source(serve)["blind"] == [])
    assert source(serve)["trouble"] is None
    labels = ('kind="succeeded",source="night"', 'source="night",kind="succeeded"')
    serve.eventually(lambda: figure(serve, "landed_signals_total", *labels) == 1)
    serve.eventually(
        lambda: (figure(serve, "landed_blind_seconds_total", 'source="night"') or 0) > 5
    )
    due = figure(serve, "landed_source_contact_due_timestamp_seconds", 'source="night"')
    assert due is not None
    assert due > datetime.now(UTC).timestamp() - 15
    assert 'scheduler="lines"' in serve.get("/metrics").text


@pytest.mark.slow
def test_what_happened_while_serve_was_down_is_read_up_before_anything_is_judged(
    start, tmp_path, plugin, file
):
    ledger = f"sqlite:///{tmp_path}/landed.db"
    more = MORE.format(path=file)
    first = start(ledger, more, PYTHONPATH=str(plugin))
    first.eventually(lambda: source(first)["heard_until"] is not None)
    first.process.terminate()
    assert first.process.wait(20) == 0
    tell(file, "started")
    tell(file, "succeeded")
    second = start(ledger, more, PYTHONPATH=str(plugin))
    second.eventually(
        lambda: (
            [each["reported"] for each in second.get("/v1/runs?job=load").json()["runs"]]
            == ["succeeded"]
        )
    )
    assert "source_failed" not in second.log.read_text()

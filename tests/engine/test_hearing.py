"""Sources of a real configuration, heard on their threads."""

import json
import shutil
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.checks.stores.registry import Stores
from verifier.config.load import read_config
from verifier.engine import hearing
from verifier.engine.fleet import Fleet
from verifier.engine.hearing import Hearings, wait_after
from verifier.exporters.meters import Meters
from verifier.intake.receipt import RejectCode
from verifier.ledger.ledger import Ledger
from verifier.runs.binding import RunKey

NIGHT = RunKey("load", "2026-04-03T02:00:00Z")
NOW = datetime(2026, 4, 3, 2, 1, tzinfo=UTC)
JOB = "{schedule: {cron: '0 2 * * *'}, class: best-effort, scheduler: {source: night, task: %s}}"


def line(event, at, task="load", run="r1"):
    told = {"task": task, "run": run, "event": event, "at": f"2026-04-03T{at}Z"}
    return json.dumps(told).encode() + b"\n"


def eventually(holds):
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class World:
    """A ledger, and a file that a source of type ``lines`` reads."""

    def __init__(self, folder):
        self.now = NOW
        self.file = folder / "night.jsonl"
        self.ledger = Ledger.open(f"sqlite:///{folder}/landed.db", self.now)
        self.meters = Meters()
        self.hearings = Hearings(self.ledger, lambda: self.now, self.meters)

    def write(self, *lines):
        with self.file.open("ab") as file:
            file.write(b"".join(lines))

    def apply(self, jobs=None, path=None, every="10ms", sources=True):
        """Declare jobs by name, each bound to a task, and hear their source."""
        jobs = {"load": "load"} if jobs is None else jobs
        path = path or self.file
        lines = [f"  {name}: {JOB % task}" for name, task in jobs.items()]
        source = f"sources: {{night: {{type: lines, path: {path}, every: {every}}}}}\n"
        top = source if sources else ""
        text = "version: 1\n" + top + ("jobs:\n" + "\n".join(lines) if lines else "jobs: {}")
        config = read_config(text, "landed.yaml", {}).config
        Fleet(config, self.ledger, Stores({})).register(self.now)
        self.hearings.apply(config)

    @property
    def state(self):
        return self.ledger.sources()["night"]

    def refused(self, code):
        rows = self.meters.rows()["landed_signals_rejected_total"]
        return {row.labels: row.value for row in rows}.get(("night", code), 0)


@pytest.fixture
def world(tmp_path, unused_ledger, plugin, monkeypatch):
    shutil.copy(unused_ledger, tmp_path / "landed.db")
    monkeypatch.setattr(hearing, "FIRST_WAIT", timedelta(milliseconds=10))
    made = World(tmp_path)
    yield made
    made.hearings.stop()
    made.ledger.close()


def test_what_a_source_tells_becomes_an_attempt(world):
    world.write(line("started", "02:00:00"), line("succeeded", "02:00:30"))
    world.apply()
    eventually(lambda: world.ledger.attempts(NIGHT))
    (attempt,) = world.ledger.attempts(NIGHT)
    assert (attempt.attempt, attempt.started) == ("r1", datetime(2026, 4, 3, 2, tzinfo=UTC))
    assert world.state.heard_until == NOW


def test_it_goes_on_where_it_was_left_and_takes_a_half_line_once_it_is_whole(world):
    first, second = line("started", "02:00:00"), line("succeeded", "02:00:30")
    world.write(first, second[:20])
    world.apply()
    eventually(lambda: world.ledger.position("night") == str(len(first)))
    world.write(second[20:])
    eventually(lambda: world.ledger.position("night") == str(len(first + second)))
    assert world.refused(RejectCode.UNREADABLE) == 0


def test_what_cannot_be_used_is_counted_by_reason_and_stops_nobody(world):
    world.write(b"{nonsense\n", b"\xff\xfe\n", line("started", "02:00:00", task="other"))
    world.write(line("started", "02:00:00"))
    world.apply()
    eventually(lambda: world.ledger.attempts(NIGHT))
    assert world.refused(RejectCode.UNREADABLE) == 2
    assert world.refused(RejectCode.UNBOUND) == 1


def test_a_source_that_is_away_is_shown_with_its_reason_and_heard_once_it_is_back(world):
    world.apply()
    eventually(lambda: world.state.trouble)
    assert world.state.trouble == f"{world.file}: No such file or directory"
    world.write(line("started", "02:00:00"))
    eventually(lambda: world.ledger.attempts(NIGHT))
    assert world.state.trouble is None


def test_a_defect_of_a_source_ends_neither_it_nor_us_and_is_told_without_its_text(world):
    world.write(line("started", "02:00:00"))
    world.ledger.keep_cursor("position/night", "a secret that is no number")
    world.apply()
    eventually(lambda: world.state.trouble)
    assert world.state.trouble == "a defect: ValueError; the log of serve has more"
    world.hearings.stop()
    world.ledger.keep_cursor("position/night", "0")
    world.apply()
    eventually(lambda: world.ledger.attempts(NIGHT))


def test_a_job_that_is_added_is_heard_by_the_source_that_runs(world):
    world.write(line("started", "02:00:00"))
    world.apply()
    eventually(lambda: world.ledger.attempts(NIGHT))
    world.apply({"load": "load", "send": "send"})
    world.write(line("started", "02:00:10", task="send", run="r2"))
    eventually(lambda: world.ledger.attempts(RunKey("send", NIGHT.occurrence)))


def test_other_settings_are_taken_at_once_and_the_position_is_kept(world, tmp_path):
    world.write(line("started", "02:00:00"))
    world.apply()
    eventually(lambda: world.ledger.attempts(NIGHT))
    moved = tmp_path / "moved.jsonl"
    moved.write_bytes(world.file.read_bytes() + line("succeeded", "02:00:30"))
    world.apply(path=moved)
    eventually(lambda: world.ledger.attempts(NIGHT)[0].ends)


def test_a_source_that_is_removed_is_heard_no_longer(world):
    world.write(line("started", "02:00:00"))
    world.apply()
    eventually(lambda: world.ledger.attempts(NIGHT))
    world.apply({}, sources=False)
    assert not world.state.declared
    world.write(line("succeeded", "02:00:30"))
    time.sleep(0.05)
    assert not world.ledger.attempts(NIGHT)[0].ends


def test_to_stop_waits_for_no_pause(world):
    world.write(line("started", "02:00:00"))
    world.apply(every="1h")
    eventually(lambda: world.ledger.attempts(NIGHT))
    began = time.monotonic()
    world.hearings.stop()
    assert time.monotonic() - began < 2


@given(st.integers(1, 1_000), st.floats(0, 1))
def test_the_wait_grows_with_each_failure_and_stays_bounded(failures, part):
    wait = wait_after(failures, part)
    assert timedelta() < wait <= timedelta(seconds=60)
    assert wait <= wait_after(failures + 1, part)
    assert wait <= wait_after(failures, 1)

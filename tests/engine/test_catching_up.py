"""Five minutes without a verifier, while a scheduler went on: nothing is overlooked or invented."""

import json
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from verifier.checks.stores.registry import Stores
from verifier.config.load import read_config
from verifier.engine.engine import Engine
from verifier.engine.feed import SourceFeed
from verifier.engine.fleet import Fleet
from verifier.engine.hearing import bound_jobs, open_source
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter

START = datetime(2026, 4, 3, 12, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CONFIG = """
version: 1
ledger: {ledger}
sources: {{night: {{type: lines, path: {path}, every: 5s}}}}
jobs:
  load:
    schedule: {{every: 1m}}
    class: best-effort
    start_within: 20s
    finish_within: 50s
    scheduler: {{source: night, task: load}}
"""


class World:
    """A verifier that can be away, and a scheduler that never is but for the minutes named."""

    def __init__(self, folder, ledger, skipped):
        self.now = START
        self.path = folder / "night.jsonl"
        self.path.touch()
        self.config = read_config(
            CONFIG.format(ledger=ledger, path=self.path), "landed.yaml", {}
        ).config
        self.skipped = skipped
        self.open()

    def open(self):
        self.ledger = Ledger.open(self.config.ledger, self.now)
        self.stores = Stores({})
        self.fleet = Fleet(self.config, self.ledger, self.stores)
        self.fleet.register(self.now)
        self.engine = Engine(self.ledger, self.fleet, lambda: self.now)
        declared = self.config.sources["night"]
        self.source = open_source(declared)
        jobs = bound_jobs(self.config, self.ledger.histories())["night"]
        self.feed = SourceFeed(
            self.ledger,
            "night",
            jobs,
            self.source.contact_within,
            clock=lambda: self.now,
            stopping=Event(),
        )
        self.feed.look(self.now)

    def close(self):
        self.engine.close()
        self.stores.close()
        self.ledger.close()

    def schedule(self):
        """What the scheduler does in this second."""
        minute = self.now.minute
        if minute in self.skipped:
            return
        for second, event in ((2, "started"), (12, "succeeded")):
            if self.now.second == second:
                told = {"task": "load", "run": f"r{minute}", "event": event}
                with self.path.open("a") as file:
                    file.write(json.dumps({**told, "at": self.now.isoformat()}) + "\n")

    def pass_to(self, minutes, *, away=False, silent=False):
        while self.now < START + minutes * MINUTE:
            self.now += timedelta(seconds=1)
            self.schedule()
            if not away:
                self.engine.tick(self.now)  # before the poll: the worst order
                if self.now.second % 5 == 0:
                    if not silent:
                        self.source.poll(self.feed, self.now)
                    self.feed.look(self.now)

    def verdicts(self):
        rows = self.ledger.runs(RunFilter(job="load"))
        return {row.key.due.minute: row.verdict or row.state for row in rows}


@pytest.fixture
def make(tmp_path, plugin, ledger_url):
    made = []

    def make(*skipped):
        made.append(World(tmp_path, ledger_url, skipped))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.mark.slow
def test_five_minutes_away_are_read_up_and_only_what_did_not_run_is_missing(make):
    world = make(2, 6)
    world.pass_to(4)
    assert world.verdicts()[2] == "missing"
    world.close()
    world.pass_to(9, away=True)
    world.open()
    world.engine.tick(world.now)
    assert [m for m, v in world.verdicts().items() if v == "missing"] == [2]
    world.pass_to(11)
    found = world.verdicts()
    assert sorted(found) == list(range(1, 12))
    assert sorted(m for m, v in found.items() if v == "missing") == [2, 6]
    ran = [m for m in found if m not in (2, 6)]
    assert {found[m] for m in ran if m < 11} == {"unproven"}
    assert all(
        [revision.became for revision in world.ledger.revisions(row.key)] in (["unproven"], [])
        for row in world.ledger.runs(RunFilter(job="load"))
        if row.key.due.minute in ran
    )
    (window,) = world.ledger.windows("night")
    assert window.until is not None
    assert window.caught_up_at is not None


@pytest.mark.slow
def test_what_was_lost_for_good_is_not_checked_and_never_missing(make):
    world = make()
    world.pass_to(3)
    world.ledger.keep_cursor("position/night", "0")
    world.close()
    world.pass_to(8, away=True)
    world.path.write_text("")  # rotated away, and nobody has the rest
    world.open()
    world.feed.lost(world.feed.heard_until, world.now)
    world.pass_to(10)
    found = world.verdicts()
    assert "missing" not in found.values()
    assert {found[m] for m in (5, 6, 7, 9)} == {"unproven"}
    reported = {
        row.key.due.minute: row.reported for row in world.ledger.runs(RunFilter(job="load"))
    }
    assert [reported[m] for m in (5, 6, 7, 9)] == ["none", "none", "none", "succeeded"]


@pytest.mark.slow
def test_an_attempt_whose_source_is_silent_is_not_given_up_for_that(make):
    world = make(*range(1, 20))
    world.pass_to(1)
    begun = (START + MINUTE).isoformat()
    told = {"task": "load", "run": "long", "event": "started", "at": begun}
    world.path.write_text(json.dumps(told) + "\n")
    world.pass_to(1.25)
    key = world.ledger.runs(RunFilter(job="load"))[0].key
    world.pass_to(6, silent=True)
    (attempt,) = world.ledger.attempts(key)
    assert attempt.inferred is None
    world.pass_to(6.5)
    (attempt,) = world.ledger.attempts(key)
    assert attempt.inferred.end.kind == "timed_out"

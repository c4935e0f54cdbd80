"""The log of cron as a source, with a real ledger and engine and a clock that is passed in."""

import os
import sqlite3
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from verifier.checks.stores.registry import Stores
from verifier.config.load import load
from verifier.engine.documents import document
from verifier.engine.engine import Engine
from verifier.engine.feed import SourceFeed
from verifier.engine.fleet import Fleet
from verifier.engine.hearing import bound_jobs
from verifier.exporters.meters import Meters
from verifier.ledger.ledger import Ledger
from verifier.runs.binding import RunKey
from verifier.runs.instant import format_instant
from verifier.signals.cron.session import Host
from verifier.signals.cron.source import DELAY, CronLogSource
from verifier.signals.source import SourceUnavailable

START = datetime(2026, 4, 3, 1, 58, tzinfo=UTC)

CONFIG = """
version: 1
ledger: "sqlite:///{home}/landed.db"
sources:
  hostcron: {{type: cron-log, path: "{home}/syslog", timezone: UTC}}
stores:
  warehouse: {{type: sql, url: "sqlite:///{home}/warehouse.db"}}
jobs:
  minutely:
    statement: Each minute has its row.
    scheduler: {{source: hostcron, command: /opt/minutely.sh, user: app}}
    schedule: {{cron: "* * * * *"}}
    class: one-result
    effects: upsert
    start_within: 30s
    finish_within: 50s
    settle: 1s
  nightly:
    statement: Each night has its row.
    scheduler: {{source: hostcron, command: /opt/nightly.sh --all}}
    schedule: {{cron: "0 2 * * *"}}
    covers: previous-day
    class: one-result
    effects: append
    start_within: 5m
    finish_within: 45m
    settle: 1s
    checks:
      - {{type: row_count, name: rows, store: warehouse, table: done, where: "day = :day", eq: 1}}
"""


class World:
    """A host with cron's log, and a verifier that may be stopped and started."""

    def __init__(self, home):
        self.home = home
        self.now = START
        self.log = home / "syslog"
        self.log.touch()
        self.pid = 1000
        with sqlite3.connect(home / "warehouse.db") as database:
            database.execute("create table done (day text)")
        database.close()
        (home / "landed.yaml").write_text(CONFIG.format(home=home))
        self.meters = Meters()
        self.open()

    def open(self):
        self.config = load(self.home / "landed.yaml", {})
        self.ledger = Ledger.open(self.config.ledger, self.now)
        self.stores = Stores(self.config.stores)
        fleet = Fleet(self.config, self.ledger, self.stores)
        fleet.register(self.now)
        self.engine = Engine(self.ledger, fleet, lambda: self.now)
        declared = self.config.sources["hostcron"]
        self.source = CronLogSource(declared.settings, Host("elsewhere"))
        self.feed = SourceFeed(
            self.ledger,
            "hostcron",
            bound_jobs(self.config, self.ledger)["hostcron"],
            self.source.contact_within,
            clock=lambda: self.now,
            stopping=Event(),
            watch=self.meters,
        )

    def close(self):
        self.engine.close()
        self.stores.close()
        self.ledger.close()

    def say(self, message, at=None, pid=999):
        stamp = format_instant(at or self.now)
        with self.log.open("a") as opened:
            opened.write(f"{stamp} vm CRON[{pid}]: {message}\n")

    def start(self, command="/opt/minutely.sh", at=None, user="app"):
        self.pid += 1
        self.say(f"({user}) CMD ([{self.pid}] {command})", at)
        return self.pid

    def end(self, pid, command="/opt/minutely.sh", at=None, user="app"):
        self.say(f"({user}) END ([{pid}] {command})", at)

    def fail(self, pid, at=None, what="failed with exit status 3"):
        self.say(f"(CRON) error (grandchild #{pid} {what})", at)

    def poll(self):
        self.source.poll(self.feed, self.now)

    def pass_to(self, moment, *, every=timedelta(seconds=10), heard=True, cron=True):
        """Let time pass; cron starts the minutely job, which takes a second."""
        while self.now < moment:
            self.now += every
            if cron and self.now.second < every.seconds:
                pid = self.start(at=self.now.replace(second=1))
                self.end(pid, at=self.now.replace(second=2))
            if heard:
                self.poll()
                self.feed.look(self.now)
                self.tick()

    def tick(self):
        for _ in range(4):
            self.engine.tick(self.now)
            self.engine.settle(10)
            if not self.ledger.awake(self.now, 1):
                return

    def run(self, due, job="minutely"):
        return document(self.ledger, RunKey(job, format_instant(due)), self.now)


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.close()


def minutes(count):
    return timedelta(minutes=count)


def slot(number):
    return START + minutes(number)


def test_what_cron_did_is_known_within_seconds_without_touching_a_job(world):
    world.pass_to(slot(3))
    for number in (1, 2):
        run = world.run(slot(number))
        (attempt,) = run["attempts"]
        assert (run["reported"], attempt["state"], attempt["lane"]) == (
            "succeeded",
            "succeeded",
            "live",
        )
        assert attempt["worker"].startswith("vm:")


def test_a_minute_in_which_cron_was_down_is_missing_and_no_other(world):
    world.pass_to(slot(2))
    world.pass_to(slot(3) + timedelta(seconds=20), cron=False)
    world.pass_to(slot(6))
    verdicts = {number: world.run(slot(number))["verdict"] for number in range(1, 6)}
    assert verdicts == {1: "unproven", 2: "unproven", 3: "missing", 4: "unproven", 5: "unproven"}


def test_the_verifier_away_for_five_minutes_loses_no_run_and_calls_none_missing(world):
    world.pass_to(slot(2))
    world.close()
    nightly = world.start("/opt/nightly.sh --all", user="root")
    world.pass_to(slot(7), heard=False)
    world.end(nightly, "/opt/nightly.sh --all", user="root")
    with sqlite3.connect(world.home / "warehouse.db") as database:
        database.execute("insert into done values ('2026-04-02')")
    database.close()
    world.open()
    world.tick()
    assert world.run(slot(4))["verdict"] is None
    world.pass_to(slot(9))
    runs = [world.run(slot(number)) for number in range(1, 9)]
    assert [run["reported"] for run in runs] == ["succeeded"] * 8
    assert [len(run["attempts"]) for run in runs] == [1] * 8
    said = {revision["to"] for run in runs for revision in run["revisions"]}
    assert said == {"unproven"}
    night = world.run(slot(2), "nightly")
    assert (night["verdict"], len(night["attempts"])) == ("verified", 1)
    windows = world.ledger.windows("hostcron")
    assert [window.caught_up_at is not None for window in windows] == [True]


def test_the_log_rotated_meanwhile_changes_nothing(world):
    world.pass_to(slot(2))
    world.close()
    world.pass_to(slot(4), heard=False)
    world.log.rename(world.home / "syslog.1")
    world.pass_to(slot(7), heard=False)
    world.open()
    world.pass_to(slot(8))
    assert [world.run(slot(n))["reported"] for n in range(1, 8)] == ["succeeded"] * 7


def test_what_was_truncated_away_is_a_blind_window_and_no_miss(world):
    world.pass_to(slot(2) + timedelta(seconds=30))
    world.close()
    world.pass_to(slot(5) + timedelta(seconds=30), heard=False)
    os.truncate(world.log, 0)
    world.pass_to(slot(7), heard=False)
    world.open()
    world.pass_to(slot(9))
    assert [world.run(slot(n))["verdict"] for n in (3, 4, 5)] == [None] * 3
    assert [world.run(slot(n))["reported"] for n in (6, 7, 8)] == ["succeeded"] * 3
    lost = [each for each in world.ledger.windows("hostcron") if each.caught_up_at is None]
    assert [(each.since, each.until) for each in lost] == [
        (slot(2) + timedelta(seconds=30) - DELAY, slot(6) + timedelta(seconds=1))
    ]


def test_an_attempt_that_fails_and_one_that_is_killed_are_told_apart(world):
    failing = world.start(at=slot(1) + timedelta(seconds=1))
    world.fail(failing, slot(1) + timedelta(seconds=2))
    world.end(failing, at=slot(1) + timedelta(seconds=2))
    killed = world.start(at=slot(2) + timedelta(seconds=1))
    world.fail(killed, slot(2) + timedelta(seconds=3), "terminated by signal 9")
    world.now = slot(3)
    world.poll()
    (failed,) = world.run(slot(1))["attempts"]
    assert (failed["state"], failed["exit_code"], failed["end_proof"]) == ("failed", 3, "exit")
    (dead,) = world.run(slot(2))["attempts"]
    assert (dead["state"], dead["exit_code"], dead["end_proof"]) == ("failed", 137, "none")


def test_overlapping_attempts_are_two_and_each_ends_by_itself(world):
    first = world.start(at=slot(1) + timedelta(seconds=1))
    second = world.start(at=slot(2) + timedelta(seconds=1))
    world.now = slot(2) + timedelta(seconds=10)
    world.poll()
    assert [world.run(slot(n))["reported"] for n in (1, 2)] == ["running"] * 2
    world.end(first, at=slot(2) + timedelta(seconds=20))
    world.fail(second, slot(2) + timedelta(seconds=30))
    world.now = slot(3)
    world.poll()
    assert [world.run(slot(n))["reported"] for n in (1, 2)] == ["succeeded", "failed"]


def test_another_user_with_the_same_command_is_nobody_of_ours(world):
    world.start(at=slot(1), user="root")
    world.now = slot(1) + timedelta(seconds=10)
    world.poll()
    assert world.ledger.attempts(RunKey("minutely", format_instant(slot(1)))) == []
    rows = world.meters.rows()["landed_signals_rejected_total"]
    counted = [(row.labels, row.value) for row in rows if row.value]
    assert counted == [(("hostcron", "unbound"), 1)]


def test_read_again_from_any_kept_position_nothing_is_lost_or_doubled(world):
    world.pass_to(slot(2))
    kept = []
    for number in range(3, 6):
        kept.append(world.feed.cursor)
        world.pass_to(slot(number))
    before = world.ledger.tallies("landed_attempts_total")
    for cursor in [None, *kept]:
        world.feed._cursor = cursor
        world.poll()
    assert world.ledger.tallies("landed_attempts_total") == before
    assert [len(world.run(slot(n))["attempts"]) for n in range(1, 5)] == [1] * 4


def test_a_cursor_of_another_log_or_none_at_all_begins_anew(world):
    world.pass_to(slot(2))
    for cursor in ("no JSON", '{"path": "/var/log/other"}', '{"open": 7}'):
        world.feed._cursor = cursor
        world.poll()
    assert len(world.run(slot(1))["attempts"]) == 1


def test_a_log_that_may_not_be_read_says_what_to_do(world, monkeypatch):
    # Root may read everything, and these tests may run as root.
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("verifier.signals.cron.tail._files", refuse)
    with pytest.raises(SourceUnavailable, match="adm"):
        world.poll()


def test_a_log_that_is_not_there_is_said_in_words(world):
    world.log.unlink()
    with pytest.raises(SourceUnavailable, match="cannot be read: No such file"):
        world.poll()


def test_expected_from_before_the_log_begins_is_a_blind_window(world):
    world.close()
    text = (world.home / "landed.yaml").read_text()
    (world.home / "landed.yaml").write_text(
        text.replace("    start_within: 30s\n", "    start_within: 30s\n    since: 2026-04-02\n")
    )
    (world.home / "landed.db").unlink()
    world.say("(root) CMD ([1] other)", START - minutes(5))
    world.open()
    world.poll()
    since = datetime(2026, 4, 2, tzinfo=UTC)
    windows = world.ledger.windows("hostcron")
    assert [(each.since, each.until, each.caught_up_at) for each in windows] == [
        (since, START - minutes(5), None)
    ]

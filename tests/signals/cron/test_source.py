"""The log of cron as a source, with a real ledger and engine and a clock that is passed in."""

import os
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from verifier.runs.binding import RunKey
from verifier.runs.instant import format_instant
from verifier.signals.cron.session import Daemon
from verifier.signals.cron.session import Host as Processes
from verifier.signals.cron.source import DELAY
from verifier.signals.source import SourceUnavailable

START = datetime(2026, 4, 3, 1, 58, tzinfo=UTC)
STEP = timedelta(seconds=10)

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


class Host:
    """A host on which cron writes its log."""

    def __init__(self, world):
        self.world = world
        self.log = world.home / "syslog"
        self.log.touch()
        self.pid = 1000

    def say(self, message, at=None, pid=999):
        stamp = format_instant(at or self.world.now)
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

    def pass_to(self, moment, *, heard=True, cron=True):
        """Let time pass; cron starts the minutely job, which takes a second."""
        world = self.world
        while world.now < moment:
            world.now += STEP
            if cron and world.now.second < STEP.seconds:
                pid = self.start(at=world.now.replace(second=1))
                self.end(pid, at=world.now.replace(second=2))
            if heard:
                world.turn()


@pytest.fixture
def world(make_world):
    return make_world(CONFIG, START)


@pytest.fixture
def host(world):
    return Host(world)


def minutes(count):
    return timedelta(minutes=count)


def slot(number):
    return START + minutes(number)


def test_what_cron_did_is_known_within_seconds_without_touching_a_job(world, host):
    host.pass_to(slot(3))
    for number in (1, 2):
        run = world.run(slot(number))
        (attempt,) = run["attempts"]
        assert (run["reported"], attempt["state"], attempt["lane"]) == (
            "succeeded",
            "succeeded",
            "live",
        )
        assert attempt["worker"].startswith("vm:")


def test_a_minute_in_which_cron_was_down_is_missing_and_no_other(world, host):
    host.pass_to(slot(2))
    host.pass_to(slot(3) + timedelta(seconds=20), cron=False)
    host.pass_to(slot(6))
    verdicts = {number: world.run(slot(number))["verdict"] for number in range(1, 6)}
    assert verdicts == {1: "unproven", 2: "unproven", 3: "missing", 4: "unproven", 5: "unproven"}


def test_the_verifier_away_for_five_minutes_loses_no_run_and_calls_none_missing(world, host):
    host.pass_to(slot(2))
    world.close()
    nightly = host.start("/opt/nightly.sh --all", user="root")
    host.pass_to(slot(7), heard=False)
    host.end(nightly, "/opt/nightly.sh --all", user="root")
    with sqlite3.connect(world.home / "warehouse.db") as database:
        database.execute("insert into done values ('2026-04-02')")
    database.close()
    world.open()
    world.tick()
    assert world.run(slot(4))["verdict"] is None
    host.pass_to(slot(9))
    runs = [world.run(slot(number)) for number in range(1, 9)]
    assert [run["reported"] for run in runs] == ["succeeded"] * 8
    assert [len(run["attempts"]) for run in runs] == [1] * 8
    said = {revision["to"] for run in runs for revision in run["revisions"]}
    assert said == {"unproven"}
    night = world.run(slot(2), "nightly")
    assert (night["verdict"], len(night["attempts"])) == ("verified", 1)
    windows = world.ledger.windows("hostcron")
    assert [window.caught_up_at is not None for window in windows] == [True]


def test_the_log_rotated_meanwhile_changes_nothing(world, host):
    host.pass_to(slot(2))
    world.close()
    host.pass_to(slot(4), heard=False)
    host.log.rename(world.home / "syslog.1")
    host.pass_to(slot(7), heard=False)
    world.open()
    host.pass_to(slot(8))
    assert [world.run(slot(n))["reported"] for n in range(1, 8)] == ["succeeded"] * 7


def test_what_was_truncated_away_is_a_blind_window_and_no_miss(world, host):
    host.pass_to(slot(2) + timedelta(seconds=30))
    world.close()
    host.pass_to(slot(5) + timedelta(seconds=30), heard=False)
    os.truncate(host.log, 0)
    host.pass_to(slot(7), heard=False)
    world.open()
    host.pass_to(slot(9))
    unheard = [world.run(slot(number)) for number in (3, 4, 5)]
    assert [(run["reported"], run["verdict"]) for run in unheard] == [("none", "unproven")] * 3
    assert [world.run(slot(n))["reported"] for n in (6, 7, 8)] == ["succeeded"] * 3
    lost = [each for each in world.ledger.windows("hostcron") if each.caught_up_at is None]
    assert [(each.since, each.until) for each in lost] == [
        (slot(2) + timedelta(seconds=30) - DELAY, slot(6) + timedelta(seconds=1))
    ]


def test_what_was_truncated_away_is_told_before_anything_new_is_logged(world, host):
    host.pass_to(slot(2))
    host.log.write_bytes(b"")
    world.poll()
    (lost,) = world.ledger.windows("hostcron")
    assert (lost.until, lost.caught_up_at) == (world.now, None)


def test_what_is_in_a_broken_archive_is_lost_up_to_the_first_line_after_it(world, host):
    host.pass_to(slot(2))
    world.close()
    host.pass_to(slot(4), heard=False)
    host.log.rename(world.home / "syslog.2")
    host.pass_to(slot(6), heard=False)
    host.log.unlink()
    (world.home / "syslog.1.gz").write_bytes(b"no archive")
    host.pass_to(slot(8), heard=False)
    world.open()
    host.pass_to(slot(9))
    (lost,) = [each for each in world.ledger.windows("hostcron") if each.caught_up_at is None]
    assert lost.until == slot(7) + timedelta(seconds=1)
    reported = [world.run(slot(number))["reported"] for number in range(1, 9)]
    assert reported == [*["succeeded"] * 4, "none", "none", *["succeeded"] * 2]
    assert world.run(slot(5))["verdict"] == "unproven"


def test_a_log_that_was_written_anew_with_all_that_was_in_it_has_lost_nothing(world, host):
    host.pass_to(slot(3))
    first = f"{format_instant(START)} vm kernel: a line in front".encode()
    host.log.write_bytes(first + b"\n" + host.log.read_bytes())
    host.pass_to(slot(5))
    assert world.ledger.windows("hostcron") == []
    assert [len(world.run(slot(number))["attempts"]) for number in range(1, 5)] == [1] * 4


def test_a_source_that_reads_another_file_from_now_on_goes_on_with_what_that_has(world, host):
    host.pass_to(slot(3))
    other = world.home / "other"
    lines = host.log.read_bytes().splitlines(keepends=True)
    other.write_bytes(b"".join([b"2026-04-03T01:58:00Z vm kernel: up\n", *lines]))
    host.log.unlink()
    text = (world.home / "landed.yaml").read_text()
    (world.home / "landed.yaml").write_text(text.replace("/syslog", "/other"))
    host.log = other
    world.close()
    world.open()
    host.pass_to(slot(5))
    assert world.ledger.windows("hostcron") == []
    assert [len(world.run(slot(number))["attempts"]) for number in range(1, 5)] == [1] * 4


def test_who_is_to_stop_in_the_middle_of_a_long_log_goes_on_there_next_time(world, host):
    with host.log.open("a") as opened:
        opened.write("2026-04-03T01:58:30Z vm kernel: a line of no interest\n" * 25_000)
    host.end(host.start(at=slot(1)), at=slot(1))
    world.now = slot(1) + timedelta(seconds=10)
    world.stopping.set()
    world.poll()
    assert world.ledger.attempts(RunKey("minutely", format_instant(slot(1)))) == []
    assert world.feed.heard_until < slot(1)
    world.stopping.clear()
    world.poll()
    assert world.run(slot(1))["reported"] == "succeeded"


def test_history_in_a_log_that_is_read_for_the_first_time_is_taken(world, host):
    long_ago = START - timedelta(days=3)
    host.end(host.start(at=long_ago), at=long_ago + timedelta(seconds=1))
    world.poll()
    assert world.run(long_ago)["reported"] == "succeeded"


def test_where_cron_does_not_log_failures_an_end_is_no_success(make_world):
    class Level11(Processes):
        def daemon(self):
            return Daemon(7, 11)

    world = make_world(CONFIG, START, Level11("vm"))
    host = Host(world)
    host.end(host.start(at=slot(1)), at=slot(1) + timedelta(seconds=1))
    world.now = slot(1) + timedelta(seconds=5)
    world.poll()
    (attempt,) = world.run(slot(1))["attempts"]
    assert (attempt["state"], attempt["end_proof"]) == ("lost", "exit")


def test_without_ends_a_run_counts_as_running_and_its_check_can_still_verify_it(world, host):
    host.say("(root) CMD (/opt/nightly.sh --all)", slot(2) + timedelta(seconds=1))
    with sqlite3.connect(world.home / "warehouse.db") as database:
        database.execute("insert into done values ('2026-04-02')")
    database.close()
    seen = []
    for passed in (1, 46, 92):
        world.now = slot(2) + minutes(passed)
        world.turn()
        world.turn()
        night = world.run(slot(2), "nightly")
        seen.append((night["reported"], night["verdict"]))
    assert seen == [("running", None), ("timed_out", None), ("timed_out", "verified")]


def test_an_attempt_that_fails_and_one_that_is_killed_are_told_apart(world, host):
    failing = host.start(at=slot(1) + timedelta(seconds=1))
    host.fail(failing, slot(1) + timedelta(seconds=2))
    host.end(failing, at=slot(1) + timedelta(seconds=2))
    killed = host.start(at=slot(2) + timedelta(seconds=1))
    host.fail(killed, slot(2) + timedelta(seconds=3), "terminated by signal 9")
    world.now = slot(3)
    world.poll()
    (failed,) = world.run(slot(1))["attempts"]
    assert (failed["state"], failed["exit_code"], failed["end_proof"]) == ("failed", 3, "exit")
    (dead,) = world.run(slot(2))["attempts"]
    assert (dead["state"], dead["exit_code"], dead["end_proof"]) == ("failed", 137, "none")


def test_overlapping_attempts_are_two_and_each_ends_by_itself(world, host):
    first = host.start(at=slot(1) + timedelta(seconds=1))
    second = host.start(at=slot(2) + timedelta(seconds=1))
    world.now = slot(2) + timedelta(seconds=10)
    world.poll()
    assert [world.run(slot(n))["reported"] for n in (1, 2)] == ["running"] * 2
    host.end(first, at=slot(2) + timedelta(seconds=20))
    host.fail(second, slot(2) + timedelta(seconds=30))
    world.now = slot(3)
    world.poll()
    assert [world.run(slot(n))["reported"] for n in (1, 2)] == ["succeeded", "failed"]


def test_another_user_with_the_same_command_is_nobody_of_ours(world, host):
    host.start(at=slot(1), user="root")
    world.now = slot(1) + timedelta(seconds=10)
    world.poll()
    assert world.ledger.attempts(RunKey("minutely", format_instant(slot(1)))) == []
    rows = world.meters.rows()["landed_signals_rejected_total"]
    counted = [(row.labels, row.value) for row in rows if row.value]
    assert counted == [(("hostcron", "unbound"), 1)]


def test_read_again_from_any_kept_position_nothing_is_lost_or_doubled(world, host):
    host.pass_to(slot(2))
    kept = []
    for number in range(3, 6):
        kept.append(world.feed.cursor)
        host.pass_to(slot(number))
    before = world.ledger.tallies("landed_attempts_total")
    for cursor in [None, *kept]:
        world.feed._cursor = cursor
        world.poll()
    assert world.ledger.tallies("landed_attempts_total") == before
    assert [len(world.run(slot(n))["attempts"]) for n in range(1, 5)] == [1] * 4


def test_a_cursor_that_cannot_be_read_or_is_of_a_journal_begins_anew(world, host):
    host.pass_to(slot(2))
    for cursor in ("no JSON", '{"file": {"inode": "x"}}', '{"open": 7}', '{"journal": "s=1"}'):
        world.feed._cursor = cursor
        world.poll()
    assert len(world.run(slot(1))["attempts"]) == 1


def test_a_log_that_may_not_be_read_says_what_to_do(world, host, monkeypatch):
    # Root may read everything, and these tests may run as root.
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("verifier.signals.cron.tail._files", refuse)
    with pytest.raises(SourceUnavailable, match="adm"):
        world.poll()


def test_a_log_that_is_not_there_is_said_in_words(world, host):
    host.log.unlink()
    with pytest.raises(SourceUnavailable, match="cannot be read: No such file"):
        world.poll()


def test_expected_from_before_the_log_begins_is_a_blind_window(world, host):
    world.close()
    text = (world.home / "landed.yaml").read_text()
    (world.home / "landed.yaml").write_text(
        text.replace("    start_within: 30s\n", "    start_within: 30s\n    since: 2026-04-02\n")
    )
    (world.home / "landed.db").unlink()
    host.say("(root) CMD ([1] other)", START - minutes(5))
    world.open()
    world.poll()
    since = datetime(2026, 4, 2, tzinfo=UTC)
    windows = world.ledger.windows("hostcron")
    assert [(each.since, each.until, each.caught_up_at) for each in windows] == [
        (since, START - minutes(5), None)
    ]


def test_the_journal_tells_the_same_as_a_file(make_world, make_journal, exported, monkeypatch):
    def logged(second, message):
        return exported(second, message.encode(), start=START)

    entries = [
        logged(61, "(app) CMD ([7] /opt/minutely.sh)"),
        logged(62, "(app) END ([7] /opt/minutely.sh)"),
        logged(121, "(app) CMD ([8] /opt/minutely.sh)"),
        logged(122, "(CRON) error (grandchild #8 failed with exit status 3)"),
    ]
    world = make_world(CONFIG.replace('path: "{home}/syslog"', "journal: true"), START)
    command = world.home / "journalctl"
    monkeypatch.setenv("PATH", str(world.home), prepend=os.pathsep)

    def show(name, *shown):
        (file,) = make_journal(*shown, name=name)
        command.write_text(f'#!/bin/sh\nexec /usr/bin/journalctl {file} "$@"\n')
        command.chmod(0o755)

    show("first", *entries)
    for second in (125, 130):
        world.now = START + timedelta(seconds=second)
        world.poll()
    assert [world.run(slot(n))["reported"] for n in (1, 2)] == ["succeeded", "failed"]
    assert world.feed.heard_until == world.now - DELAY
    before = world.ledger.windows("hostcron")
    show("vacuumed", logged(181, "(app) CMD ([9] /opt/minutely.sh)"))
    world.now = START + timedelta(seconds=185)
    world.poll()
    assert world.run(slot(3))["reported"] == "running"
    assert [len(world.run(slot(n))["attempts"]) for n in (1, 2, 3)] == [1] * 3
    (lost,) = [each for each in world.ledger.windows("hostcron") if each not in before]
    began, ended = (START + timedelta(seconds=second) for second in (125, 181))
    assert (lost.since, lost.until, lost.caught_up_at) == (began, ended, None)

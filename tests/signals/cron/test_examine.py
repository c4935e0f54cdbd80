"""What ``landed doctor`` says of the log of cron."""

import os
from datetime import UTC, datetime

import pytest

from verifier.checks.remark import Level
from verifier.signals.cron.examine import examine
from verifier.signals.cron.session import Daemon
from verifier.signals.cron.settings import CronLogSettings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class SomeHost:
    """A host on which cron runs at a level, or does not."""

    def __init__(self, level=None):
        self.level = level

    def daemon(self):
        return None if self.level is None else Daemon(7, self.level)


@pytest.fixture
def log(tmp_path, recording):
    """Makes a log of a recording; its settings."""

    def make(name="syslog_L15.json", written=NOW):
        path = tmp_path / "syslog"
        path.write_bytes(b"\n".join(recording(name)) + b"\n")
        os.utime(path, (written.timestamp(), written.timestamp()))
        return CronLogSettings(type="cron-log", path=str(path))

    return make


def remarks(settings, host, jobs=()):
    return [(each.level, each.message) for each in examine(settings, jobs, NOW, host)]


def test_all_is_well_at_level_15(log, job):
    settings = log()
    assert remarks(settings, SomeHost(15), [job("good", "/opt/jobs/job.sh 0")]) == [
        (Level.OK, f"{settings.path} can be read"),
        (Level.OK, "cron runs (pid 7) and logs starts, ends and failures (-L 15)"),
    ]


@pytest.mark.parametrize(
    ("level", "unseen"),
    [
        (0, "no start is logged, so nothing is heard of any job"),
        (1, "only starts can be told"),
        (7, "only starts can be told"),
        (11, "ends are told and failures are not, so no end counts as a success"),
    ],
)
def test_what_is_not_logged_cannot_be_seen_and_how_to_switch_it_on_is_told(log, level, unseen):
    _, warning = list(examine(log(), [], NOW, SomeHost(level)))
    assert (warning.level, warning.hint) == (
        Level.WARNING,
        'set EXTRA_OPTS="-L 15" in /etc/default/cron, then: systemctl restart cron',
    )
    assert f"-L {level}: {unseen}" in warning.message


def test_without_a_daemon_to_be_seen_the_log_itself_shows_what_is_logged(log):
    assert remarks(log("syslog_L1_default.json"), SomeHost())[1:] == [
        (Level.WARNING, "no cron daemon is to be seen from here"),
        (
            Level.WARNING,
            "of 2 starts in the log none has an end: only starts can be told; how a job ended "
            "cannot, so it counts as running until finish_within has passed, then as timed out",
        ),
    ]
    assert remarks(log(), SomeHost())[2:] == [
        (Level.OK, "the log has starts (6), ends (6) and failures (3)")
    ]


def test_a_log_that_is_not_there_is_an_error_and_the_rest_is_told_all_the_same(tmp_path):
    settings = CronLogSettings(type="cron-log", path=str(tmp_path / "syslog"))
    first, second = remarks(settings, SomeHost(15))
    assert first == (Level.ERROR, f"{settings.path} cannot be read: No such file or directory")
    assert second[0] is Level.OK


def test_a_log_in_which_nobody_writes_is_suspicious(log):
    settings = log(written=datetime(2026, 11, 24, 6, tzinfo=UTC))
    _, warning, _ = examine(settings, [], NOW, SomeHost(15))
    assert warning.level is Level.WARNING
    assert warning.message == (f"nothing was written to {settings.path} since 2026-11-24T06:00:00Z")


def test_jobs_whose_command_is_not_in_the_log_are_named(log, job):
    jobs = [
        job("rare", "/opt/monthly.sh"),
        job("good", "/opt/jobs/job.sh 0", user="root"),
        job("stranger", "sleep 75", user="app"),
        job("wrapped", "landed-exec --job wrapped -- /opt/a.sh"),
    ]
    assert remarks(log(), SomeHost(15), jobs)[2:] == [
        (Level.NOTE, "none of the 6 commands in the log lately is that of rare"),
        (Level.WARNING, "the command of stranger is started by another user than app"),
        (Level.WARNING, "wrapped runs under landed exec, which tells of it by itself"),
    ]


def test_a_huge_log_is_looked_at_only_at_its_end(log, monkeypatch):
    monkeypatch.setattr("verifier.signals.cron.examine.LATEST", 600)
    found = remarks(log(), SomeHost())
    assert found[2][1].startswith("the log has starts (0), ends (")


def test_a_journal_that_cannot_be_read_is_an_error(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    settings = CronLogSettings(type="cron-log", journal=True)
    first, _ = remarks(settings, SomeHost(15))
    assert first == (Level.ERROR, "journalctl cannot be run: No such file or directory")

"""Starts and ends paired by pid: which attempts, and how each ended."""

from datetime import UTC, datetime, timedelta

import pytest

from verifier.runs.signal import EndProof, Kind, Lane
from verifier.signals.cron.message import Ended, Failed, Started
from verifier.signals.cron.pairing import OPEN_OF_A_JOB, Pairing
from verifier.signals.cron.syslog import Line

AT = datetime(2026, 11, 24, 6, 3, 1, tzinfo=UTC)


def at(seconds=0, host="vm"):
    return Line(AT + timedelta(seconds=seconds), host, 1000, "")


def find(host, user, command):
    return {"job.sh": "nightly", "other.sh": "other"}.get(command)


def pairing(*, survivors=False, failures_told=True, open_=()):
    return Pairing(find, lambda host, session: survivors, lambda host: failures_told, open_)


def start(pid=7, command="job.sh"):
    return Started("root", command, pid)


def end(pid=7, command="job.sh"):
    return Ended("root", command, pid)


def test_a_start_begins_a_live_attempt_named_after_host_pid_and_time():
    signal = pairing().hear(at(), start())
    assert signal is not None
    assert (signal.job, signal.kind, signal.at) == ("nightly", Kind.STARTED, AT)
    assert signal.attempt == "cron:vm:7:2026-11-24T06:03:01Z"
    assert signal.id == "cron:vm:7:2026-11-24T06:03:01Z:started"
    assert (signal.lane, signal.worker, signal.due) == (Lane.LIVE, "vm:7", None)


def test_an_end_without_a_failure_is_a_success_of_the_same_attempt():
    heard = pairing()
    started = heard.hear(at(), start())
    ended = heard.hear(at(75), end())
    assert ended.attempt == started.attempt
    assert (ended.kind, ended.exit_code, ended.end_proof) == (Kind.SUCCEEDED, 0, EndProof.EXIT)
    assert ended.at == AT + timedelta(seconds=75)
    assert heard.open == ()


def test_a_failure_is_told_once_with_its_exit_status():
    heard = pairing()
    heard.hear(at(), start())
    failed = heard.hear(at(1), Failed(7, 3, None))
    assert (failed.kind, failed.exit_code, failed.end_proof) == (Kind.FAILED, 3, EndProof.EXIT)
    assert failed.reason == "exit status 3"
    assert heard.hear(at(1), end()) is None
    assert heard.open == ()


@pytest.mark.parametrize("failed", [Failed(7, 137, None), Failed(7, None, 9)])
def test_a_kill_is_a_failure_by_that_signal_whoever_saw_it(failed):
    heard = pairing()
    heard.hear(at(), start())
    signal = heard.hear(at(1), failed)
    assert (signal.kind, signal.exit_code) == (Kind.FAILED, 137)
    assert (signal.reason, signal.end_proof) == ("signal SIGKILL", EndProof.EXIT)


@pytest.mark.parametrize("failed", [Failed(7, 143, None), Failed(7, None, 15)])
def test_what_a_killed_script_had_started_may_live_on(failed):
    heard = pairing(survivors=True)
    heard.hear(at(), start())
    signal = heard.hear(at(1), failed)
    assert signal.end_proof is EndProof.NONE
    assert signal.reason == "signal SIGTERM; what it had started may live on"


@pytest.mark.parametrize("status", [1, 127, 128, 193, 255])
def test_an_exit_status_that_names_no_signal_is_an_end_by_itself(status):
    heard = pairing(survivors=True)
    heard.hear(at(), start())
    assert heard.hear(at(1), Failed(7, status, None)).end_proof is EndProof.EXIT


def test_where_failures_are_not_logged_an_end_is_no_success():
    heard = pairing(failures_told=False)
    heard.hear(at(), start())
    signal = heard.hear(at(1), end())
    assert (signal.kind, signal.end_proof) == (Kind.LOST, EndProof.EXIT)
    assert "does not log" in signal.reason


def test_starts_without_a_pid_are_told_and_their_ends_cannot_be():
    heard = pairing()
    signal = heard.hear(at(), Started("root", "job.sh", None))
    assert signal.worker == "vm:1000"
    assert heard.open == ()
    assert heard.hear(at(5), Ended("root", "job.sh", None)) is None


def test_overlapping_attempts_are_kept_apart():
    heard = pairing()
    first, second = heard.hear(at(), start(7)), heard.hear(at(60), start(8))
    assert heard.hear(at(70), end(8)).attempt == second.attempt
    assert heard.hear(at(80), end(7)).attempt == first.attempt


def test_the_same_pid_on_two_hosts_is_two_attempts():
    heard = pairing()
    heard.hear(at(host="a"), start())
    heard.hear(at(host="b"), start())
    assert heard.hear(at(1, host="a"), end()).worker == "a:7"
    assert [each.host for each in heard.open] == ["b"]


def test_a_pid_that_starts_again_ends_only_the_later_attempt():
    heard = pairing()
    heard.hear(at(), start())
    later = heard.hear(at(3600), start())
    assert heard.hear(at(3601), end()).attempt == later.attempt
    assert heard.hear(at(3602), end()) is None


def test_the_end_of_a_stranger_with_the_same_pid_ends_nothing_of_ours():
    heard = pairing()
    heard.hear(at(), start())
    with pytest.raises(LookupError):
        heard.hear(at(3600), start(7, "stranger.sh"))
    assert heard.hear(at(3601), end(7, "stranger.sh")) is None
    unseen = pairing(open_=pairing_with_open().open)
    assert unseen.hear(at(3601), end(7, "stranger.sh")) is None


def test_the_failure_of_a_stranger_with_the_same_pid_is_not_ours():
    heard = pairing()
    heard.hear(at(), start())
    with pytest.raises(LookupError):
        heard.hear(at(3600), start(7, "stranger.sh"))
    assert heard.hear(at(3601), Failed(7, 3, None)) is None


def pairing_with_open():
    heard = pairing()
    heard.hear(at(), start())
    return heard


def test_an_end_whose_start_nobody_heard_tells_of_no_attempt():
    heard = pairing()
    assert heard.hear(at(), end()) is None
    assert heard.hear(at(), Failed(7, 1, None)) is None


def test_what_is_open_can_be_kept_and_gone_on_from():
    before = pairing_with_open()
    before.hear(at(1), Failed(7, 1, None))
    before.hear(at(2), start(8))
    after = pairing(open_=before.open)
    assert after.hear(at(3), end(7)) is None
    assert after.hear(at(3), end(8)).kind is Kind.SUCCEEDED


def test_only_so_many_ends_of_a_job_are_waited_for():
    heard = pairing()
    heard.hear(at(), start(1, "other.sh"))
    for pid in range(2, OPEN_OF_A_JOB + 4):
        heard.hear(at(pid), start(pid))
    assert len(heard.open) == OPEN_OF_A_JOB + 1
    assert heard.hear(at(999), end(2)) is None
    assert heard.hear(at(999), end(OPEN_OF_A_JOB + 3)) is not None
    assert heard.hear(at(999), end(1, "other.sh")) is not None

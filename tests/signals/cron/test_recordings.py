"""Each recording of cron, and the runs, attempts, lanes and ends that it must give."""

from datetime import UTC, datetime

import pytest

from verifier.intake.receipt import RejectCode
from verifier.runs.attempt import fold
from verifier.runs.binding import run_key
from verifier.runs.lifecycle import proof_of, state_of
from verifier.runs.signal import Lane

LATER = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIRST_SAMPLE = "2026-11-24T06:03:00Z"


@pytest.fixture
def attempts(hearing, recording, job):
    """The attempts in a recording by job: run, state, exit code, proof of the end."""

    def heard(name, commands, **more):
        listener = hearing(commands, now=LATER, **more)
        told = {}
        for signal in listener.hear(recording(name)):
            told.setdefault(signal.attempt, []).append(signal)
        found = {}
        schedule = job("any", "any").history.latest.schedule
        for signals in told.values():
            attempt = fold(None, signals)
            run = run_key(attempt, lambda at: schedule)
            assert attempt.lane.value is Lane.LIVE
            end = attempt.ends[0] if attempt.ends else None
            found.setdefault(attempt.job, []).append(
                (
                    run.occurrence,
                    state_of(attempt).value,
                    end and end.exit_code,
                    str(proof_of(attempt)),
                )
            )
        return found, listener.refused

    return heard


def test_at_level_15_each_start_has_its_end_and_its_exit_status(attempts):
    found, refused = attempts(
        "syslog_L15.json",
        {
            "killed": "/opt/jobs/killjob.sh",
            "long": "sleep 75",
            "failing": "/opt/jobs/job.sh 3",
            "good": "/opt/jobs/job.sh 0",
            "not-found": "/nonexistent/cmd --with args",
        },
    )
    assert found == {
        "killed": [(FIRST_SAMPLE, "failed", 137, "exit")],
        "long": [(FIRST_SAMPLE, "succeeded", 0, "exit")],
        "failing": [(FIRST_SAMPLE, "failed", 3, "exit")],
        "good": [(FIRST_SAMPLE, "succeeded", 0, "exit")],
        "not-found": [(FIRST_SAMPLE, "failed", 127, "exit")],
    }
    assert refused == {RejectCode.UNBOUND: 1}


def test_a_kill_on_a_host_that_cannot_be_looked_at_may_have_left_something(attempts):
    found, _ = attempts("syslog_L15.json", {"killed": "/opt/jobs/killjob.sh"}, survivors=True)
    assert found == {"killed": [(FIRST_SAMPLE, "failed", 137, "none")]}


def test_by_default_only_starts_are_told(attempts):
    found, refused = attempts(
        "syslog_L1_default.json", {"long": "sleep 20", "failing": "/opt/jobs/job.sh 3"}
    )
    slot = "2026-11-24T06:12:00Z"
    assert found == {
        "long": [(slot, "running", None, "None")],
        "failing": [(slot, "running", None, "None")],
    }
    assert refused == {}


def test_commands_are_known_by_what_stands_in_the_crontab(attempts):
    slot = "2026-11-24T10:29:00Z"
    found, refused = attempts(
        "syslog_commands.log",
        {
            "percent": r"date +\%Y > /dev/null   ",
            "input": "cat > /dev/null; exit 3%line one%line two",
            "escaped": r"""echo 'a\\b' "ü" > /dev/null""",
            "shell-killed": "kill -TERM $$",
            "script-killed": "/opt/jobs/kill.sh",
            "exec-killed": "exec /opt/jobs/kill.sh",
            "good": "/opt/jobs/ok.sh",
        },
    )
    assert found == {
        "percent": [(slot, "succeeded", 0, "exit"), (slot, "succeeded", 0, "exit")],
        "input": [(slot, "failed", 3, "exit"), (slot, "failed", 3, "exit")],
        "escaped": [(slot, "succeeded", 0, "exit"), (slot, "succeeded", 0, "exit")],
        "shell-killed": [(slot, "failed", 143, "exit"), (slot, "failed", 143, "exit")],
        "script-killed": [(slot, "failed", 137, "exit")],
        "exec-killed": [(slot, "failed", 137, "exit")],
        "good": [(slot, "succeeded", 0, "exit"), (slot, "succeeded", 0, "exit")],
    }
    assert refused == {}


@pytest.mark.parametrize("name", ["syslog_L15.json", "syslog_commands.log"])
def test_a_recording_heard_from_any_line_on_says_nothing_else(hearing, recording, name):
    commands = {"a": "/opt/jobs/job.sh 3", "b": "sleep 75", "c": "/opt/jobs/kill.sh"}
    lines = recording(name)
    whole = list(hearing(commands, now=LATER).hear(lines))
    assert whole
    for cut in range(len(lines)):
        before = hearing(commands, now=LATER)
        first = list(before.hear(lines[:cut]))
        after = hearing(commands, now=LATER, open_=before.pairing.open)
        assert first + list(after.hear(lines[cut:])) == whole
        # Without what was kept, an end may be missed, and nothing is made up.
        assert set(_ids(hearing(commands, now=LATER).hear(lines[cut:]))) <= set(_ids(whole))


def _ids(signals):
    return [signal.id for signal in signals]

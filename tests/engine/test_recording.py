"""Answers are kept on a thread of their own, so these tests wait for what they await."""

from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

import pytest
import structlog

from verifier.engine import recording
from verifier.engine.recording import Entry, Recorder
from verifier.ledger.errors import Conflict, LedgerUnavailable
from verifier.ledger.evaluations import Answered
from verifier.runs.binding import RunKey
from verifier.runs.evaluation import Cause, Evaluation

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
PATIENCE = 60


class Writes:
    """Stands where the ledger does, since what is asked here is who is written with whom."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.begun, self.goes_on = Event(), Event()

    def record_all(self, answers: Sequence[Answered], now: datetime) -> None:
        assert now == NOW
        jobs = [each.key.job for each in answers]
        self.begun.set()
        assert self.goes_on.wait(PATIENCE)
        if "unwritable" in jobs:
            raise ValueError("it cannot be written")
        if "hindered" in jobs:
            raise Conflict("somebody else was in the way")
        if "refused" in jobs:
            raise LedgerUnavailable("no disk")
        self.groups.append(jobs)


def keep(recorder: Recorder, ledger: Any, jobs: Sequence[str], done: list[str]) -> None:
    """Have an answer of each job kept; ``done`` gets the job when that was dealt with."""
    for job in jobs:
        key = RunKey(job, "2026-04-01T12:00:00Z")
        evaluation = Evaluation(
            evaluation_id=job,
            run_id=key.run_id,
            cause=Cause.END,
            started_at=NOW,
            finished_at=NOW,
            results=(),
        )
        answered = Answered(key=key, evaluation=evaluation)
        recorder.keep(Entry(ledger, answered, lambda job=job: done.append(job)))


def test_what_comes_during_one_commit_is_in_the_next(monkeypatch: Any) -> None:
    monkeypatch.setattr(recording, "TOGETHER", 3)
    recorder, ledger, done = Recorder(), Writes(), []
    keep(recorder, ledger, "a", done)
    assert ledger.begun.wait(PATIENCE)
    keep(recorder, ledger, "bcde", done)
    assert done == []
    ledger.goes_on.set()
    recorder.close()
    assert ledger.groups == [["a"], ["b", "c", "d"], ["e"]]
    assert done == [*"abcde"]


def test_what_is_answered_under_another_lease_is_written_by_itself() -> None:
    recorder, blocked, one, other, done = Recorder(), Writes(), Writes(), Writes(), []
    keep(recorder, blocked, "a", done)
    assert blocked.begun.wait(PATIENCE)
    keep(recorder, one, "bc", done)
    keep(recorder, other, "d", done)
    for each in (blocked, one, other):
        each.goes_on.set()
    recorder.close()
    assert (one.groups, other.groups) == ([["b", "c"]], [["d"]])


@pytest.mark.parametrize(
    ("job", "event"),
    [("unwritable", "evaluation_failed"), ("hindered", "evaluation_not_recorded")],
)
def test_one_that_cannot_be_written_keeps_no_other_from_it_and_is_told(
    job: str, event: str
) -> None:
    recorder, ledger, done = Recorder(), Writes(), []
    with structlog.testing.capture_logs() as logs:
        keep(recorder, ledger, "a", done)
        assert ledger.begun.wait(PATIENCE)
        keep(recorder, ledger, ["b", job, "c"], done)
        ledger.goes_on.set()
        recorder.close()
    assert ledger.groups == [["a"], ["b"], ["c"]]
    assert [each["event"] for each in logs] == [event]
    assert done == ["a", "b", job, "c"]


def test_of_a_group_that_was_refused_each_run_is_told() -> None:
    recorder, ledger, done = Recorder(), Writes(), []
    with structlog.testing.capture_logs() as logs:
        keep(recorder, ledger, "a", done)
        assert ledger.begun.wait(PATIENCE)
        keep(recorder, ledger, ["b", "refused"], done)
        ledger.goes_on.set()
        recorder.close()
    assert [(each["event"], each["run"].partition("/")[0]) for each in logs] == [
        ("evaluation_not_recorded", "b"),
        ("evaluation_not_recorded", "refused"),
    ]
    assert done == ["a", "b", "refused"]


def test_no_more_answers_wait_than_may(monkeypatch: Any) -> None:
    monkeypatch.setattr(recording, "WAITING", 2)
    recorder, ledger, done = Recorder(), Writes(), []
    more = Thread(target=keep, args=(recorder, ledger, "abcd", done))
    more.start()
    assert ledger.begun.wait(PATIENCE)
    more.join(0.05)
    assert len(recorder._waiting) <= 2
    assert more.is_alive()
    ledger.goes_on.set()
    more.join(PATIENCE)
    recorder.close()
    assert done == [*"abcd"]

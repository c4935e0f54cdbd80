"""What is said of starts that do not end: at work, not there any more, or gone."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from verifier.runs.lifecycle import AttemptState, proof_of, state_of
from verifier.runs.signal import EndProof
from verifier.signals.celery.inspection import Active
from verifier.signals.celery.watching import Watching
from verifier.signals.celery.workers import Workers
from verifier.signals.source import SourceUnavailable


class Answers:
    """What workers answer."""

    def __init__(self) -> None:
        self.by_worker: dict[str, list[Active]] | None = {}
        self.shared: set[str] = set()
        self.asked = 0

    def active(self) -> Mapping[str, list[Active]]:
        self.asked += 1
        if self.by_worker is None:
            raise SourceUnavailable("lost")
        return self.by_worker


class Ward:
    """Tasks and workers that are watched, at so many seconds after noon."""

    def __init__(self, build: Any, listening: Any) -> None:
        self.build = build
        self.heard = listening([build.job("ping")])
        self.workers = Workers()
        self.answers = Answers()
        self.watching = Watching(self.heard.tasks, self.workers, self.answers)

    def hear(self, kind: str, after: float, **fields: Any) -> None:
        event = self.build.event(kind, after, **fields)
        now = self.at(after)
        self.workers.hear(event, now)
        self.heard.hear([event], now)

    def begin(self, after: float = 0) -> None:
        self.hear("task-received", after, name="capp.ping")
        self.hear("task-started", after + 0.1)

    def beat(self, after: float, **fields: Any) -> None:
        told = {"freq": 2.0, "active": 1, "processed": 0, "sw_sys": "Linux"} | fields
        self.hear("worker-heartbeat", after, **told)

    def look(self, after: float, *, current: bool = True) -> None:
        self.heard.keep(self.watching.look(self.at(after), current=current))

    def at(self, after: float) -> Any:
        return self.build.noon + timedelta(seconds=after)

    @property
    def attempt(self) -> Any:
        return self.heard.attempts()["u1"]


@pytest.fixture
def ward(build: Any, listening: Any) -> Ward:
    return Ward(build, listening)


def test_a_task_is_at_work_as_long_as_its_worker_is_heard(ward: Ward) -> None:
    ward.beat(0)
    ward.begin(1)
    for second in range(2, 100, 2):
        ward.beat(second)
        ward.look(second, current=False)
    assert ward.attempt.heartbeat.at >= ward.at(60)
    beats = [each for each in ward.heard.said.values() if each.kind == "heartbeat"]
    assert len(beats) <= 4


def test_a_worker_killed_at_once_leaves_a_heartbeat_so_that_its_silence_counts(ward: Ward) -> None:
    ward.beat(0)
    ward.begin(1)
    ward.look(60, current=False)
    assert ward.attempt.heartbeat.at == ward.attempt.started
    ward.look(120, current=False)
    assert len([each for each in ward.heard.said.values() if each.kind == "heartbeat"]) == 1


def test_a_worker_that_has_nothing_at_work_vouches_for_nothing(ward: Ward) -> None:
    ward.beat(0)
    ward.begin(1)
    for second in range(2, 100, 2):
        ward.beat(second, active=0)
        ward.look(second, current=False)
    assert ward.attempt.heartbeat.at < ward.at(10)


def test_a_task_of_a_process_that_is_gone_is_lost_with_proof(ward: Ward) -> None:
    ward.beat(0)
    ward.begin(1)
    ward.beat(2)
    ward.beat(10, pid=8)
    for second in (12, 14, 16, 18):
        ward.beat(second, pid=8)
        ward.look(second)
    assert state_of(ward.attempt) is AttemptState.LOST
    assert proof_of(ward.attempt) is EndProof.WORKER_GONE
    assert ward.attempt.ends[0].at == ward.at(2)


def test_a_task_of_the_process_that_came_after_is_not_lost(ward: Ward) -> None:
    ward.beat(0)
    ward.beat(4, pid=8)
    ward.hear("task-received", 5, name="capp.ping", pid=8)
    ward.hear("task-started", 5.1, pid=8)
    for second in (8, 10, 12, 14):
        ward.beat(second, pid=8)
        ward.look(second, current=False)
    assert state_of(ward.attempt) is AttemptState.RUNNING


def test_a_worker_that_knows_a_task_no_more_has_seen_its_end(ward: Ward) -> None:
    ward.begin()
    ward.answers.by_worker = {"w1@vm": []}
    ward.look(20)
    assert state_of(ward.attempt) is AttemptState.RUNNING
    ward.look(40)
    assert state_of(ward.attempt) is AttemptState.LOST
    assert proof_of(ward.attempt) is EndProof.EXIT


def test_its_own_word_still_wins_when_it_comes(ward: Ward) -> None:
    ward.begin()
    ward.answers.by_worker = {"w1@vm": []}
    ward.look(20)
    ward.look(40)
    ward.hear("task-succeeded", 41, runtime=40.9)
    assert state_of(ward.attempt) is AttemptState.SUCCEEDED


@pytest.mark.parametrize(
    "answer", [None, {}, {"w2@vm": []}, {"w1@vm": [Active("u1", "capp.ping")]}], ids=str
)
def test_no_answer_another_worker_or_its_own_name_end_nothing(ward: Ward, answer: Any) -> None:
    ward.begin()
    ward.answers.by_worker = answer
    for second in range(20, 200, 20):
        ward.look(second)
    assert state_of(ward.attempt) is AttemptState.RUNNING


def test_answers_count_only_where_all_that_was_said_is_heard(ward: Ward) -> None:
    ward.begin()
    ward.answers.by_worker = {"w1@vm": []}
    for second in range(20, 200, 20):
        ward.look(second, current=False)
    assert ward.answers.asked == 0
    assert state_of(ward.attempt) is AttemptState.RUNNING


def test_where_several_answer_under_one_name_none_is_proven_to_have_ended(ward: Ward) -> None:
    ward.beat(0)
    ward.begin()
    ward.answers.by_worker = {"w1@vm": []}
    ward.answers.shared = {"w1@vm"}
    ward.look(20)
    for second in range(21, 200, 2):
        ward.beat(second, pid=8)
        ward.look(second)
    assert state_of(ward.attempt) is AttemptState.RUNNING


def test_what_another_of_the_name_had_at_work_is_never_proven_to_be_lost(ward: Ward) -> None:
    ward.beat(0)
    ward.begin(1)
    ward.beat(3, pid=8)
    ward.beat(4)
    ward.beat(6, pid=8)
    ward.answers.by_worker = {"w1@vm": []}
    for second in range(8, 3700, 4):  # process 7 is cut off, and goes on
        ward.beat(second, pid=8)
        ward.look(second)
    ward.hear("task-received", 3700, pid=8, name="capp.ping", uuid="u2")
    ward.hear("task-started", 3700.1, pid=8, uuid="u2")
    for second in range(3704, 3800, 4):
        ward.beat(second, pid=8)
        ward.look(second)
    assert state_of(ward.attempt) is AttemptState.RUNNING
    assert proof_of(ward.heard.attempts()["u2"]) is EndProof.EXIT


def test_in_a_container_what_another_of_the_name_had_is_not_gone_with_its_process(
    ward: Ward,
) -> None:
    ward.beat(0, processed=5)
    ward.begin(1)
    ward.answers.by_worker, ward.answers.shared = {"w1@vm": []}, {"w1@vm"}
    ward.look(2)
    ward.answers.shared = set()
    for second in range(20, 3700, 4):
        ward.beat(second, processed=5)
        ward.look(second)
    for second in range(3700, 3720, 2):
        ward.beat(second, processed=0)
        ward.look(second)
    assert state_of(ward.attempt) is AttemptState.RUNNING


def test_a_task_at_work_whose_start_was_not_heard_has_started(ward: Ward) -> None:
    ward.beat(100)
    began = ward.at(80).timestamp()
    ward.answers.by_worker = {"w1@vm": [Active("u1", "capp.ping", began)]}
    ward.look(100)
    ward.heard.keep(ward.heard.tasks.release(ward.at(102)))
    assert ward.attempt.started == ward.at(80)
    ward.hear("task-succeeded", 110, runtime=29.9)
    assert state_of(ward.attempt) is AttemptState.SUCCEEDED
    assert list(ward.heard.attempts()) == ["u1"]


def test_in_a_container_only_what_began_before_the_other_process_is_lost(ward: Ward) -> None:
    ward.beat(0, processed=5)
    ward.begin(1)
    ward.beat(10, processed=0)
    ward.hear("task-received", 11, name="capp.ping", uuid="u2")
    ward.hear("task-started", 11.1, uuid="u2")
    for second in (12, 14, 16, 18):
        ward.beat(second, processed=0)
        ward.look(second, current=False)
    assert state_of(ward.heard.attempts()["u1"]) is AttemptState.LOST
    assert state_of(ward.heard.attempts()["u2"]) is AttemptState.RUNNING

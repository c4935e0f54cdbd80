"""Whose process is proven to be gone, and whose is only silent."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from verifier.signals.celery.workers import SavedWorkers, Workers

HOUR = 3600


class Floor:
    """Workers that are heard at so many seconds after noon."""

    def __init__(self, build: Any) -> None:
        self._build = build
        self.workers = Workers()

    def hear(self, kind: str, after: float, **fields: Any) -> None:
        told = {"pid": 10, "freq": 2.0, "processed": 5, "active": 1, "sw_sys": "Linux"} | fields
        self.workers.hear(self._build.event(kind, after, **told), self.at(after))

    def at(self, after: float) -> Any:
        return self._build.noon + timedelta(seconds=after)

    def alone(self, start: int, end: int) -> None:
        """Process 10 is heard, and answers, and nobody else."""
        for second in range(start, end + 1, 5):
            self.hear("worker-heartbeat", second)
            self.workers.answered_alone({"w1@vm"}, self.at(second))

    def is_shared(self, *, since: int) -> bool:
        return self.workers.is_shared("w1@vm", self.at(since).timestamp())

    def gone(self, after: float) -> list[int]:
        return [each.pid for each in self.workers.gone(self.at(after))]


@pytest.fixture
def floor(build: Any) -> Floor:
    found = Floor(build)
    found.hear("worker-online", 0)
    found.hear("worker-heartbeat", 2)
    return found


def test_a_process_is_gone_once_another_has_its_name_and_it_stays_silent(floor: Floor) -> None:
    floor.hear("worker-online", 4, pid=11, processed=0)
    assert floor.gone(9) == []
    floor.hear("worker-heartbeat", 9, pid=11, processed=0)
    assert floor.gone(10.5) == [10]
    assert floor.gone(60) == []


def test_silence_alone_proves_nothing(floor: Floor) -> None:
    assert floor.gone(86_400) == []
    assert not floor.workers.is_at_hand("w1@vm", floor.at(86_400))


def test_two_processes_of_one_name_prove_nothing(floor: Floor) -> None:
    for second in range(3, 40, 2):
        floor.hear("worker-heartbeat", second, pid=11, processed=0)
        floor.hear("worker-heartbeat", second + 1, pid=10)
    assert floor.gone(60) == []
    floor.hear("worker-online", 61, pid=12, processed=0)
    assert floor.gone(90) == []


def test_two_that_answered_under_one_name_prove_nothing_and_are_told_once(floor: Floor) -> None:
    floor.hear("worker-online", 4, pid=11, processed=0)
    with capture_logs() as logs:
        floor.workers.share("w1@vm", floor.at(4))
        floor.workers.share("w1@vm", floor.at(5))
        floor.workers.share("never-heard@vm", floor.at(5))
    assert [(each["event"], each["node"]) for each in logs] == [("node_name_shared", "w1@vm")]
    assert floor.gone(60) == []
    floor.hear("worker-online", 61, pid=12, processed=0)
    assert floor.is_shared(since=62)
    assert floor.gone(90) == []


def test_two_that_answered_before_they_were_heard_share_their_name(build: Any) -> None:
    floor = Floor(build)
    floor.workers.share("w1@vm", floor.at(0))
    assert floor.is_shared(since=1)
    floor.hear("worker-heartbeat", 2)
    assert floor.is_shared(since=1)


@pytest.fixture
def shared(floor: Floor) -> Floor:
    """Two have one name; one of them is process 10, and the other was last heard at 4."""
    floor.hear("worker-heartbeat", 4, pid=11, processed=0)
    floor.hear("worker-heartbeat", 5)
    return floor


def test_one_that_was_alone_for_an_hour_has_its_name_for_itself(shared: Floor) -> None:
    shared.alone(5, HOUR - 10)
    assert shared.is_shared(since=HOUR)
    with capture_logs() as logs:
        shared.alone(HOUR - 5, HOUR + 10)
    assert [(each["event"], each["node"]) for each in logs] == [("node_name_alone", "w1@vm")]
    assert not shared.is_shared(since=HOUR + 10)
    shared.hear("worker-online", HOUR + 20, pid=12, processed=0)
    assert shared.gone(HOUR + 60) == [10]


def test_what_began_before_one_was_alone_may_be_anothers_for_ever(shared: Floor) -> None:
    shared.alone(5, HOUR + 10)
    shared.hear("worker-online", HOUR + 20, pid=12, processed=0)
    assert shared.is_shared(since=HOUR - 100)
    assert not shared.is_shared(since=HOUR + 15)


@pytest.mark.parametrize("pid", [11, 12])
def test_another_process_of_the_name_begins_the_hour_anew(shared: Floor, pid: int) -> None:
    shared.alone(5, 1800)
    shared.hear("worker-heartbeat", 1805, pid=pid, processed=0)
    shared.alone(1810, HOUR + 1780)
    assert shared.is_shared(since=HOUR + 1780)
    shared.alone(HOUR + 1790, HOUR + 1830)
    assert not shared.is_shared(since=HOUR + 1830)


def test_two_answers_begin_the_hour_anew(shared: Floor) -> None:
    shared.alone(5, 1800)
    shared.workers.share("w1@vm", shared.at(1805))
    shared.alone(1810, HOUR + 1790)
    assert shared.is_shared(since=HOUR + 1790)


def test_one_that_only_answers_is_not_known_to_be_alone(shared: Floor) -> None:
    for second in (HOUR + 10, 2 * HOUR):
        shared.workers.answered_alone({"w1@vm"}, shared.at(second))
    assert shared.is_shared(since=2 * HOUR)


def test_time_in_which_nobody_listened_is_none_in_which_one_was_alone(shared: Floor) -> None:
    shared.alone(5, 1800)
    saved = msgspec.json.encode(shared.workers.save())
    shared.workers = Workers()
    shared.workers.restore(msgspec.json.decode(saved, type=SavedWorkers))
    shared.alone(HOUR + 5, HOUR + 1800)
    assert shared.is_shared(since=HOUR + 1800)
    shared.alone(HOUR + 1805, 2 * HOUR + 20)
    assert not shared.is_shared(since=2 * HOUR + 20)


@pytest.mark.parametrize("alone", [0, HOUR])
def test_after_a_time_unheard_two_still_have_one_name(shared: Floor, alone: int) -> None:
    shared.alone(5, alone + 10)
    shared.workers.forget()
    assert shared.is_shared(since=alone + 10)
    shared.hear("worker-online", alone + 20, pid=12, processed=0)
    assert shared.gone(alone + 60) == []


def test_one_that_said_goodbye_may_still_finish_its_tasks(floor: Floor) -> None:
    floor.hear("worker-offline", 3)
    floor.hear("worker-online", 4, pid=11, processed=0)
    assert floor.gone(60) == []


def test_where_children_outlive_their_worker_nothing_is_proven(build: Any) -> None:
    floor = Floor(build)
    floor.hear("worker-online", 0, sw_sys="Darwin")
    floor.hear("worker-online", 4, pid=11, sw_sys="Darwin", processed=0)
    assert floor.gone(60) == []


def test_in_a_container_a_counter_that_falls_is_another_process(floor: Floor) -> None:
    floor.hear("worker-online", 4, processed=0)
    assert floor.gone(11) == [10]


def test_containers_that_share_name_and_process_id_prove_nothing(floor: Floor) -> None:
    for second in range(3, 20, 2):
        floor.hear("worker-heartbeat", second, processed=0)
        floor.hear("worker-heartbeat", second + 1, processed=5)
    assert floor.gone(60) == []


def test_a_worker_that_only_reconnects_is_not_gone(floor: Floor) -> None:
    floor.hear("worker-offline", 4)
    floor.hear("worker-online", 6)
    assert floor.gone(60) == []


def test_what_a_client_sends_is_of_no_worker(floor: Floor) -> None:
    floor.hear("task-sent", 4, pid=99)
    assert floor.gone(60) == []


def test_suspects_outlast_a_restart(floor: Floor) -> None:
    floor.hear("worker-online", 4, pid=11, processed=0)
    saved = msgspec.json.encode(floor.workers.save())
    floor.workers = Workers()
    floor.workers.restore(msgspec.json.decode(saved, type=SavedWorkers))
    assert floor.gone(60) == [10]


def test_after_a_time_unheard_nothing_is_suspected(floor: Floor) -> None:
    floor.workers.forget()
    floor.hear("worker-online", 4, pid=11, processed=0)
    assert floor.gone(60) == []


def test_the_clock_furthest_from_ours_is_told(build: Any) -> None:
    floor = Floor(build)
    floor.workers.hear(build.event("worker-heartbeat", 100), floor.at(0))
    floor.workers.hear(build.event("worker-heartbeat", 0, hostname="w2@vm"), floor.at(0.5))
    assert floor.workers.ahead(floor.at(1)) == timedelta(seconds=100)


def test_what_comes_late_does_not_make_a_clock_wrong(build: Any) -> None:
    floor = Floor(build)
    for late in (30, 0, 5):
        floor.workers.hear(build.event("worker-heartbeat", 0), floor.at(late))
    assert floor.workers.ahead(floor.at(6)) == timedelta()

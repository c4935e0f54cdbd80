"""Whose process is proven to be gone, and whose is only silent."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from verifier.signals.celery.workers import SavedWorkers, Workers


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
        floor.workers.share("w1@vm")
        floor.workers.share("w1@vm")
        floor.workers.share("never-heard@vm")
    assert [(each["event"], each["node"]) for each in logs] == [("node_name_shared", "w1@vm")]
    assert floor.gone(60) == []
    floor.hear("worker-online", 61, pid=12, processed=0)
    assert floor.workers.is_shared("w1@vm")
    assert floor.gone(90) == []


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

"""What doctor says of a broker, its workers, and jobs."""

from typing import Any

import pytest

from verifier.checks.remark import Level
from verifier.signals.celery.examination import of_jobs, of_names, of_workers
from verifier.signals.celery.inspection import Setup
from verifier.signals.celery.settings import CelerySettings
from verifier.signals.celery.source import CelerySource

SET_UP = Setup(worker_send_task_events=True, task_send_sent_event=True)


def words(remarks: Any) -> list[tuple[Level, str]]:
    return [(each.level, each.message) for each in remarks]


def test_a_worker_that_tells_everything_needs_no_remark() -> None:
    assert list(of_workers({"w1@here": SET_UP})) == []


def test_a_worker_that_sends_no_events_is_a_warning() -> None:
    ((level, message), (other, _)) = words(of_workers({"w1@here": Setup()}))
    assert (level, other) == (Level.WARNING, Level.NOTE)
    assert "w1@here" in message


def test_a_node_name_that_several_workers_have_is_a_warning() -> None:
    assert list(of_names([])) == []
    (remark,) = of_names({"w1@here"})
    assert remark.level is Level.WARNING
    assert "w1@here" in remark.message
    assert "-n NAME@%h" in str(remark.hint)


def test_no_worker_is_a_warning() -> None:
    ((level, message),) = words(of_workers({}))
    assert (level, message) == (Level.WARNING, "no worker answered")


def test_a_task_that_no_worker_has_is_a_warning(build: Any) -> None:
    jobs = [build.job("ping", schedule=build.nightly), build.job("late", schedule=build.nightly)]
    ((level, message),) = words(of_jobs(jobs, {"w1@here": {"capp.ping"}}, build.noon))
    assert level is Level.WARNING
    assert "capp.late" in message
    assert list(of_jobs(jobs, {}, build.noon)) == []


def test_an_interval_is_noted(build: Any) -> None:
    ((level, message),) = words(of_jobs([build.job("ping")], {"w": {"capp.ping"}}, build.noon))
    assert level is Level.NOTE
    assert "drifts" in message


def test_a_broker_that_is_away_is_an_error_without_its_password(build: Any) -> None:
    for url in ("redis://:hunter2@127.0.0.1:1/0", "amqp://me:hunter2@127.0.0.1:1//"):
        source = CelerySource(CelerySettings(type="celery", broker=url))
        (remark,) = source.examine([], build.noon)
        assert remark.level is Level.ERROR
        assert "hunter2" not in repr(remark)
        assert "127.0.0.1:1" in remark.message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broker_url", "level"), [("rabbitmq", Level.NOTE), ("redis", Level.WARNING)],
    indirect=["broker_url"],
)  # fmt: skip
def test_what_a_broker_keeps_is_told(broker_url: str, level: Level, build: Any) -> None:
    source = CelerySource(CelerySettings(type="celery", broker=broker_url))
    reached, keeps, nobody = source.examine([build.job("ping", schedule=build.nightly)], build.noon)
    assert reached.level is Level.OK
    assert keeps.level is level
    assert nobody.message == "no worker answered"

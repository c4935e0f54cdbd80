"""Celery itself, on RabbitMQ and on a Redis-compatible server: what is heard of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from celery import Celery

from verifier.engine.feed import SourceFeed
from verifier.engine.hearing import Hearing
from verifier.exporters.meters import Meters
from verifier.ledger.ledger import Ledger
from verifier.runs.binding import RunKey
from verifier.runs.declaration import Cron, Every
from verifier.runs.instant import format_instant
from verifier.runs.lifecycle import proof_of, state_of
from verifier.runs.slots import latest_slot
from verifier.runs.standing import standing
from verifier.signals.celery.settings import CeleryBinding, CelerySettings
from verifier.signals.celery.source import CelerySource
from verifier.signals.source import BoundJob

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("broker_url", ["rabbitmq", "redis"], indirect=True, scope="module"),
]

HERE = Path(__file__).parent
YEARLY = Cron(expression="0 0 1 1 *")
OFTEN = Every(period=timedelta(seconds=2))
JOBS = {
    "ping": OFTEN, "flaky": YEARLY, "rejecter": YEARLY, "sleeper": YEARLY, "late": YEARLY,
    "slow": YEARLY,
}  # fmt: skip
VISIBLE_AFTER = 4
"""Seconds after which Redis hands out a message anew that was not acknowledged."""


class Stage:
    """A real ledger that hears a real broker, and workers that come and go."""

    def __init__(self, url: str, home: Path, build: Any) -> None:
        self.url = url
        self.ahead = timedelta()
        self.ledger = Ledger.open(f"sqlite:///{home}/landed.db", self.now())
        for name, schedule in JOBS.items():
            declared = build.declaration(
                name,
                schedule,
                source="celery",
                start_within=timedelta(seconds=1),
                since=self.now(),
            )
            self.ledger.declare(name, declared, {}, self.now())
        self.app = Celery("sender", broker=url, set_as_current=False)
        self.app.conf.task_send_sent_event = True
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.meters = Meters()
        self.hear()

    def now(self) -> datetime:
        """The present, ahead of the real one by the time that was let pass."""
        return datetime.now(UTC) + self.ahead

    def let_pass(self, seconds: int) -> None:
        """Let time pass for the receiver, in steps that it takes for no silence."""
        for _ in range(0, seconds, 10):
            self.ahead += timedelta(seconds=10)
            time.sleep(0.6)
        self.heard_past(self.now() - timedelta(seconds=9))

    def hear(self) -> None:
        histories = self.ledger.histories()
        jobs = [
            BoundJob(
                name=name,
                binding=CeleryBinding(source="celery", task=f"capp.{name}"),
                history=histories[name],
            )
            for name in JOBS
        ]
        source = CelerySource(CelerySettings(type="celery", broker=self.url))
        stopping = Event()
        self.feed = SourceFeed(
            self.ledger,
            "celery",
            jobs,
            source.contact_within,
            clock=self.now,
            stopping=stopping,
            watch=self.meters,
        )
        self.hearing = Hearing(source, self.feed, stopping)
        self.hearing.start()

    def work(self, name: str, queue: str) -> None:
        """Start a worker of that node name."""
        environment = os.environ | {
            "CAPP_BROKER": self.url,
            "CAPP_VISIBLE_AFTER": str(VISIBLE_AFTER),
        }
        command = [sys.executable, "-m", "celery", "-A", "capp", "worker", "-c", "3"]
        command += ["-n", f"{name}@here", "-Q", queue, "-l", "ERROR"]
        self.workers[name] = subprocess.Popen(
            command,
            cwd=HERE,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self, name: str) -> None:
        """SIGKILL a worker's own process; those of its pool die with it."""
        self.workers[name].kill()
        self.workers.pop(name).wait(10)

    def send(self, task: str, queue: str = "quick", **kwargs: Any) -> str:
        return str(self.app.send_task(f"capp.{task}", kwargs=kwargs, queue=queue).id)

    def attempts(self, job: str) -> list[Any]:
        """All attempts of a job, in order of their start."""
        schedule = JOBS[job]
        key = RunKey(job, format_instant(latest_slot(schedule, self.now())))
        return sorted(self.ledger.attempts(key), key=lambda each: each.started or self.now())

    def story(self, job: str) -> list[str]:
        return [f"{state_of(each)} {proof_of(each)}" for each in self.attempts(job)]

    def await_story(self, job: str, *wanted: str, within: float = 40) -> None:
        self.wait_until(lambda: self.story(job) == list(wanted), within)
        assert self.story(job) == list(wanted)

    @staticmethod
    def wait_until(holds: Callable[[], bool], within: float = 40) -> None:
        deadline = time.monotonic() + within
        while time.monotonic() < deadline and not holds():
            time.sleep(0.1)

    def heard_past(self, moment: datetime) -> None:
        """Wait until all that was said up to ``moment`` was heard."""
        self.wait_until(lambda: (self.feed.heard_until or moment) > moment)
        assert self.feed.heard_until is not None
        assert self.feed.heard_until > moment

    def ping(self) -> datetime:
        """Have a task run that is over at once; when that was, by the workers' clock."""
        at = datetime.now(UTC)
        self.send("ping", secret="hunter2")
        return at

    def pinged(self, at: datetime) -> bool:
        """Whether a run was heard that is of a slot near ``at``."""
        slot = latest_slot(OFTEN, at)
        keys = [RunKey("ping", format_instant(slot + n * OFTEN.period)) for n in (0, 1)]
        return any(state_of(a) == "succeeded" for key in keys for a in self.ledger.attempts(key))

    def verdict(self, slot: datetime) -> str | None:
        key = RunKey("ping", format_instant(slot))
        found = standing(self.ledger.facts(key, self.now()), self.now()).verdict
        return None if found is None else str(found)

    def close(self) -> None:
        self.hearing.stop()
        for worker in self.workers.values():
            worker.kill()
            worker.wait(10)
        self.app.close()
        self.ledger.close()


@pytest.fixture(scope="module")
def stage(broker_url: str, tmp_path_factory: pytest.TempPathFactory, build: Any) -> Iterator[Stage]:
    made = Stage(broker_url, tmp_path_factory.mktemp("stage"), build)
    try:
        made.work("w1", "quick")
        made.heard_past(made.now())
        yield made
    finally:
        made.close()


def test_what_happens_to_tasks_comes_out_as_attempts(stage: Stage) -> None:
    stage.work("w2", "doomed")
    stage.send("flaky")
    stage.send("rejecter")
    stage.send("sleeper", seconds=60)
    stage.send("late", queue="doomed", seconds=60)
    if stage.url.startswith("redis"):
        stage.send("slow", seconds=VISIBLE_AFTER + 3)
    # The child that sleeps is killed; its worker sees it die.
    stage.await_story("sleeper", "running None")
    os.kill(_child_of(stage, "capp.sleeper"), signal.SIGKILL)
    # A whole worker is killed in the middle of a task, and started again.
    stage.await_story("late", "running None")
    stage.kill("w2")
    stage.work("w2", "doomed")
    stage.await_story("flaky", "failed none", "succeeded none")
    stage.await_story("rejecter", "failed none")
    stage.await_story("sleeper", "failed exit")
    stage.await_story("late", "lost worker_gone", "succeeded none")
    if stage.url.startswith("redis"):
        first, second = stage.attempts("slow")
        assert state_of(first) == state_of(second) == "succeeded"
        assert first.started < second.started < first.ends[0].at


def test_nothing_secret_is_kept(stage: Stage) -> None:
    stage.ping()
    stage.await_story("flaky", "failed none", "succeeded none")
    (ended,) = [end for each in stage.attempts("flaky") for end in each.ends if end.reason]
    assert ended.reason == "retried: ValueError"
    assert b"hunter2" not in Path(stage.ledger._database.path).read_bytes()


def test_a_run_that_did_not_come_is_missing_and_time_unheard_is_told(stage: Stage) -> None:
    # No miss is called for a minute after a time unheard, and before the start was one.
    stage.let_pass(60)
    quiet = latest_slot(OFTEN, stage.now()) + OFTEN.period
    stage.heard_past(quiet + timedelta(seconds=2))
    stage.wait_until(lambda: stage.verdict(quiet) is not None)
    assert stage.verdict(quiet) == "missing"
    # Away for a while, in which a run comes.
    stage.hearing.stop()
    gone = stage.now()
    time.sleep(2.5)
    unheard = stage.ping()
    time.sleep(2.5)
    stage.hear()
    stage.heard_past(stage.now())
    heard = stage.ping()
    stage.wait_until(lambda: stage.pinged(heard))
    assert stage.pinged(heard)
    lately = gone - timedelta(seconds=10)
    windows = [each for each in stage.ledger.windows("celery") if each.since >= lately]
    if stage.url.startswith("redis"):
        assert not stage.pinged(unheard)
        (window,) = windows
        assert window.since <= gone
        assert window.until is not None
        assert window.caught_up_at is None
        assert window.until >= gone + timedelta(seconds=5)
        assert stage.verdict(latest_slot(OFTEN, gone + timedelta(seconds=3))) is None
    else:
        assert stage.pinged(unheard)
        assert windows == []


def _child_of(stage: Stage, task: str) -> int:
    """The process that has ``task`` at work."""
    active = stage.app.control.inspect(timeout=2).active() or {}
    return next(
        int(each["worker_pid"]) for told in active.values() for each in told if each["name"] == task
    )

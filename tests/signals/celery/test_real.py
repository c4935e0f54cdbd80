"""Celery itself, on RabbitMQ and on a Redis-compatible server: what is heard of it.

Each test has a stage of its own: a ledger, queues, names and workers that no other test
meets, nor another try of the same one. What is awaited stays once it is there.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from celery import Celery

from verifier.checks.remark import Level
from verifier.engine.feed import SourceFeed
from verifier.engine.hearing import Hearing
from verifier.exporters.meters import Meters
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.runs.binding import RunKey
from verifier.runs.declaration import Cron, Every
from verifier.runs.instant import format_instant
from verifier.runs.lifecycle import proof_of, state_of
from verifier.runs.slots import latest_slot
from verifier.runs.standing import standing
from verifier.signals.celery.settings import CeleryBinding, CelerySettings
from verifier.signals.celery.source import CelerySource
from verifier.signals.source import BoundJob

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
YEARLY = Cron(expression="0 0 1 1 *")
OFTEN = Every(period=timedelta(seconds=2))
JOBS = {
    "ping": OFTEN, "flaky": YEARLY, "rejecter": YEARLY, "sleeper": YEARLY, "late": YEARLY,
    "slow": YEARLY,
}  # fmt: skip
EVER = 600
"""Seconds that a task sleeps which is not to end by itself."""

PATIENCE = 120
"""Seconds after which what is awaited will not come, on whatever machine."""

DOUBT = timedelta(seconds=72)
"""No miss is called for a minute after a time unheard, and before the start was one."""

AWAY = timedelta(seconds=30)


Held = TypeVar("Held")


class Stage:
    """A real ledger that hears a real broker, and workers that come and go."""

    def __init__(self, url: str, home: Path, build: Any, ahead: timedelta = timedelta()) -> None:
        self.name = f"stage-{uuid4().hex[:12]}"
        self.url = url
        self.home = home
        self.ahead = ahead
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
        settings = CelerySettings(
            type="celery", broker=url, queue=self.name, exchange=f"{self.name}.events"
        )
        self.source = CelerySource(settings)
        self.app = Celery("sender", broker=url, set_as_current=False)
        self.app.conf.update(task_send_sent_event=True, event_exchange=settings.exchange)
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.queues = {self.name}
        self.truth = home / "truth"
        self.truth.touch()
        self.meters = Meters()
        self.hear()

    def now(self) -> datetime:
        """The present, ahead of the real one by the time that was let pass."""
        return datetime.now(UTC) + self.ahead

    def hear(self) -> None:
        """Begin to hear, as ``serve`` does."""
        histories = self.ledger.histories()
        self.jobs = [
            BoundJob(
                name=name,
                binding=CeleryBinding(source="celery", task=f"capp.{name}"),
                history=histories[name],
            )
            for name in JOBS
        ]
        stopping = Event()
        self.feed = SourceFeed(
            self.ledger,
            "celery",
            self.jobs,
            self.source.contact_within,
            clock=self.now,
            stopping=stopping,
            watch=self.meters,
        )
        self.hearing = Hearing(self.source, self.feed, stopping)
        self.feed.open()
        self.feed.look(self.now())
        self.hearing.start()

    def work(self, name: str, queue: str, *, node: str = "", visible_after: float = 3600) -> None:
        """Start a worker, under its name or that of another node.

        ``visible_after``: seconds after which Redis hands out anew what nobody acknowledged.
        """
        assert name not in self.workers
        self.queues.add(self.queue(queue))
        environment = os.environ | {
            "CAPP_BROKER": self.url,
            "CAPP_EVENTS": f"{self.name}.events",
            "CAPP_TRUTH": str(self.truth),
            "CAPP_VISIBLE_AFTER": str(visible_after),
        }
        command = [sys.executable, "-m", "celery", "-A", "capp", "worker", "-c", "2"]
        command += ["-n", self.node(node or name), "-Q", self.queue(queue), "-l", "ERROR"]
        self.workers[name] = subprocess.Popen(
            command,
            cwd=HERE,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def node(self, name: str) -> str:
        return f"{name}@{self.name}"

    def queue(self, name: str) -> str:
        return f"{self.name}.{name}"

    def kill(self, name: str) -> None:
        """SIGKILL a worker's own process; those of its pool die with it."""
        worker = self.workers.pop(name)
        worker.kill()
        worker.wait(PATIENCE)

    def send(self, task: str, queue: str = "quick", **kwargs: Any) -> str:
        queue = self.queue(queue)
        return str(self.app.send_task(f"capp.{task}", kwargs=kwargs, queue=queue).id)

    def starts(self, job: str) -> list[tuple[str, int]]:
        """What the task itself wrote of each of its starts: its id and its process."""
        lines = [line.split() for line in self.truth.read_text().splitlines()]
        return [(uuid, int(pid)) for task, uuid, pid in lines if task == f"capp.{job}"]

    def attempts(self, job: str) -> list[Any]:
        """All attempts of a job, in order of their start."""
        runs = self.ledger.runs(RunFilter(job=job))
        found = [each for run in runs for each in self.ledger.attempts(run.key)]
        return sorted(found, key=lambda each: each.started or self.now())

    def story(self, job: str) -> list[str]:
        return [f"{state_of(each)} {proof_of(each)}" for each in self.attempts(job)]

    def await_story(self, job: str, *wanted: str) -> None:
        wait_until(lambda: self.story(job) == list(wanted))
        assert self.story(job) == list(wanted)

    def heard_past(self, moment: datetime) -> None:
        """Wait until all that was said up to ``moment`` was heard."""
        wait_until(lambda: (self.feed.heard_until or moment) > moment)
        assert self.feed.heard_until is not None
        assert self.feed.heard_until > moment

    def has(self, uuid: str) -> bool:
        """Whether a run of ping was heard to its end."""
        ended = (each for each in self.attempts("ping") if state_of(each) == "succeeded")
        return any(each.attempt == uuid for each in ended)

    def verdict(self, slot: datetime) -> str | None:
        key = RunKey("ping", format_instant(slot))
        found = standing(self.ledger.facts(key, self.now()), self.now()).verdict
        return None if found is None else str(found)

    def trouble(self) -> str | None:
        return self.ledger.sources()["celery"].trouble

    def close(self) -> None:
        for name in [*self.workers]:
            self.kill(name)
        self.hearing.stop()
        with self.app.connection_for_write() as connection:
            for queue in self.queues:
                connection.default_channel.queue_delete(queue)
        self.app.close()
        self.ledger.close()


def let_pass(length: timedelta, *stages: Stage) -> None:
    """Let time pass for receivers, in steps that are no silence to them."""
    step = timedelta(seconds=12)
    for _ in range(-(-length // step)):
        for each in stages:
            each.ahead += step
        for each in stages:
            each.heard_past(each.now() - timedelta(seconds=4))


def wait_until(holds: Callable[[], Held]) -> Held:
    """What ``holds`` gives once that is true, or at the end of all patience."""
    deadline = time.monotonic() + PATIENCE
    while not (found := holds()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


@pytest.fixture
def stage(broker_url: str, tmp_path: Path, build: Any) -> Iterator[Stage]:
    with closing(Stage(broker_url, tmp_path, build)) as made:
        made.heard_past(made.now())
        yield made


BOTH = pytest.mark.parametrize("broker_url", ["rabbitmq", "redis"], indirect=True)
REDIS = pytest.mark.parametrize("broker_url", ["redis"], indirect=True)


@BOTH
def test_what_happens_to_tasks_comes_out_as_attempts(stage: Stage) -> None:
    stage.work("w1", "quick")
    stage.work("w2", "doomed")
    stage.send("flaky")
    stage.send("rejecter")
    stage.send("sleeper", seconds=EVER)
    stage.send("late", queue="doomed", seconds=EVER)
    # The child that sleeps is killed; its worker sees it die.
    stage.await_story("sleeper", "running None")
    ((_, child),) = stage.starts("sleeper")
    os.kill(child, signal.SIGKILL)
    stage.await_story("sleeper", "failed exit")
    stage.await_story("flaky", "failed none", "succeeded none")
    stage.await_story("rejecter", "failed none")
    # A whole worker is killed in the middle of a task, and started again.
    stage.await_story("late", "running None")
    stage.kill("w2")
    stage.work("w2", "doomed", visible_after=20)
    stage.await_story("late", "lost worker_gone", "succeeded none")
    for job in ("flaky", "rejecter", "sleeper", "late"):
        assert len(stage.attempts(job)) == len(stage.starts(job)), job


@REDIS
def test_tries_that_overlap_since_one_took_too_long_are_all_seen(stage: Stage) -> None:
    stage.work("w1", "quick", visible_after=5)
    again = stage.home / "again"
    stage.send("slow", again=str(again), seconds=EVER)
    wait_until(
        lambda: len(stage.attempts("slow")) > 1 and "running None" not in stage.story("slow")
    )
    # One more may come where the machine is slow; none is overlooked, and none made up.
    assert len(stage.attempts("slow")) == len(stage.starts("slow")) >= 2
    assert set(stage.story("slow")) == {"succeeded none"}
    first, second, *_ = stage.attempts("slow")
    assert first.started < second.started < first.ends[0].at


@REDIS
def test_two_workers_of_one_name_take_no_source_down_and_prove_no_loss(stage: Stage) -> None:
    stage.work("w1", "quick")
    stage.send("sleeper", seconds=EVER)
    stage.await_story("sleeper", "running None")
    stage.work("other", "idle", node="w1")

    def told() -> list[Level]:
        remarks = stage.source.examine(stage.jobs, stage.now())
        return [
            e.level for e in remarks if f"several workers answer as {stage.node('w1')}" in e.message
        ]

    # Once both have come up, and answer in time.
    assert wait_until(told) == [Level.WARNING]
    # The receiver asks them every 15 seconds; two answers that lack a task would end it.
    let_pass(timedelta(seconds=60), stage)
    assert stage.story("sleeper") == ["running None"]
    assert stage.trouble() is None


@BOTH
def test_nothing_secret_is_kept(stage: Stage) -> None:
    stage.work("w1", "quick")
    uuid = stage.send("ping", secret="hunter2")
    stage.send("flaky")
    stage.await_story("flaky", "failed none", "succeeded none")
    wait_until(lambda: stage.has(uuid))
    assert stage.has(uuid)
    (ended,) = [end for each in stage.attempts("flaky") for end in each.ends if end.reason]
    assert ended.reason == "retried: ValueError"
    kept = b"".join(file.read_bytes() for file in stage.home.glob("landed.db*"))
    assert uuid.encode() in kept
    assert b"hunter2" not in kept


@pytest.fixture
def stages(
    broker: Callable[[str], str], tmp_path: Path, build: Any
) -> Iterator[tuple[Stage, Stage]]:
    """One on RabbitMQ and one on Redis, long enough before the present for misses to count."""
    with ExitStack() as closes:
        made = []
        for kind in ("rabbitmq", "redis"):
            (home := tmp_path / kind).mkdir()
            made.append(closes.enter_context(closing(Stage(broker(kind), home, build, -DOUBT))))
        for each in made:
            each.work("w1", "quick")
            each.heard_past(each.now())
        let_pass(DOUBT, *made)
        kept, lost = made
        yield kept, lost


def test_a_run_that_did_not_come_is_missing_and_time_unheard_is_told(
    stages: tuple[Stage, Stage],
) -> None:
    both = kept, lost = stages
    for each in both:
        early = each.send("ping")
        wait_until(lambda each=each, early=early: each.has(early))
        assert each.has(early)
    # The receiver is away, and a run comes meanwhile.
    gone = {}
    for each in both:
        each.hearing.stop()
        gone[each] = each.now()
    silent = latest_slot(OFTEN, max(gone.values())) + 3 * OFTEN.period
    time.sleep(AWAY.total_seconds() / 2)
    unheard = {each: each.send("ping") for each in both}
    wait_until(lambda: all(unheard[each] in dict(each.starts("ping")) for each in both))
    time.sleep(AWAY.total_seconds() / 2)
    for each in both:
        each.hear()
        each.heard_past(each.now())
        heard = each.send("ping")
        wait_until(lambda each=each, heard=heard: each.has(heard))
        assert each.has(heard)
    assert kept.has(unheard[kept])
    assert not lost.has(unheard[lost])
    for each in both:
        (window,) = [
            w for w in each.ledger.windows("celery") if w.until is None or w.until > gone[each]
        ]
        assert window.since <= gone[each]
        assert window.until is not None
        assert window.until - window.since >= AWAY
        assert (window.caught_up_at is None) == (each is lost)
    # Nobody knows of the slots over which nobody heard Redis; of others, everybody.
    let_pass(DOUBT, *both)
    for each in both:
        quiet = latest_slot(OFTEN, each.now())
        each.heard_past(quiet + OFTEN.period)
        wait_until(lambda each=each, quiet=quiet: each.verdict(quiet) is not None)
        assert each.verdict(quiet) == "missing"
    assert kept.verdict(silent) == "missing"
    assert lost.verdict(silent) != "missing"

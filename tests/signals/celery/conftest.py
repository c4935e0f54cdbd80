"""Jobs bound to Celery's tasks, recorded events, and a receiver that keeps no broker."""

import importlib.util
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from verifier.intake.receipt import RejectCode
from verifier.runs.attempt import Attempt, fold
from verifier.runs.binding import run_key
from verifier.runs.declaration import (
    Cron,
    Declaration,
    Declared,
    Every,
    History,
    Schedule,
    Surface,
    SurfaceKind,
)
from verifier.runs.lifecycle import proof_of, state_of
from verifier.runs.signal import Signal
from verifier.signals.celery.event import Event
from verifier.signals.celery.place import Job, Jobs
from verifier.signals.celery.settings import CeleryBinding
from verifier.signals.celery.tasks import SETTLES, Saved, Tasks
from verifier.signals.source import BoundJob

_SPEC = importlib.util.spec_from_file_location("brokers", Path(__file__).with_name("brokers.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
brokers = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(brokers)

DATA = Path(__file__).parents[2] / "data/celery"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
QUARTERS = Every(period=timedelta(minutes=15))


class Build:
    """The builders; ``build.job(...)`` and so on."""

    noon = NOON
    data = DATA
    nightly = Cron(expression="0 2 * * *")

    @staticmethod
    def declaration(name: str, schedule: Schedule = QUARTERS, **more: Any) -> Declaration:
        """A job without checks that is declared long ago."""
        fields: dict[str, Any] = {
            "surfaces": (Surface(name="table", kind=SurfaceKind.NONE),),
            "finish_within": timedelta(minutes=15),
            "verified_within": timedelta(minutes=25),
            "zombie_grace": timedelta(minutes=30),
        }
        return Declaration(job=name, schedule=schedule, **(fields | more))

    @classmethod
    def job(
        cls, name: str, task: str | None = None, schedule: Schedule = QUARTERS, **binding: Any
    ) -> Job:
        """A job bound to ``task``, which is ``capp.NAME`` where none is given."""
        declared = Declared(
            valid_from=datetime(2026, 1, 1, tzinfo=UTC),
            declaration=cls.declaration(name, schedule),
        )
        bound = CeleryBinding(source="celery", task=task or f"capp.{name}", **binding)
        return BoundJob(name=name, binding=bound, history=History((declared,)))

    @staticmethod
    def event(kind: str, after: float = 0.0, **fields: Any) -> Event:
        """An event of a task or a worker, so many seconds after noon."""
        if kind.startswith("task-"):
            fields = {"uuid": "u1"} | fields
        told = {"type": kind, "timestamp": NOON.timestamp() + after, "hostname": "w1@vm"}
        return msgspec.convert(told | {"pid": 7} | fields, Event)

    @staticmethod
    def recording(name: str) -> list[Event]:
        """The events of a recording, in the order in which they came."""
        return msgspec.convert(json.loads((DATA / f"{name}.json").read_text()), list[Event])


class Heard:
    """Tasks that hear events, and what came of them."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.refused: list[tuple[RejectCode, str]] = []
        self.tasks = Tasks(lambda code, example: self.refused.append((code, example)))
        self.tasks.jobs = Jobs(jobs)
        self.jobs = {job.name: job for job in jobs}
        self.said: dict[tuple[str, str], Signal] = {}
        self.repeats = 0

    def hear(self, events: Iterable[Event], now: datetime = NOON) -> "Heard":
        """Hear events together, and let them settle."""
        for event in events:
            self.tasks.hear(event, now)
        self.keep(self.tasks.release(now + SETTLES))
        return self

    def keep(self, signals: Iterable[Signal]) -> None:
        """Keep signals as a ledger does: the same id again is the same signal."""
        for signal in signals:
            key = (signal.job, signal.id)
            self.repeats += key in self.said
            self.said.setdefault(key, signal)

    def saved(self) -> Saved:
        """What is kept of the tasks, written and read again."""
        return msgspec.json.decode(msgspec.json.encode(self.tasks.save()), type=Saved)

    def attempts(self) -> dict[str, Attempt]:
        """The attempts by their id."""
        by_attempt: dict[str, list[Signal]] = {}
        for signal in self.said.values():
            by_attempt.setdefault(str(signal.attempt), []).append(signal)
        folded = {name: fold(None, said) for name, said in by_attempt.items()}
        return {name: each for name, each in folded.items() if each is not None}

    def story(self) -> list[str]:
        """Each attempt in a line: its run, its state, and how its end is proven."""
        lines = []
        for name, each in self.attempts().items():
            job = self.jobs[each.job]
            run = run_key(each, lambda at, job=job: job.history.at(at).schedule)
            lane = each.lane.value if each.lane else "live"
            proof = proof_of(each)
            proven = f" by {proof}" if proof not in (None, "none") else ""
            began = each.started or each.first_said
            path = run.path if run else ""
            lines.append((began, f"{path} {lane} {_short(name)} {state_of(each)}{proven}"))
        return [line for _, line in sorted(lines)]


def _short(name: str) -> str:
    uuid, _, rest = name.partition("/")
    return uuid[:8] + (f"/{rest}" if rest else "")


@pytest.fixture(scope="session")
def build() -> type[Build]:
    return Build


@pytest.fixture(scope="session")
def listening() -> type[Heard]:
    """Makes one that hears the events of ``jobs``."""
    return Heard


@pytest.fixture(scope="session", name="brokers")
def _brokers() -> Any:
    """Starts brokers: ``brokers.redis(folder)``."""
    return brokers


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """The URL of a real broker by its kind; each is started when it is first asked for.

    What a test leaves there is met by those that come after, so queues are its own.
    """
    with ExitStack() as running:
        urls: dict[str, str] = {}

        def url(kind: str) -> str:
            if kind not in urls:
                start = {"rabbitmq": brokers.rabbitmq, "redis": brokers.redis}[kind]
                urls[kind] = running.enter_context(start(tmp_path_factory.mktemp(kind)))
            return urls[kind]

        yield url


@pytest.fixture
def broker_url(request: pytest.FixtureRequest, broker: Callable[[str], str]) -> str:
    """The URL of a real broker; asked for with ``indirect`` by its kind."""
    return broker(request.param)


@pytest.fixture
def own_name() -> str:
    """A name for queues and the like that nothing else ever had, this test's last try included."""
    return f"test-{uuid4().hex[:12]}"

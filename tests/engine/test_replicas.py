"""Three replicas on one PostgreSQL for ten hours: one is killed, two are stopped and go on.

Ten hours of 16 jobs that are due every quarter of an hour, with the time passed in. Each
job does in each slot what ``fate`` says of it; its signals reach any replica that is there,
some of them two. All replicas tick at once, each by a clock of its own.

    pytest tests/engine/test_replicas.py -s        prints the figures
"""

import json
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import pytest
import structlog

from verifier.catalogue.families import FAMILIES
from verifier.catalogue.family import Scope
from verifier.checks.stores.registry import Stores
from verifier.config.load import load
from verifier.engine import listening
from verifier.engine.engine import Engine
from verifier.engine.fleet import Fleet
from verifier.engine.guarding import Gatekeeper
from verifier.engine.listening import own_up, still_here
from verifier.engine.service import Service
from verifier.exporters.exposition import Turns
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.runs.binding import RunKey
from verifier.runs.instant import format_instant

START = datetime(2026, 4, 1, 11, 59, tzinfo=UTC)
FIRST = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
PERIOD = timedelta(minutes=15)
HOURS, JOBS = 10, 16
AWAY = 12 * MINUTE
LEASE = 3 * MINUTE
TURNS = {"metrics": Turns(timedelta(seconds=5), None)}

CONFIG = """
version: 1
ledger: "{ledger}"
stores:
  warehouse: {{type: sql, url: "sqlite:///{home}/warehouse.db"}}
defaults: {{timezone: UTC}}
jobs:
"""
JOB = """
  {name}:
    statement: Each quarter hour of {name} is written once.
    schedule: {{cron: "*/15 12-21 * * *"}}
    class: one-result
    effects: replace
    start_within: 3m
    finish_within: 10m
    lease: 2m
    zombie_grace: 5m
    recheck: [20m]
    checks:
      - {{type: row_count, name: rows, store: warehouse, table: done, where: "run = :run", eq: 1}}
"""

FATES = {
    "done": ["verified"],
    "missing": ["missing"],
    "lied": ["absent"],
    "late": ["absent", "verified"],
    "silent": ["absent"],
}
"""What may become of a slot, and the verdicts that it must be given, in their order."""

Step = tuple[timedelta, str]
SAYS: dict[str, Sequence[Step]] = {
    "done": [(MINUTE, "started"), (3 * MINUTE, "heartbeat"), (4 * MINUTE, "succeeded")],
    "missing": [],
    "lied": [(MINUTE, "started"), (4 * MINUTE, "succeeded")],
    "late": [(MINUTE, "started"), (4 * MINUTE, "succeeded")],
    "silent": [(MINUTE, "started"), (2 * MINUTE, "heartbeat"), (3 * MINUTE, "heartbeat")],
}
WRITES = {"done": 3 * MINUTE, "late": 12 * MINUTE}
"""When the row is written; of the others never."""


def fate(key: RunKey) -> str:
    chance = Random(key.path).random()
    bounds = {"missing": 0.08, "lied": 0.14, "late": 0.2, "silent": 0.26}
    return next((word for word, bound in bounds.items() if chance < bound), "done")


class Replica:
    """One ``serve``: its connections, its stores, its engine, and a clock that is ahead."""

    def __init__(self, world: "World", ahead: timedelta) -> None:
        self._world, self._ahead = world, ahead
        config = load(world.home / "landed.yaml", {})
        self.ledger = Ledger.open(config.ledger, self.clock())
        self.stores = Stores(config.stores)
        self.fleet = Fleet(config, self.ledger, self.stores)
        self.fleet.register(self.clock())
        self.engine = Engine(self.ledger, self.fleet, self.clock, lease_for=LEASE)
        self.gatekeeper = Gatekeeper(self.ledger, self.fleet, self.clock)
        self.service = Service(
            self.ledger, self.fleet, self.gatekeeper, self.clock, lambda _length: None
        )
        self.grace = config.startup_grace
        self.there = True
        self.threads = ThreadPoolExecutor(1)
        self.turn: Future[None] | None = None
        self.stopped, self.goes_on = Event(), Event()

    def clock(self) -> datetime:
        return self._world.now + self._ahead

    def begin_turn(self) -> None:
        self.turn = self.threads.submit(self._tick, self.clock())

    def end_turn(self) -> None:
        """Wait for the turn, and for the looks that it began, unless this one is stopped."""
        while not self.stopped.is_set() and not (self.turn.done() and not self.engine._asking):
            wait([self.turn], 0.01)
            self.engine.settle(0.01)
        if not self.stopped.is_set():
            self.turn.result()

    def _tick(self, now: datetime) -> None:
        """One turn of the loops of a sidecar."""
        still_here(self.ledger, now, self.grace)
        own_up(self.ledger, now, self.grace)
        self.engine.tick(now)

    def stop_after(self, owner: Any, name: str, when: Callable[[Any], bool]) -> None:
        """Have this one stand still as soon as ``owner.name`` gives such an answer."""
        real = getattr(owner, name)

        def standing_still(*arguments: Any, **named: Any) -> Any:
            answer = real(*arguments, **named)
            if not self.stopped.is_set() and when(answer):
                self.there = False
                setattr(owner, name, real)
                self.stopped.set()
                assert self.goes_on.wait(120)
            return answer

        setattr(owner, name, standing_still)

    def go_on(self) -> None:
        """As if nothing had been."""
        self.goes_on.set()
        self.turn.result(10)
        self.engine.settle(10)
        self.stopped, self.goes_on = Event(), Event()
        self.there = True

    @property
    def sweeps(self) -> bool:
        return self.there and self.engine._turn._mine is not None

    def page(self, now: datetime) -> list[str]:
        """What it tells of the ledger: no line of a family that is of one process."""
        self.service.take_figures(TURNS, now)
        body = self.service.metrics("text/plain").body.decode()
        own = tuple(each.name for each in FAMILIES if each.scope is Scope.PROCESS)
        return [line for line in body.splitlines() if not line.startswith(own) and line[0] != "#"]

    def close(self) -> None:
        self.goes_on.set()
        self.threads.shutdown()
        self.gatekeeper.close()
        self.engine.close()
        self.stores.close()
        self.ledger.close()


class World:
    """The replicas, their jobs, and the time."""

    def __init__(self, home: Path, url: str) -> None:
        self.home, self.now = home, START
        self.names = [f"job-{number:02}" for number in range(JOBS)]
        jobs = "".join(JOB.format(name=name) for name in self.names)
        (home / "landed.yaml").write_text(CONFIG.format(home=home, ledger=url) + jobs)
        self.sql("create table done (run text)", [()])
        self.replicas = [Replica(self, ahead * SECOND) for ahead in (0, -3, 4)]
        self.chance = Random(7)

    def sql(self, statement: str, rows: Sequence[tuple[str, ...]]) -> None:
        database = sqlite3.connect(self.home / "warehouse.db")
        with database:
            database.executemany(statement, rows)
        database.close()

    @cached_property
    def slots(self) -> list[RunKey]:
        """Every slot of the ten hours."""
        count = int(HOURS * HOUR / PERIOD)
        dues = [FIRST + number * PERIOD for number in range(count)]
        return [RunKey(name, format_instant(due)) for due in dues for name in self.names]

    @cached_property
    def told(self) -> dict[datetime, list[dict[str, Any]]]:
        """What is told when."""
        at: dict[datetime, list[dict[str, Any]]] = {}
        for key in self.slots:
            for after, kind in SAYS[fate(key)]:
                moment = key.due + after
                at.setdefault(moment, []).append(
                    {"job": key.job, "kind": kind, "at": format_instant(moment),
                     "attempt": key.occurrence, "id": f"{key.occurrence}/{kind}/{after.seconds}"}
                )  # fmt: skip
        return at

    @cached_property
    def written(self) -> dict[datetime, list[tuple[str, ...]]]:
        """What is written when."""
        at: dict[datetime, list[tuple[str, ...]]] = {}
        for key in self.slots:
            if fate(key) in WRITES:
                at.setdefault(key.due + WRITES[fate(key)], []).append((key.path,))
        return at

    def go_on(self, until: datetime, *, unless: Callable[[], bool] = lambda: False) -> None:
        """Let time pass until then, or until something happens."""
        while self.now < until and not unless():
            self.now += MINUTE
            self.sql("insert into done values (?)", self.written.get(self.now, []))
            there = [each for each in self.replicas if each.there]
            self._tell(self.told.get(self.now, []), there)
            for replica in there:
                replica.begin_turn()
            for replica in there:
                replica.end_turn()

    def _tell(self, items: Sequence[dict[str, Any]], there: Sequence[Replica]) -> None:
        """Each to one of the replicas; some to another one too, as if no answer had come."""
        bodies: list[list[bytes]] = [[] for _ in there]
        for item in items:
            body, first = json.dumps(item).encode(), self.chance.randrange(len(there))
            bodies[first].append(body)
            if self.chance.random() < 0.1:
                bodies[(first + 1) % len(there)].append(body)
        for replica, said in zip(there, bodies, strict=True):
            if said:
                assert replica.service.receive(said, "native").rejected == ()

    @property
    def sweeping(self) -> Replica:
        (one,) = [each for each in self.replicas if each.sweeps]
        return one

    def close(self) -> None:
        for replica in self.replicas:
            replica.close()


@pytest.fixture
def world(
    tmp_path: Path, postgres_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    monkeypatch.setattr(listening, "GAP", 90 * SECOND)  # who is there tells so once a minute
    made = World(tmp_path, postgres_url())
    yield made
    made.close()


@pytest.mark.slow
def test_each_slot_is_judged_once_whoever_is_killed_or_stopped(world: World) -> None:
    def falls_silent(keys: Sequence[RunKey]) -> bool:
        """Some run that is alive is looked at: when it is again, it is lost, and judged."""
        return any(fate(key) == "silent" and world.now < key.due + 5 * MINUTE for key in keys)

    began = time.monotonic()
    with structlog.testing.capture_logs() as logs:
        world.go_on(START + 3 * HOUR + 5 * MINUTE)
        killed = world.sweeping
        killed.there = False

        world.go_on(START + 5 * HOUR)
        first = world.sweeping
        assert first is not killed
        first.stop_after(first.ledger, "awake", falls_silent)
        world.go_on(START + 7 * HOUR, unless=first.stopped.is_set)
        world.go_on(world.now + AWAY)
        second = world.sweeping
        assert second not in (killed, first)
        first.go_on()
        first.page(world.now)  # what it keeps of it must not show later

        world.go_on(START + 8 * HOUR)
        assert world.sweeping is second
        second.stop_after(second.fleet, "checks", lambda _checks: True)
        world.go_on(START + 9 * HOUR, unless=second.stopped.is_set)
        world.go_on(world.now + AWAY)
        assert world.sweeping is first
        second.go_on()
        world.go_on(START + HOURS * HOUR + 40 * MINUTE)

    ledger = first.ledger
    runs = {row.key: row for row in ledger.runs(RunFilter(limit=10 * len(world.slots)))}
    looks = {key: Counter(each.cause for each in ledger.evaluations(key)) for key in runs}
    revisions = {key: [each.became for each in ledger.revisions(key)] for key in runs}
    missing = {key for key, row in runs.items() if row.verdict == "missing"}
    planned = {key for key in world.slots if fate(key) == "missing"}
    told = Counter(each["event"] for each in logs)
    figures = {
        "slots": len(world.slots),
        "runs": len(runs),
        "due": sum(each.value for each in ledger.tallies("landed_runs_due_total")),
        "judged": sum(each.value for each in ledger.tallies("landed_runs_judged_total")),
        "evaluations": sum(each.total() for each in looks.values()),
        "evaluations doubled": sum((each - Counter(list(each))).total() for each in looks.values()),
        "revisions": sum(map(len, revisions.values())),
        "revisions not due": sum(revisions[key] != FATES[fate(key)] for key in runs),
        "missing": len(missing),
        "missing missed": len(planned - missing),
        "missing invented": len(missing - planned),
        "leases taken": told["lease_taken"],
        "writes refused": told["sweep_not_recorded"] + told["evaluation_not_recorded"],
        "blind windows": len(ledger.windows()),
        "seconds": round(time.monotonic() - began),
    }
    lines = (f"{name:>20}: {value:g}" for name, value in figures.items())
    sys.stdout.write("\n" + "\n".join(lines) + "\n")
    assert set(runs) == set(world.slots)
    assert figures["due"] == figures["judged"] == len(world.slots)
    assert {key: words for key, words in revisions.items() if words != FATES[fate(key)]} == {}
    assert figures["evaluations doubled"] == 0
    assert missing == planned
    assert ledger.windows() == []
    assert (figures["leases taken"], figures["writes refused"]) == (4, 2)
    assert ledger.check(world.now) == []
    assert first.page(world.now) == second.page(world.now)

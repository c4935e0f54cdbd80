"""Many runs that are due at one instant, with a clock that goes on at each look at it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from verifier.checks.stores.registry import Stores
from verifier.config.load import load
from verifier.engine import engine as engines
from verifier.engine.engine import Engine
from verifier.engine.fleet import Fleet
from verifier.engine.turn import SWEEPS
from verifier.ledger.errors import Conflict
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.ledger.signals import Batch
from verifier.runs.signal import Kind, Lane, Signal

START = datetime(2026, 4, 1, 11, 59, 59, tzinfo=UTC)
LATE = datetime(2026, 4, 1, 12, 6, tzinfo=UTC)
JOBS = 50

CONFIG = """
version: 1
ledger: "{ledger}"
stores:
  warehouse: {{type: sql, url: "sqlite:///{home}/warehouse.db"}}
jobs:
"""
JOB = """
  job-{number:02}:
    statement: The rows are there.
    schedule: {{every: 15m}}
    class: one-result
    effects: replace
    start_within: 5m
    {checks}
"""
CHECKS = """checks:
      - {type: row_count, name: rows, store: warehouse, table: done, where: "run = :run", ge: 1}"""


class Burst:
    """Jobs that fall due together, and nobody is heard of; the last ``plain`` have no checks."""

    def __init__(self, home: Path, url: str, checks: str, plain: int) -> None:
        checked = [checks] * (JOBS - plain) + [""] * plain
        jobs = "".join(JOB.format(number=n, checks=each) for n, each in enumerate(checked))
        (home / "landed.yaml").write_text(CONFIG.format(home=home, ledger=url) + jobs)
        config = load(home / "landed.yaml", {})
        self.now, self.step, self.poured = START, timedelta(), 0
        self.ledger = Ledger.open(config.ledger, self.now)
        self.stores = Stores(config.stores)
        fleet = Fleet(config, self.ledger, self.stores)
        fleet.register(self.now)
        self.engine = Engine(self.ledger, fleet, self.clock)
        self.engine.tick(self.clock())

    def clock(self) -> datetime:
        self.now += self.step
        if self.poured:
            self.pour()
        return self.now

    def pour(self) -> None:
        """Have so many signals come, of an attempt by hand that none of the jobs waits for."""
        said = [
            Signal(
                job="job-00",
                kind=Kind.HEARTBEAT,
                at=self.now,
                id=f"{self.now.isoformat()}/{number}",
                attempt="by-hand",
                lane=Lane.MANUAL,
            )
            for number in range(self.poured)
        ]
        batch = Batch(signals=said, source="native", received_at=self.now)
        self.ledger.append_group([batch], self.now)

    def turns(self) -> int:
        """How many ticks it takes until there is nothing more to do at once."""
        number = 1
        while self.engine.tick(self.clock()):
            number += 1
        return number

    def verdicts(self) -> list[str | None]:
        return [row.verdict for row in self.ledger.runs(RunFilter(limit=2 * JOBS))]

    def close(self) -> None:
        self.engine.close()
        self.stores.close()
        self.ledger.close()


@pytest.fixture
def burst(tmp_path: Path, ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(engines, "TOGETHER", 5)
    made: list[Burst] = []

    def start(checks: str = "", plain: int = 0) -> Burst:
        made.append(Burst(tmp_path, ledger_url, checks, plain))
        return made[0]

    yield start
    for each in made:
        each.close()


def test_a_tick_ends_soon_and_goes_on_at_once_until_each_run_has_its_verdict(burst: Any) -> None:
    world = burst()
    world.now = START + timedelta(seconds=1)
    world.turns()
    world.step = engines.TURN / 2
    world.now = LATE
    before = world.ledger.lease(SWEEPS)
    turns = world.turns()
    assert world.verdicts() == ["missing"] * JOBS
    # The clock is looked at after each piece, and a turn lasts for two or three looks.
    assert turns >= JOBS / engines.TOGETHER / 3
    assert world.ledger.lease(SWEEPS).at > before.at
    assert world.turns() == 1
    assert world.ledger.check(world.now) == []


def test_while_signals_pour_in_a_tick_leaves_the_rest_to_the_next_second(burst: Any) -> None:
    world = burst()
    world.now = START + timedelta(seconds=1)
    world.turns()
    world.now, world.step = LATE, engines.TURN * 2
    world.poured = engines.POURING
    assert not world.engine.tick(world.clock())
    assert world.verdicts().count("missing") == engines.TOGETHER
    world.poured = engines.POURING - 1
    assert world.engine.tick(world.clock())
    world.poured = 0
    world.turns()
    assert world.verdicts().count("missing") == JOBS


def test_signals_that_never_stop_pouring_in_hold_up_verdicts_for_a_while_only(burst: Any) -> None:
    world = burst()
    world.now = START + timedelta(seconds=1)
    world.turns()
    world.now, world.step = LATE, engines.TURN * 2
    world.poured = engines.POURING
    assert not world.engine.tick(world.clock())
    world.now = LATE + engines.PATIENCE
    assert world.engine.tick(world.clock())
    world.turns()
    assert world.verdicts().count("missing") == JOBS


def test_what_falls_due_within_a_round_is_seen_by_the_next_one(burst: Any) -> None:
    world = burst()
    world.now = START + timedelta(seconds=1)
    world.turns()
    world.step = engines.TURN * 2
    world.now = LATE
    assert world.engine.tick(world.clock())
    world.now = LATE + timedelta(minutes=15)
    world.turns()
    world.turns()
    assert world.verdicts() == ["missing"] * (2 * JOBS)


def test_runs_that_others_are_in_the_way_of_keep_nobody_from_a_verdict(
    burst: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = burst()
    world.now = START + timedelta(seconds=1)
    world.turns()
    real = Ledger.judge

    def judge(ledger: Ledger, keys: Any, now: datetime) -> Any:
        keys = list(keys)
        if any(key.job == "job-07" for key in keys):
            raise Conflict("somebody else was in the way")
        return real(ledger, keys, now)

    world.now = LATE
    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "judge", judge)
        world.turns()
        rows = world.ledger.runs(RunFilter())
        assert {row.key.job for row in rows if row.verdict is None} == {"job-07"}
    world.turns()
    assert world.verdicts() == ["missing"] * JOBS


def test_no_more_runs_wait_to_be_asked_about_than_may_and_each_is_asked_once(
    burst: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "ASKING", 7)
    goes_on, asked, most = Event(), [], 0

    def inquire(ledger: Ledger, fleet: Fleet, key: Any, cause: Any, clock: Any) -> Any:
        assert goes_on.wait(60)
        asked.append(key)
        return real(ledger, fleet, key, cause, clock)

    real = engines.inquire
    monkeypatch.setattr(engines, "inquire", inquire)
    world = burst(CHECKS)
    world.now = LATE
    while len(asked) < JOBS:
        goes_on.clear()
        world.turns()
        most = max(most, len(world.engine._asking))
        goes_on.set()
        world.engine.settle(60)
    assert most == 7
    assert sorted(key.job for key in asked) == [f"job-{number:02}" for number in range(JOBS)]


def test_while_too_many_wait_to_be_asked_about_others_are_judged_and_nobody_twice(
    burst: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "ASKING", 7)
    goes_on = Event()

    def inquire(*arguments: Any) -> Any:
        assert goes_on.wait(60)
        return really_inquire(*arguments)

    def judge(ledger: Ledger, keys: Any, now: datetime) -> Any:
        judged.extend(key.job for key in keys)
        return really_judge(ledger, keys, now)

    really_inquire, really_judge, judged = engines.inquire, Ledger.judge, list[str]()
    monkeypatch.setattr(engines, "inquire", inquire)
    monkeypatch.setattr(Ledger, "judge", judge)
    world = burst(CHECKS, plain=10)
    world.now = START + timedelta(seconds=1)
    world.turns()
    world.now = LATE
    try:
        world.turns()
        assert world.verdicts().count("missing") == 10
        judged.clear()
        world.turns()
        assert judged == []
        goes_on.set()
        world.engine.settle(60)
        goes_on.clear()
        world.turns()
        assert sorted(judged) == [f"job-{number:02}" for number in range(7, 14)]
    finally:
        goes_on.set()


@pytest.fixture
def stuck(burst: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A store that does not answer, so that seven runs are being asked about and others wait.

    The last ten jobs have no checks. ``read``: how many runs were read at each look.
    """
    monkeypatch.setattr(engines, "ASKING", 7)
    monkeypatch.setattr(engines, "CROWDED", 3)
    goes_on = Event()

    def inquire(*arguments: Any) -> Any:
        assert goes_on.wait(60)
        return really_inquire(*arguments)

    def awake(ledger: Ledger, *arguments: Any) -> Any:
        found = really_awake(ledger, *arguments)
        read.append(len(found))
        return found

    really_inquire, really_awake, read = engines.inquire, Ledger.awake, list[int]()
    monkeypatch.setattr(engines, "inquire", inquire)
    monkeypatch.setattr(Ledger, "awake", awake)
    world = burst(CHECKS, plain=10)
    world.goes_on, world.read = goes_on, read
    world.now = START + timedelta(seconds=1)
    world.turns()
    read.clear()
    world.now = LATE
    yield world
    goes_on.set()


def test_runs_that_wait_while_there_is_no_room_are_read_seldom(stuck: Any) -> None:
    for second in range(0, 60, 6):
        stuck.now = LATE + timedelta(seconds=second)
        stuck.turns()
    first, woken, *later = stuck.read
    assert (first, woken) == (JOBS, JOBS - 10)
    assert sorted(later) == [0] * 7 + [JOBS - 10]
    assert stuck.verdicts().count("missing") == 10
    stuck.goes_on.set()
    stuck.engine.settle(60)
    stuck.turns()
    assert stuck.read[-1] == JOBS - 10 - 7


def test_what_wakes_up_while_there_is_no_room_is_judged_at_once(stuck: Any) -> None:
    for seconds in (-15, -5, 5):  # all, those of the last seconds, and what woke up since
        stuck.now = START + timedelta(seconds=1, minutes=20) + timedelta(seconds=seconds)
        stuck.turns()
    assert stuck.verdicts().count("missing") == 20
    assert stuck.read == [2 * JOBS - JOBS, JOBS - 10, JOBS]


def test_more_than_one_round_reads_are_all_judged_while_there_is_no_room(
    stuck: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "ROUND", 12)
    for second in range(20):
        stuck.now = LATE + timedelta(seconds=second)
        stuck.turns()
    assert stuck.verdicts().count("missing") == 10
    assert max(stuck.read) == 12

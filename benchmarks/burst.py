"""How long many runs that are due at one tick wait for their verdict, on each kind of ledger.

    python benchmarks/burst.py [--runs N] [--checked N] [--only sqlite|postgresql]

40,000 jobs are due at one instant, and the loop of ``serve`` turns once a second:

- expected: the tick at which they fall due makes a run of each
- missing: of none anything was heard, and ``start_within`` is over
- told: of each a start and a success were heard, and no check asks more
- checked: the same, with one row_count on a SQLite file of each (of 4,000 jobs)
- floor: as many rows of runs and of revisions straight into a ledger, in groups of 500

Meanwhile somebody sends a signal 20 times a second, as ``serve`` would write it. Prints
the seconds until the last run has its verdict, runs a second and their ratio to the
floor, CPU of this process a run, memory, and how long the signals waited. PostgreSQL is
the server that LANDED_TEST_POSTGRES_URL names, or one that is started here, with fsync on.
"""

import argparse
import logging
import os
import resource
import sqlite3
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import structlog
from ingest import ledger as ledger_of
from ingest import postgres
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import func, insert, select

from verifier.checks.stores.registry import Stores
from verifier.config.config import Config
from verifier.config.load import load
from verifier.engine.engine import Engine
from verifier.engine.fleet import Fleet
from verifier.engine.loops import Loops
from verifier.ledger.bulk import insert_new
from verifier.ledger.ledger import Ledger
from verifier.ledger.schema import declarations, revisions, runs
from verifier.ledger.signals import Batch
from verifier.runs.binding import RunKey
from verifier.runs.instant import format_instant, to_microseconds
from verifier.runs.signal import Kind, Signal

DUE = datetime(2026, 4, 2, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
TICK = SECOND
GROUP = 500
BATCH = 2_000
PERIOD = 0.05  # seconds between two signals of the bystander

CONFIG = """
version: 1
ledger: "{ledger}"
stores:
  warehouse: {{type: sql, url: "sqlite:///{home}/warehouse.db"}}
defaults: {{timezone: UTC}}
jobs:
  plain:
    statement: The rows are there.
    schedule: {{every: 15m}}
    class: one-result
    effects: replace
    start_within: 3m
  checked:
    statement: The rows are there.
    schedule: {{every: 15m}}
    class: one-result
    effects: replace
    start_within: 3m
    settle: 10s
    recheck: []
    checks:
      - {{type: row_count, name: rows, store: warehouse, table: done, where: "run = :run", eq: 1}}
"""


class Clock:
    """Shows an instant that is set, and from there on goes with the time."""

    def __init__(self) -> None:
        self.set(DUE - 5 * MINUTE)

    def set(self, moment: datetime) -> None:
        """Show ``moment`` now."""
        self._moment, self._since = moment, time.monotonic()

    def __call__(self) -> datetime:
        """What it shows."""
        return self._moment + timedelta(seconds=time.monotonic() - self._since)


class World:
    """A ledger in which ``count`` jobs of one ``kind`` are declared, and what serves it."""

    def __init__(self, home: str, url: str, kind: str, count: int) -> None:
        self.clock, self.count = Clock(), count
        file = Path(home) / "landed.yaml"
        file.write_text(CONFIG.format(home=home, ledger=url))
        config = many(load(file, {}), kind, count)
        self.keys = [RunKey(name, format_instant(DUE)) for name in config.jobs]
        self.ledger = Ledger.open(url, self.clock())
        self._declare(config)
        self._fill(Path(home) / "warehouse.db")
        self._stores = Stores(config.stores)
        self.engine = Engine(self.ledger, Fleet(config, self.ledger, self._stores), self.clock)
        self.engine.tick(self.clock())

    def _declare(self, config: Config) -> None:
        now = self.clock()
        rows = [
            {"job": name, "valid_from": now, "declaration": job.declaration,
             "document": job.document}
            for name, job in config.jobs.items()
        ]  # fmt: skip
        with self.ledger._database.write() as connection:
            connection.execute(insert(declarations), rows)

    def _fill(self, warehouse: Path) -> None:
        with sqlite3.connect(warehouse) as database:
            database.execute("create table done (run text primary key)")
            database.executemany("insert into done values (?)", [(key.path,) for key in self.keys])
        database.close()

    def tell(self) -> None:
        """A start and a success of each run."""
        self.clock.set(DUE + MINUTE)
        said = [
            Signal(job=key.job, kind=kind, at=at, id=f"{key.job}/{kind}", attempt=f"{key.job}/1")
            for key in self.keys
            for kind, at in ((Kind.STARTED, DUE + SECOND), (Kind.SUCCEEDED, DUE + MINUTE))
        ]
        for start in range(0, len(said), BATCH):
            batch = Batch(
                signals=said[start : start + BATCH], source="native", received_at=self.clock()
            )
            self.ledger.append_group([batch], self.clock())

    def made(self) -> int:
        """How many runs there are, but for the bystander's."""
        return self._number(select(func.count()).where(runs.c.job != BYSTANDER))

    def judged(self) -> int:
        """How many of them have a verdict."""
        has_one = (runs.c.job != BYSTANDER, runs.c.verdict.is_not(None))
        return self._number(select(func.count()).where(*has_one))

    def verdicts(self) -> dict[str, int]:
        """How many runs have which."""
        found = (
            select(runs.c.verdict, func.count())
            .where(runs.c.job != BYSTANDER)
            .group_by(runs.c.verdict)
        )
        with self.ledger._database.read() as connection:
            return {str(verdict): number for verdict, number in connection.execute(found)}

    def _number(self, asked: object) -> int:
        with self.ledger._database.read() as connection:
            return connection.scalar(asked)

    def close(self) -> None:
        """Let go of everything."""
        self.engine.close()
        self._stores.close()
        self.ledger.close()


BYSTANDER = "bystander"


def many(config: Config, kind: str, count: int) -> Config:
    """As many jobs alike, and one more."""
    alike = config.jobs[kind]
    names = [f"tenant-{number:05}" for number in range(count)]
    jobs = {name: replace(alike, declaration=named(alike, name)) for name in names}
    other = replace(config.jobs["plain"], declaration=named(config.jobs["plain"], BYSTANDER))
    return replace(config, jobs=jobs | {BYSTANDER: other})


def named(job, name):
    return msgspec.structs.replace(job.declaration, job=name)


class Bystander:
    """Sends heartbeats of its own job, and takes the time of each commit."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._number = 0
        self._tell(Kind.STARTED)

    def _tell(self, kind: Kind) -> float:
        now, self._number = self._world.clock(), self._number + 1
        said = Signal(
            job=BYSTANDER, kind=kind, at=now, id=f"b/{self._number}", attempt="b", due=DUE
        )
        began = time.monotonic()
        self._world.ledger.append_group(
            [Batch(signals=[said], source="native", received_at=now)], now
        )
        return time.monotonic() - began

    @contextmanager
    def sending(self) -> Iterator[list[float]]:
        """Seconds that each commit took, of what is sent within."""
        took: list[float] = []
        stop = threading.Event()

        def send() -> None:
            while not stop.wait(PERIOD):
                took.append(self._tell(Kind.HEARTBEAT))

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield took
        finally:
            stop.set()
            thread.join()


class Figures(msgspec.Struct):
    """What one phase measured: seconds, CPU seconds, and how long signals waited."""

    runs: int
    seconds: float
    cpu: float
    took: Sequence[float]


def measure(world: World, bystander: Bystander, done, moment: datetime, task) -> Figures:
    """Let the loop turn from ``moment`` on until ``done`` counts all runs."""
    loops = Loops(world.clock)
    loops.add("tick", world.engine.tick, TICK)
    world.clock.set(moment)
    cpu = time.process_time()
    with bystander.sending() as took:
        began = time.monotonic()
        loops.start()
        try:
            while (number := done()) < world.count:
                task(number)
                time.sleep(0.2)
            seconds = time.monotonic() - began
        finally:
            loops.stop()
    cpu = time.process_time() - cpu
    world.engine.settle()
    task(world.count)
    return Figures(world.count, seconds, cpu, took)


def burst(home: str, url: str, kind: str, tell: bool, count: int, bar: Progress) -> dict:
    """The phases of one burst, by name."""
    task = bar.add_task(f"{kind}, declared", total=count)

    def at(phase: str):
        bar.reset(task, description=phase, total=count)
        return lambda number: bar.update(task, completed=number)

    world = World(home, url, kind, count)
    try:
        bystander = Bystander(world)
        with bystander.sending() as quiet:
            time.sleep(2)
        expected = measure(world, bystander, world.made, DUE, at("expected"))
        name = {"plain": "told" if tell else "missing"}.get(kind, kind)
        if tell:
            world.tell()
        later = DUE + 2 * MINUTE if tell else DUE + 3 * MINUTE + SECOND
        judged = measure(world, bystander, world.judged, later, at(name))
        verdicts = world.verdicts()
        wanted = {"missing": "missing", "told": "unproven", "checked": "verified"}[name]
        if verdicts != {wanted: count}:
            raise SystemExit(f"{name}: expected {count} {wanted}, found {verdicts}")
        if name != "missing":
            return {name: judged}
        return {"alone": Figures(0, 2.0, 0.0, quiet), "expected": expected, name: judged}
    finally:
        bar.remove_task(task)
        world.close()


def floor(url: str, count: int) -> Figures:
    """Rows as a burst leaves them, without anybody who thinks."""
    due = to_microseconds(DUE)
    keys = [RunKey(f"tenant-{number:05}", format_instant(DUE)) for number in range(count)]
    rows = [
        (key.run_id, key.job, key.occurrence, "", None, due, due, "live", True, None, "judged",
         "missing", "none", "unknown", False, True, False, None, due, due, None, None, 2, "{}")
        for key in keys
    ]  # fmt: skip
    changed = [(key.run_id, 2, None, "missing", due, None, "time") for key in keys]
    into = {table: tuple(column.name for column in table.c) for table in (runs, revisions)}
    with Ledger.open(url, DUE) as ledger:
        began, cpu = time.monotonic(), time.process_time()
        for start in range(0, count, GROUP):
            with ledger._database.write() as connection:
                insert_new(connection, runs, into[runs], rows[start : start + GROUP])
                insert_new(connection, revisions, into[revisions], changed[start : start + GROUP])
        return Figures(count, time.monotonic() - began, time.process_time() - cpu, ())


BURSTS = (("plain", False), ("plain", True), ("checked", True))


def main() -> None:
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # as ``serve`` does
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=40_000)
    parser.add_argument("--checked", type=int, default=4_000)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    asked = parser.parse_args()
    kinds = [asked.only] if asked.only else ["sqlite", "postgresql"]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        postgres() if "postgresql" in kinds else nullcontext() as server,
        Progress(*columns, TimeElapsedColumn(), transient=True) as bar,
    ):
        found = {}
        for kind in kinds:
            with ledger_of(kind, server) as (_, url):
                found[kind] = {"floor": floor(url, asked.runs)}
            for job, tell in BURSTS:
                count = asked.checked if job == "checked" else asked.runs
                if count:
                    with ledger_of(kind, server) as (home, url):
                        found[kind] |= burst(home, url, job, tell, count, bar)
    report(found)


def report(found: dict[str, dict[str, Figures]]) -> None:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; memory {most:.0f} MiB at most")
    for kind, phases in found.items():
        head = f"\n{kind:<12} {'runs':>8} {'seconds':>8} {'runs/s':>8} {'/floor':>7} {'CPU µs':>7}"
        print(f"{head}   a signal took, ms: {'p50':>6} {'p99':>6} {'worst':>6}")
        best = phases["floor"].runs / phases["floor"].seconds
        for name, each in phases.items():
            rate = each.runs / each.seconds
            line = f"  {name:<10} {each.runs:>8,} {each.seconds:>8.2f} {rate:>8,.0f}"
            line += f" {rate / best:>7.3f} {each.cpu / max(1, each.runs) * 1e6:>7.0f}"
            if each.took:
                took = sorted(each.took)
                p50, p99 = statistics.median(took), took[len(took) * 99 // 100]
                line += f" {'':>20} {p50 * 1e3:>6.1f} {p99 * 1e3:>6.1f} {took[-1] * 1e3:>6.1f}"
            print(line)


if __name__ == "__main__":
    sys.exit(main())

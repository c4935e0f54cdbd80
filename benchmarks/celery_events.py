"""How many of Celery's events are taken in and committed, and what they cost in memory.

    python benchmarks/celery_events.py                     # a million events, synthetic
    python benchmarks/celery_events.py --events 200000
    python benchmarks/celery_events.py --broker redis://…  # and some through a real broker

Synthetic events go the whole way but for the broker: JSON as workers send it, the
listener, the feed, a SQLite ledger on the disk. 2,000 jobs run every 10 seconds, each run
sent, received, started and ended; the clock is set by hand, and the time that it takes to
make the events is left out. Through a broker they are sent by Celery's own dispatcher, in
a process of its own.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

from rich.progress import Progress

from verifier.engine.feed import SourceFeed
from verifier.ledger.ledger import Ledger
from verifier.runs.declaration import Declaration, Every, Surface, SurfaceKind
from verifier.signals.celery.broker import Arrival
from verifier.signals.celery.listener import Listener, listen
from verifier.signals.celery.settings import CeleryBinding, CelerySettings
from verifier.signals.source import BoundJob

JOBS = 2_000
PERIOD = timedelta(seconds=10)
EVENTS_A_TASK = 4
TASKS_A_STEP = 500
EVENTS_A_MESSAGE = 10
FIRST_MARK = 100_000
AIM = 8_000
GROWTH = 0.2

SEND = """
import sys
from uuid import uuid4
from celery import Celery
app = Celery("sender", broker=sys.argv[1], set_as_current=False)
with app.connection_for_write() as connection:
    events = app.events.Dispatcher(connection, hostname="w1@here", buffer_group={"task"})
    for number in range(int(sys.argv[2]) // 4):
        uuid, name = str(uuid4()), f"bench.{number % int(sys.argv[3])}"
        events.send("task-sent", uuid=uuid, name=name, retries=0, args="()", kwargs="{}")
        events.send("task-received", uuid=uuid, name=name, retries=0, args="()", kwargs="{}")
        events.send("task-started", uuid=uuid)
        events.send("task-succeeded", uuid=uuid, result="'ok'", runtime=0.0)
    events.flush()
"""


class Synthetic:
    """A line on which workers talk without end, at whatever pace they are listened to."""

    keeps = False
    fresh = False
    overflowed = False

    def __init__(self, world: "World") -> None:
        self._world = world
        self._numbers = iter(range(10**9))
        self._echo: datetime | None = None
        self.sent = 0
        self.seconds = self.cpu = 0.0  # what the workers' part took here

    def drain(self, most: int, timeout: float) -> list[Arrival]:
        """A step's worth of messages; time moves on."""
        del most, timeout
        began, cpu = time.perf_counter(), time.process_time()
        self._world.now += PERIOD * TASKS_A_STEP / JOBS
        told = [event for _ in range(TASKS_A_STEP) for event in self._task()]
        self.sent += len(told)
        arrivals = [
            Arrival(json.dumps(told[start : start + EVENTS_A_MESSAGE]).encode())
            for start in range(0, len(told), EVENTS_A_MESSAGE)
        ]
        if self._echo is not None:
            arrivals.append(Arrival(b"", self._echo))
            self._echo = None
        self.seconds += time.perf_counter() - began
        self.cpu += time.process_time() - cpu
        return arrivals

    def send_echo(self, now: datetime) -> None:
        """Come back with the next step."""
        self._echo = now

    def acknowledge(self) -> None:
        """Nothing is kept, so nothing is dropped."""

    def beat(self) -> None:
        """Nothing to keep alive."""

    def close(self) -> None:
        """Nothing to hang up."""

    def _task(self) -> Iterator[dict[str, object]]:
        uuid, at = str(uuid4()), self._world.now.timestamp()
        common = {"hostname": "w1@here", "utcoffset": 0, "pid": 7, "clock": 1, "uuid": uuid}
        name = {
            "name": f"bench.{next(self._numbers) % JOBS}", "args": "('eu',)", "kwargs": "{}",
            "root_id": uuid, "parent_id": None, "retries": 0, "eta": None, "expires": None,
        }  # fmt: skip
        yield common | name | {"type": "task-sent", "timestamp": at}
        yield common | name | {"type": "task-received", "timestamp": at + 0.01}
        yield common | {"type": "task-started", "timestamp": at + 0.02}
        ended = {"type": "task-succeeded", "result": "'rows'", "runtime": 0.2}
        yield common | ended | {"timestamp": at + 0.22}


class Taken:
    """Counts signals that are durable, and what was refused."""

    def __init__(self) -> None:
        self.signals = 0
        self.kept_out = 0

    def took(self, source: str, kinds: Iterable[str]) -> None:
        """Signals of those kinds are durable."""
        del source
        self.signals += len(list(kinds))

    def refused(self, source: str, codes: Iterable[str]) -> None:
        """Something was refused."""
        del source
        self.kept_out += len(list(codes))

    def committing(self) -> AbstractContextManager[None]:
        """Nothing to measure."""
        return nullcontext()


class World:
    """A ledger with the jobs, and a feed into it."""

    def __init__(self, folder: str, *, clock: str) -> None:
        self.now = datetime.now(UTC)
        self._real = clock == "real"
        self._path = f"{folder}/landed.db"
        self.ledger = Ledger.open(f"sqlite:///{self._path}", self.now)
        for number in range(JOBS):
            self.ledger.declare(f"bench-{number}", _declaration(f"bench-{number}"), {}, self.now)
        histories = self.ledger.histories()
        jobs = [
            BoundJob(
                name=f"bench-{number}",
                binding=CeleryBinding(source="celery", task=f"bench.{number}"),
                history=histories[f"bench-{number}"],
            )
            for number in range(JOBS)
        ]
        self.stopping = Event()
        self.taken = Taken()
        self.feed = SourceFeed(
            self.ledger,
            "celery",
            jobs,
            timedelta(seconds=15),
            clock=self.clock,
            stopping=self.stopping,
            watch=self.taken,
        )

    def count(self) -> tuple[int, int]:
        """How many attempts there are, and how many of them succeeded."""
        with sqlite3.connect(self._path) as database:
            found = database.execute("select state, count(*) from attempts group by state")
            states: dict[str, int] = dict(found.fetchall())
        database.close()
        return sum(states.values()), states.get("succeeded", 0)

    def clock(self) -> datetime:
        """The present: the real one, or the one that was set."""
        return datetime.now(UTC) if self._real else self.now


def _declaration(name: str) -> Declaration:
    return Declaration(
        job=name,
        schedule=Every(period=PERIOD),
        surfaces=(Surface(name="table", kind=SurfaceKind.NONE),),
        finish_within=timedelta(minutes=1),
        verified_within=timedelta(minutes=2),
        zombie_grace=timedelta(minutes=2),
        source="celery",
    )


class Pace:
    """What was taken in since some instant, the making of the events left out."""

    def __init__(self, line: Synthetic) -> None:
        self._line = line
        self._sent, self._seconds, self._cpu = self._now()

    def told(self) -> tuple[int, float, float]:
        """How many events, how many a second, and the microseconds of CPU of each."""
        sent, seconds, cpu = self._now()
        count = sent - self._sent
        return count, count / (seconds - self._seconds), 1e6 * (cpu - self._cpu) / count

    def _now(self) -> tuple[int, float, float]:
        line = self._line
        return line.sent, time.perf_counter() - line.seconds, time.process_time() - line.cpu


def synthetic(events: int) -> bool:
    """Take in so many events; whether the gates hold."""
    with tempfile.TemporaryDirectory() as folder, Progress() as progress:
        world = World(folder, clock="by hand")
        line = Synthetic(world)
        listener = Listener(world.feed, line, None)
        bar = progress.add_task("events", total=events)
        memory: list[float] = []
        whole = lap = Pace(line)
        while line.sent < events:
            listener.step()
            progress.update(bar, completed=line.sent)
            if line.sent >= min(events, FIRST_MARK * (len(memory) + 1)):
                memory.append(_resident_mb())
                _, rate, each = lap.told()
                lap = Pace(line)
                shown = f"{rate:,.0f} events/s, {each:.0f} us of CPU each, {memory[-1]:.0f} MB"
                progress.print(f"up to {line.sent}: {shown}", highlight=False)
        world.now += timedelta(seconds=5)
        listener.finish()
        sent, rate, each = whole.told()
        taken, kept_out = world.taken.signals, world.taken.kept_out
        attempts, ended = world.count()
        size = sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6
        world.ledger.close()
    first, last = memory[0], memory[-1]
    print(f"{sent} events: {rate:,.0f} events/s, {each:.0f} us of CPU each")
    print(f"{taken} signals durable, {kept_out} refused; {attempts} attempts, {ended} succeeded")
    growth = last / first
    print(f"memory: {first:.0f} MB after {FIRST_MARK}, {last:.0f} MB after all: x{growth:.2f}")
    print(f"ledger: {size:.0f} MB")
    held = (
        rate >= AIM and last <= first * (1 + GROWTH) and attempts == ended == sent // EVENTS_A_TASK
    )
    print(
        "gates: "
        + ("hold" if held else "MISSED")
        + f" (>= {AIM} events/s, memory within {GROWTH:.0%})"
    )
    return held


def through_broker(url: str, events: int) -> None:
    """Take in so many events that Celery's own dispatcher sends."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder, clock="real")
        settings = CelerySettings(type="celery", broker=url, queue=f"landed-bench-{os.getpid()}")
        thread = Thread(target=listen, args=(settings, world.feed), daemon=True)
        thread.start()
        while world.feed.cursor is None:
            time.sleep(0.1)
        command = [sys.executable, "-c", SEND, url, str(events), str(JOBS)]
        began = time.perf_counter()
        sender = subprocess.Popen(command)
        sender.wait()
        sent = time.perf_counter() - began
        while world.taken.signals < events and time.perf_counter() - began < 300:
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        world.stopping.set()
        thread.join(30)
        attempts, ended = world.count()
        world.ledger.close()
    rate = events / seconds
    print(f"{url.partition(':')[0]}: {events} events in {seconds:.1f} s: {rate:,.0f} events/s")
    print(f"  the sender took {sent:.1f} s; {attempts} attempts, {ended} succeeded")


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--broker", action="append", default=[], help="URL of a real broker")
    parser.add_argument("--broker-events", type=int, default=40_000)
    options = parser.parse_args()
    for url in options.broker:
        through_broker(url, options.broker_events)
    return 0 if synthetic(max(options.events, FIRST_MARK)) else 1


if __name__ == "__main__":
    sys.exit(main())

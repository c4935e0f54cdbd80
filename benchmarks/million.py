"""What a million signals leave behind: memory of the verifier, time of a restart, bytes on disk.

    python benchmarks/million.py [--count N] [--only sqlite|postgresql]

A whole ``landed serve`` on each kind of ledger, on loopback, engine included, is sent N
(1,000,000) signals in batches of 500: 200 jobs that are due every quarter of an hour, up
to now; of their runs most succeed, some fail and are tried again, some are lost. Takes
some minutes for each ledger. PostgreSQL is the server that LANDED_TEST_POSTGRES_URL
names, or one that is started here, with fsync on.

Prints the time from start to ``/readyz`` of an empty ledger, of the full one and of one
whose verifier was killed; the verifier's resident memory along the way; bytes a signal;
and signals a second. Exits with 1 where memory is not flat: where it is more than a fifth
above what it was after the first tenth.
"""

import argparse
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import httpx
import msgspec
import psutil
from ingest import ledger, postgres
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import create_engine

JOBS = 200
QUARTER = timedelta(minutes=15)
SIGNALS_A_RUN = 5.0
BATCH = 500
CLIENTS = 4
MOST = 1.2


def config(url: str) -> str:
    """Jobs due every quarter of an hour, half of them by cron, that no check looks at."""
    schedules = ("{every: 15m}", '{cron: "*/15 * * * *", timezone: Europe/Berlin}')
    jobs = "\n".join(
        f"  tenant-{number}: {{statement: Every row is there., schedule: {schedules[number % 2]}, "
        f"class: one-result, effects: replace}}"
        for number in range(JOBS)
    )
    return f'version: 1\nledger: "{url}"\njobs:\n{jobs}\n'


def told(count: int) -> Iterator[dict[str, object]]:
    """``count`` signals in the order in which they would have come."""
    chance = random.Random(1)
    slots = round(count / SIGNALS_A_RUN / JOBS) + 1
    slot = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - slots * QUARTER
    return islice(every(slot, chance), count)


def every(slot: datetime, chance: random.Random) -> Iterator[dict[str, object]]:
    while True:
        runs = [list(run(f"tenant-{number}", slot, chance)) for number in range(JOBS)]
        yield from sorted((said for run in runs for said in run), key=lambda said: said["at"])
        slot += QUARTER


def run(job: str, slot: datetime, chance: random.Random) -> Iterator[dict[str, object]]:
    """One attempt, or two where the first one failed."""
    at = slot + timedelta(seconds=chance.uniform(0.1, 20))
    end = chance.choices(("succeeded", "failed", None), (94, 5, 1))[0]
    yield from attempt(job, at, end, chance)
    if end == "failed":
        yield from attempt(job, at + timedelta(minutes=5), "succeeded", chance)


def attempt(
    job: str, at: datetime, end: str | None, chance: random.Random
) -> Iterator[dict[str, object]]:
    name = f"{chance.getrandbits(128):032x}"
    worker = f"worker-{chance.randrange(40)}.internal"
    beats = chance.randrange(4)
    kinds = ["created", "started", *("heartbeat",) * beats, "progress", *([end] if end else [])]
    for index, kind in enumerate(kinds):
        said = {
            "job": job,
            "kind": kind,
            "at": (at + timedelta(seconds=30 * index)).isoformat(),
            "id": f"{name}/{index}",
            "attempt": name,
            "lane": "live",
            "worker": worker,
        }
        if kind == "progress":
            said["progress"] = {"done": chance.randrange(100), "total": 100}
        if kind in ("succeeded", "failed"):
            said |= {"exit_code": int(kind == "failed"), "end_proof": "exit"}
        yield said


class Verifier:
    """A ``landed serve`` that can be started again and again on the same ledger."""

    def __init__(self, home: str, url: str) -> None:
        self.home = Path(home)
        (self.home / "landed.yaml").write_text(config(url))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.client = httpx.Client(base_url=f"http://{self.address}", timeout=60, trust_env=False)

    @contextmanager
    def serving(self) -> Iterator[tuple[subprocess.Popen, float]]:
        """The process, and how many seconds it took until it was ready."""
        command = [sys.executable, "-m", "verifier.cli.entry", "serve"]
        command += ["--listen", self.address, "--config", str(self.home / "landed.yaml")]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LANDED_")}
        environment["LANDED_SPOOL"] = str(self.home / "spool")
        begin = time.perf_counter()
        with (self.home / "log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            while not self.ready():
                if process.poll() is not None:
                    raise SystemExit((self.home / "log").read_text()[-2000:])
                time.sleep(0.01)
            yield process, time.perf_counter() - begin
        finally:
            process.terminate()
            process.wait(60)

    def ready(self) -> bool:
        """Whether it takes signals."""
        try:
            return self.client.get("/readyz").is_success
        except httpx.TransportError:
            return False

    def take(self, batch: list[dict[str, object]]) -> int:
        """Send a batch until it is kept; how many signals it has."""
        body = msgspec.json.encode(batch)
        headers = {"Content-Type": "application/json"}
        while True:
            answer = self.client.post("/v1/signals", content=body, headers=headers)
            if answer.status_code == httpx.codes.OK:
                if answer.json()["accepted"] != len(batch):
                    raise SystemExit(f"not all was taken: {answer.text[:500]}")
                return len(batch)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                raise SystemExit(f"{answer.status_code}: {answer.text[:500]}")
            time.sleep(0.2)


def fill(verifier: Verifier, process: subprocess.Popen, count: int) -> tuple[list[int], float]:
    """Send everything; resident memory after each hundredth, and the seconds it took."""
    memory = psutil.Process(process.pid)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    sizes: list[int] = []
    begin = time.perf_counter()
    with (
        Progress(*columns, TimeRemainingColumn()) as progress,
        ThreadPoolExecutor(CLIENTS) as clients,
    ):
        task = progress.add_task("signals", total=count)
        sent = 0
        # A few batches at a time: all of them at once would need more memory than the verifier.
        signals = told(count)
        for some in iter(lambda: list(islice(signals, BATCH * CLIENTS)), []):
            batches = [some[begin : begin + BATCH] for begin in range(0, len(some), BATCH)]
            sent += sum(clients.map(verifier.take, batches))
            progress.update(task, completed=sent)
            if sent * 100 // count > len(sizes):
                sizes += [memory.memory_info().rss] * (sent * 100 // count - len(sizes))
    return sizes, time.perf_counter() - begin


def on_disk(kind: str, home: str, url: str) -> int:
    if kind == "sqlite":
        return sum(file.stat().st_size for file in Path(home).glob("landed.db*"))
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = current_schema() AND c.relkind = 'r'"
        ).scalar_one()
    engine.dispose()
    return int(found)


def measure(kind: str, server: str | None, count: int) -> bool:
    """Print the figures of one kind of ledger; whether memory was flat."""
    with ledger(kind, server) as (home, url):
        verifier = Verifier(home, url)
        with verifier.serving():
            pass
        with verifier.serving() as (process, empty):
            sizes, seconds = fill(verifier, process, count)
            process.send_signal(signal.SIGKILL)
            process.wait()
        with verifier.serving() as (_, killed):
            pass
        with verifier.serving() as (_, full):
            pass
        bytes_kept = on_disk(kind, home, url)
    first, last = sizes[len(sizes) // 10 - 1], sizes[-1]
    flat = last <= MOST * first
    print(f"\n{kind}: {count:,} signals in {seconds:.0f} s, {count / seconds:,.0f}/s")
    print(f"  ready after {empty:.2f} s empty, {full:.2f} s full, {killed:.2f} s after a kill")
    along = ", ".join(f"{sizes[len(sizes) * part // 10 - 1] / 2**20:.0f}" for part in range(1, 11))
    print(f"  resident MiB after each tenth: {along}")
    print(
        f"  {last / first:.2f} of what it was after the first tenth, at most {MOST}"
        f"{'' if flat else '  MISSED'}"
    )
    print(f"  {bytes_kept / count:,.0f} bytes a signal, {bytes_kept / 2**20:,.0f} MiB in all")
    return flat


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    asked = parser.parse_args()
    kinds = [asked.only] if asked.only else ["sqlite", "postgresql"]
    with postgres() if "postgresql" in kinds else nullcontext() as server:
        flat = [measure(kind, server, asked.count) for kind in kinds]
    return 0 if all(flat) else 1


if __name__ == "__main__":
    sys.exit(main())

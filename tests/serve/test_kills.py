"""``landed serve`` killed again and again under load."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from verifier.ledger.ledger import Ledger
from verifier.ledger.schema import signals

KILLS = 10
CLIENTS = 4
BATCH = 20
UNDER_LOAD = 0.4  # seconds of load before each kill

CONFIG = """
version: 1
ledger: sqlite:///{home}/landed.db
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
def test_ten_kills_under_load_lose_nothing_that_was_acknowledged(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    (tmp_path / "landed.yaml").write_text(CONFIG.format(home=tmp_path))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with Clients(f"http://127.0.0.1:{port}") as clients:
        for _ in range(KILLS):
            with served(tmp_path, port) as process:
                before = len(clients.acknowledged)
                deadline = time.monotonic() + 20
                while len(clients.acknowledged) == before and time.monotonic() < deadline:
                    time.sleep(0.02)
                time.sleep(UNDER_LOAD)
                process.send_signal(signal.SIGKILL)
                process.wait()
                assert len(clients.acknowledged) > before
    acknowledged = clients.acknowledged
    with Ledger.open(f"sqlite:///{tmp_path}/landed.db", datetime.now(UTC)) as ledger:
        with ledger._database.read() as connection:
            kept = set(connection.scalars(select(signals.c.id)))
        disagreements = ledger.check()
    record_property("acknowledged", len(acknowledged))
    record_property("kept", len(kept))
    assert acknowledged - kept == set()
    assert disagreements == []

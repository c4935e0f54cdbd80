"""A real ``landed serve`` on a ledger of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

CONFIG = """
version: 1
ledger: "{ledger}"
listen: 127.0.0.1:0
jobs:
  quarter:
    statement: Every quarter hour is there.
    schedule: {{every: 15m}}
    class: one-result
    effects: replace
{more}"""

PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Serve:
    """A running process, with its URL and its log."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", trust_env=False, timeout=20)

    def tell(self, id_: str, at: datetime | None = None) -> httpx.Response:
        """Send one signal, said at ``at`` or now."""
        said = (at or datetime.now(UTC)).isoformat()
        signal = {"job": "quarter", "kind": "started", "at": said, "id": id_, "attempt": id_}
        return httpx.post(f"{self.url}/v1/signals", json=signal, trust_env=False, timeout=20)

    def is_ready(self) -> bool:
        return self.get("/readyz").is_success

    def eventually(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Serve]]:
    """Starts a ``serve`` of the ledger at a URL; ``more`` is added to its configuration."""
    begun: list[subprocess.Popen[str]] = []

    def one(ledger: str, more: str = "", **environ: str) -> Serve:
        config = tmp_path / f"landed{len(begun)}.yaml"
        config.write_text(CONFIG.format(ledger=ledger, more=more))
        log = config.with_suffix(".log")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LANDED_")}
        environment |= {"LANDED_SPOOL": str(tmp_path / "spool"), **environ}
        command = [sys.executable, "-m", "verifier.cli.entry", "serve", "--config", str(config)]
        with log.open("w") as errors:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
            )
        begun.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, log.read_text()
        return Serve(process, line.split()[-1], log)

    yield one
    for process in begun:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()

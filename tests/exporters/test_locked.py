"""A real ``serve``, scraped while another process holds its ledger locked."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.slow

CONFIG = """\
version: 1
ledger: sqlite:///{home}/landed.db
jobs:
  quarter:
    schedule: {{every: 15m}}
    class: best-effort
"""
HOLD = """\
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""
QUICK_SECONDS = 1.0
"""More than a busy machine needs, and much less than anybody waits for a lock."""


@pytest.fixture
def served(tmp_path: Path):
    """The URL of a process that serves."""
    (tmp_path / "landed.yaml").write_text(CONFIG.format(home=tmp_path))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LANDED_")}
    environment["LANDED_SPOOL"] = str(tmp_path / "spool")
    command = [sys.executable, "-m", "verifier.cli.entry", "serve", "--json", "--tick", "200ms"]
    command += ["--listen", "127.0.0.1:0", "--config", str(tmp_path / "landed.yaml")]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log)
    text = ""
    while not text.endswith("}\n"):
        text += process.stdout.readline().decode()
    yield json.loads(text)["url"]
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def holding(tmp_path: Path):
    """Starts a process that locks the ledger; it is told to let go by closing its input."""
    started = []

    def hold() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", HOLD, str(tmp_path / "landed.db")]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(holder)
        assert holder.stdout.readline() == b"locked\n"
        return holder

    yield hold
    for holder in started:
        holder.kill()
        holder.communicate()


def scrape(url: str) -> dict[str, float]:
    answer = httpx.get(f"{url}/metrics", trust_env=False, timeout=20)
    answer.raise_for_status()
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def evaluated(url: str, loop: str) -> float:
    name = f'landed_last_evaluation_timestamp_seconds{{loop="{loop}"}}'
    return scrape(url).get(name, 0.0)


def wait_until(holds, seconds: float = 20.0) -> None:
    last = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < last
        time.sleep(0.1)


def has_figures(url: str) -> bool:
    return httpx.get(f"{url}/metrics", trust_env=False, timeout=20).status_code == 200


def test_a_scrape_of_a_locked_ledger_is_quick_and_shows_that_nothing_is_evaluated(served, holding):
    wait_until(lambda: has_figures(served))
    holder, locked_at = holding(), time.time()
    times = []
    for _ in range(20):
        began = time.monotonic()
        scrape(served)
        times.append(time.monotonic() - began)
    assert max(times) < QUICK_SECONDS
    # Who listens has to write, so waits for the lock, and completes no turn.
    wait_until(lambda: evaluated(served, "metrics") > locked_at + 4)
    assert evaluated(served, "listening") <= locked_at
    holder.communicate()
    wait_until(lambda: evaluated(served, "listening") > locked_at)

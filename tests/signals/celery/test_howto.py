"""The page on Celery, followed to the letter: its files, its commands, its outcome."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from verifier.runs.instant import parse_instant

PAGE = (Path(__file__).parents[3] / "docs/how-to/celery.md").read_text()
FILES = re.findall(r"^`(\S+)`:\n\n```\w+\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
PART = PAGE.partition("## From nothing")[2].partition("\n## ")[0]
COMMANDS = [
    line.strip()
    for block in re.findall(r"^```sh\n(.*?)```", PART, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if not line.startswith("pip ")
]


class Shell:
    """Runs what the page says, in a folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": path, "TZ": "UTC"}
        self.background: list[subprocess.Popen[bytes]] = []

    def run(self, command: str) -> str:
        if command.endswith(" &"):
            self.background.append(
                subprocess.Popen(
                    command.removesuffix(" &").split(),
                    cwd=self.home,
                    env=self.environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            return ""
        done = self._done(command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def succeeds(self, command: str) -> bool:
        return self._done(command).returncode == 0

    def _done(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command.split(),
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
        )

    def json(self, command: str) -> Any:
        return msgspec.json.decode(self.run(f"{command} --json"))


@contextmanager
def shell(home: Path) -> Iterator[Shell]:
    made = Shell(home)
    try:
        yield made
    finally:
        for process in reversed(made.background):
            process.terminate()
        for process in made.background:
            process.wait(60)


@pytest.mark.slow
def test_the_page_leads_to_a_verified_run(tmp_path: Path, brokers: Any) -> None:
    # Its queue is Celery's usual one, so the broker is its own.
    (home := tmp_path / "redis").mkdir()
    with brokers.redis(home, brokers.free_port()) as url:
        follow(url, tmp_path)


def follow(url: str, home: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    for name, text in FILES:
        text = text.replace("redis://127.0.0.1:6379/0", url)
        (home / name).write_text(text.replace("127.0.0.1:9877", address))
    with shell(home) as typed:
        for command in COMMANDS:
            if command.startswith("celery -A shop call"):
                _await_worker(typed, address)
            typed.run(command)
        _until(lambda: _run(typed)["verdict"] is not None)
        assert _run(typed)["verdict"] == "verified"
        _until(lambda: [a["state"] for a in _attempts(typed)] == ["succeeded"])


def _run(typed: Shell) -> dict[str, Any]:
    (run,) = typed.json("landed runs")["runs"]
    return dict(run)


def _attempts(typed: Shell) -> list[dict[str, Any]]:
    attempts: list[dict[str, Any]] = _run(typed)["attempts"]
    return attempts


def _await_worker(typed: Shell, address: str) -> None:
    """A person would see that landed is up and hears, and that the worker is."""
    # The first that is told is when it began to try.
    _until(lambda: _heard_until(address) is not None)
    began = datetime.now(UTC)
    _until(lambda: (_heard_until(address) or began) > began)
    _until(lambda: typed.succeeds("celery -A shop inspect ping"))


def _heard_until(address: str) -> datetime | None:
    try:
        sources = httpx.get(f"http://{address}/v1/sources").json()["sources"]
    except httpx.TransportError:
        return None
    heard = [each["heard_until"] for each in sources if each["source"] == "celery"]
    return parse_instant(heard[0]) if heard and heard[0] else None


def _until(holds: Any, within: float = 120) -> None:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline and not holds():
        time.sleep(0.3)
    assert holds()


def test_the_page_has_its_files_and_commands() -> None:
    assert [name for name, _ in FILES] == ["shop.py", "landed.yaml"]
    assert "landed verify nightly-revenue" in COMMANDS

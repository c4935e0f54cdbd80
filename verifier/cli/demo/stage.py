"""The demo's stage: real processes, a real warehouse, a real ``serve``, in one folder."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

import httpx

from verifier.alerts.links import Links
from verifier.alerts.prometheus import prometheus_files
from verifier.cli.generated import write
from verifier.config.load import load
from verifier.runs.instant import format_instant, from_microseconds, to_microseconds

JOB = "daily-revenue"
NIGHT = timedelta(seconds=4)
REGIONS = 150
LANDED = [sys.executable, "-m", "verifier.cli.entry"]


class StageFailed(RuntimeError):
    """The demo could not be played; its text says what did not happen."""


class Stage:
    """A folder with the demo's databases, configuration and running processes."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.url = f"http://127.0.0.1:{_free_port()}"
        self._children: list[subprocess.Popen[bytes]] = []

    def build(self, nights: list[datetime]) -> None:
        """Write configuration, rules and dashboards, and each night's orders at its start."""
        self.home.mkdir(parents=True, exist_ok=True)
        config = files("verifier.cli.demo").joinpath("landed.yaml").read_text()
        first = format_instant(min(nights))
        (self.home / "landed.yaml").write_text(config.replace("FIRST-NIGHT", first))
        self._build_pictures()
        with sqlite3.connect(self.home / "orders.db") as orders:
            orders.execute("create table regions (code text primary key, active int)")
            orders.execute("create table orders (night text, region text, amount numeric)")
            codes = [f"R{number:03}" for number in range(1, REGIONS + 1)]
            orders.executemany("insert into regions values (?, 1)", [(code,) for code in codes])
            orders.executemany(
                "insert into orders values (?, ?, ?)",
                [
                    (sql_text(night - NIGHT), code, 100 + number)
                    for night in nights
                    for number, code in enumerate(codes)
                ],
            )
        orders.close()
        with sqlite3.connect(self.home / "warehouse.db") as warehouse:
            # In this mode readers hold up no writer, so asking does not slow the job.
            warehouse.execute("pragma journal_mode = wal")
            warehouse.execute("create table daily_revenue (night text, region text, amount int)")
        warehouse.close()

    def _build_pictures(self) -> None:
        """Dashboards and rules, as ``landed dashboards`` and ``landed alerts`` make them."""
        # Grafana's SDK takes a tenth of a second to import, and only this needs it.
        from verifier.dashboards.files import dashboard_files

        jobs = load(self.home / "landed.yaml").jobs.values()
        rules = prometheus_files((job.declaration for job in jobs), Links(verifier=self.url))
        write(self.home / "alerts", rules)
        write(self.home / "dashboards", dashboard_files(self.url))

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run ``landed serve`` until the block ends; every child is gone then."""
        with (self.home / "serve.log").open("wb") as output:
            serve = self._start(
                [*LANDED, "serve", "--listen", self.url.removeprefix("http://"), "--tick", "200ms"],
                output,
            )
        try:
            self._wait_until_ready(serve)
            yield
        finally:
            self.stop_children()

    def execute(self, night: datetime, job: list[str], *options: str) -> subprocess.Popen[bytes]:
        """Start the job under the wrapper, as cron would."""
        wrapper = [*LANDED, "exec", "--job", JOB, "--due", format_instant(night)]
        wrapper += ["--heartbeat", "500ms", *options, "--"]
        command = [sys.executable, str(files("verifier.cli.demo").joinpath("revenue.py"))]
        command += ["--home", str(self.home), "--night", sql_text(night - NIGHT), *job]
        return self._start([*wrapper, *command])

    def wait_for(self, process: subprocess.Popen[bytes]) -> int:
        """The exit code that a shell would see."""
        code = process.wait(timeout=30)
        return 128 - code if code < 0 else code

    def kill_job(self, wrapper: subprocess.Popen[bytes]) -> None:
        """SIGKILL the job itself once it hangs; its wrapper lives and tells."""
        marker = self.home / "hanging"
        deadline = time.monotonic() + 15
        while not marker.exists():
            if time.monotonic() > deadline or wrapper.poll() is not None:
                raise StageFailed("the demo's job did not come to the point where it hangs")
            time.sleep(0.02)
        marker.unlink()
        os.kill(_child_of(wrapper.pid), signal.SIGKILL)

    def hide_warehouse(self) -> None:
        """Make the destination unreachable."""
        (self.home / "warehouse.db").rename(self.home / "warehouse.db.away")

    def restore_warehouse(self) -> None:
        """Bring the destination back."""
        away = self.home / "warehouse.db.away"
        if away.exists():
            away.rename(self.home / "warehouse.db")

    def run_document(self, night: datetime) -> dict[str, Any]:
        """What the verifier says of a night now; empty where it knows nothing of it yet."""
        answer = httpx.get(f"{self.url}/v1/runs/{JOB}/{format_instant(night)}", timeout=10)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return {}
        if answer.status_code != httpx.codes.OK:
            raise StageFailed(f"the verifier answered {answer.status_code} for {night}")
        document: dict[str, Any] = answer.json()
        return document

    def wait_until_heard(self, night: datetime) -> None:
        """Return once the verifier knows that no attempt of the night is running."""
        deadline = time.monotonic() + 10
        while self.run_document(night).get("reported", "none") in ("none", "running"):
            if time.monotonic() > deadline:
                raise StageFailed("the end of the demo's job did not reach the verifier")
            time.sleep(0.05)

    def stop_children(self) -> None:
        """End every process that was started here."""
        for child in reversed(self._children):
            if child.poll() is None:
                child.terminate()
        for child in reversed(self._children):
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _start(
        self, command: list[str], output: IO[bytes] | None = None
    ) -> subprocess.Popen[bytes]:
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("LANDED_")},
            "LANDED_URL": self.url,
            "LANDED_CONFIG": str(self.home / "landed.yaml"),
            "LANDED_SPOOL": str(self.home / "spool"),
        }
        child: subprocess.Popen[bytes] = subprocess.Popen(
            command,
            cwd=self.home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.DEVNULL,
            stderr=output or subprocess.DEVNULL,
        )
        self._children.append(child)
        return child

    def _wait_until_ready(self, serve: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if serve.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/readyz", timeout=1).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        log = (self.home / "serve.log").read_text(errors="replace")[-500:]
        raise StageFailed(f"landed serve did not become ready: {log}")


def first_night(now: datetime) -> datetime:
    """The due instant of the first night: a whole slot, with time to set the stage."""
    length = to_microseconds(from_microseconds(0) + NIGHT)
    slot = -(-(to_microseconds(now) + 2_500_000) // length)
    return from_microseconds(slot * length)


def sql_text(moment: datetime) -> str:
    """An instant as SQLite writes it: UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _child_of(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in children:
        if b"revenue.py" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    raise StageFailed("the demo's job has no process to kill")

"""A home with a history: a real configuration, ledger and warehouse, played up to this hour.

The job ``revenue`` appends one row a region and is due every hour. Of its last due
instants, newest last: one was verified, one lied, one never started, one was killed
while the warehouse was away.
"""

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

from verifier.checks.stores.registry import Stores
from verifier.cli.app import run
from verifier.config.load import load
from verifier.engine.clock import system_clock, system_wait
from verifier.engine.engine import Engine
from verifier.engine.fleet import Fleet
from verifier.engine.guarding import Gatekeeper
from verifier.engine.instance import claim, operate_token
from verifier.engine.listening import NATIVE, still_here
from verifier.engine.service import Service
from verifier.ledger.ledger import Ledger
from verifier.runs.instant import format_instant
from verifier.web.access import Access
from verifier.web.app import build_app
from verifier.web.server import Server, listen

HOUR = timedelta(hours=1)
REGIONS = ["R1", "R2", "R3"]
LONG = "nightly-aggregation-of-everything-" + "x" * 66
NASTY = "boom \x1b[31mred\x1b[0m [bold red]markup[/bold red] \u202eevil"

CONFIG = """\
version: 1
ledger: sqlite:///landed.db
listen: 127.0.0.1:0
startup_grace: 1s
stores:
  warehouse: {type: sql, url: "sqlite:///warehouse.db"}
jobs:
  revenue:
    statement: Every region has the hour's revenue exactly once.
    schedule: {every: 1h}
    class: one-result
    effects: append
    finish_within: 30m
    settle: 100ms
    owner: "[red]finance[/red]"
    consumers: [dashboard]
    guard: {enabled: true}
    checks:
      - type: scope
        name: regions
        store: warehouse
        table: revenue
        key: [region]
        where: "hour = :interval_start"
        expected: {store: warehouse, sql: "select code from regions"}
  unproved:
    schedule: {every: 1h}
    class: best-effort
  LONG:
    statement: A name that fills the line is cut, never wrapped.
    schedule: {every: 1h}
    class: one-result
    effects: replace
    settle: 100ms
    checks:
      - {type: row_count, name: NAME, store: warehouse, table: nowhere, where: "1 = 1", ge: 1}
""".replace("LONG", LONG).replace("NAME", "rows-" + "y" * 90)


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Home:
    """A folder with a history, and the due instants of its four hours.

    ``long``: a job whose names fill every line.
    """

    path: Path
    verified: str
    lied: str
    missing: str
    ambiguous: str
    long: str = LONG

    def moved(self, path: Path) -> "Home":
        return Home(path, self.verified, self.lied, self.missing, self.ambiguous)

    def ledger(self) -> Ledger:
        return Ledger.open(f"sqlite:///{self.path}/landed.db", system_clock())


@contextmanager
def opened(home: Path, clock: Callable[[], datetime]) -> Iterator[Service]:
    """The service of the ledger in ``home``."""
    config = load(home / "landed.yaml", {"LANDED_LEDGER": f"sqlite:///{home}/landed.db"})
    with Ledger.open(config.ledger, clock()) as ledger, Stores(config.stores) as stores:
        fleet = Fleet(config, ledger, stores)
        gatekeeper = Gatekeeper(ledger, fleet, clock)
        yield Service(ledger, fleet, gatekeeper, clock, system_wait)
        gatekeeper.close()


class Player:
    """Plays hours of the past into a ledger."""

    def __init__(self, home: Path, service: Service, engine: Engine, clock: list[datetime]) -> None:
        self.home = home
        self.service = service
        self.engine = engine
        self.clock = clock

    def write(self, due: datetime, regions: Sequence[str]) -> None:
        hour = (due - HOUR).strftime("%Y-%m-%d %H:%M:%S")
        with sqlite3.connect(self.home / "warehouse.db") as warehouse:
            warehouse.executemany(
                "insert into revenue values (?, ?)", [(hour, region) for region in regions]
            )
        warehouse.close()

    def say(self, kind: str, job: str, due: datetime, attempt: str, **more: Any) -> None:
        signal = {
            "job": job,
            "kind": kind,
            "at": format_instant(self.clock[0]),
            "due": format_instant(due),
            "attempt": attempt,
            "worker": "host-1:4711",
            **more,
        }
        receipt = self.service.receive([json.dumps(signal).encode()], NATIVE)
        assert receipt.rejected == ()

    def tick_to(self, moment: datetime) -> None:
        while self.clock[0] < moment:
            self.clock[0] = min(moment, self.clock[0] + timedelta(minutes=2))
            self.engine.tick(self.clock[0])
            self.engine.settle(10)

    def hour(self, due: datetime, *, regions: Sequence[str], end: str, **more: Any) -> None:
        """One attempt of ``revenue``, five minutes long."""
        self.clock[0] = due + timedelta(seconds=1)
        self.say("started", "revenue", due, f"try-{due:%H}")
        if regions:
            self.write(due, regions)
        self.clock[0] = due + timedelta(minutes=5)
        self.say(end, "revenue", due, f"try-{due:%H}", **more)
        self.tick_to(due + timedelta(minutes=20))


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The history, played once; its ledger was heard of just now."""
    home = tmp_path_factory.mktemp("played")
    (home / "landed.yaml").write_text(CONFIG)
    with sqlite3.connect(home / "warehouse.db") as warehouse:
        warehouse.execute("create table regions (code text)")
        warehouse.execute("create table revenue (hour text, region text)")
        warehouse.executemany("insert into regions values (?)", [(code,) for code in REGIONS])
    warehouse.close()
    here = Path.cwd()
    os.chdir(home)
    try:
        dues = _play(home)
    finally:
        os.chdir(here)
    return Home(home, *map(format_instant, dues))


def _play(home: Path) -> list[datetime]:
    this_hour = system_clock().replace(minute=0, second=0, microsecond=0)
    dues = [this_hour - number * HOUR for number in (5, 4, 3, 2)]
    clock = [dues[0] - timedelta(minutes=5)]
    with opened(home, lambda: clock[0]) as service:
        service.fleet.register(clock[0])
        still_here(service.ledger, clock[0], timedelta(seconds=1))
        engine = Engine(service.ledger, service.fleet, lambda: clock[0])
        player = Player(home, service, engine, clock)
        player.hour(dues[0], regions=REGIONS, end="succeeded", exit_code=0)
        player.hour(dues[1], regions=REGIONS[:2], end="succeeded", exit_code=0)
        player.tick_to(dues[2] + timedelta(minutes=20))
        player.clock[0] = dues[3] + timedelta(seconds=1)
        player.say("started", LONG, dues[3], "attempt-" + "z" * 100)
        player.say("succeeded", LONG, dues[3], "attempt-" + "z" * 100, reason=NASTY)
        away = (home / "warehouse.db").rename(home / "warehouse.away")
        player.hour(dues[3], regions=[], end="failed", exit_code=137, reason=NASTY)
        away.replace(home / "warehouse.db")
        engine.close()
        # Ahead of time, so that a copy made at the end of the suite was heard of just now.
        service.ledger.listening(NATIVE, system_clock() + HOUR)
    return dues


@pytest.fixture
def home(played: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A copy of the history, as the current directory of a clean environment."""
    path = tmp_path / "home"
    shutil.copytree(played.path, path)
    _clean(path, monkeypatch)
    return played.moved(path)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, as the current directory of a clean environment."""
    path = tmp_path / "empty"
    path.mkdir()
    _clean(path, monkeypatch)
    return path


def _clean(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("LANDED_") or name in ("COLUMNS", "LINES", "FORCE_COLOR"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LANDED_SPOOL", str(path / "spool"))
    monkeypatch.chdir(path)


Landed = Callable[..., Result]


@pytest.fixture
def rendered() -> Callable[..., list[str]]:
    """The lines that a terminal of some width would show."""

    def lines(*renderables: RenderableType, width: int = 80) -> list[str]:
        file = StringIO()
        console = Console(file=file, width=width, markup=False, highlight=False)
        for renderable in renderables:
            console.print(renderable)
        return file.getvalue().splitlines()

    return lines


@pytest.fixture
def landed(capsys: pytest.CaptureFixture[str]) -> Landed:
    """Runs a command line in this process."""

    def command(*words: str) -> Result:
        capsys.readouterr()
        code = run(list(words))
        told = capsys.readouterr()
        return Result(code, told.out, told.err)

    return command


@dataclass(frozen=True)
class Served:
    url: str
    token: str
    service: Service


@pytest.fixture
def served(home: Home) -> Iterator[Served]:
    """The history behind its API, on a real socket of this process."""
    ledger = home.path / "landed.db"
    token = operate_token(ledger, create=True)
    assert token is not None
    with opened(home.path, system_clock) as service:
        listener = listen("127.0.0.1", 0)
        config = service.fleet.config
        server = Server(build_app(service, Access.of(config.listen, config.tokens, token)))
        thread = threading.Thread(target=lambda: server.run(sockets=[listener.socket]))
        with claim(ledger, listener.url):
            thread.start()
            try:
                yield Served(listener.url, token, service)
            finally:
                server.should_exit = True
                thread.join()
                listener.close()

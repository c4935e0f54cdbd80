"""A world for the engine: a clock that is set by hand, a real ledger, a real warehouse."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from verifier.checks.stores.registry import Stores
from verifier.config.load import load
from verifier.engine.documents import document
from verifier.engine.engine import Engine
from verifier.engine.fleet import Fleet
from verifier.engine.guarding import Gatekeeper
from verifier.engine.listening import still_here
from verifier.engine.service import Service
from verifier.ledger.ledger import Ledger
from verifier.runs.binding import RunKey
from verifier.runs.instant import format_instant

START = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
FIRST = datetime(2026, 4, 2, 2, 0, tzinfo=UTC)
REGIONS = [f"R{number:02}" for number in range(10)]

CONFIG = """
version: 1
ledger: "{ledger}"
startup_grace: 1m
stores:
  orders: {{type: sql, url: "sqlite:///{home}/orders.db"}}
  warehouse: {{type: sql, url: "sqlite:///{home}/warehouse.db"}}
jobs:
  revenue:
    statement: Every region has the day's revenue exactly once.
    schedule: {{cron: "0 2 * * *", timezone: UTC}}
    covers: previous-day
    class: one-result
    effects: {effects}
    start_within: 5m
    finish_within: 45m
    lease: 10m
    zombie_grace: 90m
    settle: 10s
    recheck: [15m, 6h]
    {more}
    checks:
      - type: scope
        name: regions
        store: warehouse
        table: revenue
        key: [region]
        where: "day = :day"
        expected: {{store: orders, sql: "select code from regions"}}
      - type: exactly_once
        name: no-double
        store: warehouse
        table: revenue
        key: [day, region]
        where: "day = :day"
        within: lifetime
"""


class World:
    """Everything that an engine test moves: time, signals, and rows in the warehouse."""

    def __init__(self, home: Path, ledger: str, effects: str = "append", more: str = "") -> None:
        self.home = home
        self.now = START
        for name, table in (
            ("orders", "create table regions (code text)"),
            ("warehouse", "create table revenue (day text, region text)"),
        ):
            with sqlite3.connect(home / f"{name}.db") as database:
                database.execute(table)
            database.close()
        self.sql("orders", "insert into regions values (?)", [(code,) for code in REGIONS])
        text = CONFIG.format(home=home, ledger=ledger, effects=effects, more=more)
        (home / "landed.yaml").write_text(text)
        self.open()

    def open(self) -> None:
        config = load(self.home / "landed.yaml", {})
        self.ledger = Ledger.open(config.ledger, self.now)
        self.stores = Stores(config.stores)
        self.fleet = Fleet(config, self.ledger, self.stores)
        self.fleet.register(self.now)
        still_here(self.ledger, self.now, config.startup_grace)
        self.engine = Engine(self.ledger, self.fleet, self.clock)
        self.gatekeeper = Gatekeeper(self.ledger, self.fleet, self.clock)
        self.service = Service(self.ledger, self.fleet, self.gatekeeper, self.clock, self.wait)

    def close(self) -> None:
        self.gatekeeper.close()
        self.engine.close()
        self.stores.close()
        self.ledger.close()

    def clock(self) -> datetime:
        return self.now

    def wait(self, length: timedelta) -> None:
        self.now += max(length, timedelta(milliseconds=1))

    def sql(self, store: str, statement: str, rows: list[tuple[Any, ...]]) -> None:
        database = sqlite3.connect(self.home / f"{store}.db")
        with database:
            database.executemany(statement, rows)
        database.close()

    def write(self, day: str, regions: list[str]) -> None:
        """What the job would have written for one day."""
        rows = [(day, region) for region in regions]
        self.sql("warehouse", "insert into revenue values (?, ?)", rows)

    def signal(self, kind: str, at: datetime, attempt: str | None = "a1", **more: Any) -> None:
        item = {"job": "revenue", "kind": kind, "at": format_instant(at), **more}
        if attempt is not None:
            item["attempt"] = attempt
        receipt = self.service.receive([json.dumps(item).encode()], "test")
        assert receipt.rejected == ()

    def tick_to(self, moment: datetime, every: timedelta = timedelta(seconds=30)) -> None:
        """Let time pass until ``moment``, with a tick every so often."""
        while self.now < moment:
            self.now = min(moment, self.now + every)
            self.tick()

    def tick(self) -> None:
        """Let the engine do all that is due now, looks that follow at once included."""
        for _ in range(4):
            self.engine.tick(self.now)
            self.engine.settle(10)
            if not self.ledger.awake(self.now, 1):
                break

    def run(self, due: datetime = FIRST) -> dict[str, Any]:
        return document(self.ledger, RunKey("revenue", format_instant(due)), self.now)


@pytest.fixture
def world(tmp_path: Path, ledger_url: str) -> Iterator[World]:
    made = World(tmp_path, ledger_url)
    yield made
    made.close()


@pytest.fixture
def make_world(tmp_path: Path, ledger_url: str) -> Iterator[Any]:
    made: list[World] = []

    def make(effects: str = "append", more: str = "") -> World:
        world = World(tmp_path, ledger_url, effects, more)
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()

"""A whole verifier behind its API: real configuration, ledger and warehouse, a clock that stands.

The job ``nightly`` appends one row a region and is due at 02:00 UTC; it is 03:00.
"""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette

from verifier.checks.stores.registry import Stores
from verifier.config.config import Config
from verifier.config.file import Address, Tokens
from verifier.config.load import load
from verifier.engine.fleet import Fleet
from verifier.engine.guarding import Gatekeeper
from verifier.engine.service import Service
from verifier.ledger import database
from verifier.ledger.ledger import Ledger
from verifier.web.access import Access
from verifier.web.app import build_app

NOW = datetime(2026, 4, 3, 3, 0, tzinfo=UTC)
DECLARED = NOW - timedelta(days=2)
TOKEN = "made-token-beside-the-ledger"
INGEST_TOKEN = "ingest-token-0123456789"

YAML = """\
version: 1
ledger: sqlite:///{folder}/landed.db
stores:
  warehouse: {{type: sql, url: "sqlite:///{folder}/warehouse.db"}}
jobs:
  nightly:
    statement: Every region has one row for yesterday.
    schedule: {{cron: "0 2 * * *"}}
    covers: previous-day
    class: one-result
    effects: append
    settle: 0s
    since: 2026-04-01
    checks:
      - type: scope
        name: regions
        store: warehouse
        table: revenue
        key: [region]
        where: "day = :day"
        expected: {{store: warehouse, sql: "select code from regions"}}
  beat:
    schedule: {{every: 15m}}
    class: best-effort
"""


@dataclass
class Clock:
    """Stands until it is moved; waiting moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def wait(self, length: timedelta) -> None:
        self.now += length


@dataclass
class Api:
    """The application, asked one request at a time without a socket."""

    app: Starlette
    base: str = "http://127.0.0.1:9877"
    headers: dict[str, str] = field(default_factory=dict)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=self.base) as client:
                headers = {**self.headers, **more.pop("headers", {})}
                return await client.request(method, path, headers=headers, **more)

        return anyio.run(ask)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, body: object, **more: Any) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **more.pop("headers", {})}
        return self.request("POST", path, content=content, headers=headers, **more)

    def bearing(self, token: str) -> "Api":
        return Api(self.app, self.base, {**self.headers, "Authorization": f"Bearer {token}"})

    def as_operator(self) -> "Api":
        return self.bearing(TOKEN)


@dataclass
class Warehouse:
    """What the job wrote, and should have written."""

    path: Path

    def __post_init__(self) -> None:
        with sqlite3.connect(self.path) as connection:
            connection.execute("pragma synchronous = off")
            connection.execute("create table regions (code text)")
            connection.execute("create table revenue (day text, region text)")
            connection.executemany("insert into regions values (?)", [("de",), ("fr",)])
        connection.close()

    def write(self, *regions: str, day: str = "2026-04-02") -> None:
        with sqlite3.connect(self.path) as connection:
            rows = [(day, region) for region in regions]
            connection.executemany("insert into revenue values (?, ?)", rows)
        connection.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.db")


def configured(folder: Path) -> Config:
    file = folder / "landed.yaml"
    file.write_text(YAML.format(folder=folder))
    return load(file, {})


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return configured(tmp_path)


@pytest.fixture(scope="session")
def blank_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that knows the jobs and nothing else: to copy it is quicker than to make it."""
    folder = tmp_path_factory.mktemp("ledger")
    config = configured(folder)
    with Ledger.open(config.ledger, DECLARED) as ledger, Stores(config.stores) as stores:
        Fleet(config, ledger, stores).register(DECLARED)
    return folder / "landed.db"


@pytest.fixture
def service(
    blank_ledger: Path, config: Config, clock: Clock, warehouse: Warehouse
) -> Iterator[Service]:
    shutil.copy(blank_ledger, Path(config.file).with_name("landed.db"))
    with Ledger.open(config.ledger, clock()) as ledger, Stores(config.stores) as stores:
        fleet = Fleet(config, ledger, stores)
        fleet.register(clock())
        gatekeeper = Gatekeeper(ledger, fleet, clock)
        yield Service(ledger, fleet, gatekeeper, clock, clock.wait)
        gatekeeper.close()


@pytest.fixture
def api(service: Service, config: Config) -> Api:
    return Api(build_app(service, Access.of(config.listen, config.tokens, TOKEN)))


@pytest.fixture
def closed_api(service: Service) -> Api:
    """Beyond loopback, asked by one who holds an ingest token."""
    tokens = Tokens.model_validate(
        {"ingest": [INGEST_TOKEN], "operate": {"oncall": "oncall-token-0123456789"}}
    )
    access = Access.of(Address("0.0.0.0", 9877), tokens, TOKEN)
    return Api(build_app(service, access), "http://10.0.0.1:9877").bearing(INGEST_TOKEN)


@pytest.fixture
def signal() -> Callable[..., dict[str, Any]]:
    """Signals of attempt a1 of ``nightly``, said at 02:10 unless they say otherwise."""

    def signal(kind: str, **more: Any) -> dict[str, Any]:
        at = "2026-04-03T02:10:00Z"
        return {"job": "nightly", "kind": kind, "at": at, "attempt": "a1", **more}

    return signal


@pytest.fixture
def lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Callable[[], None]]]:
    """Takes the ledger's write lock; what it returns gives that back.

    To be asked for before ``api``, so that nobody waits for long.
    """
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.2)
    held: list[sqlite3.Connection] = []

    def lock() -> Callable[[], None]:
        held.append(sqlite3.connect(tmp_path / "landed.db", isolation_level=None))
        held[0].execute("begin immediate")
        return held[0].close

    yield lock
    for connection in held:
        connection.close()


SERVED = """
version: 1
ledger: sqlite:///{home}/landed.db
stores:
  warehouse: {{type: sql, url: "sqlite:///{home}/warehouse.db"}}
jobs:
  quarter:
    schedule: {{every: 15m}}
    class: best-effort
  decorated-works:
    schedule: {{every: 1h}}
    class: best-effort
  decorated-fails:
    schedule: {{every: 1h}}
    class: best-effort
  hourly:
    statement: Every hour is there.
    schedule: {{every: 1h}}
    class: one-result
    effects: replace
    settle: 400ms
    checks:
      - {{type: row_count, name: rows, store: warehouse, sql: "select 0", ge: 1}}
"""


class Served:
    """A process that serves, with its address and its log."""

    def __init__(self, home: Path) -> None:
        (home / "landed.yaml").write_text(SERVED.format(home=home))
        (home / "warehouse.db").touch()
        self.log = home / "serve.log"
        self.token = home / "landed.db.token"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LANDED_")}
        environment["LANDED_SPOOL"] = str(home / "spool")
        command = [sys.executable, "-m", "verifier.cli.entry", "serve", "--json"]
        command += ["--listen", "127.0.0.1:0", "--config", str(home / "landed.yaml")]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=log
            )
        self.url = json.loads(_document(self.process.stdout))["url"]
        self.port = int(self.url.rsplit(":", 1)[1])

    def connect(self, sent: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sendall(sent)
        return connection

    def ask(self, sent: bytes) -> tuple[int, dict[str, object]]:
        with self.connect(sent) as connection:
            return answer_of(connection)

    def answer(self, connection: socket.socket) -> tuple[int, dict[str, object]]:
        return answer_of(connection)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", trust_env=False, timeout=20)

    def post(self, path: str, body: object, **more: object) -> httpx.Response:
        return httpx.post(f"{self.url}{path}", json=body, trust_env=False, timeout=20, **more)


def _document(stream: Any) -> bytes:
    """The JSON document on standard output, whether on one line or on several."""
    text = b""
    while line := stream.readline():
        text += line
        try:
            json.loads(text)
        except ValueError:
            continue
        return text
    raise AssertionError("serve ended before it was ready")


def answer_of(connection: socket.socket) -> tuple[int, dict[str, object]]:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    top, _, body = received.partition(b"\r\n\r\n")
    length = int(top.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return int(top.split()[1]), json.loads(body)


@pytest.fixture(scope="session")
def start_serving() -> Callable[[Path], Served]:
    """Starts a ``serve`` of its own in a folder; whoever calls this closes it."""
    return Served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tmp_path_factory.mktemp("serve"))
    yield server
    server.close()

"""Real databases of every kind, and a short way to ask checks about them."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import pytest
from pydantic import TypeAdapter
from sqlalchemy import NullPool, create_engine, make_url

from verifier.checks.evaluate import evaluate
from verifier.checks.question import Question
from verifier.checks.registry import Check
from verifier.checks.stores.registry import StoreConfig, Stores
from verifier.checks.stores.sql import SqlStore, SqlStoreConfig
from verifier.runs.evaluation import CheckResult
from verifier.runs.interval import Interval

NOW = datetime(2026, 4, 3, 3, 0, tzinfo=UTC)
NIGHT = Question(
    job="daily-revenue",
    run="daily-revenue/2026-04-03T00:00:00Z",
    due=datetime(2026, 4, 3, tzinfo=UTC),
    interval=Interval(
        start=datetime(2026, 4, 1, 22, tzinfo=UTC), end=datetime(2026, 4, 2, 22, tzinfo=UTC)
    ),
    timezone="Europe/Berlin",
)
"""The run of the night to 3 April 2026, in Berlin; its business day is 2 April."""


class Database:
    """A SQLite file that tests write to as a job would."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, sql: str, rows: Iterable[Sequence[Any]] | None = None) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            if rows is None:
                connection.executescript(sql)
            else:
                connection.executemany(sql, rows)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"


@dataclass
class Target:
    """A database of some kind: ``url`` is what a store reads, ``write`` what a job does."""

    kind: str
    url: str
    folder: Path
    """Where its server, or the test itself, runs: no file may appear there by reading."""

    def write(self, *statements: str) -> None:
        with self.writing() as execute:
            for sql in statements:
                execute(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.writing() as execute:
            return [tuple(row) for row in execute(sql).fetchall()]

    @contextmanager
    def writing(self) -> Iterator[Callable[[str], Any]]:
        if self.kind == "duckdb":
            with duckdb.connect(make_url(self.url).database or "") as connection:
                yield connection.execute
            return
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            yield connection.exec_driver_sql


KINDS = [
    "sqlite",
    "duckdb",
    pytest.param("postgresql", marks=pytest.mark.slow),
    pytest.param("mariadb", marks=pytest.mark.slow),
]
_NUMBERS = count()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def target(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Target]:
    """An empty database of each kind."""
    if kind == "postgresql":
        url = request.getfixturevalue("postgres_url")()
        yield Target(kind, url, tmp_path)
    elif kind == "mariadb":
        server = make_url(request.getfixturevalue("mariadb_server"))
        url = server.set(database=f"landed_{os.getpid()}_{next(_NUMBERS)}")
        Target(kind, str(server), tmp_path).write(f"CREATE DATABASE {url.database}")
        yield Target(kind, url.render_as_string(hide_password=False), tmp_path)
        Target(kind, str(server), tmp_path).write(f"DROP DATABASE {url.database}")
    else:
        path = tmp_path / "data" / f"shop.{kind}"
        path.parent.mkdir()
        target = Target(kind, f"{kind}:///{path}", tmp_path)
        target.write("SELECT 1")
        yield target


@pytest.fixture
def make_target(tmp_path: Path) -> Callable[[str], Target]:
    return lambda url: Target(make_url(url).get_backend_name(), url, tmp_path)


@pytest.fixture
def open_store() -> Iterator[Callable[..., SqlStore]]:
    """Opens stores on targets, and closes them after the test."""
    stores: list[SqlStore] = []

    def opening(target: Target, **fields: Any) -> SqlStore:
        config = {"type": "sql", "url": target.url, **fields}
        stores.append(SqlStore(SqlStoreConfig.model_validate(config)))
        return stores[-1]

    yield opening
    for store in stores:
        store.close()


class Asker:
    """Asks checks, written as in landed.yaml, about databases called by their file's stem."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def stores(
        self, others: Mapping[str, Mapping[str, Any]] = MappingProxyType({}), **fields: Any
    ) -> Stores:
        written: dict[str, Any] = {
            name: {"type": "sql", "url": f"sqlite:///{self.folder / name}.db", **fields}
            for name in ("orders", "warehouse")
        }
        read = TypeAdapter(StoreConfig).validate_python
        return Stores({name: read(each) for name, each in {**written, **others}.items()})

    def all(
        self,
        checks: Sequence[Mapping[str, Any]],
        question: Question = NIGHT,
        *,
        store_fields: Mapping[str, Any] | None = None,
        stores: Mapping[str, Mapping[str, Any]] | None = None,
        **more: Any,
    ) -> tuple[CheckResult, ...]:
        models = [TypeAdapter(Check).validate_python({"name": "it", **check}) for check in checks]
        with self.stores(stores or {}, **(store_fields or {})) as opened:
            return evaluate(models, opened, question, NOW, **more)

    def __call__(
        self, check: Mapping[str, Any], question: Question = NIGHT, **more: Any
    ) -> CheckResult:
        return self.all([check], question, **more)[0]


@pytest.fixture
def night() -> Question:
    return NIGHT


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def make_database(tmp_path: Path) -> Callable[[str], Database]:
    return lambda name: Database(tmp_path / f"{name}.db")


@pytest.fixture
def orders(make_database: Callable[[str], Database]) -> Database:
    """The source: three active regions, one that is not, and what they sold."""
    database = make_database("orders")
    database.run(
        """
        CREATE TABLE regions (code TEXT, active INTEGER);
        INSERT INTO regions VALUES ('DE', 1), ('FR', 1), ('IT', 1), ('XX', 0);
        CREATE TABLE orders (day TEXT, region TEXT, amount NUMERIC);
        INSERT INTO orders VALUES
            ('2026-04-02', 'DE', 10), ('2026-04-02', 'FR', 20), ('2026-04-02', 'IT', 30.5);
        """
    )
    return database


@pytest.fixture
def warehouse(make_database: Callable[[str], Database]) -> Database:
    """The destination, with yesterday's rows of an earlier run."""
    database = make_database("warehouse")
    database.run(
        """
        CREATE TABLE daily_revenue (day TEXT, region TEXT, amount NUMERIC, loaded_at TEXT);
        INSERT INTO daily_revenue VALUES
            ('2026-04-01', 'DE', 1, '2026-04-02 00:01:00'),
            ('2026-04-01', 'FR', 2, '2026-04-02 00:01:00'),
            ('2026-04-01', 'IT', 3, '2026-04-02 00:01:00');
        """
    )
    return database


@pytest.fixture
def load(warehouse: Database) -> Callable[..., None]:
    """Writes rows of 2 April for the regions given, as the job would."""

    def loading(*regions: str | None) -> None:
        warehouse.run(
            "INSERT INTO daily_revenue VALUES ('2026-04-02', ?, 10, '2026-04-03 00:01:00')",
            [(region,) for region in regions],
        )

    return loading


@pytest.fixture
def ask(tmp_path: Path) -> Asker:
    return Asker(tmp_path)

"""A database file that a test may hand to a store."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from verifier.checks.stores.sql import SqlStore, SqlStoreConfig


@pytest.fixture(params=["delete", "wal"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A database with one table of three rows, in each journal mode, at rest."""
    path = tmp_path / "data" / "shop.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA journal_mode = {request.param}")
        connection.execute("CREATE TABLE t (a INTEGER, b TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(1, "x"), (2, "y"), (3, "z")])
    return path


@pytest.fixture
def make_store():
    """Opens stores, and closes them after the test."""
    stores: list[SqlStore] = []

    def make(path: Path, **fields: Any) -> SqlStore:
        config = {"type": "sql", "url": f"sqlite:///{path}", **fields}
        stores.append(SqlStore(SqlStoreConfig.model_validate(config)))
        return stores[-1]

    yield make
    for store in stores:
        store.close()

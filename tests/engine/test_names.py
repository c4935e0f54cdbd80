"""What the doctor tells of tables and columns that checks name."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.remark import Level
from verifier.checks.stores.registry import Stores
from verifier.checks.stores.sql import SqlSession
from verifier.config.load import load
from verifier.engine.names import examine_names

NOW = datetime(2026, 4, 3, 12, tzinfo=UTC)

CONFIG = """\
version: 1
ledger: sqlite:///landed.db
stores:
  shop: {{type: sql, url: "sqlite:///{folder}/shop.db"}}
jobs:
  revenue:
    statement: each region has its revenue
    class: one-result
    effects: replace
    covers: previous-day
    schedule: {{cron: "0 2 * * *", timezone: UTC}}
    partitions:
      name: region
      store: shop
      sql: select code from {regions}
    checks:
      - name: rows
        type: scope
        store: shop
        table: sales
        key: [day, {column}]
        partition: {column}
        where: "day = :day"
        expected: {{store: shop, sql: "select :day, code from regions"}}
"""


@pytest.fixture
def tell(tmp_path):
    """What is told of the store, with the names that the configuration has."""
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        database.executescript("create table sales (day, region); create table regions (code);")

    def tell(regions="regions", column="region"):
        file = tmp_path / "landed.yaml"
        file.write_text(CONFIG.format(folder=tmp_path, regions=regions, column=column))
        config = load(file, {})
        with Stores(config.stores) as stores:
            return file, list(examine_names(config, stores, "shop", NOW))

    return tell


def test_that_all_is_there_is_told_once(tell):
    _, (remark,) = tell()
    assert remark.level is Level.OK
    assert remark.message == "has the tables and columns that 2 of 2 checks name"


def test_what_is_not_there_is_told_with_its_place_and_what_to_do(tell):
    file, (column, rest) = tell(column="regoin")
    assert column.level is Level.ERROR
    assert column.message == (
        f"{file}:21:20 jobs.revenue.checks[0].key[1]: check rows expects the column regoin in "
        "sales, found: no_such_column (no such column: sales.regoin)"
    )
    assert column.hint == (
        "make what it names: `landed verify JOB` is enough then; or correct the check, and have "
        "runs from before judged by it with `landed act rejudge RUN`"
    )
    assert rest.message == "has the tables and columns that 1 of 2 checks name"


def test_the_list_of_partitions_is_tried_too(tell):
    file, (partitions, _) = tell(regions="regoins")
    assert partitions.message.startswith(
        f"{file}:15:12 jobs.revenue.partitions.sql: the list of partitions expects "
    )


def test_a_statement_that_is_never_answered_is_an_error(tell):
    _, (partitions, _) = tell(regions="regions where = 1")
    assert partitions.level is Level.ERROR
    assert partitions.message.endswith('found: bad_query (near "=": syntax error)')
    assert partitions.hint.startswith("correct the check")


def test_of_what_was_not_tried_nothing_is_claimed(tell, monkeypatch):
    def late(session, sql, parameters, at_most):
        raise CannotTell(UnknownReason.TIMED_OUT)

    monkeypatch.setattr(SqlSession, "tries", late)
    file, remarks = tell()
    assert [each.level for each in remarks] == [Level.WARNING, Level.WARNING]
    assert remarks[0].message == (
        f"{file}:15:12 jobs.revenue.partitions.sql: the list of partitions: not tried, since it "
        "takes too long (2 s at most)"
    )

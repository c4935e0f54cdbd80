"""A replica of one version and the schema of the next, on one PostgreSQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from verifier.ledger import migrate
from verifier.ledger.address import database_at
from verifier.ledger.errors import LedgerTooNew
from verifier.ledger.evaluations import Answered
from verifier.ledger.ledger import Ledger

NEXT_HEAD = f"{int(migrate.HEAD) + 1:04}"
NEXT = f"""
import sqlalchemy as sa
from alembic import op

revision = "{NEXT_HEAD}"
down_revision = "{migrate.HEAD}"


def upgrade() -> None:
    for table in ("signals", "attempts", "runs", "evaluations", "tallies", "leases"):
        op.add_column(table, sa.Column("later", sa.BigInteger, nullable=True))
"""


@pytest.fixture
def url(postgres_url) -> str:
    return postgres_url()


@pytest.fixture
def older(url, build) -> Iterator[Ledger]:
    with Ledger.open(url, build.declared) as ledger:
        ledger.declare("nightly", build.job(), {}, build.declared)
        yield ledger


@pytest.fixture
def newer(url, tmp_path):
    """Migrates as the next version would."""
    versions = tmp_path / "migrations"
    shutil.copytree(migrate.MIGRATIONS, versions, ignore=shutil.ignore_patterns("__pycache__"))
    Path(versions / "versions" / f"v{NEXT_HEAD}_next.py").write_text(NEXT)
    database = database_at(url)
    yield lambda now: migrate.prepare(database, now, versions, NEXT_HEAD)
    database.close()


def night(ledger, build, days, lease):
    """All that a replica writes, of the night so many days later."""

    def at(clock):
        return build.at(f"+{days} {clock}")

    key = build.key("nightly", f"+{days} 02:00")
    ledger.expect("nightly", [key.due], at("02:00"))
    attempt = f"a{days}"
    for kind, clock in (("started", "02:00:01"), ("heartbeat", "02:05"), ("succeeded", "02:10")):
        said = build.signal(kind, f"+{days} {clock}", attempt)
        ledger.append([said], source="test", received_at=at(clock))
    ledger.judge([key], at("02:10"))
    answer = build.evaluation(key, f"+{days} 02:10:10", "complete")
    assert ledger.record_all([Answered(key=key, evaluation=answer, last=None)], at("02:10:10"))
    assert ledger.row(key).verdict == "verified"
    return ledger.renew_lease(lease, at("02:11"))


@pytest.mark.slow
def test_a_replica_of_the_version_before_goes_on_after_a_migration_that_adds(
    older, newer, url, build
):
    lease = older.take_lease("sweeps", "older", build.at("01:00"), None)
    for days in range(6):  # often enough for the driver to have its statements prepared
        lease = night(older, build, days, lease)
    newer(build.at("12:00"))
    for days in range(6, 12):
        lease = night(older.under(lease), build, days, lease)
    assert older.check(build.at("+12 12:00")) == []
    with pytest.raises(LedgerTooNew, match="newer version of landed"):
        Ledger.open(url, build.at("+12 12:00"))


def test_who_writes_while_another_one_migrates_waits_and_loses_nothing(older, url, build):
    database = database_at(url)
    writer = Thread(
        target=lambda: older.append(
            [build.signal("started", "02:00:01")], source="test", received_at=build.at("02:01")
        )
    )
    with database.migrating() as connection:
        connection.exec_driver_sql("ALTER TABLE attempts ADD COLUMN later bigint")
        writer.start()
        writer.join(0.2)
        assert writer.is_alive()
    writer.join(5)
    assert [each.attempt for each in older.attempts(build.nightly)] == ["a1"]
    database.close()


def test_who_migrates_waits_for_a_long_reader_and_lets_others_write_meanwhile(older, url, build):
    database = database_at(url)
    migrated = Event()

    def migrate_it() -> None:
        with database.migrating() as connection:
            connection.exec_driver_sql("ALTER TABLE signals ADD COLUMN later bigint")
        migrated.set()

    migrator = Thread(target=migrate_it)
    with older._database.read(long=True) as reading:
        reading.exec_driver_sql("SELECT count(*) FROM signals")
        migrator.start()
        for number in range(4):  # one of them comes while the lock is asked for
            assert not migrated.wait(0.6)
            said = build.signal("started", "02:00:01", f"a{number}")
            older.append([said], source="test", received_at=build.at("02:01"))
    migrator.join(60)
    assert migrated.is_set()
    assert len(older.attempts(build.nightly)) == 4
    database.close()


def test_who_migrates_asks_for_tables_in_the_order_of_those_who_write(older, url):
    database, others = database_at(url), database_at(url)
    with others.write() as writing:
        writing.exec_driver_sql("LOCK TABLE signals IN ROW EXCLUSIVE MODE")
        migrator = Thread(target=lambda: _rewrite(database))
        migrator.start()
        migrator.join(0.5)
        writing.exec_driver_sql("LOCK TABLE runs IN ROW EXCLUSIVE MODE")
    migrator.join(60)
    assert not migrator.is_alive()
    with others.read() as connection:
        connection.exec_driver_sql("SELECT later FROM runs")
    database.close()
    others.close()


def _rewrite(database) -> None:
    """Runs first, as migrations one after another may have it."""
    with database.migrating() as connection:
        connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN later bigint")
        connection.exec_driver_sql("ALTER TABLE signals ADD COLUMN later bigint")

import re
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Thread

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from verifier.ledger import migrate
from verifier.ledger.address import database_at
from verifier.ledger.errors import LedgerError, LedgerTooNew, LedgerUnavailable
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.ledger.schema import VERSION_TABLE, metadata
from verifier.runs.binding import RunKey

NOW = datetime(2026, 4, 1, tzinfo=UTC)
NEXT_HEAD = f"{int(migrate.HEAD) + 1:04}"
NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    op.add_column("runs", sa.Column("acknowledged", sa.BigInteger, nullable=True))
    op.execute("UPDATE runs SET acknowledged = 7")
"""

RUN_ID = RunKey("nightly", "2026-04-03T02:00:00Z").run_id
EARLIER = (
    # A night of the first schema: verified, and counted.
    "INSERT INTO signals VALUES (1, 'nightly', 'c', 'created', 1775181540000000, '', 'a1', 0,"
    ' \'native\', 1775181540000000, \'{"job":"nightly","kind":"created",\''
    ' || \'"at":"2026-04-03T01:59:00Z","id":"c","attempt":"a1"}\')',
    "INSERT INTO attempts (id, job, attempt, run_id, lane, state, started_at, ended_at, counted,"
    " body) VALUES ('nightly/a1', 'nightly', 'a1', '" + RUN_ID + "', 'live', 'succeeded',"
    ' 1775181605000000, 1775182200000000, 1, \'{"job":"nightly","attempt":"a1",\''
    ' || \'"first_said":"2026-04-03T01:59:00Z","started":"2026-04-03T02:00:05Z",\''
    ' || \'"heard":"2026-04-03T02:00:05Z","ends":[{"kind":"succeeded",\''
    ' || \'"at":"2026-04-03T02:10:00Z","id":"e"}]}\')',
    "INSERT INTO runs (run_id, job, occurrence, partition, due, at, lane, expected, state,"
    " verdict, reported, effect, false_success, open, useful, first_judged_at, revision)"
    " VALUES ('" + RUN_ID + "', 'nightly', '2026-04-03T02:00:00Z', '', 1775181600000000,"
    " 1775181600000000, 'live', 1, 'judged', 'verified', 'succeeded', 'complete', 0, 0, 1,"
    " 1775182210000000, 3)",
    "INSERT INTO tallies VALUES ('landed_runs_judged_total', 'nightly',"
    ' \'{"lane":"live","verdict":"verified"}\', 7)',
)


def tables(path: Path) -> dict[str, str]:
    """What makes each table and index, in words that no layout changes."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL")
        return {name: re.sub(r"[\s\"]+", "", sql) for name, sql in found if name != VERSION_TABLE}


def test_migrations_make_the_tables_that_queries_use(ledger, path, tmp_path):
    declared = tmp_path / "declared.db"
    engine = create_engine(f"sqlite:///{declared}")
    metadata.create_all(engine)
    engine.dispose()
    assert tables(path) == tables(declared)


def test_head_is_the_last_migration():
    assert ScriptDirectory(str(migrate.MIGRATIONS)).get_current_head() == migrate.HEAD


def test_a_ledger_keeps_its_id_and_its_birth(new_ledger_url):
    first = Ledger.open(new_ledger_url, NOW)
    first.close()
    later = Ledger.open(new_ledger_url, datetime(2027, 1, 1, tzinfo=UTC))
    later.close()
    assert (later.ledger_id, later.created_at) == (first.ledger_id, NOW)
    assert len(first.ledger_id) == 32


def test_a_relative_path_is_one_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Ledger.open("sqlite:///odd name #1.db", NOW).close()
    assert (tmp_path / "odd name #1.db").exists()


def test_a_newer_schema_is_refused_and_left_as_it_is(ledger, path):
    with ledger._database.write() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    ledger.close()
    before = path.read_bytes()
    with pytest.raises(LedgerTooNew, match=rf"newer version of landed.*'9999'.*'{migrate.HEAD}'"):
        Ledger.open(f"sqlite:///{path}", NOW)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(path):
    path.write_text("dear diary, " * 1000)
    with pytest.raises(LedgerError, match="not a database"):
        Ledger.open(f"sqlite:///{path}", NOW)
    assert path.read_text() == "dear diary, " * 1000


def test_the_database_of_something_else_is_refused_and_left_as_it_is(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE daily_revenue (day TEXT)")
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="a ledger needs one of its own"):
        Ledger.open(f"sqlite:///{path}", NOW)
    assert path.read_bytes() == before


def test_a_missing_directory_and_a_directory_are_refused(tmp_path):
    with pytest.raises(LedgerError, match="expected a directory"):
        Ledger.open(f"sqlite:///{tmp_path}/nowhere/landed.db", NOW)
    with pytest.raises(LedgerError, match="expected a file"):
        Ledger.open(f"sqlite:///{tmp_path}", NOW)


def test_an_empty_file_becomes_a_ledger(path):
    path.touch()
    with Ledger.open(f"sqlite:///{path}", NOW) as ledger:
        assert ledger.runs(RunFilter()) == []


def test_a_copy_that_lost_its_write_ahead_log_gets_it_back(ledger, told, path, tmp_path):
    told.night()
    copy = tmp_path / "copy.db"
    with ledger._database.read() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql(f"VACUUM INTO '{copy}'")
        connection.exec_driver_sql("BEGIN")
    with Ledger.open(f"sqlite:///{copy}", NOW) as restored:
        assert len(restored.runs(RunFilter())) == 1
        with restored._database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def opened_at_once(path: Path, count: int, *arguments: object) -> list[BaseException]:
    """Errors of ``count`` openers that begin at the same moment."""
    barrier, errors = Barrier(count), []

    def open_it() -> None:
        database = database_at(f"sqlite:///{path}")
        try:
            barrier.wait()
            migrate.prepare(database, NOW, *arguments)
        except BaseException as error:
            errors.append(error)
        finally:
            database.close()

    threads = [Thread(target=open_it) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_of_many_that_open_a_new_ledger_at_once_one_creates_it(path):
    assert opened_at_once(path, 6) == []
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM meta").fetchone() == (1,)


def test_an_older_ledger_is_migrated_once_by_many_that_open_it(ledger, told, path, tmp_path):
    told.night()
    ledger.close()
    newer = tmp_path / "migrations"
    shutil.copytree(migrate.MIGRATIONS, newer, ignore=shutil.ignore_patterns("__pycache__"))
    script = NEXT.format(revision=NEXT_HEAD, before=migrate.HEAD)
    (newer / "versions" / f"v{NEXT_HEAD}_next.py").write_text(script)
    assert opened_at_once(path, 6, newer, NEXT_HEAD) == []
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT verdict, acknowledged FROM runs").fetchall()
    assert found == [("verified", 7)]


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(ledger, told, path, tmp_path):
    told.night()
    ledger.close()
    newer = tmp_path / "migrations"
    shutil.copytree(migrate.MIGRATIONS, newer, ignore=shutil.ignore_patterns("__pycache__"))
    script = (
        NEXT.format(revision=NEXT_HEAD, before=migrate.HEAD) + '    op.execute("SELECT no_such")\n'
    )
    (newer / "versions" / f"v{NEXT_HEAD}_next.py").write_text(script)
    before = tables(path)
    (error,) = opened_at_once(path, 1, newer, NEXT_HEAD)
    assert isinstance(error, LedgerUnavailable)
    assert tables(path) == before
    with Ledger.open(f"sqlite:///{path}", NOW) as again:
        assert len(again.runs(RunFilter())) == 1


def written_before(
    path: Path, tmp_path: Path, head: str, statements: Sequence[str] = EARLIER
) -> None:
    """Make a ledger as it was when ``head`` was the last migration, with a night in it."""
    earlier = tmp_path / "migrations"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(migrate.MIGRATIONS, earlier, ignore=ignored)
    for script in (earlier / "versions").glob("v*.py"):
        if script.name[1:5] > head:
            script.unlink()
    database = database_at(f"sqlite:///{path}")
    migrate.prepare(database, NOW, earlier, head)
    with database.write() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    database.close()


def test_what_happened_before_figures_were_kept_is_marked_as_counted(path, build, tmp_path):
    written_before(path, tmp_path, "0001")
    with Ledger.open(f"sqlite:///{path}", NOW) as ledger:
        ledger.declare("nightly", build.job(), {}, build.declared)
        facts = ledger.job_facts("nightly", NOW)
        assert facts.last_started == build.at("02:00:05")
        assert facts.last_success == build.at("02:10")
        assert facts.last_created == build.at("01:59")
        told = [build.signal("succeeded", "02:11"), build.signal("started", "02:00:04")]
        ledger.append(told, source="test", received_at=build.at("03:00"))
        assert [each.value for each in ledger.tallies("landed_runs_judged_total")] == [7]
        assert ledger.tallies("landed_attempts_total") == []
        assert ledger.tallies("landed_start_delay_seconds_sum") == []


def test_tables_made_again_have_their_rows_and_are_what_queries_use(path, build, tmp_path):
    before = [
        *EARLIER[:1],
        EARLIER[1].replace(" 1775182200000000, 1, ", " 1775182200000000, '{\"ended\":1}', "),
        *EARLIER[2:],
    ]
    written_before(path, tmp_path, "0002", statements=before)
    assert "WITHOUTROWID" not in tables(path)["attempts"] + tables(path)["runs"]
    with Ledger.open(f"sqlite:///{path}", NOW) as ledger:
        (attempt,) = ledger.attempts(build.nightly)
        assert attempt.started == build.at("02:00:05")
        assert ledger.row(build.nightly).first_judged_at == build.at("02:10:10")
    Ledger.open(f"sqlite:///{tmp_path}/new.db", NOW).close()
    assert tables(path) == tables(tmp_path / "new.db")
    with closing(sqlite3.connect(path)) as connection:
        kept = connection.execute("SELECT counted FROM attempts").fetchall()
    assert kept == [('{"ended":1}',)]


def test_tables_that_are_made_so_already_stay_as_they_are(path, build, tmp_path):
    written_before(path, tmp_path, "0002", statements=())
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("attempts", "runs"):
            (made,) = connection.execute(
                f"SELECT sql FROM sqlite_master WHERE name = '{table}'"
            ).fetchone()
            connection.execute(f"DROP TABLE {table}")
            connection.execute(f"{made} WITHOUT ROWID")
    Ledger.open(f"sqlite:///{path}", NOW).close()
    assert "WITHOUTROWID" in tables(path)["attempts"]
    assert "WITHOUTROWID" in tables(path)["runs"]

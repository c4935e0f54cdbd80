import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from verifier.checks.stores.sqlite_file import SqliteFile


def database(path, mode):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE t (a)")
    return path


def test_only_a_wal_database_that_nobody_has_open_is_at_rest(tmp_path):
    wal = SqliteFile(database(tmp_path / "wal.db", "wal"))
    rollback = SqliteFile(database(tmp_path / "rollback.db", "delete"))

    assert wal.at_rest() is not None
    assert rollback.at_rest() is None
    assert SqliteFile(tmp_path / "missing.db").at_rest() is None
    with closing(sqlite3.connect(wal.path)) as job:
        job.execute("SELECT * FROM t")
        assert wal.at_rest() is None
    for file in (wal, rollback):
        file.close()


def test_what_is_written_or_replaced_is_another_state(tmp_path):
    path = database(tmp_path / "wal.db", "wal")
    file = SqliteFile(path)
    first = file.at_rest()
    unchanged = file.at_rest()
    with closing(sqlite3.connect(path)) as job, job:
        job.executemany("INSERT INTO t VALUES (?)", [("x" * 1000,)] * 100)
    written = file.at_rest()
    database(tmp_path / "new.db", "wal").rename(path)
    replaced = file.at_rest()
    file.close()

    assert unchanged == first
    assert len({first, written, replaced}) == 3
    assert None not in (written, replaced)


def test_a_database_that_left_wal_mode_is_seen_through_the_same_file(tmp_path):
    path = database(tmp_path / "wal.db", "wal")
    file = SqliteFile(path)
    assert file.at_rest() is not None
    with closing(sqlite3.connect(path)) as job:
        job.execute("PRAGMA journal_mode = delete")

    assert file.at_rest() is None
    file.close()


def test_a_file_in_the_place_of_another_is_looked_at_itself(tmp_path):
    path = database(tmp_path / "wal.db", "wal")
    file = SqliteFile(path)
    assert file.at_rest() is not None
    database(tmp_path / "new.db", "delete").rename(path)

    assert file.at_rest() is None
    file.close()


JOB = """
import sqlite3, sys
sqlite3.connect(sys.argv[1], timeout=0).execute("BEGIN EXCLUSIVE")
"""


@pytest.mark.slow
def test_looking_drops_no_lock_that_this_process_holds(tmp_path):
    path = database(tmp_path / "rollback.db", "delete")
    file = SqliteFile(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM t").fetchall()
        for _ in range(3):
            file.at_rest()
        job = [sys.executable, "-c", JOB, str(path)]
        while_reading = subprocess.run(job, capture_output=True, text=True, check=False)
        reader.execute("ROLLBACK")
        afterwards = subprocess.run(job, capture_output=True, text=True, check=False)
    file.close()

    assert "database is locked" in while_reading.stderr
    assert afterwards.returncode == 0

"""SQLite can be read and nothing else, and says why where it cannot be read."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import make_url

from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.stores.sqlite import SqliteDatabase, _authorize

FOREVER = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
FOREVER_IN_ROWS = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n"

WRITES = [
    "insert into t values (4, 'w')",
    "update t set a = 9",
    "delete from t",
    "replace into t values (1, 'w')",
    "insert into t select * from t returning a",
    "with d as (select 9 as a) insert into t select a, 'w' from d",
    "with d as (select 9 as a) delete from t where a in (select a from d)",
    "drop table t",
    "alter table t rename to u",
    "alter table t add column c",
    "create table u (a)",
    "create table u as select * from t",
    "create temp table u (a)",
    "create temp table u as select * from t",
    "create temp view u as select 1",
    "create temp trigger u after insert on t begin select 1; end",
    "create index i on t (a)",
    "create virtual table u using fts5 (a)",
    "create virtual table temp.u using fts5 (a)",
    "select 1; insert into t values (4, 'w')",
    "select 1; -- two\n drop table t",
    "commit; insert into t values (4, 'w')",
    "commit",
    "end",
    "rollback",
    "begin immediate",
    "savepoint s",
    "release s",
    "attach 'stolen.db' as stolen",
    "attach database ':memory:' as m",
    "detach main",
    "vacuum",
    "vacuum into 'stolen.db'",
    "pragma writable_schema = 1",
    "pragma query_only = off",
    "pragma journal_mode = delete",
    "pragma journal_mode = wal",
    "pragma user_version = 7",
    "pragma wal_checkpoint(truncate)",
    "pragma optimize",
    "pragma temp_store_directory = '.'",
    "pragma table_info(t)",
    "select * from pragma_table_info('t')",
    "select * from pragma_user_version",
    "select * from pragma_wal_checkpoint",
    "update sqlite_master set sql = 'create table t (x)'",
    "delete from sqlite_master",
    "analyze",
    "reindex",
    "select load_extension('./evil.so')",
    "select load_extension('./evil.so', 'main')",
    "select writefile('stolen.txt', 'x')",
    "select edit('x', 'touch stolen.txt')",
    "select readfile('/etc/hostname')",
    "select fts3_tokenizer('simple', x'00')",
    "values (1); delete from t",
]


def read(store, sql, **parameters):
    """All rows that a session of its own gives."""
    with store.session() as session, session.select(sql, parameters) as rows:
        return list(rows)


def everything(path):
    """The names and bytes of all files around ``path``."""
    return {
        each: each.read_bytes() for each in sorted(path.parent.parent.rglob("*")) if each.is_file()
    }


@pytest.mark.parametrize("sql", WRITES)
def test_no_statement_writes_whatever_way_it_tries(file, make_store, monkeypatch, sql):
    monkeypatch.chdir(file.parent)
    before = everything(file)
    store = make_store(file)

    with store.session() as session:
        with pytest.raises(CannotTell) as caught, session.select(sql, {}) as rows:
            list(rows)
        with session.select("select count(*) from t", {}) as rows:
            assert list(rows) == [(3,)]

    refused = {UnknownReason.NOT_READ_ONLY}
    if sql.startswith(("select", "values")):
        # Some things only a shell has, and SQLite takes one statement at a time.
        refused |= {UnknownReason.BAD_QUERY, UnknownReason.NO_SUCH_TABLE}
    assert caught.value.reason in refused
    assert everything(file) == before


def test_a_view_with_a_trigger_writes_nothing_when_read(file, make_store):
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executescript(
            """
            CREATE VIEW v AS SELECT a FROM t;
            CREATE TRIGGER w INSTEAD OF INSERT ON v BEGIN DELETE FROM t; END;
            """
        )
    before = everything(file)

    with make_store(file).session() as session:
        with session.select("select count(*) from v", {}) as rows:
            assert list(rows) == [(3,)]
        with pytest.raises(CannotTell), session.select("insert into v values (1)", {}):
            pass

    assert everything(file) == before


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select a from t where b = :b", [(2,)]),
        ("select value from json_each('[5, 6]')", [(5,), (6,)]),
        (
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3) "
            "select sum(i) from n",
            [(6,)],
        ),
        ("select row_number() over (order by a desc) from t limit 1", [(1,)]),
        ("values (1), (2)", [(1,), (2,)]),
        ("select name from sqlite_master", [("t",)]),
        ("select strftime('%H:%M', '2026-04-02 12:30:00')", [("12:30",)]),
    ],
)
def test_statements_that_read_work_as_anywhere(file, make_store, sql, rows):
    parameters = {"b": "y"} if ":b" in sql else {}

    assert read(make_store(file), sql, **parameters) == rows


def test_what_is_bound_is_never_text(file, make_store):
    hostile = "x' or '1' = '1"

    assert read(make_store(file), "select count(*) from t where b = :b", b=hostile) == [(0,)]


def test_one_session_sees_one_snapshot_while_a_job_writes(tmp_path, make_store):
    path = tmp_path / "busy.db"
    with closing(sqlite3.connect(path)) as job:
        job.execute("PRAGMA journal_mode = wal")
        job.execute("CREATE TABLE t (a)")
        job.commit()
        store = make_store(path)
        with store.session() as session:
            with session.select("select count(*) from t", {}) as rows:
                first = list(rows)
            job.execute("INSERT INTO t VALUES (1)")
            job.commit()
            with session.select("select count(*) from t", {}) as rows:
                second = list(rows)
        later = read(store, "select count(*) from t")

    assert (first, second, later) == ([(0,)], [(0,)], [(1,)])


def test_a_database_at_rest_that_a_job_writes_to_meanwhile_is_not_believed(tmp_path, make_store):
    path = tmp_path / "rest.db"
    with closing(sqlite3.connect(path)) as job, job:
        job.execute("PRAGMA journal_mode = wal")
        job.execute("CREATE TABLE t (a)")
    store = make_store(path)

    with store.session() as session:
        with closing(sqlite3.connect(path)) as job, job:
            job.execute("INSERT INTO t VALUES (1)")
        asked = session.select("select count(*) from t", {})
        with pytest.raises(CannotTell) as caught, asked as rows:
            list(rows)

    assert caught.value.reason is UnknownReason.LOCKED
    assert read(store, "select count(*) from t") == [(1,)]


def test_a_file_that_a_job_replaces_is_read_anew(file, make_store):
    store = make_store(file)
    assert read(store, "select count(*) from t") == [(3,)]
    new = file.with_name("new.db")
    with closing(sqlite3.connect(new)) as connection, connection:
        connection.execute("CREATE TABLE t (a)")
    new.rename(file)

    assert read(store, "select count(*) from t") == [(0,)]


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda path: None, UnknownReason.UNREACHABLE),
        (lambda path: path.mkdir(), UnknownReason.UNREACHABLE),
        (lambda path: path.write_text("no database, only text " * 99), UnknownReason.UNREACHABLE),
        (lambda path: path.symlink_to("nowhere"), UnknownReason.UNREACHABLE),
    ],
    ids=["missing", "a folder", "no database", "a dangling link"],
)
def test_a_file_that_is_no_database_is_unreachable_and_never_created(
    tmp_path, make_store, prepare, reason
):
    path = tmp_path / "gone.db"
    prepare(path)
    before = sorted(tmp_path.rglob("*"))

    assert make_store(path).probe() is reason
    assert sorted(tmp_path.rglob("*")) == before


@pytest.fixture
def guest_of(tmp_path):
    """Runs a call as somebody who is not the owner of a folder that all may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)

        def as_guest(call):
            if os.geteuid() != 0:
                folder.chmod(0o555)
                try:
                    return call()
                finally:
                    folder.chmod(0o755)
            os.seteuid(65534)
            try:
                return call()
            finally:
                os.seteuid(0)

        yield folder, as_guest


def test_a_file_that_may_not_be_read_is_a_matter_of_permission(file, make_store, guest_of):
    folder, as_guest = guest_of
    private = file.rename(folder / "private.db")
    store = make_store(private)
    assert store.probe() is None
    private.chmod(0)

    assert as_guest(store.probe) is UnknownReason.PERMISSION_DENIED


def test_a_database_at_rest_is_read_by_who_may_not_write_beside_it(file, make_store, guest_of):
    folder, as_guest = guest_of
    shared = file.rename(folder / "shared.db")
    shared.chmod(0o644)
    store = make_store(shared)
    assert store.probe() is None

    assert as_guest(lambda: read(store, "select count(*) from t")) == [(3,)]
    assert list(folder.iterdir()) == [shared]


def test_a_database_locked_exclusively_is_locked_and_waited_for_no_longer_than_allowed(
    tmp_path, make_store
):
    path = tmp_path / "locked.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as job:
        job.execute("CREATE TABLE t (a)")
        job.execute("BEGIN EXCLUSIVE")
        began = monotonic()
        reason = make_store(path, statement_timeout="200ms").probe()

    assert reason is UnknownReason.LOCKED
    assert monotonic() - began < 5


KILLED_WRITER = """
import os, signal, sqlite3, sys
job = sqlite3.connect(sys.argv[1], isolation_level=None)
job.execute("PRAGMA cache_size = 1")
job.execute("BEGIN")
job.executemany("INSERT INTO t VALUES (?, ?)", [(n, "x" * 500) for n in range(500)])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_what_a_killed_writer_left_halfway_is_never_read_as_done(file, make_store):
    subprocess.run([sys.executable, "-c", KILLED_WRITER, str(file)], check=False)
    before = file.read_bytes()

    try:
        found = read(make_store(file), "select count(*) from t")
    except CannotTell as error:
        found = error.reason

    # A rollback journal must be played back by somebody who may write; a WAL needs no such help.
    assert found in ([(3,)], UnknownReason.RECOVERY_NEEDED)
    assert file.read_bytes() == before


@pytest.mark.parametrize("sql", [FOREVER, FOREVER_IN_ROWS])
def test_a_statement_that_never_ends_is_ended(file, make_store, sql):
    began = monotonic()

    with make_store(file, statement_timeout="100ms").session() as session:
        with pytest.raises(CannotTell) as caught, session.select(sql, {}) as rows:
            for _ in rows:
                pass
        with session.select("select count(*) from t", {}) as rows:
            assert list(rows) == [(3,)]

    assert caught.value.reason is UnknownReason.TIMED_OUT
    assert monotonic() - began < 5


def test_what_is_tried_is_compiled_and_never_run(file, make_store):
    endless = f"select b from t where a > ({FOREVER}) group by b order by count(*)"
    with make_store(file).session() as session:
        session.tries(f"{endless}; -- of the run", {}, timedelta(seconds=20))
        session.tries(f"select * from ({FOREVER}) union select 1", {}, timedelta(seconds=20))
        with pytest.raises(CannotTell) as caught:
            session.tries("delete from t", {}, timedelta(seconds=20))
        assert caught.value.reason is UnknownReason.NOT_READ_ONLY


def test_interrupt_ends_a_running_statement_and_refuses_the_next(file, make_store):
    store = make_store(file)
    running = threading.Event()
    reasons = []

    def run():
        try:
            with store.session() as session:
                running.set()
                with session.select(FOREVER, {}) as rows:
                    list(rows)
        except CannotTell as error:
            reasons.append(error.reason)

    thread = threading.Thread(target=run)
    thread.start()
    assert running.wait(10)
    store.interrupt()
    thread.join(10)

    assert not thread.is_alive()
    assert reasons == [UnknownReason.INTERRUPTED]
    assert store.probe() is UnknownReason.INTERRUPTED


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select * from no_such", UnknownReason.NO_SUCH_TABLE),
        ("select no_such from t", UnknownReason.NO_SUCH_COLUMN),
        ("select t.no_such from t", UnknownReason.NO_SUCH_COLUMN),
        ("select no_such(1)", UnknownReason.BAD_QUERY),
        ("select 'a' regexp '(a*)*b'", UnknownReason.BAD_QUERY),
        ("selec 1", UnknownReason.NOT_READ_ONLY),
        ("select 1 from", UnknownReason.BAD_QUERY),
        ("select '\x00'", UnknownReason.BAD_QUERY),
        ("select ?", UnknownReason.BAD_QUERY),
        ("select cast(x'ff' as text)", UnknownReason.NOT_TEXT),
        ("select zeroblob(100000000)", UnknownReason.BAD_QUERY),
        ("", UnknownReason.NOT_READ_ONLY),
        ("-- nothing", UnknownReason.NOT_READ_ONLY),
    ],
)
def test_what_is_wrong_with_a_statement_is_told(file, make_store, sql, reason):
    with pytest.raises(CannotTell) as caught:
        read(make_store(file), sql)

    assert caught.value.reason is reason


def test_text_is_utf8(file, make_store):
    assert read(make_store(file), "select cast(x'c3a9' as text)") == [("é",)]


def test_instants_are_bound_in_the_text_form_that_sqlite_itself_writes(file, make_store):
    with make_store(file).session() as session:
        instant = session.bind(datetime(2026, 4, 2, 22, tzinfo=UTC))
        with session.select(
            "select :instant = datetime('2026-04-02 22:00:00')", {"instant": instant}
        ) as rows:
            assert list(rows) == [(1,)]
        assert session.bind(datetime(2026, 4, 2, 22, 0, 0, 120, tzinfo=UTC)) == (
            "2026-04-02 22:00:00.000120"
        )
        assert session.bind(datetime.fromisoformat("2026-04-03")) == "2026-04-03 00:00:00"
        assert session.bind(date(2026, 4, 3)) == "2026-04-03"
        assert session.bind("eu") == "eu"


def test_the_authorizer_refuses_where_the_file_itself_may_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    elsewhere = ("attach", "vacuum into", "create", "pragma", "insert", "with", "savepoint")
    with closing(sqlite3.connect("open.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (a, b)")
        before = everything(tmp_path / "data" / "open.db")
        connection.set_authorizer(_authorize)
        for sql in [sql for sql in WRITES if sql.startswith(elsewhere)]:
            with pytest.raises((sqlite3.Error, sqlite3.Warning)):
                connection.execute(sql).fetchall()

        assert everything(tmp_path / "data" / "open.db") == before


def test_only_a_plain_path_is_a_database():
    assert SqliteDatabase.url_problem(make_url("sqlite:////srv/a.db")) is None
    for url in ("sqlite://", "sqlite:///:memory:", "sqlite:///file:a.db?uri=true", "sqlite://a.db"):
        assert SqliteDatabase.url_problem(make_url(url)) is not None
    assert SqliteDatabase.url_problem(make_url("sqlite:////srv/a.db?mode=rw")) is not None
    assert SqliteDatabase.url_problem(make_url("sqlite+aiosqlite:////srv/a.db")) is not None

import sqlite3
from contextlib import closing
from threading import Event, Thread

import pytest

from verifier.ledger import database
from verifier.ledger.database import path_of
from verifier.ledger.errors import LedgerError, LedgerUnavailable
from verifier.ledger.listing import RunFilter


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///landed.db", "landed.db"),
        ("sqlite:///data/landed.db", "data/landed.db"),
        ("sqlite:////var/lib/landed.db", "/var/lib/landed.db"),
        ("sqlite+pysqlite:///landed.db", "landed.db"),
    ],
)
def test_a_url_names_a_file(url, path):
    assert str(path_of(url)) == path


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory", "sqlite:///x?a=b"]
)
def test_a_ledger_that_would_forget_is_refused(url):
    with pytest.raises(LedgerError, match="expected the path of a file"):
        path_of(url)


def test_another_database_is_not_supported_yet_and_its_password_is_not_told():
    with pytest.raises(LedgerError, match="'postgresql', which is not supported yet") as caught:
        path_of("postgresql://ann:hunter2@db/landed")
    assert "hunter2" not in str(caught.value)


def test_a_text_that_is_no_url_is_refused_without_repeating_it():
    with pytest.raises(LedgerError, match="no URL") as caught:
        path_of("hunter2")
    assert "hunter2" not in str(caught.value)


def test_readers_see_what_was_committed_and_do_not_wait_for_a_write_under_way(ledger, told, build):
    written, read = Event(), Event()

    def write() -> None:
        with ledger._database.write() as connection:
            connection.exec_driver_sql("UPDATE runs SET verdict = 'wrong'")
            written.set()
            read.wait(10)

    key = told.night()
    writer = Thread(target=write)
    writer.start()
    written.wait(10)
    try:
        seen = [ledger.row(key), *ledger.runs(RunFilter())]
        facts = ledger.facts(key, build.at("03:00"))
    finally:
        read.set()
        writer.join()
    assert {row.verdict for row in seen} == {"verified"}
    assert len(facts.evaluations) == 1
    assert ledger.row(key).verdict == "wrong"


def test_a_reader_keeps_its_snapshot_while_others_write(ledger, told, build):
    told.night()
    with ledger._database.read() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM signals").scalar()
        told(build.signal("started", "+1 02:00", attempt="a2"))
        after = connection.exec_driver_sql("SELECT count(*) FROM signals").scalar()
    assert before == after == 2
    assert len(ledger.runs(RunFilter())) == 2


def test_readers_cannot_write(ledger):
    with pytest.raises(LedgerUnavailable, match="readonly"), ledger._database.read() as connection:
        connection.exec_driver_sql("DELETE FROM signals")


def test_a_ledger_that_another_process_holds_is_unavailable_and_then_usable(
    ledger, told, build, path, monkeypatch
):
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0)
    with ledger._database._writer.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable, match="database is locked"):
            told(build.signal("started", "02:00"))
        other.execute("ROLLBACK")
    assert told(build.signal("started", "02:00")).accepted == 1


def test_a_writer_that_waits_too_long_for_another_thread_gives_up(ledger, told, build, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.01)
    with ledger._database._lock, pytest.raises(LedgerUnavailable, match="busy"):
        told(build.signal("started", "02:00"))
    assert ledger.runs(RunFilter()) == []


def test_what_raises_within_a_write_leaves_nothing(ledger, told, build, rows):
    told.night()
    before = {table: rows(table) for table in ("signals", "attempts", "runs", "tallies")}

    def half_done() -> None:
        with ledger._database.write() as connection:
            connection.exec_driver_sql("DELETE FROM signals")
            connection.exec_driver_sql("UPDATE runs SET verdict = NULL")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power"):
        half_done()
    assert {table: rows(table) for table in before} == before
    assert told(build.signal("started", "+1 02:00", attempt="a2")).accepted == 1


def test_a_damaged_file_is_told_in_words(ledger, told, path):
    told.night()
    ledger.close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(LedgerError, match="restore it from a backup"):
        ledger.runs(RunFilter())

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import make_url

from verifier.ledger import database
from verifier.ledger.errors import LedgerError, LedgerUnavailable
from verifier.ledger.listing import RunFilter
from verifier.ledger.sqlite import path_of


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
    assert str(path_of(make_url(url))) == path


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory", "sqlite:///x?a=b"]
)
def test_a_ledger_that_would_forget_is_refused(url):
    with pytest.raises(LedgerError, match="expected the path of a file"):
        path_of(make_url(url))


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


def test_a_writer_that_waits_too_long_for_another_thread_gives_up(
    ledger, told, build, path, monkeypatch
):
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.01)
    with ledger._database._alone(), pytest.raises(LedgerUnavailable, match="busy"):
        told(build.signal("started", "02:00"))
    assert ledger.runs(RunFilter()) == []


def test_a_damaged_file_is_told_in_words(ledger, told, path):
    told.night()
    ledger.close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(LedgerError, match="restore it from a backup"):
        ledger.runs(RunFilter())


def test_a_file_that_is_replaced_under_a_writer_takes_nothing_more(ledger, told, build, path):
    told(build.signal("started", "02:00"))
    kept = path.rename(path.with_name("kept.db"))
    for replacement in (None, b"", b"another one"):
        if replacement is not None:
            path.write_bytes(replacement)
        with pytest.raises(LedgerUnavailable, match="replaced, moved or deleted"):
            told(build.signal("succeeded", "02:10"))
        with pytest.raises(LedgerUnavailable, match="replaced, moved or deleted"):
            ledger.histories()
    kept.rename(path)
    assert told(build.signal("succeeded", "02:10")).accepted == 1


def test_what_was_written_while_the_file_was_replaced_is_not_acknowledged(ledger, build, path):
    def written_meanwhile() -> None:
        with ledger._database.write() as connection:
            connection.exec_driver_sql("DELETE FROM signals")
            path.unlink()

    with pytest.raises(LedgerUnavailable, match="replaced, moved or deleted"):
        written_meanwhile()


def test_a_log_that_is_deleted_under_a_writer_is_told(ledger, told, build, path):
    told(build.signal("started", "02:00"))
    path.with_name("landed.db-wal").unlink()
    with pytest.raises(LedgerUnavailable, match=r"its log landed\.db-wal was deleted"):
        told(build.signal("succeeded", "02:10"))

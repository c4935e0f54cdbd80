import sqlite3
import threading
from contextlib import closing, suppress
from datetime import timedelta
from time import monotonic

import pytest
from pydantic import ValidationError

from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.stores.sql import SqlStoreConfig


def config(**fields):
    return SqlStoreConfig.model_validate({"type": "sql", "url": "sqlite:////srv/a.db", **fields})


def test_a_store_has_bounds_without_being_told():
    assert config().statement_timeout == timedelta(seconds=30)
    assert config().max_concurrency == 4
    assert config(statement_timeout="5s").statement_timeout == timedelta(seconds=5)


@pytest.mark.parametrize(
    ("fields", "says", "kind"),
    [
        ({"url": "oracle://u:hunter2@h/db"}, "expected one of sqlite, postgresql", "value_error"),
        (
            {"url": "postgresql+asyncpg://u:hunter2@h/db"},
            "expected postgresql.psycopg://, found postgresql.asyncpg",
            "value_error",
        ),
        ({"url": "mariadb://u:hunter2@h"}, "expected a database's name", "value_error"),
        ({"url": "duckdb:///:memory:"}, "expected the path of a file", "value_error"),
        ({"url": "hunter2"}, "expected a URL such as", "value_error"),
        ({"url": "hunter2 is: my://password"}, "expected a URL such as", "value_error"),
        ({"url": "sqlite://h:hunter2/x"}, "expected a URL such as", "value_error"),
        ({"url": "sqlite:///hunter2.db?mode=rw"}, "expected no parameters", "value_error"),
        ({"url": "sqlite://"}, "expected the path of a file", "value_error"),
        ({"url": "sqlite:///:memory:"}, "expected the path of a file", "value_error"),
        ({"statement_timeout": "0s"}, "expected more than no time", "value_error"),
        ({"max_concurrency": 0}, "greater than or equal to 1", "greater_than_equal"),
        ({"headers": {"a": "hunter2"}}, "Extra inputs", "extra_forbidden"),
        ({"type": "files"}, "Input should be 'sql'", "literal_error"),
    ],
)
def test_a_store_that_cannot_be_is_refused_and_its_url_is_not_shown(fields, says, kind):
    with pytest.raises(ValidationError, match=says) as caught:
        config(**fields)

    assert [error["type"] for error in caught.value.errors()] == [kind]
    assert "hunter2" not in str(caught.value)


def test_a_url_is_shown_nowhere():
    secret = config(url="sqlite:////srv/hunter2.db")

    assert "hunter2" not in repr(secret)
    assert "hunter2" not in str(secret.model_dump())
    assert "hunter2" not in secret.model_dump_json()
    assert SqlStoreConfig.model_json_schema()["properties"]["url"]["writeOnly"] is True


def test_no_more_connections_are_open_than_allowed(file, make_store):
    store = make_store(file, max_concurrency=1, statement_timeout="100ms")

    with store.session():
        began = monotonic()
        with pytest.raises(CannotTell) as caught, store.session():
            pass
        waited = monotonic() - began
    assert caught.value.reason is UnknownReason.TIMED_OUT
    assert 0.1 <= waited < 5
    assert store.probe() is None


def test_many_threads_share_a_store(file, make_store):
    store = make_store(file, max_concurrency=2)
    counts = []

    def ask():
        with store.session() as session, session.select("select count(*) from t", {}) as rows:
            counts.extend(rows)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert counts == [(3,)] * 8


def test_a_large_result_is_read_as_it_is_asked_for(tmp_path, make_store):
    path = tmp_path / "large.db"
    sqlite3.connect(path).close()
    sql = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n"

    with make_store(path).session() as session, session.select(sql, {}) as rows:
        first = [row for row, _ in zip(rows, range(12_000), strict=False)]

    assert (first[0], first[-1]) == ((1,), (12_000,))


def test_a_bug_of_ours_is_not_taken_for_an_answer_of_the_database(file, make_store):
    with (
        make_store(file).session() as session,
        pytest.raises(ZeroDivisionError),
        session.select("select 1", {}),
    ):
        raise ZeroDivisionError


def test_a_session_lets_go_of_its_connection_whatever_happens(tmp_path, make_store):
    path = tmp_path / "shared.db"
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as job:
        job.execute("CREATE TABLE t (a)")
        store = make_store(path, max_concurrency=1, statement_timeout="100ms")
        for sql in ("select * from t", "select * from no_such", "select 1 from"):
            with store.session() as session, suppress(CannotTell), session.select(sql, {}) as rows:
                list(rows)
        job.execute("BEGIN EXCLUSIVE")
        job.execute("COMMIT")

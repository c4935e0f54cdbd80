"""What every kind of database has to do as a store, and says where it cannot."""

import socket
import threading
from contextlib import closing, suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from time import monotonic

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import NotSupportedError

from verifier.checks.keys import key_of
from verifier.checks.reason import CannotTell, Fault, UnknownReason
from verifier.checks.remark import Level

FOREVER = {
    "sqlite": "with recursive n(i) as (select 1 union all select i + 1 from n) "
    "select count(*) from n",
    "duckdb": "select count(*) from range(10000000) a(i), range(10000000) b(j) "
    "where a.i * b.j % 7 = 3",
    "postgresql": "select count(*) from generate_series(1, 10000000) a, "
    "generate_series(1, 10000000) b",
    "mariadb": "select count(*) from seq_1_to_10000000 a, seq_1_to_10000000 b where a.seq % 7 = 3",
}
MANY_ROWS = {
    "sqlite": "with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000000) "
    "select i from n",
    "duckdb": "select i from range(1, 10000001) n(i)",
    "postgresql": "select generate_series(1, 10000000)",
    "mariadb": "select seq from seq_1_to_10000000",
}
PLAIN = ("create table t (a integer, b varchar(20))", "insert into t values (1, 'x'), (2, 'y')")


def read(store, sql, **parameters):
    """All rows that a session of its own gives."""
    with store.session() as session:
        values = {name: session.bind(value) for name, value in parameters.items()}
        with session.select(sql, values) as rows:
            return list(rows)


def reason_of(store, sql, **parameters):
    with pytest.raises(CannotTell) as caught:
        read(store, sql, **parameters)
    return caught.value.reason


def test_rows_are_read_and_values_are_bound_never_text(target, open_store):
    target.write(*PLAIN)
    store = open_store(target)

    assert read(store, "select a, b from t order by a") == [(1, "x"), (2, "y")]
    assert read(store, "select a from t where b = :b", b="y") == [(2,)]
    assert read(store, "select a from t where b = :b", b="y' or '1' = '1") == []
    assert read(store, "select a from t where b = :b and a < :a or b = :b", b="y", a="3") == [(2,)]
    assert read(store, "select ':b', '100%', a from t where a = 1") == [(":b", "100%", 1)]
    assert read(store, "select a from t where b = 'none'") == []


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select * from no_such", UnknownReason.NO_SUCH_TABLE),
        ("select no_such from t", UnknownReason.NO_SUCH_COLUMN),
        ("select x.no_such from t as x", UnknownReason.NO_SUCH_COLUMN),
        ("select no_such(1) from t", UnknownReason.BAD_QUERY),
        ("select 1 from", UnknownReason.BAD_QUERY),
        ("selec 1", UnknownReason.NOT_READ_ONLY),
        ("", UnknownReason.NOT_READ_ONLY),
    ],
)
def test_what_is_wrong_with_a_statement_is_told_and_the_next_one_is_asked(
    target, open_store, sql, reason
):
    target.write(*PLAIN)

    with open_store(target).session() as session:
        with pytest.raises(CannotTell) as caught, session.select(sql, {}) as rows:
            list(rows)
        with session.select("select count(*) from t", {}) as rows:
            assert list(rows) == [(2,)]

    assert caught.value.reason in {reason, UnknownReason.BAD_QUERY if not sql else reason}


REFUSING = {
    "duckdb": ("cast(:a as integer)", "cast(cast(:a as decimal(20)) as smallint)"),
    "postgresql": ("cast(:a as integer)", "cast(cast(:a as decimal(20)) as smallint)"),
    "mariadb": ("(length(:a) + 9) * 9223372036854775807",),
}
"""What refuses the values of the test below; SQLite makes a number of every text."""


@pytest.mark.parametrize(
    "kind",
    [
        "duckdb",
        pytest.param("postgresql", marks=pytest.mark.slow),
        pytest.param("mariadb", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    "value", ["hunter2", 'hunter "2"', "it's\nhunter2", "99999999999999999999"]
)
def test_a_value_that_a_database_refuses_is_not_told(target, open_store, value):
    target.write(*PLAIN)
    refused = []

    with open_store(target).session() as session:
        for asked in REFUSING[target.kind]:
            with (
                pytest.raises(CannotTell) as caught,
                session.select(f"select {asked} from t", {"a": value}) as rows,
            ):
                list(rows)
            refused.append(caught.value)
    for error in refused:
        assert error.fault is Fault.VALUE
        assert error.detail
        assert not any(part in error.detail for part in ("hunter", "999"))


def test_a_statement_that_never_ends_is_ended(target, open_store):
    target.write(*PLAIN)
    began = monotonic()

    with open_store(target, statement_timeout="300ms").session() as session:
        with pytest.raises(CannotTell) as caught, session.select(FOREVER[target.kind], {}) as rows:
            list(rows)
        with session.select("select count(*) from t", {}) as rows:
            assert list(rows) == [(2,)]

    assert caught.value.reason is UnknownReason.TIMED_OUT
    assert monotonic() - began < 10


def test_interrupt_ends_a_running_statement_and_refuses_the_next(target, open_store):
    store = open_store(target)
    running = threading.Event()
    reasons = []

    def run():
        try:
            with store.session() as session:
                running.set()
                with session.select(FOREVER[target.kind], {}) as rows:
                    list(rows)
        except CannotTell as error:
            reasons.append(error.reason)

    thread = threading.Thread(target=run)
    thread.start()
    assert running.wait(10)
    threading.Event().wait(0.2)  # so that the statement runs, as a rule
    store.interrupt()
    thread.join(15)

    assert not thread.is_alive()
    assert reasons == [UnknownReason.INTERRUPTED]
    assert store.probe() is UnknownReason.INTERRUPTED


def test_a_result_of_ten_million_rows_is_streamed_and_may_be_left_early(target, open_store):
    target.write(*PLAIN)
    began = monotonic()

    with open_store(target).session() as session:
        with session.select(MANY_ROWS[target.kind], {}) as rows:
            first = [row for row, _ in zip(rows, range(12_000), strict=False)]
        with session.select("select count(*) from t", {}) as rows:
            assert list(rows) == [(2,)]

    assert (first[0], first[-1]) == ((1,), (12_000,))
    assert monotonic() - began < 5  # all of them take longer


def test_several_sessions_of_one_database_may_be_open_at_once(target, open_store):
    target.write(*PLAIN)
    store, other = open_store(target), open_store(target)

    with store.session(), store.session() as second, other.session() as third:
        for session in (second, third):
            with session.select("select count(*) from t", {}) as rows:
                assert list(rows) == [(2,)]

    assert read(store, "select count(*) from t") == [(2,)]


def test_one_session_sees_one_snapshot_while_a_job_writes(target, open_store):
    if target.kind in ("sqlite", "duckdb"):
        pytest.skip("a file that is read keeps writers out, or is read as it was: its own tests")
    target.write(*PLAIN)
    store = open_store(target)

    with store.session() as session:
        seen = []
        for _ in range(2):
            with session.select("select count(*) from t", {}) as rows:
                seen += list(rows)
            target.write("insert into t values (3, 'z')")

    assert seen == [(2,), (2,)]
    assert read(store, "select count(*) from t") == [(4,)]


def test_a_session_says_at_which_instant_it_looks(target, open_store):
    with open_store(target).session() as session:
        snapshot = session.snapshot

    if target.kind in ("sqlite", "duckdb"):
        assert snapshot is None  # a file has no clock of its own
    else:
        assert abs(datetime.now(UTC) - snapshot) < timedelta(minutes=1)


def test_instants_and_dates_are_bound_as_the_columns_are_kept(target, open_store):
    instant, day = ("text", "text") if target.kind == "sqlite" else ("timestamp", "date")
    target.write(
        f"create table e (moment {instant}, day {day})",
        "insert into e values ('2026-04-01 22:00:00', '2026-04-02')",
    )
    store = open_store(target)
    start = datetime(2026, 4, 1, 22, tzinfo=UTC)

    # A column without an offset is read as UTC, whatever the zone of the server is.
    assert read(store, "select count(*) from e where moment >= :s", s=start) == [(1,)]
    later = start + timedelta(seconds=1)
    assert read(store, "select count(*) from e where moment >= :s", s=later) == [(0,)]
    assert read(store, "select count(*) from e where day = :d", d=date(2026, 4, 2)) == [(1,)]


def test_a_server_in_another_zone_does_not_move_instants(target, open_store):
    if target.kind not in ("postgresql", "mariadb"):
        pytest.skip("it has no zone")
    if target.kind == "postgresql":
        name = make_url(target.url).database
        target.write(f"alter database {name} set timezone = 'Pacific/Auckland'")
    else:
        target.write("set global time_zone = '+13:00'")
    target.write(
        "create table e (moment timestamp)", "insert into e values ('2026-04-01 22:00:00')"
    )
    try:
        if target.kind == "mariadb":  # its timestamps are instants: that was 09:00 in UTC
            start = datetime(2026, 4, 1, 9, tzinfo=UTC)
        else:
            start = datetime(2026, 4, 1, 22, tzinfo=UTC)
        assert read(open_store(target), "select count(*) from e where moment = :s", s=start) == [
            (1,)
        ]
    finally:
        if target.kind == "postgresql":
            target.write(f"alter database {name} reset timezone")
        else:
            target.write("set global time_zone = 'SYSTEM'")


def test_the_zone_of_this_host_does_not_move_instants(target, open_store, monkeypatch):
    if target.kind != "duckdb":
        pytest.skip("its zone is that of a server, or it has none")
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    store = open_store(target)
    instant = "cast(timestamptz '2026-04-01 22:00:00+00' as varchar)"

    with (
        store.session(),
        store.session() as second,
        second.select(f"select {instant}", {}) as rows,
    ):
        assert list(rows) == [("2026-04-01 22:00:00+00",)]


def test_keys_are_the_same_whatever_type_a_store_keeps_them_in(target, open_store):
    zero = "" if target.kind == "sqlite" else "cast(0 as decimal(5, 2)) + "
    target.write(
        "create table k (c char(5), n numeric(10, 2), d date, v varchar(10))",
        "insert into k values ('DE', 1.50, '2026-04-02', 'DE ')",
    )

    (row,) = read(open_store(target), f"select c, {zero}n, d, v from k")

    assert key_of(row) == ("DE", "1.5", "2026-04-02", "DE ")
    assert target.kind == "sqlite" or row[1] == Decimal("1.50")


def test_columns_are_compared_byte_by_byte_where_that_is_asked(target, open_store):
    collation = {
        "sqlite": "varchar(10) collate nocase",
        "duckdb": "varchar collate nocase",
        "postgresql": "varchar(10) collate ignorant",
        "mariadb": "varchar(10) character set latin1 collate latin1_swedish_ci",
    }[target.kind]
    if target.kind == "postgresql":
        try:
            target.write(
                "create collation ignorant (provider = icu, locale = 'und-u-ks-level2', "
                "deterministic = false)"
            )
        except NotSupportedError:
            pytest.skip("this server was built without ICU, so all its collations are exact")
    target.write(
        f"create table c (n integer, k {collation})",
        "insert into c values (1, 'Ann'), (1, 'ann'), (1, 'ann')",
    )

    with open_store(target).session() as session:
        columns = ", ".join(session.exact("c", ["n", "k"]))
        with session.select(f"select {columns}, count(*) from c group by {columns}", {}) as rows:
            found = sorted(rows)
        with session.select("select k, count(*) from c group by k", {}) as rows:
            merged = list(rows)

    assert found == [(1, "Ann", 1), (1, "ann", 2)]
    assert [count for _, count in merged] == [3]  # its own equality says otherwise


def test_a_table_in_a_schema_of_its_own_is_found_by_its_whole_name(target, open_store):
    schema = {
        "sqlite": "main",
        "duckdb": "main",
        "postgresql": target.rows("select current_schema()")[0][0]
        if target.kind == "postgresql"
        else "",
        "mariadb": make_url(target.url).database,
    }[target.kind]
    target.write("create table orders (b varchar(9))", "insert into orders values ('x')")

    with open_store(target).session() as session:
        table = f"{schema}.orders"
        (column,) = session.exact(table, ["b"])
        with session.select(f"select {column} from {session.quote(table)}", {}) as rows:
            assert list(rows) == [("x",)]


def test_no_more_connections_are_open_than_allowed(target, open_store):
    store = open_store(target, max_concurrency=1, statement_timeout="400ms")

    with store.session():
        assert store.probe() is UnknownReason.TIMED_OUT
    assert store.probe() is None


def test_examination_tells_the_version_and_what_the_role_may_do(target, open_store):
    remarks = open_store(target).examine()

    assert remarks[0].level is Level.OK
    assert remarks[0].message.startswith("reachable, ")
    levels = {each.level for each in remarks[1:]}
    expected = {"duckdb": {Level.NOTE}, "sqlite": set()}.get(target.kind, {Level.WARNING})
    assert levels == expected  # the tests' own roles are the mightiest there are


def test_a_role_that_may_only_read_is_nothing_to_warn_of(target, open_store, make_target):
    url = make_url(target.url)
    target.write(*PLAIN)
    if target.kind == "postgresql":
        role = f"reader_{target.rows('select current_schema()')[0][0]}"
        made = [f"create role {role} login", f"grant usage on schema {role[7:]} to {role}"]
        url = url.set(username=role)
    elif target.kind == "mariadb":
        role = "reader@localhost"
        made = [f"create user {role}", f"grant select on {url.database}.* to {role}"]
        url = url.set(username="reader")
    else:
        pytest.skip("a file has no roles")
    target.write(*made)
    try:
        reader = make_target(url.render_as_string(hide_password=False))
        levels = [each.level for each in open_store(reader).examine()]
    finally:
        target.write(*([f"drop owned by {role}"] if target.kind == "postgresql" else []))
        target.write(f"drop {'role' if target.kind == 'postgresql' else 'user'} {role}")

    assert levels == [Level.OK]


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////no/such/shop.db",
        "duckdb:////no/such/shop.duckdb",
        "postgresql+psycopg://reader:hunter2@127.0.0.1:1/shop",
        "mysql+pymysql://reader:hunter2@127.0.0.1:1/shop",
        "postgresql+psycopg://reader:hunter2@/shop?host=/no/such/folder",
    ],
)
def test_what_cannot_be_reached_is_told_without_its_password(url, open_store, make_target):
    store = open_store(make_target(url), statement_timeout="2s")

    with pytest.raises(CannotTell) as caught, store.session():
        pass

    assert caught.value.reason is UnknownReason.UNREACHABLE
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    (remark,) = store.examine()
    assert remark.level is Level.ERROR
    assert "hunter2" not in repr(remark)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["postgresql+psycopg", "mysql+pymysql"])
def test_a_server_that_takes_the_call_and_says_nothing_holds_nobody(
    scheme, open_store, make_target
):
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        url = f"{scheme}://reader:hunter2@127.0.0.1:{mute.getsockname()[1]}/shop"
        began = monotonic()
        reason = open_store(make_target(url), statement_timeout="1s").probe()

    assert reason is UnknownReason.UNREACHABLE
    assert monotonic() - began < 10


class Relay:
    """Passes bytes between a client and a server at ``address``, until it is told to stall."""

    def __init__(self, address):
        self._address = address
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.stalled = threading.Event()
        self.cut = threading.Event()
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = self._server()
                self._open += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _server(self):
        if not isinstance(self._address, str):
            return socket.create_connection(self._address)
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._address)
        return server

    def _pass(self, source, sink):
        with suppress(OSError):
            while data := source.recv(65536):
                if not self.stalled.is_set():
                    sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)

    def drop(self):
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.drop()
        self._listening.close()
        for each in self._open:
            each.close()


def _address(url):
    """Where a server listens: the path of its socket, or its host and port."""
    folder = url.query.get("host", "")
    if folder.startswith("/"):
        return f"{folder}/.s.PGSQL.{url.port or 5432}"
    default = 5432 if url.get_backend_name() == "postgresql" else 3306
    return url.query.get("unix_socket") or (url.host, url.port or default)


@pytest.fixture
def relayed(target, make_target):
    """The target behind a relay that can stall or drop the line."""
    if target.kind not in ("postgresql", "mariadb"):
        pytest.skip("a library has no line that could stall")
    url = make_url(target.url)
    query = {key: value for key, value in url.query.items() if key not in ("host", "unix_socket")}
    with closing(Relay(_address(url))) as relay:
        moved = url.set(host="127.0.0.1", port=relay.port, query=query)
        yield relay, make_target(moved.render_as_string(hide_password=False))


def test_a_server_that_falls_silent_in_mid_check_holds_nobody(relayed, open_store):
    relay, behind = relayed
    store = open_store(behind, statement_timeout="1s")
    began = monotonic()

    with store.session() as session:
        relay.stalled.set()
        with pytest.raises(CannotTell) as caught, session.select("select 1", {}) as rows:
            list(rows)

    assert caught.value.reason is UnknownReason.TIMED_OUT
    assert monotonic() - began < 12


def test_a_line_that_is_cut_in_mid_check_is_unreachable_and_the_next_session_is_another(
    relayed, open_store
):
    relay, behind = relayed
    store = open_store(behind, statement_timeout="5s")

    with store.session() as session:
        relay.drop()
        for _ in range(2):
            with pytest.raises(CannotTell) as caught, session.select("select 1", {}) as rows:
                list(rows)
            assert caught.value.reason is UnknownReason.UNREACHABLE

    assert store.probe() is None


def test_a_table_locked_by_a_migration_is_locked_and_waited_for_no_longer_than_allowed(
    target, open_store
):
    if target.kind not in ("postgresql", "mariadb"):
        pytest.skip("a file as a whole is locked: its own tests")
    target.write(*PLAIN)
    lock = {
        "postgresql": ("begin", "lock table t in access exclusive mode"),
        "mariadb": ("lock tables t write",),
    }[target.kind]
    began = monotonic()

    with target.writing() as execute:
        for sql in lock:
            execute(sql)
        reason = reason_of(open_store(target, lock_timeout="1s"), "select a from t")

    assert reason is UnknownReason.LOCKED
    assert monotonic() - began < 5

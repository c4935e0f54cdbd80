"""What may happen to a PostgreSQL server, and what the ledger makes of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import create_engine, inspect, make_url, text

from verifier.ledger import postgresql, retry
from verifier.ledger import runs as run_rows
from verifier.ledger.errors import Conflict, LedgerError, LedgerUnavailable
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.ledger.schema import metadata
from verifier.runs.guard import Decision, Ruling
from verifier.runs.signal import Kind, Signal


@pytest.fixture
def url(postgres_url) -> str:
    return postgres_url()


@pytest.fixture
def opened(url, build) -> Iterator[Ledger]:
    with Ledger.open(url, build.declared) as ledger:
        ledger.declare("nightly", build.job(), {}, build.declared)
        yield ledger


@pytest.fixture
def admin(postgres_server):
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def append(ledger, *signals):
    return ledger.append(signals, source="test", received_at=signals[0].at)


def test_migrations_make_the_tables_that_queries_use(opened, postgres_url):
    declared = create_engine(postgres_url())
    metadata.create_all(declared)

    def made(engine):
        seen = inspect(engine)
        return {
            name: (
                [(c["name"], str(c["type"]), c["nullable"]) for c in seen.get_columns(name)],
                sorted((i["name"], tuple(i["column_names"])) for i in seen.get_indexes(name)),
                seen.get_pk_constraint(name)["constrained_columns"],
            )
            for name in metadata.tables
        }

    assert made(opened._database._writer) == made(declared)
    declared.dispose()


def test_an_index_of_some_rows_on_sqlite_is_one_of_some_rows_here(opened):
    """What its rows are is compared on SQLite, whose words those of the schema are."""
    some = {
        index.name
        for table in metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is not None
    }
    seen = inspect(opened._database._writer)
    found = {
        index["name"]
        for name in metadata.tables
        for index in seen.get_indexes(name)
        if "postgresql_where" in index.get("dialect_options", {})
    }
    assert found == some != set()


def test_a_run_that_is_forgotten_while_it_is_expected_is_expected_all_the_same(
    opened, build, monkeypatch
):
    """What was heard of it turned out to be of another run."""
    append(opened, build.signal("started", "02:00"))
    looked = run_rows.of_runs

    def of_runs(connection, keys):
        found = looked(connection, keys)
        monkeypatch.undo()
        append(opened, build.signal("started", "02:00:01", due=build.at("-1 02:00")))
        return found

    monkeypatch.setattr(run_rows, "of_runs", of_runs)
    opened.expect("nightly", [build.at("02:00")], build.at("02:00:02"))
    assert opened.row(build.key("nightly", "02:00")).expected


def test_texts_are_sorted_by_code_point_whatever_the_database_is_set_to(opened):
    with opened._database.read() as connection:
        found = connection.execute(
            text("SELECT table_name, column_name FROM information_schema.columns "
                 "WHERE table_schema = current_schema() AND data_type = 'text' "
                 "AND collation_name IS DISTINCT FROM 'C'")
        ).all()  # fmt: skip
    assert found == []


def test_of_many_that_open_a_new_ledger_at_once_one_creates_it(url, build):
    barrier, born, errors = Barrier(5), set(), []

    def open_it() -> None:
        try:
            barrier.wait()
            with Ledger.open(url, build.declared) as ledger:
                born.add(ledger.ledger_id)
        except BaseException as error:
            errors.append(error)

    threads = [Thread(target=open_it) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(born) == 1


def test_the_schema_of_something_else_is_refused_and_left_as_it_is(url):
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE daily_revenue (day text)"))
    with pytest.raises(LedgerError, match="a ledger needs one of its own"):
        Ledger.open(url, datetime(2026, 4, 1, tzinfo=UTC))
    assert inspect(engine).get_table_names() == ["daily_revenue"]
    engine.dispose()


def test_a_server_that_is_not_there_is_unavailable_and_no_secret_is_told(build, tmp_path):
    with pytest.raises(LedgerUnavailable, match="cannot be used now") as caught:
        Ledger.open(f"postgresql://ann:hunter2@/landed?host={tmp_path}", build.declared)
    assert "hunter2" not in str(caught.value)


def test_connections_that_the_server_closed_are_replaced_and_nothing_is_lost(opened, build, admin):
    append(opened, build.signal("started", "02:00"))
    admin.execute(
        text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
             "WHERE application_name = 'landed'")
    )  # fmt: skip
    assert append(opened, build.signal("succeeded", "02:10")).accepted == 1
    assert len(opened.runs(RunFilter())) == 1
    assert opened.check() == []


def test_a_connection_that_breaks_within_a_write_leaves_nothing_of_it(opened, build, admin):
    append(opened, build.signal("started", "02:00"))

    def broken() -> None:
        with opened._database.write() as connection:
            connection.execute(text("DELETE FROM signals"))
            pid = connection.scalar(text("SELECT pg_backend_pid()"))
            admin.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            connection.execute(text("UPDATE runs SET verdict = 'wrong'"))

    with pytest.raises(LedgerUnavailable, match="cannot be used now"):
        broken()
    assert opened.check() == []
    assert append(opened, build.signal("succeeded", "02:10")).accepted == 1


def test_out_of_connections_is_unavailable_and_passes(opened, url, build, admin):
    schema = make_url(url).query["options"].rpartition("=")[2]
    role = f"few_{schema}"
    admin.execute(text(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 1"))
    try:
        admin.execute(text(f"GRANT ALL ON SCHEMA {schema} TO {role}"))
        admin.execute(text(f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {role}"))
        admin.execute(text(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"))
        few = make_url(url).set(username=role).render_as_string(hide_password=False)
        holder = create_engine(few)
        with holder.connect() as held:
            held.execute(text("SELECT 1"))
            with pytest.raises(LedgerUnavailable, match="too many connections"):
                Ledger.open(few, build.declared)
        holder.dispose()
        with Ledger.open(few, build.declared) as ledger:
            ledger._database._readers.dispose()
            assert append(ledger, build.signal("started", "02:00")).accepted == 1
    finally:
        admin.execute(text(f"DROP OWNED BY {role}"))
        admin.execute(text(f"DROP ROLE {role}"))


FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END
$$;
CREATE TRIGGER full_disk BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION full_disk();
"""


def test_on_a_full_disk_a_write_is_refused_whole_and_reading_goes_on(opened, build):
    with opened._database.write() as connection:
        connection.exec_driver_sql(FULL)
    with pytest.raises(LedgerUnavailable, match="No space left"):
        append(opened, build.signal("started", "02:00"))
    assert opened.runs(RunFilter()) == []
    assert opened.check() == []
    with opened._database.write() as connection:
        connection.execute(text("DROP TRIGGER full_disk ON runs"))
    assert append(opened, build.signal("started", "02:00")).accepted == 1


def test_a_row_that_somebody_holds_too_long_is_unavailable_and_later_written(opened, build):
    append(opened, build.signal("started", "02:00"))

    def impatient() -> None:
        with opened._database.write() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '50ms'"))
            connection.execute(text("SELECT * FROM attempts FOR UPDATE"))

    with opened._database._writer.begin() as holder:
        holder.execute(text("SELECT * FROM attempts FOR UPDATE"))
        with pytest.raises(LedgerUnavailable, match="lock timeout"):
            impatient()
    assert append(opened, build.signal("succeeded", "02:10")).accepted == 1


def test_a_deadlock_is_a_conflict_of_which_one_side_goes_on(opened, build):
    for attempt in ("a", "b"):
        append(opened, build.signal("started", "02:00", attempt=attempt))
    both, outcomes = Barrier(2), []

    def lock(first: str, second: str) -> None:
        try:
            with opened._database.write() as connection:
                for number, attempt in enumerate((first, second)):
                    connection.execute(
                        text("SELECT * FROM attempts WHERE attempt = :a FOR UPDATE"), {"a": attempt}
                    )
                    if number == 0:
                        both.wait(10)
        except Conflict:
            outcomes.append("conflict")
        else:
            outcomes.append("done")

    threads = [Thread(target=lock, args=names) for names in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict", "done"]


def test_a_conflict_is_tried_again_and_no_more_than_so_often():
    tries = []

    @retry.retried
    def write(fail: int) -> str:
        tries.append(fail)
        if len(tries) <= fail:
            raise Conflict("in the way")
        return "done"

    assert write(2) == "done"
    assert len(tries) == 3
    tries.clear()
    with pytest.raises(Conflict):
        write(1000)
    assert len(tries) == retry.TRIES


def test_of_two_that_ask_for_the_same_run_at_once_one_is_let_in(opened, build):
    now, both, given = build.at("02:00"), Barrier(2), []

    def ask(name: str) -> None:
        def rule(facts):
            allowed = not facts.attempts
            return Ruling(
                Decision.ALLOW if allowed else Decision.REFUSE, "first" if allowed else ""
            )

        claim = Signal(
            job="nightly",
            kind=Kind.CLAIMED,
            at=now,
            id=f"grant/{name}",
            due=build.nightly.due,
            attempt=name,
            lease_until=now + timedelta(minutes=5),
        )
        both.wait(10)
        given.append(opened.grant(build.nightly, rule, claim, now=now).decision)

    for round_ in range(5):
        threads = [Thread(target=ask, args=(f"{round_}/{side}",)) for side in "lr"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert given.count(Decision.ALLOW) == 1
    assert opened.check() == []


def test_a_write_whose_process_was_stopped_does_not_block_others_for_ever(url, build, monkeypatch):
    monkeypatch.setattr(postgresql, "IDLE_SECONDS", 1)
    with Ledger.open(url, build.declared) as paused:
        paused.declare("nightly", build.job(), {}, build.declared)
        append(paused, build.signal("started", "02:00"))
        accepted = []

        def stopped() -> None:
            with paused._database.write() as connection:
                connection.execute(text("SELECT * FROM attempts FOR UPDATE"))
                with Ledger.open(url, build.declared) as other:
                    ended = build.signal("succeeded", "02:10")
                    accepted.append(append(other, ended).accepted)
                connection.execute(text("SELECT 1"))

        with pytest.raises(LedgerUnavailable):
            stopped()
        assert accepted == [1]

"""What befalls a PostgreSQL server under a running ``serve``: it says so, and recovers."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from verifier.engine.clock import system_clock
from verifier.ledger.ledger import Ledger

pytestmark = pytest.mark.slow

FULL_DISK = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END
$$;
CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON cursors
FOR EACH ROW EXECUTE FUNCTION full_disk();
CREATE TRIGGER full_disk BEFORE INSERT ON signals FOR EACH ROW EXECUTE FUNCTION full_disk();
"""
SPACE = """
DROP TRIGGER full_disk ON cursors; DROP TRIGGER full_disk ON signals; DROP FUNCTION full_disk;
"""
SEVER = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"

FAULTS = {
    "failed over to a standby": (
        ["ALTER ROLE {role} SET default_transaction_read_only = on", SEVER],
        ["ALTER ROLE {role} RESET default_transaction_read_only"],
    ),
    "out of connections": (
        ["ALTER ROLE {role} CONNECTION LIMIT 0", SEVER],
        ["ALTER ROLE {role} CONNECTION LIMIT -1"],
    ),
    "out of disk": ([FULL_DISK], [SPACE]),
}


@pytest.fixture
def admin(postgres_server: str) -> Iterator[Connection]:
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def owned(postgres_url: Callable[[], str], admin: Connection) -> Iterator[tuple[str, str]]:
    """The URL of a ledger of a role of its own, and that role."""
    url = make_url(postgres_url())
    schema = url.query["options"].rpartition("=")[2]
    role = f"faulty_{schema}"
    admin.execute(text(f"CREATE ROLE {role} LOGIN"))
    admin.execute(text(f"ALTER SCHEMA {schema} OWNER TO {role}"))
    admin.execute(text(f"SET search_path = {schema}"))
    yield url.set(username=role).render_as_string(hide_password=False), role
    admin.execute(text(f"REASSIGN OWNED BY {role} TO CURRENT_USER"))
    admin.execute(text(f"DROP OWNED BY {role}"))
    admin.execute(text(f"DROP ROLE {role}"))


@pytest.mark.parametrize("fault", FAULTS)
def test_what_could_not_be_kept_is_refused_and_taken_when_it_is_over(
    fault: str, owned: tuple[str, str], admin: Connection, start
) -> None:
    url, role = owned
    breaks, mends = FAULTS[fault]
    serve = start(url)
    acknowledged = ["before"]
    assert serve.tell("before").json()["accepted"] == 1
    for statement in breaks:
        admin.exec_driver_sql(statement.format(role=role))
    for number in range(3):
        refused = serve.tell(f"during{number}")
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.json()["type"] == "urn:landed:problem:unavailable"
    serve.eventually(lambda: serve.get("/readyz").status_code == 503)
    assert serve.get("/livez").is_success
    for statement in mends:
        admin.exec_driver_sql(statement.format(role=role))
    serve.eventually(serve.is_ready)
    for number in range(3):
        assert serve.tell(f"during{number}").json()["accepted"] == 1
        acknowledged.append(f"during{number}")
    assert "Traceback" not in serve.log.read_text()
    serve.process.terminate()
    assert serve.process.wait(20) == 0
    with Ledger.open(url, system_clock()) as ledger:
        with ledger._database.read() as connection:
            kept = set(connection.scalars(text("SELECT id FROM signals WHERE id !~ '/'")))
        assert kept == set(acknowledged)
        assert ledger.check() == []

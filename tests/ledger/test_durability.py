"""What a ledger promised to keep is there, whatever happens to the process or the disk."""

import os
import random
import signal as signals
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import event

from verifier.ledger.errors import LedgerUnavailable

TABLES = ("signals", "attempts", "runs", "revisions", "tallies", "evaluations")

WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from verifier.ledger.ledger import Ledger
from verifier.runs.signal import Kind, Signal

path, round = sys.argv[1], int(sys.argv[2])
start = datetime(2026, 4, 3, 2, tzinfo=UTC) + timedelta(days=round)
with Ledger.open(f"sqlite:///{path}", start) as ledger:
    for number in range(100_000):
        at = start + timedelta(seconds=number)
        said = [
            Signal(
                job="quarter",
                kind=kind,
                at=at,
                id=f"{round}/{number}/{kind}",
                attempt=None if number % 5 == 0 else f"{round}/{number}",
            )
            for kind in (Kind.STARTED, Kind.SUCCEEDED)
        ]
        ledger.append(said, source="test", received_at=at)
        print(*(each.id for each in said), flush=True)
"""


@pytest.mark.slow
def test_nothing_that_was_acknowledged_is_lost_when_the_writer_is_killed(
    ledger, path, tmp_path, build
):
    ledger.close()
    script = tmp_path / "writer.py"
    script.write_text(WRITER)
    acknowledged: set[str] = set()
    chance = random.Random(7)
    for attempt in range(5):
        writer = subprocess.Popen(
            [sys.executable, script, path, str(attempt)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(chance.uniform(0.02, 0.25))
        writer.send_signal(signals.SIGKILL)
        rest, _ = writer.communicate(timeout=10)
        assert writer.returncode == -signals.SIGKILL
        # The last line may have been cut in the middle.
        lines = (first + rest).splitlines(keepends=True)
        acknowledged.update(" ".join(line for line in lines if line.endswith("\n")).split())
    with type(ledger).open(f"sqlite:///{path}", build.declared) as again:
        with again._database.read() as connection:
            kept = {row[0] for row in connection.exec_driver_sql("SELECT id FROM signals")}
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert len(acknowledged) >= 10
        assert acknowledged <= kept
        assert len(kept) % 2 == 0
        assert again.check() == []


def test_a_failure_between_any_two_statements_leaves_nothing(ledger, told, build, rows):
    """Each statement of a write is made to fail in turn, as if the power went."""
    told.night()
    before = {table: rows(table) for table in TABLES}
    failed_at = 0
    while True:
        left = failed_at

        def fail_later(*_arguments):
            nonlocal left
            left -= 1
            if left < 0:
                raise RuntimeError("power cut")

        with _statements(ledger, fail_later):
            try:
                told(
                    build.signal("started", "+1 02:00:01", attempt="a2"),
                    build.signal("succeeded", "+1 02:01", attempt="a2"),
                    build.signal("succeeded", "+1 02:10", attempt=None),
                    build.signal("skipped", "+2 02:00", attempt=None),
                )
            except RuntimeError:
                assert {table: rows(table) for table in TABLES} == before
            else:
                break
        failed_at += 1
    assert failed_at > 10
    assert ledger.check(build.at("+2 02:00")) == []


@contextmanager
def _statements(ledger, heard):
    """Has ``heard`` called before each statement of a write."""
    engine = ledger._database._writer
    event.listen(engine, "before_cursor_execute", heard)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", heard)


def in_another_process(script, *arguments):
    """What ``script`` printed; it must not have failed."""
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_on_a_full_disk_a_write_is_refused_whole_and_reading_goes_on(
    ledger, told, build, rows, path
):
    key = told.night()
    with ledger._database.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 3}")
    said = [
        build.signal("started", "+1 02:00", attempt=f"a{number}", reason="x" * 500)
        for number in range(400)
    ]
    before = {table: rows(table) for table in TABLES}
    with pytest.raises(LedgerUnavailable, match="disk is full"):
        told(*said)
    assert {table: rows(table) for table in TABLES} == before
    assert ledger.row(key).verdict == "verified"
    with ledger._database.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert told(*said).accepted == 400


LIMITED = """
import resource, signal, sys
from datetime import UTC, datetime, timedelta
from verifier.ledger.errors import LedgerUnavailable
from verifier.ledger.ledger import Ledger
from verifier.runs.signal import Kind, Signal

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
at = datetime(2026, 4, 3, 2, tzinfo=UTC)
with Ledger.open(f"sqlite:///{sys.argv[1]}", at) as ledger:
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    kept = 0
    try:
        for number in range(10_000):
            said = [
                Signal(job="quarter", kind=Kind.STARTED, at=at, id=f"{number}/{each}",
                       attempt=f"{number}/{each}", reason="x" * 1000)
                for each in range(10)
            ]
            kept += ledger.append(said, source="test", received_at=at).accepted
    except LedgerUnavailable as error:
        print(kept, error)
"""


@pytest.mark.slow
def test_where_no_file_may_grow_what_was_acknowledged_stays_and_no_batch_is_halved(
    ledger, path, build
):
    ledger.close()
    kept, _, error = in_another_process(LIMITED, path).partition(" ")
    assert "cannot be used now" in error
    with type(ledger).open(f"sqlite:///{path}", build.declared) as again:
        with again._database.read() as connection:
            found = connection.exec_driver_sql("SELECT count(*) FROM signals").scalar()
        assert found == int(kept) > 0
        assert again.check() == []


READ_ONLY = """
import os, sys
from datetime import UTC, datetime
from verifier.ledger.errors import LedgerUnavailable
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.runs.signal import Kind, Signal

if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
at = datetime(2026, 4, 3, 2, tzinfo=UTC)
try:
    ledger = Ledger.open(f"sqlite:///{sys.argv[1]}", at)
    print("runs", len(ledger.runs(RunFilter())))
    said = [Signal(job="quarter", kind=Kind.STARTED, at=at, id="x", attempt="x")]
    ledger.append(said, source="test", received_at=at)
except LedgerUnavailable as error:
    print(error)
"""


@pytest.fixture
def readable():
    """A directory that another user may enter."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["file", "directory", "new file"])
def test_a_ledger_that_may_not_be_written_is_unavailable_and_stays_as_it_was(
    ledger, told, path, build, readable, what
):
    told.night()
    ledger.close()
    kept = readable / "landed.db"
    kept.write_bytes(path.read_bytes())
    kept.chmod(0o444)
    readable.chmod(0o777 if what == "file" else 0o555)
    before = kept.read_bytes()
    target = readable / "new.db" if what == "new file" else kept
    *_, last = in_another_process(READ_ONLY, target).splitlines()
    assert "now: " in last
    assert "readonly" in last or "unable to open" in last or "Permission denied" in last
    assert kept.read_bytes() == before
    assert what == "file" or [each.name for each in readable.iterdir()] == ["landed.db"]

"""No file may grow any more under a running ``serve``, as where a disk is full."""

import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits a running process")
def test_what_finds_no_room_is_refused_and_taken_once_there_is(tmp_path: Path, start) -> None:
    serve = start(f"sqlite:///{tmp_path}/landed.db")
    acknowledged = {"before"}
    assert serve.tell("before").json()["accepted"] == 1
    pid = serve.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    log = (tmp_path / "landed.db-wal").stat().st_size
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (log + 20_000, before[1]))
    refused = []
    for number in range(50):
        answer = serve.tell(f"{number}")
        if answer.status_code == 503:
            assert int(answer.headers["Retry-After"]) > 0
            refused.append(f"{number}")
        else:
            acknowledged.add(f"{number}")
    assert refused
    serve.eventually(lambda: serve.get("/readyz").status_code == 503)
    assert serve.get("/livez").is_success
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    serve.eventually(serve.is_ready)
    for each in refused:
        assert serve.tell(each).json()["accepted"] == 1
    serve.process.kill()
    serve.process.wait()
    with closing(sqlite3.connect(tmp_path / "landed.db")) as connection:
        kept = {row[0] for row in connection.execute("SELECT id FROM signals")}
    assert kept == acknowledged | set(refused)

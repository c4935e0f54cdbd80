"""The file of a ledger taken away under a running ``serve``."""

import sqlite3
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_a_serve_whose_file_was_taken_away_says_so_and_acknowledges_nothing(
    tmp_path: Path, start
) -> None:
    path = tmp_path / "landed.db"
    serve = start(f"sqlite:///{path}")
    assert serve.tell("first").json()["accepted"] == 1
    kept = path.rename(tmp_path / "kept.db")
    refused = serve.tell("second")
    assert (refused.status_code, refused.json()["status"]) == (503, 503)
    assert int(refused.headers["Retry-After"]) > 0
    assert "replaced, moved or deleted" in refused.json()["detail"]
    assert serve.get("/readyz").status_code == 503
    assert serve.get("/livez").status_code == 200
    assert not path.exists()
    kept.rename(path)
    serve.eventually(serve.is_ready)
    assert serve.tell("second").json()["accepted"] == 1
    serve.process.kill()
    serve.process.wait()
    connection = sqlite3.connect(path)
    kept_ids = {row[0] for row in connection.execute("SELECT id FROM signals")}
    connection.close()
    assert kept_ids == {"first", "second"}

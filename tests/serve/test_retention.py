"""A running ``serve`` forgets what is old by itself."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from verifier.engine.clock import system_clock
from verifier.ledger.ledger import Ledger
from verifier.runs.declaration import Declaration, Every
from verifier.runs.signal import Kind, Signal

pytestmark = pytest.mark.slow

SLOT = timedelta(minutes=15)


def test_old_signals_go_while_new_ones_come_and_old_ones_are_refused(tmp_path: Path, start) -> None:
    url, now = f"sqlite:///{tmp_path}/landed.db", system_clock()
    old = now - timedelta(days=3)
    with Ledger.open(url, old) as ledger:
        declared = Declaration(
            job="quarter",
            schedule=Every(period=SLOT),
            surfaces=(),
            finish_within=SLOT,
            verified_within=SLOT,
            zombie_grace=SLOT,
        )
        ledger.declare("quarter", declared, {}, old - timedelta(days=1))
        said = [
            Signal(
                job="quarter", kind=Kind.SUCCEEDED, at=old, id=f"old{number}", attempt=f"{number}"
            )
            for number in range(2_000)
        ]
        ledger.append(said, source="test", received_at=old)
    serve = start(url, more="retention: {signals: 1d, runs: 30d}\n")
    serve.eventually(lambda: '"event": "pruned"' in serve.log.read_text())
    assert serve.tell("new").json()["accepted"] == 1
    (refused,) = serve.tell("old1", at=old).json()["rejected"]
    assert (refused["code"], refused["retriable"]) == ("too_old", False)
    serve.process.terminate()
    serve.process.wait(20)
    with Ledger.open(url, system_clock()) as ledger, ledger._database.read() as connection:
        kept = list(connection.scalars(text("SELECT id FROM signals WHERE id NOT LIKE '%/%'")))
        attempts = connection.scalar(text("SELECT count(*) FROM attempts"))
    assert (kept, attempts) == (["new"], 2_001)

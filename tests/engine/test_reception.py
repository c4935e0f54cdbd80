"""Sources that several processes could hear, and one does."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from verifier.checks.stores.registry import Stores
from verifier.config.load import read_config
from verifier.engine import hearing
from verifier.engine.fleet import Fleet
from verifier.engine.reception import Reception
from verifier.engine.turn import SWEEPS
from verifier.ledger.leases import Lease
from verifier.ledger.ledger import Ledger
from verifier.runs.binding import RunKey

NOW = datetime(2026, 4, 3, 2, 1, tzinfo=UTC)
NIGHT = RunKey("load", "2026-04-03T02:00:00Z")
CONFIG = """
version: 1
sources: {{night: {{type: lines, path: {path}, every: 10ms}}}}
jobs:
  load:
    schedule: {{cron: "0 2 * * *"}}
    class: best-effort
    scheduler: {{source: night, task: load}}
"""


def line(event: str) -> bytes:
    return json.dumps(
        {"task": "load", "run": "r1", "event": event, "at": "2026-04-03T02:00:00Z"}
    ).encode() + b"\n"  # fmt: skip


def eventually(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Hall:
    """Two processes on one ledger; only the first one can reach the source."""

    def __init__(self, folder: Path, url: str, closing: ExitStack) -> None:
        self.now = NOW
        self.file = folder / "night.jsonl"
        self.file.write_bytes(line("started"))
        self.ledgers, self.receptions = [], []
        for path in (self.file, folder / "nowhere"):
            config = read_config(CONFIG.format(path=path), "landed.yaml", {}).config
            assert config is not None
            ledger = closing.enter_context(Ledger.open(url, self.now))
            Fleet(config, ledger, Stores({})).register(self.now)
            reception = Reception(ledger, lambda: self.now, None, config)
            closing.callback(reception.stop)
            self.ledgers.append(ledger)
            self.receptions.append(reception)

    def give(self, place: int) -> Lease:
        """Have that one hold the lease; the other is not told."""
        ledger = self.ledgers[place]
        lease = ledger.take_lease(SWEEPS, str(place), self.now, ledger.lease(SWEEPS))
        assert lease is not None
        return lease


@pytest.fixture
def hall(
    tmp_path: Path, ledger_url: str, plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hall]:
    monkeypatch.setattr(hearing, "FIRST_WAIT", timedelta(milliseconds=10))
    with ExitStack() as closing:
        yield Hall(tmp_path, ledger_url, closing)


def test_who_has_no_lease_hears_nothing_and_tells_of_no_silence(hall: Hall) -> None:
    one, other = hall.receptions
    other.follow(None)
    one.follow(hall.give(0))
    eventually(lambda: hall.ledgers[0].attempts(NIGHT))
    hall.now += timedelta(hours=1)
    eventually(lambda: hall.ledgers[0].sources()["night"].heard_until == hall.now)
    other.look()
    one.look()
    assert hall.ledgers[0].sources()["night"].trouble is None
    assert hall.ledgers[0].windows() == []


def test_the_next_one_goes_on_where_the_one_before_came_to(hall: Hall) -> None:
    one, other = hall.receptions
    other.follow(hall.give(1))
    eventually(lambda: "night" in hall.ledgers[1].sources())
    eventually(lambda: "No such file" in (hall.ledgers[1].sources()["night"].trouble or ""))
    other.follow(None)
    one.follow(hall.give(0))
    eventually(lambda: hall.ledgers[0].attempts(NIGHT))
    assert hall.ledgers[0].position("night") == str(len(line("started")))
    one.follow(None)
    hall.file.write_bytes(hall.file.read_bytes() + line("succeeded"))
    one.follow(hall.give(0))
    eventually(lambda: hall.ledgers[0].attempts(NIGHT)[0].ends)


def test_who_lost_the_lease_unawares_keeps_nothing_of_what_it_hears(hall: Hall) -> None:
    one = hall.receptions[0]
    one.follow(hall.give(0))
    eventually(lambda: hall.ledgers[0].attempts(NIGHT))
    hall.give(1)
    before = hall.ledgers[0].position("night")
    hall.file.write_bytes(hall.file.read_bytes() + line("succeeded"))
    hall.now += timedelta(hours=1)
    time.sleep(0.1)
    assert not hall.ledgers[0].attempts(NIGHT)[0].ends
    assert hall.ledgers[0].position("night") == before
    assert hall.ledgers[0].sources()["night"].heard_until == NOW

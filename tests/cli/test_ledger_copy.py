from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from verifier.cli import ledger_copy
from verifier.engine.clock import system_clock
from verifier.engine.instance import claim
from verifier.ledger.ledger import Ledger
from verifier.ledger.sources import NATIVE

Landed = Callable[..., Any]

TO = ("--to", "sqlite:///other.db")


def test_a_ledger_moves_and_commands_find_the_same_there(home: Any, landed: Landed) -> None:
    before = landed("runs", "--json").json
    told = landed("ledger", "copy", *TO, "--json")
    assert told.code == 0
    assert told.json["rows"]["runs"] == len(before["runs"])
    moved = landed("runs", "--json", "--ledger", "sqlite:///other.db").json
    assert [run["run_id"] for run in moved["runs"]] == [run["run_id"] for run in before["runs"]]
    again = landed("ledger", "copy", *TO)
    assert (again.code, again.out) == (2, "")
    assert "expected an empty ledger" in again.err


def test_it_moves_to_postgresql(
    home: Any, landed: Landed, postgres_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = landed("runs", "--json").json
    url = postgres_url()
    told = landed("ledger", "copy", "--to", url)
    assert told.code == 0
    assert "both hold the same" in told.out
    # The history was listened to a moment ago, and with it so was the copy.
    monkeypatch.setattr(ledger_copy, "GAP", timedelta(days=-1))
    back = landed("ledger", "copy", "--ledger", url, "--to", "sqlite:///back.db", "--json")
    assert back.code == 0, back.err
    assert back.json["rows"]["signals"] > 0
    moved = landed("runs", "--json", "--ledger", url).json
    assert [run["run_id"] for run in moved["runs"]] == [run["run_id"] for run in before["runs"]]


def test_a_ledger_that_is_served_is_not_copied(home: Any, landed: Landed) -> None:
    with claim(Path("landed.db"), "http://127.0.0.1:1"):
        told = landed("ledger", "copy", *TO)
    assert (told.code, told.out) == (2, "")
    assert "served at http://127.0.0.1:1" in told.err
    assert not Path("other.db").exists()


def test_nobody_can_serve_what_is_being_copied(home: Any, landed: Landed) -> None:
    with claim(Path("landed.db"), None):
        told = landed("serve")
        assert landed("status").code == 0
    assert (told.code, told.out) == (2, "")
    assert "is being copied" in told.err


def test_a_server_of_which_somebody_listens_is_not_copied(
    home: Any, landed: Landed, postgres_url: Callable[[], str]
) -> None:
    url = postgres_url()
    with closing(Ledger.open(url, system_clock())) as ledger:
        ledger.listening(NATIVE, system_clock())
    told = landed("ledger", "copy", "--ledger", url, *TO)
    assert (told.code, told.out) == (2, "")
    assert "is served: somebody listened" in told.err
    assert not Path("other.db").exists()


def test_where_to_must_be_a_ledger_url(home: Any, landed: Landed) -> None:
    told = landed("ledger", "copy", "--to", "mysql://root:hunter2@db/landed")
    assert (told.code, told.out) == (2, "")
    assert "expected a ledger URL" in told.err
    assert "hunter2" not in told.err

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

Landed = Callable[..., Any]

LEDGER = ("--ledger", "sqlite:///new.db")


def test_a_ledger_is_made_once_and_stays_the_same(empty: Path, landed: Landed) -> None:
    first = landed("ledger", "migrate", *LEDGER, "--json")
    assert first.code == 0
    assert first.json.keys() == {"ledger_id", "created_at", "schema"}
    assert landed("ledger", "migrate", *LEDGER, "--json").json == first.json
    assert first.json["schema"] in landed("ledger", "migrate", *LEDGER).out


def test_the_ledger_of_the_configuration_is_taken(home: Any, landed: Landed) -> None:
    with home.ledger() as ledger:
        assert landed("ledger", "migrate", "--json").json["ledger_id"] == ledger.ledger_id


def test_the_database_of_somebody_else_is_left_alone(empty: Path, landed: Landed) -> None:
    with sqlite3.connect("new.db") as other:
        other.execute("create table signals_of_mine (a)")
    other.close()
    told = landed("ledger", "migrate", *LEDGER)
    assert (told.code, told.out) == (2, "")
    assert "another database" in told.err


def test_a_file_that_is_no_database_is_a_mistake(empty: Path, landed: Landed) -> None:
    Path("new.db").write_text("hello, this is no database at all " * 100)
    told = landed("ledger", "migrate", *LEDGER)
    assert (told.code, told.out) == (2, "")


def test_without_a_command_help_is_shown(landed: Landed) -> None:
    assert "migrate" in landed("ledger").out

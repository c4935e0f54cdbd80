from collections.abc import Callable
from typing import Any

import pytest

Landed = Callable[..., Any]


@pytest.fixture
def keeping(home: Any) -> Callable[[str], None]:
    """Writes into the configuration how long things are kept."""

    def write(lines: str) -> None:
        config = home.path / "landed.yaml"
        config.write_text(f"{config.read_text()}\nretention: {lines}\n")

    return write


def test_nothing_is_old_in_a_young_ledger(home: Any, landed: Landed) -> None:
    told = landed("ledger", "prune", "--json")
    assert told.code == 0
    assert told.json == {
        "dry_run": False,
        "pruned": {"signals": 0, "runs": 0},
        "kept": {"signals": "35d", "runs": "400d"},
    }
    assert "forgot 0 signals and 0 runs" in landed("ledger", "prune").out
    assert "would forget 0 signals" in landed("ledger", "prune", "--dry-run").out


def test_what_is_old_goes_and_counting_it_before_changes_nothing(
    home: Any, landed: Landed, monkeypatch: pytest.MonkeyPatch, keeping: Callable[[str], None]
) -> None:
    keeping("{signals: 1d, runs: 2d}")
    from datetime import timedelta

    from verifier.cli import ledger_prune
    from verifier.engine.clock import system_clock

    monkeypatch.setattr(ledger_prune, "system_clock", lambda: system_clock() + timedelta(days=9))
    foreseen = landed("ledger", "prune", "--dry-run", "--json").json
    assert foreseen["pruned"]["signals"] > 0
    assert foreseen["dry_run"] is True
    assert landed("ledger", "prune", "--json").json["pruned"] == foreseen["pruned"]
    assert landed("ledger", "prune", "--json").json["pruned"] == {"signals": 0, "runs": 0}
    with home.ledger() as ledger:
        assert ledger.check() == []


def test_a_ledger_that_is_not_there_is_not_made(home: Any, landed: Landed) -> None:
    told = landed("ledger", "prune", "--ledger", "sqlite:///other.db")
    assert (told.code, told.out) == (2, "")
    assert "no ledger is at other.db yet" in told.err
    assert not (home.path / "other.db").exists()


def test_without_a_configuration_nobody_knows_what_is_old(empty: Any, landed: Landed) -> None:
    told = landed("ledger", "prune", "--ledger", "sqlite:///new.db")
    assert (told.code, told.out) == (2, "")
    assert "LND001" in told.err

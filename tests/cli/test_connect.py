import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from verifier.cli.connect import connect
from verifier.cli.exits import CommandFailed
from verifier.cli.local import LocalClient
from verifier.cli.remote import RemoteClient
from verifier.cli.where import Where
from verifier.config.problem import ConfigError
from verifier.engine.clock import system_clock
from verifier.engine.listening import NATIVE
from verifier.exec.landed_exec import spool_signal
from verifier.runs.instant import format_instant

NOBODY = "http://127.0.0.1:1"

Landed = Callable[..., Any]


def test_a_ledger_that_nobody_serves_is_opened_here(home: Any) -> None:
    with connect(Where()) as client:
        assert isinstance(client, LocalClient)


def test_a_ledger_that_is_served_is_asked_for_through_its_api(served: Any) -> None:
    with connect(Where()) as client:
        assert isinstance(client, RemoteClient)
        assert client.url == served.url
        assert {job["job"] for job in client.jobs()} >= {"revenue"}


def test_the_token_beside_the_ledger_opens_its_api(served: Any, landed: Landed) -> None:
    told = landed("act", "hold", "revenue", "--by", "mia", "--reason", "why", "--json")
    assert told.json["action"] == "hold"
    assert served.service.ledger.actions("revenue")[0].by == "mia"


def test_an_address_wins_over_a_ledger(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(Where(url=NOBODY)) as client:
        assert isinstance(client, RemoteClient)
    monkeypatch.setenv("LANDED_URL", NOBODY)
    with connect(Where()) as client:
        assert isinstance(client, RemoteClient)


def test_a_ledger_on_the_command_line_wins_over_an_address_of_the_environment(
    home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDED_URL", NOBODY)
    with connect(Where(ledger="sqlite:///landed.db")) as client:
        assert isinstance(client, LocalClient)


def test_an_address_and_a_ledger_on_the_command_line_contradict_each_other() -> None:
    with pytest.raises(CommandFailed, match="found both"):
        Where(url=NOBODY, ledger="sqlite:///landed.db")


def test_an_address_needs_no_configuration(empty: Path) -> None:
    with connect(Where(url=NOBODY)) as client:
        assert isinstance(client, RemoteClient)


def test_a_known_ledger_needs_no_configuration_to_be_read(
    home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home.path / "landed.yaml").unlink()
    monkeypatch.setenv("LANDED_LEDGER", "sqlite:///landed.db")
    with connect(Where()) as client:
        assert client.run(f"revenue/{home.lied}")["verdict"] == "partial"


def test_a_configuration_that_was_named_must_be_there(home: Any) -> None:
    with pytest.raises(ConfigError), connect(Where(config=Path("nope.yaml"))):
        pass


def test_verify_needs_a_configuration(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.path / "landed.yaml").unlink()
    monkeypatch.setenv("LANDED_LEDGER", "sqlite:///landed.db")
    with pytest.raises(ConfigError), connect(Where(), creates=True):
        pass


def test_reading_makes_no_ledger(home: Any) -> None:
    where = Where(ledger="sqlite:///new.db")
    with pytest.raises(CommandFailed, match=r"no ledger is at new\.db"), connect(where):
        pass
    assert not (home.path / "new.db").exists()


def test_the_spool_of_this_host_is_heard_first(home: Any) -> None:
    signal = {
        "job": "unproved",
        "kind": "succeeded",
        "at": format_instant(system_clock()),
        "id": "s1",
        "due": home.missing,
        "attempt": "spooled",
    }
    spool_signal(str(home.path / "spool"), NOBODY, signal)
    with connect(Where()) as client:
        assert client.run(f"unproved/{home.missing}")["reported"] == "succeeded"


def test_silence_proves_nothing_while_nobody_listens(
    home: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = system_clock() - timedelta(hours=6)
    with home.ledger() as ledger:
        ledger.keep_cursor(f"listening/{NATIVE}", format_instant(heard))
    for _ in range(2):
        with connect(Where()) as client:
            run = client.run(f"unproved/{home.missing}")
    assert (run["state"], run["verdict"]) == ("waiting", None)
    assert "silence since then proves nothing" in capsys.readouterr().err
    with home.ledger() as ledger:
        (window,) = ledger.windows(NATIVE)
        assert (window.since, window.until, window.caught_up_at) == (heard, None, None)
        assert ledger.last_listening(NATIVE) == heard


NEVER_SERVED = """\
version: 1
ledger: sqlite:///landed.db
stores:
  warehouse: {type: sql, url: "sqlite:///warehouse.db"}
jobs:
  revenue:
    statement: The hour's revenue is there.
    schedule: {every: 1h}
    class: one-result
    effects: append
    settle: 100ms
    since: 2026-04-01
    checks:
      - {type: row_count, name: rows, store: warehouse, table: revenue, where: "1 = 1", ge: 1}
"""


def test_a_past_run_of_a_ledger_that_nobody_ever_served_is_not_missing(
    empty: Path, landed: Landed
) -> None:
    (empty / "landed.yaml").write_text(NEVER_SERVED)
    with closing(sqlite3.connect(empty / "warehouse.db")) as warehouse:
        warehouse.execute("create table revenue (hour text)")
    for _ in range(2):
        told = landed("verify", "revenue", "--due", "2026-04-02T02:00:00Z", "--json")
        (run,) = told.json["runs"]
        assert (told.code, run["state"], run["verdict"]) == (3, "waiting", None)
        assert run["checks"][0]["effect"] == "none"
        assert "nobody has listened since 2026-04-01T00:00:00Z" in told.err
    status = landed("status").out
    assert [line.split()[:2] for line in status.splitlines()[-1:]] == [["silent", "native"]]


def test_what_was_heard_just_now_needs_no_note(
    home: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with connect(Where()) as client:
        assert client.run(f"unproved/{home.missing}")["verdict"] == "missing"
    assert capsys.readouterr().err == ""
    with home.ledger() as ledger:
        assert ledger.windows(NATIVE) == []


def test_a_spool_that_cannot_be_read_is_noted_and_holds_up_nothing(
    home: Any, landed: Landed
) -> None:
    spool = home.path / "spool"
    spool.mkdir()
    (spool / "broken.live").write_bytes(b"\xff\x00 no record\n")
    (spool / "broken.done").mkdir()
    told = landed("status", "--json")
    assert told.code == 0
    assert "Traceback" not in told.err


def test_another_configuration_declares_and_retires_nothing(home: Any, landed: Landed) -> None:
    (home.path / "other.yaml").write_text(
        "version: 1\nledger: sqlite:///landed.db\njobs:\n"
        "  other: {schedule: {every: 1h}, class: best-effort}\n"
    )
    for words in (["status"], ["runs"], ["since", "today"], ["explain", f"revenue/{home.lied}"]):
        assert landed(*words, "--config", "other.yaml").code == 0
    with home.ledger() as ledger:
        assert set(ledger.histories()) == {"revenue", "unproved", home.long}
    assert landed("verify", "other", "--config", "other.yaml", "--json").code in (0, 3)
    with home.ledger() as ledger:
        assert set(ledger.histories()) == {"revenue", "unproved", home.long, "other"}


def test_a_served_ledger_answers_the_same_documents(home: Any, served: Any, landed: Landed) -> None:
    there = landed("explain", f"revenue/{home.lied}", "--json").json
    here = json.loads(json.dumps(served.service.run(f"revenue/{home.lied}")))
    there["advice"].pop("valid_until")
    here["advice"].pop("valid_until")
    assert there == here


def test_a_running_verifier_answers_whatever_became_of_the_configuration(
    served: Any, home: Any, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home.path / "landed.yaml"
    right = file.read_text()
    file.write_text(right + "  broken: {schedule: {cron: nonsense}, class: nonsense}\n")
    told = landed("status", "--json")
    assert (told.code, {job["job"] for job in told.json["jobs"]} >= {"revenue"}) == (0, True)
    file.write_text("jobs: [")
    assert landed("status").code == 2
    monkeypatch.setenv("LANDED_LEDGER", "sqlite:///landed.db")
    assert landed("status").code == 0
    file.unlink()
    monkeypatch.delenv("LANDED_LEDGER")
    assert landed("status").code == 2


def test_without_a_running_verifier_an_error_of_the_configuration_is_told(
    home: Any, landed: Landed
) -> None:
    file = home.path / "landed.yaml"
    file.write_text(file.read_text() + "  broken: {schedule: {cron: nonsense}, class: nonsense}\n")
    told = landed("status")
    assert (told.code, "LND" in told.err) == (2, True)

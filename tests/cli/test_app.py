"""What holds for every command, and what becomes of what goes wrong in any of them."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from verifier.cli import status
from verifier.ledger import database
from verifier.runs.binding import parse_path

Landed = Callable[..., Any]

NOBODY = "http://127.0.0.1:1"
SIGNED = ("--by", "mia", "--reason", "why")
ENTRY = [sys.executable, "-m", "verifier.cli.entry"]
COMMANDS = (
    *("init", "validate", "schema", "serve", "ledger", "status", "runs", "explain", "since"),
    *("verify", "act"),
)


def questions(home: Any) -> list[list[str]]:
    """A command line of every command that asks a verifier."""
    return [
        ["status"],
        ["runs"],
        ["explain", f"revenue/{home.lied}"],
        ["since", "today"],
        ["verify", "revenue", "--due", home.lied],
        ["act", "hold", "revenue", *SIGNED],
    ]


def test_with_json_stdout_is_one_document_and_nothing_else(home: Any, landed: Landed) -> None:
    others = [["init", "x.yaml"], ["validate"], ["schema"], ["ledger", "migrate"]]
    for words in [*questions(home), *others]:
        told = landed(*words, "--json")
        assert told.code in (0, 1)
        assert isinstance(told.json, dict)
        assert told.err == ""


@pytest.mark.parametrize("command", [[], *([command] for command in COMMANDS)])
def test_help_fits_the_width(landed: Landed, command: list[str]) -> None:
    told = landed(*command, "--help")
    assert told.code == 0
    assert "Usage: landed" in told.out
    assert max(map(len, told.out.splitlines())) <= 80


def test_help_names_every_command(landed: Landed) -> None:
    words = landed("--help").out.replace("│", " ").replace(",", " ").split()
    assert {*COMMANDS, "demo", "exec", "signal"} <= set(words)


@pytest.mark.parametrize("words", [["nonsense"], ["--nonsense"], ["status", "--nonsense"], []])
def test_a_command_line_that_is_none_is_a_mistake(landed: Landed, words: list[str]) -> None:
    told = landed(*words)
    assert told.code == 2
    assert "Usage: landed" in told.err + told.out


def test_without_a_configuration_every_command_says_what_it_expected(
    empty: Path, home: Any, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(empty)
    for words in [*questions(home), ["serve"], ["ledger", "migrate"]]:
        told = landed(*words)
        assert (told.code, told.out) == (2, "")
        assert "landed.yaml:1:1 LND001 expected to read the file" in told.err
        assert "landed init" in told.err


def test_a_broken_configuration_is_told_with_all_that_is_wrong(home: Any, landed: Landed) -> None:
    path = home.path / "landed.yaml"
    path.write_text(path.read_text().replace("effects: append", "effects: sometimes\n    clas: x"))
    for words in [*questions(home), ["serve"]]:
        told = landed(*words)
        assert (told.code, told.out) == (2, "")
        assert "LND104 jobs.revenue.effects" in told.err
        assert "LND101 jobs.revenue.clas" in told.err


def test_a_verifier_that_cannot_be_reached_has_an_exit_code_of_its_own(
    home: Any, landed: Landed
) -> None:
    for words in questions(home):
        told = landed(*words, "--url", NOBODY)
        assert (told.code, told.out) == (4, "")
        assert "no verifier can be reached" in told.err


def test_the_url_and_the_token_come_from_the_environment_too(
    home: Any, served: Any, landed: Landed, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(empty)
    monkeypatch.setenv("LANDED_URL", served.url)
    assert landed("act", "hold", "revenue", *SIGNED).code == 2
    monkeypatch.setenv("LANDED_TOKEN", served.token)
    assert landed("act", "hold", "revenue", *SIGNED).code == 0
    refused = landed("act", "hold", "revenue", *SIGNED, "--token", "not-that-one-0123456789")
    assert refused.code == 2
    assert "not-that-one" not in refused.err


def test_a_ledger_that_is_locked_is_no_mistake_of_the_user(
    home: Any, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.05)
    other = sqlite3.connect(home.path / "landed.db", isolation_level=None)
    other.execute("begin immediate")
    told = landed("act", "hold", "revenue", *SIGNED)
    assert (told.code, told.out) == (4, "")
    assert "landed.db cannot be used now" in told.err
    assert landed("runs", "--job", "revenue").code == 0
    other.close()


def test_a_ledger_of_a_newer_version_is_left_alone(home: Any, landed: Landed) -> None:
    with sqlite3.connect(home.path / "landed.db") as ledger:
        (table,) = ledger.execute(
            "select name from sqlite_master where sql like '%version_num%' and type = 'table'"
        ).fetchone()
        ledger.execute(f"update {table} set version_num = '9999'")
    ledger.close()
    for words in [*questions(home), ["ledger", "migrate"]]:
        told = landed(*words)
        assert (told.code, told.out) == (2, "")
        assert "newer version" in told.err


@pytest.mark.parametrize(
    "ledger", ["sqlite://", "mysql://u:secret@h/x", "nonsense", "sqlite:///nowhere/x.db", ""]
)
def test_a_ledger_that_cannot_be_is_a_mistake_and_shows_no_password(
    home: Any, landed: Landed, ledger: str
) -> None:
    for words in (["runs"], ["verify", "revenue"], ["ledger", "migrate"]):
        told = landed(*words, "--ledger", ledger)
        assert (told.code, told.out) == (2, "")
        assert told.err.startswith("landed: ")
        assert "secret" not in told.err


def test_a_server_that_cannot_be_reached_is_told_without_its_password(
    home: Any, landed: Landed
) -> None:
    told = landed("runs", "--ledger", "postgresql://u:secret@127.0.0.1:1/x")
    assert (told.code, told.out) == (4, "")
    assert told.err.startswith("landed: ")
    assert "secret" not in told.err


def test_a_defect_is_told_without_its_text_and_proves_nothing(
    home: Any, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_where: object) -> NoReturn:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(status, "connect", broken)
    told = landed("status")
    assert (told.code, told.out) == (3, "")
    assert "a defect of landed: RuntimeError at test_app.py" in told.err
    assert "hunter2" not in told.err
    assert "Traceback" not in told.err
    monkeypatch.setenv("LANDED_DEBUG", "1")
    assert "Traceback" in landed("status").err


@contextmanager
def unwritable(folder: Path) -> Iterator[list[str]]:
    """Nobody may write in ``folder``; what a command must begin with for that to hold."""
    for path in (folder, *folder.iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        # Root may write everywhere, unless it gives that right away.
        yield ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    finally:
        for path in (folder, *folder.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.slow
@pytest.mark.skipif(
    os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root may write everywhere"
)
def test_a_ledger_that_is_read_only_gives_no_traceback(home: Any) -> None:
    with unwritable(home.path) as prefix:
        for words in (["status"], ["verify", "revenue"], ["act", "hold", "revenue", *SIGNED]):
            told = subprocess.run([*prefix, *ENTRY, *words], capture_output=True, text=True)
            assert "Traceback" not in told.stderr
            assert told.returncode == 4
            assert "cannot be used now" in told.stderr


@pytest.mark.slow
@pytest.mark.parametrize("words", [["runs"], ["runs", "--json"], ["schema"]])
def test_nobody_who_reads_any_more_is_no_failure_to_complain_about(
    home: Any, words: list[str]
) -> None:
    command = subprocess.Popen(
        [*ENTRY, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    command.stdout.close()
    _, told = command.communicate(timeout=30)
    assert (command.returncode, told) == (141, "")


@pytest.mark.slow
def test_ctrl_c_ends_a_long_verify_quietly(home: Any) -> None:
    path = home.path / "landed.yaml"
    path.write_text(path.read_text().replace("settle: 100ms", "settle: 60s"))
    with sqlite3.connect(home.path / "warehouse.db") as warehouse:
        warehouse.execute("delete from revenue where region = 'R1'")
    warehouse.close()
    words = ["verify", "revenue", "--due", home.verified]
    key = parse_path(f"revenue/{home.verified}")
    with home.ledger() as ledger:
        before = len(ledger.evaluations(key))
        command = subprocess.Popen(
            [*ENTRY, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 20
        while len(ledger.evaluations(key)) == before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert command.poll() is None
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=20)
    assert (command.returncode, out, err) == (130, "", "")

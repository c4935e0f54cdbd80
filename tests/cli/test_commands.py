"""The list of commands, and what each of them has to load."""

import subprocess
import sys
from collections.abc import Callable
from inspect import getdoc
from pathlib import Path
from typing import Any

import pytest
import typer

from verifier.cli.commands import COMMANDS

Landed = Callable[..., Any]

NEEDED_BY_FEW = {
    *("alembic", "apscheduler", "celery", "duckdb", "fsspec", "grafana_foundation_sdk", "httpx"),
    *("prometheus_client", "psycopg", "pyarrow", "pymysql", "sqlalchemy.dialects.postgresql"),
    *("starlette", "structlog", "uvicorn"),
    *("verifier.alerts", "verifier.dashboards", "verifier.signals.airflow"),
    *("verifier.signals.celery", "verifier.signals.cron", "verifier.web"),
}
"""What only some sources, stores, ledgers and commands are made of.

``structlog`` among them: what a command logs would stand in the middle of its result.
"""

NEEDED_BY_NO_LIST = {
    *("pydantic", "ruamel", "sqlalchemy"),
    *("verifier.checks", "verifier.config.load", "verifier.engine", "verifier.ledger.ledger"),
}


def loaded_by(*words: str) -> tuple[int, set[str]]:
    """The exit code of a command line in a process of its own, and the modules it loads."""
    code = (
        "import sys\n"
        "from verifier.cli.entry import main\n"
        f"code = main({list(words)!r})\n"
        "print('loaded:', *sys.modules)\n"
        "sys.exit(code)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert told.stderr == ""
    return told.returncode, set(told.stdout.rpartition("loaded:")[2].split())


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_the_list_of_commands_loads_none_of_them(words: list[str]) -> None:
    code, modules = loaded_by(*words)
    assert code == 0
    assert modules & (NEEDED_BY_FEW | NEEDED_BY_NO_LIST) == set()


@pytest.mark.slow
def test_a_check_of_a_table_loads_what_it_asks_with_and_no_more(home: Any) -> None:
    code, modules = loaded_by("verify", "revenue", "--due", home.verified)
    assert code == 0
    assert modules & NEEDED_BY_FEW == set()
    assert modules >= NEEDED_BY_NO_LIST


@pytest.mark.slow
@pytest.mark.parametrize("words", [["status"], ["runs"], ["validate"]])
def test_a_question_loads_nothing_that_few_need(home: Any, words: list[str]) -> None:
    code, modules = loaded_by(*words)
    assert code == 0
    assert modules & NEEDED_BY_FEW == set()
    assert "verifier.config.load" in modules


def test_what_is_loaded_for_a_command_is_not_looked_through_for_garbage() -> None:
    code = (
        "import gc\n"
        "from verifier.cli.commands import COMMANDS\n"
        "COMMANDS['init'].load()\n"
        "print(gc.isenabled(), gc.get_freeze_count() > len(gc.get_objects()))\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (told.stdout, told.stderr) == ("True True\n", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_it_says_of_itself(name: str) -> None:
    command = COMMANDS[name]
    part = command.load()
    told = part.info.help if isinstance(part, typer.Typer) else getdoc(part)
    assert command.about == told


def test_a_command_is_run_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, landed: Landed
) -> None:
    monkeypatch.chdir(tmp_path)
    assert landed("--", "init").code == 0
    assert (tmp_path / "landed.yaml").exists()


def test_a_command_that_is_like_another_is_told_of_it(landed: Landed) -> None:
    told = landed("verfy", "revenue")
    assert told.code == 2
    assert "verify" in told.err

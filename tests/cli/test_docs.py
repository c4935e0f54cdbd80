"""The page of commands and the program agree."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from verifier.cli.act import Act
from verifier.cli.app import app
from verifier.cli.commands import COMMANDS
from verifier.cli.exits import ExitCode

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()


def commands() -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    top: Any = get_command(app(COMMANDS))
    for name, command in top.commands.items():
        below = getattr(command, "commands", None)
        found += [(f"{name} {each}", below[each]) for each in below] if below else [(name, command)]
    return found


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_the_page_tells_every_command(name: str) -> None:
    assert f"`landed {name}" in PAGE


def test_the_page_tells_every_option() -> None:
    told = set(re.findall(r"--[a-z][a-z-]*", PAGE))
    options = {
        option
        for _, command in commands()
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    }
    assert options <= told
    assert told - options == {"--help", "--guard"}


def test_the_page_tells_every_exit_code_and_action() -> None:
    for code in ExitCode:
        assert re.search(rf"^\| {int(code)} \|", PAGE, re.MULTILINE)
    for action in Act:
        assert re.search(rf"^\| .*`{action}\b", PAGE, re.MULTILINE)

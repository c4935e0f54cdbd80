"""A runbook tells a person what is true, where to look, what is safe and what is not."""

import re
from pathlib import Path

import pytest

from verifier.alerts.rule import Alert
from verifier.alerts.rulefile import ALERTS
from verifier.alerts.runbook import runbooks

CLI = (Path(__file__).parents[2] / "docs/cli.md").read_text()
WRAPPER = (Path(__file__).parents[2] / "docs/exec.md").read_text()


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_section_says_something(alert: Alert) -> None:
    page = runbooks()[f"{alert.full_name}.md"]
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert headings == ["What it means", "How to look", "What is safe", "What not to do"]
    assert all((alert.meaning, alert.look, alert.safe, alert.never))
    assert alert.expr in page


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_command_is_one_that_there_is(alert: Alert) -> None:
    inline = [each for text in alert.safe for each in re.findall(r"`(landed [^`]+)`", text)]
    commands = [each for each in (*alert.look, *inline) if each.startswith("landed ")]
    for command in commands:
        _, name, *words = command.split()
        page = WRAPPER if name == "exec" else CLI
        assert f"landed {name}" in page
        for option in (word for word in words if re.fullmatch(r"--[a-z-]+", word)):
            assert option in page, command
        if name == "act":
            assert f"`{words[0]}" in CLI


def test_lines_are_as_short_as_in_other_pages() -> None:
    assert max(len(line) for page in runbooks().values() for line in page.splitlines()) <= 110

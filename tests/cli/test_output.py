"""How a command writes for people."""

import pytest
from rich.table import Table

from verifier.cli.output import show


def test_what_no_terminal_shows_has_no_padded_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    table = Table("VERDICT", "JOB", box=None)
    table.add_row("verified", "a")
    table.add_row("partial", "daily-revenue")
    show(table, "", "  done [1]")
    lines = capsys.readouterr().out.split("\n")
    assert [line.split() for line in lines[1:3]] == [
        ["verified", "a"],
        ["partial", "daily-revenue"],
    ]
    assert lines == [line.rstrip() for line in lines]
    assert lines[3:] == ["", "  done [1]", ""]

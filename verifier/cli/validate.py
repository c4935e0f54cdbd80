"""``landed validate``: every problem of a configuration, and each job's 03:00 card."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from verifier.cli.exits import ExitCode
from verifier.cli.options import ConfigOption, JsonOption
from verifier.cli.output import show_json, stdout
from verifier.cli.text import plain
from verifier.cli.where import Where
from verifier.config.card import card
from verifier.config.config import Config
from verifier.config.load import read_file
from verifier.config.problem import Level, Problem, errors_of
from verifier.engine.clock import system_clock


def validate(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", show_default=False)
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what is wrong in landed.yaml, and what is safe when each job dies at 03:00."""
    readings = [read_file(path) for path in files or [Where(config=config).config_path]]
    problems = [problem for reading in readings for problem in reading.problems]
    errors = errors_of(problems)
    if as_json:
        warnings = [problem for problem in problems if problem.level is Level.WARNING]
        show_json({"errors": _documents(errors), "warnings": _documents(warnings)})
    else:
        _show_problems(problems)
        if not errors:
            _show_cards([each.config for each in readings if each.config], system_clock())
    raise typer.Exit(ExitCode.USAGE if errors else ExitCode.DONE)


def _documents(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    return [
        {
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "code": str(problem.code),
            "path": problem.path,
            "message": problem.message,
            "hint": problem.hint,
        }
        for problem in problems
    ]


def _show_problems(problems: Sequence[Problem]) -> None:
    console = stdout()
    for problem in problems:
        style = "red" if problem.level is Level.ERROR else "yellow"
        console.print(Text(plain(problem), style=style), soft_wrap=True)


def _show_cards(configs: Sequence[Config], now: datetime) -> None:
    console = stdout()
    for config in configs:
        count = "1 job" if len(config.jobs) == 1 else f"{len(config.jobs)} jobs"
        console.print(f"{plain(config.file)}: valid, {count}", soft_wrap=True)
        for job in config.jobs.values():
            console.print()
            name, *lines = card(job, now)
            console.print(Text(plain(name), style="bold"), soft_wrap=True)
            for line in lines:
                console.print(plain(line), soft_wrap=True)

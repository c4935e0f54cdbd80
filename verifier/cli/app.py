"""The commands of ``landed``, and what becomes of everything that goes wrong in them."""

import os
import traceback
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.main import get_command

from verifier.cli.commands import COMMANDS, add
from verifier.cli.exits import CommandFailed, ExitCode
from verifier.cli.output import show_lines, stderr
from verifier.cli.text import plain
from verifier.config.problem import ConfigError
from verifier.ledger.errors import LedgerError, LedgerUnavailable


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version as version_of

        show_lines(f"landed {version_of('landed')}")
        raise typer.Exit


def _landed(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    pass


def app(called: Collection[str]) -> typer.Typer:
    """The application; of its commands those among ``called`` are loaded, the others listed."""
    landed = typer.Typer(
        help="Verifies that scheduled work was done, not only started.",
        epilog="Around and inside jobs: landed exec and landed signal, each with its own --help.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    landed.callback()(_landed)
    for name in COMMANDS:
        add(landed, name, loaded=name in called)
    return landed


def run(words: Sequence[str]) -> int:
    """Run a command line; its exit code. A mistake of the user is told, never traced."""
    try:
        get_command(app(words)).main(args=list(words), prog_name="landed")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.DONE
    except ConfigError as error:
        for problem in error.problems:
            _tell(str(problem))
        return ExitCode.USAGE
    except CommandFailed as failure:
        _tell(str(failure), failure.hint)
        return failure.code
    except LedgerUnavailable as error:
        _tell(str(error))
        return ExitCode.UNREACHABLE
    except LedgerError as error:
        _tell(str(error))
        return ExitCode.USAGE
    except Exception as error:
        _tell_defect(error)
        return ExitCode.CANNOT_TELL
    return ExitCode.DONE


def _tell(message: str, hint: str | None = None) -> None:
    stderr().print(
        plain(f"landed: {message}" + (f". Hint: {hint}" if hint else "")), soft_wrap=True
    )


def _tell_defect(error: Exception) -> None:
    """A defect of ours: where it is, but not what it says, which may be a secret."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    _tell(
        f"a defect of landed: {type(error).__name__} at {Path(place.filename).name}:{place.lineno}",
        "please report it, with what LANDED_DEBUG=1 adds; nothing can be told",
    )
    if os.environ.get("LANDED_DEBUG"):
        traceback.print_exception(error)

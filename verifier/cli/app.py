"""The commands of ``landed``, and what becomes of everything that goes wrong in them."""

import os
import traceback
from collections.abc import Sequence
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated

import typer
from typer.main import get_command

from verifier.cli.act import act
from verifier.cli.alerts import alerts
from verifier.cli.dashboards import dashboards
from verifier.cli.demo.command import demo
from verifier.cli.discover import discover
from verifier.cli.doctor import doctor
from verifier.cli.exits import CommandFailed, ExitCode
from verifier.cli.explain import explain
from verifier.cli.init import init
from verifier.cli.ledger import ledger
from verifier.cli.output import show_lines, stderr
from verifier.cli.runs import runs
from verifier.cli.schema import schema
from verifier.cli.serve import serve
from verifier.cli.since import since
from verifier.cli.status import status
from verifier.cli.text import plain
from verifier.cli.validate import validate
from verifier.cli.verify import verify
from verifier.config.problem import ConfigError
from verifier.ledger.errors import LedgerError, LedgerUnavailable

app = typer.Typer(
    help="Verifies that scheduled work was done, not only started.",
    epilog="Around and inside jobs: landed exec and landed signal, each with its own --help.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

SET_UP = "Set up"
ASK = "Ask"
ACT = "Act"


def _version(wanted: bool) -> None:
    if wanted:
        show_lines(f"landed {version_of('landed')}")
        raise typer.Exit


@app.callback()
def _landed(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    pass


app.command(rich_help_panel=SET_UP)(demo)
app.command(rich_help_panel=SET_UP)(init)
app.command(rich_help_panel=SET_UP)(discover)
app.command(rich_help_panel=SET_UP)(validate)
app.command(rich_help_panel=SET_UP)(schema)
app.command(rich_help_panel=SET_UP)(doctor)
app.command(rich_help_panel=SET_UP)(serve)
app.add_typer(dashboards, name="dashboards", rich_help_panel=SET_UP)
app.add_typer(alerts, name="alerts", rich_help_panel=SET_UP)
app.add_typer(ledger, name="ledger", rich_help_panel=SET_UP)
app.command(rich_help_panel=ASK)(status)
app.command(rich_help_panel=ASK)(runs)
app.command(rich_help_panel=ASK)(explain)
app.command(rich_help_panel=ASK)(since)
app.command(rich_help_panel=ASK)(verify)
app.command(rich_help_panel=ACT)(act)


def run(words: Sequence[str]) -> int:
    """Run a command line; its exit code. A mistake of the user is told, never traced."""
    try:
        get_command(app).main(args=list(words), prog_name="landed")
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

"""Every command, once: a new one adds its module and one line here.

A command is loaded where it is called: together they take most of a second, which
everybody who calls one of them, or asks which there are, would wait for.
"""

import gc
import sys
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

import typer

SET_UP = "Set up"
ASK = "Ask"
ACT = "Act"


class Command(NamedTuple):
    """Where a command is written down, as ``module:name``, and what the list says of it."""

    panel: str
    place: str
    about: str

    def load(self) -> Callable[..., None] | typer.Typer:
        """The command, or the group of commands."""
        module, _, name = self.place.partition(":")
        if module not in sys.modules:
            _load(module)
        found: Callable[..., None] | typer.Typer = getattr(sys.modules[module], name)
        return found


def _load(module: str) -> None:
    # All that is loaded stays: looking for garbage in it takes a tenth of the time, while it
    # is loaded, and again soon after unless it is put aside.
    gc.disable()
    try:
        import_module(module)
    finally:
        gc.freeze()
        gc.enable()


COMMANDS = {
    "demo": Command(
        SET_UP,
        "verifier.cli.demo.command:demo",
        "Play eight nights of a revenue job, with real processes and real kills.",
    ),
    "init": Command(
        SET_UP,
        "verifier.cli.init:init",
        "Write a commented landed.yaml (or PATH) to start from.",
    ),
    "discover": Command(
        SET_UP,
        "verifier.cli.discover:discover",
        "Print what is scheduled there and not declared yet, as jobs to finish; never a check.",
    ),
    "validate": Command(
        SET_UP,
        "verifier.cli.validate:validate",
        "Tell what is wrong in landed.yaml, and what is safe when each job dies at 03:00.",
    ),
    "schema": Command(
        SET_UP,
        "verifier.cli.schema:schema",
        "Print the JSON Schema of landed.yaml, for editors.",
    ),
    "doctor": Command(
        SET_UP,
        "verifier.cli.doctor:doctor",
        "Try the ledger, each source and each store; tell what cannot be seen. 1 on an error.",
    ),
    "serve": Command(
        SET_UP,
        "verifier.cli.serve:serve",
        "Hear, judge and answer until SIGTERM or Ctrl-C; SIGHUP reads the configuration again.",
    ),
    "dashboards": Command(
        SET_UP,
        "verifier.cli.dashboards:dashboards",
        "Dashboards to import into Grafana.",
    ),
    "alerts": Command(
        SET_UP,
        "verifier.cli.alerts:alerts",
        "Rules that ask for a person.",
    ),
    "ledger": Command(
        SET_UP,
        "verifier.cli.ledger:ledger",
        "Look after the ledger.",
    ),
    "status": Command(
        ASK,
        "verifier.cli.status:status",
        "Tell how jobs stand: what is open, when they were last useful, are due; and sources.",
    ),
    "runs": Command(
        ASK,
        "verifier.cli.runs:runs",
        "List runs, newest first. WHEN is a day (friday, 2026-04-01), 3d, or an instant.",
    ),
    "explain": Command(
        ASK,
        "verifier.cli.explain:explain",
        "Tell the whole story of a run, and end in what to paste.",
    ),
    "since": Command(
        ASK,
        "verifier.cli.since:since",
        "Tell of each job what ran, what it really did, what is unknown, what to do next.",
    ),
    "verify": Command(
        ASK,
        "verifier.cli.verify:verify",
        "Ask the destination now, wait for the confirming look, and exit by the worst run.",
    ),
    "act": Command(
        ACT,
        "verifier.cli.act:act",
        "Act on a run or a job: fence, skip, reconcile, rejudge, hold, release, mute, unmute.",
    ),
}
"""In the order in which they are listed."""


def add(app: typer.Typer, name: str, *, loaded: bool) -> None:
    """Have ``app`` know the command ``name``; unless ``loaded``, only that there is one."""
    command = COMMANDS[name]
    part = command.load() if loaded else _listed
    if isinstance(part, typer.Typer):
        app.add_typer(part, name=name, help=command.about, rich_help_panel=command.panel)
    else:
        app.command(name, help=command.about, rich_help_panel=command.panel)(part)


def _listed() -> None:
    """Stands for a command that is not called."""
    raise AssertionError("a command is called that was not loaded")

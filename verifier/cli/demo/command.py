"""``landed demo``: plays the story and prints each night."""

import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from shutil import which
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from verifier.cli.demo.stage import JOB, NIGHT, Stage, StageFailed, first_night
from verifier.cli.demo.story import STORY, Told, play
from verifier.engine.clock import system_clock, system_wait

_COLOURS = {"verified": "green", "missing": "yellow", "ambiguous": "yellow", "running": "cyan"}


def demo(
    serve: Annotated[
        bool, typer.Option("--serve", help="Go on serving when the story has ended.")
    ] = False,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="An empty folder to play in. Default: a new one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One document: the nights.")] = False,
) -> None:
    """Play eight nights of a revenue job, with real processes and real kills."""
    home = directory or Path(tempfile.mkdtemp(prefix="landed-demo-"))
    out = Console(stderr=as_json, highlight=False)
    if home.exists() and any(home.iterdir()):
        out.print(f"--dir: expected an empty folder, found files in {home}", soft_wrap=True)
        raise typer.Exit(2)
    signal.signal(signal.SIGTERM, _interrupt)
    home = home.absolute()
    stage = Stage(home)
    start = first_night(system_clock())
    nights = [start + number * NIGHT for number in range(len(STORY))]
    told: list[Told] = []
    try:
        stage.build(nights)
        _introduce(out)
        with stage.serving():
            for night in play(stage, nights, system_clock, system_wait):
                told.append(night)
                _print_night(out, night)
            documents = [stage.run_document(due) for due in nights]
            stage.restore_warehouse()
            if as_json:
                print(json.dumps({"nights": documents}))  # noqa: T201 - the document itself
            _conclude(out, told, home, stage.url if serve else None)
            if serve:
                signal.pause()
    except StageFailed as failure:
        out.print(f"the demo could not be played: {failure}", markup=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        stage.stop_children()
        raise typer.Exit(0 if serve and len(told) == len(STORY) else 130) from None
    if not all(night.as_it_must for night in told):
        raise typer.Exit(1)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Ended from outside, the demo still ends what it started."""
    raise KeyboardInterrupt


def _introduce(out: Console) -> None:
    out.print()
    out.print("A nightly job appends the revenue of 150 regions to a warehouse.")
    out.print(
        f"Eight nights, {NIGHT.seconds} seconds each. What did cron believe, and what is true?"
    )


def _print_night(out: Console, told: Told) -> None:
    run = told.run
    word = run["verdict"] or run["state"]
    stalled = [c["condition"] for c in run["conditions"] if c["condition"] == "stalled"]
    truth = Text.assemble(
        (word.upper(), f"bold {_COLOURS.get(word, 'red')}"),
        f" {' '.join(stalled)}" if stalled else "",
        (" - a false success", "red") if run["false_success"] else "",
    )
    out.print()
    out.print(Text.assemble((f"Night {told.number}", "bold"), f"  {told.night.title}"))
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column(overflow="fold")
    rows.add_row("cron saw", "; ".join(told.believed))
    rows.add_row("true", truth)
    for check in run["checks"]:
        if run["verdict"] != "verified" and check["result"] != "holds":
            rows.add_row("", Text(check["summary"], style="dim"))
    rows.add_row("do", Text(run["advice"]["action"], style="bold"))
    for line in run["advice"]["do_not"]:
        rows.add_row("", line)
    out.print(Padding(rows, (0, 0, 0, 2)))
    if not told.as_it_must:
        wanted = told.night.verdict or told.night.state
        out.print(f"  EXPECTED {wanted}, {told.night.action}", style="bold red")


def _conclude(out: Console, told: list[Told], home: Path, url: str | None) -> None:
    out.print()
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for name in ("night", "cron saw", "verdict", "do"):
        table.add_column(name, overflow="fold")
    for night in told:
        run = night.run
        word = run["verdict"] or run["state"]
        table.add_row(
            str(night.number),
            "; ".join(night.believed),
            Text(word, style=_COLOURS.get(word, "red")),
            run["advice"]["action"],
        )
    out.print(table)
    last = told[-1].run
    out.print()
    out.print("Look further:")
    landed = "landed" if which("landed") else str(Path(sys.argv[0]).absolute())
    where = os.path.relpath(home)
    place = where if len(where) < len(str(home)) else str(home)
    out.print(f"  cd {place}; export LANDED_SPOOL=$PWD/spool", soft_wrap=True, markup=False)
    for line in (
        f"{landed} explain {told[2].run['run']}",
        f"{landed} verify {JOB} --due {last['due']}   # the warehouse is back: ask again",
        f"{landed} since today",
    ):
        out.print(f"  {line}", soft_wrap=True, markup=False)
    out.print()
    if url is not None:
        out.print(f"Serving at {url} until Ctrl-C.", soft_wrap=True)
    else:
        out.print("`landed demo --serve` keeps the verifier running when the story has ended.")

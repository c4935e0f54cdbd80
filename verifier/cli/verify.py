"""``landed verify``: ask the destination now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from verifier.cli.client import Document, Wanted
from verifier.cli.connect import connect
from verifier.cli.exits import CommandFailed, ExitCode, exit_of_runs
from verifier.cli.options import (
    ConfigOption,
    JsonOption,
    LedgerOption,
    PartitionOption,
    TokenOption,
    UrlOption,
)
from verifier.cli.output import counting, note, show, show_json, stdout
from verifier.cli.paste import rejudge_block
from verifier.cli.tables import runs_table
from verifier.cli.text import seconds
from verifier.cli.when import parse_moment
from verifier.cli.where import Where
from verifier.engine.clock import system_clock
from verifier.runs.evaluation import Effect

WAITING = "asking, and waiting for runs to settle"


def verify(
    job: Annotated[str, typer.Argument(metavar="JOB", show_default=False)],
    due: Annotated[
        str | None,
        typer.Option(metavar="T", help="The run due then; default: the last.", show_default=False),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="T", help="Every run from then on.", show_default=False),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--to", metavar="T", help="And before then.", show_default=False),
    ] = None,
    partition: PartitionOption = None,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the destination now, wait for the confirming look, and exit by the worst run."""
    wanted = _wanted(job, due, start, end, partition, system_clock())
    where = Where(config=config, ledger=ledger, url=url, token=token)
    with connect(where, creates=True) as client, counting(WAITING) as tell:
        found = client.verify(wanted, tell)
    if as_json:
        show_json({"runs": found})
    elif found:
        show(runs_table(found, stdout().width))
        _tell_unasked(found)
        _tell_declaration(found)
    else:
        note("no run is due there")
    code = exit_of_runs(found)
    if code == ExitCode.DONE and any(map(_was_not_told, found)):
        code = ExitCode.CANNOT_TELL
    raise typer.Exit(code)


def _was_not_told(run: Document) -> bool:
    """Whether the destination told once what it did not tell when it was asked now."""
    now, judged = run["effect_now"], run["effect"]
    return bool(now == Effect.UNKNOWN != judged)


def _tell_unasked(runs: Sequence[Document]) -> None:
    """A verdict that stands is not what the destination shows now."""
    unasked = [run for run in runs if _was_not_told(run)]
    if unasked:
        whose = f"of {len(unasked)} of these runs " if len(runs) > 1 else ""
        note(
            f"{whose}the destination could not tell now: the verdict is from what it showed "
            "before. `landed doctor` says whether its store can be asked"
        )


def _tell_declaration(runs: Sequence[Document]) -> None:
    """Say it where the checks that were asked are not those that are declared now."""
    older = [run for run in runs if run["declaration"]["corrected_at"] is not None]
    if not older:
        return
    first = older[0]
    asked, corrected = (seconds(first["declaration"][word]) for word in _DECLARED)
    whose = f"{len(older)} of these runs were" if len(runs) > 1 else "this run was"
    note(
        f"{whose} asked by the checks of its time, as declared at {asked}: they were changed "
        f"at {corrected}, for runs from then on"
    )
    for line in rejudge_block(first):
        note(line)


_DECLARED = ("valid_from", "corrected_at")


def _wanted(
    job: str,
    due: str | None,
    start: str | None,
    end: str | None,
    partition: str | None,
    now: datetime,
) -> Wanted:
    """Which runs are meant; what is not due yet at ``now`` is no part of a span."""
    if (start is None) is not (end is None):
        raise CommandFailed("expected --from and --to, found one of them")
    if due is not None and start is not None:
        raise CommandFailed("expected either --due, or --from and --to, found both")
    at, first, last = (
        parse_moment(option, text)
        for option, text in (("--due", due), ("--from", start), ("--to", end))
    )
    if at is not None and at > now:
        raise CommandFailed("--due: expected an instant that has passed")
    if first is not None and last is not None:
        if first >= min(last, now):
            raise CommandFailed("--from: expected an instant that has passed, and before --to")
        last = min(last, now)
    return Wanted(job=job, due=at, start=first, end=last, partition=partition)

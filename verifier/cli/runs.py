"""``landed runs``: runs, newest first."""

from typing import Annotated

import typer

from verifier.cli.connect import connect
from verifier.cli.options import (
    ConfigOption,
    JobOption,
    JsonOption,
    LedgerOption,
    PartitionOption,
    SinceOption,
    TokenOption,
    UntilOption,
    UrlOption,
)
from verifier.cli.output import note, show, show_json, stdout, working
from verifier.cli.tables import runs_table
from verifier.cli.text import is_unlisted
from verifier.cli.when import parse_when
from verifier.cli.where import Where
from verifier.engine.clock import system_clock
from verifier.ledger.listing import RunFilter
from verifier.ledger.types import RunLane
from verifier.runs.verdict import Verdict

LIMIT = 1000


def runs(
    job: JobOption = None,
    verdict: Annotated[
        Verdict | None, typer.Option(help="Only runs judged to be this.", show_default=False)
    ] = None,
    lane: Annotated[
        RunLane | None,
        typer.Option(help="live: the schedule asked for it.", show_default=False),
    ] = None,
    partition: PartitionOption = None,
    worker: Annotated[
        str | None, typer.Option(help="Only runs tried there.", show_default=False)
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = LIMIT,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """List runs, newest first. WHEN is a day (friday, 2026-04-01), 3d, or an instant."""
    now = system_clock()
    filters = RunFilter(
        job=job,
        verdict=verdict,
        lane=lane,
        partition=partition,
        worker=worker,
        since=None if since is None else parse_when(since, now),
        until=None if until is None else parse_when(until, now),
        limit=limit,
    )
    with (
        connect(Where(config=config, ledger=ledger, url=url, token=token)) as client,
        working("reading runs"),
    ):
        found = client.runs(filters)
    if as_json:
        show_json({"runs": found})
        return
    if found:
        show(runs_table(found, stdout().width))
        unlisted = [run for run in found if is_unlisted(run)]
        if unlisted:
            first = f"such as {unlisted[0]['partition']} of {unlisted[0]['job']}"
            note(
                f"partitions that nobody listed: {len(unlisted)}, {first}; if that is a slip, "
                "correct --partition where the job is started"
            )
    else:
        note("no run matches")
    if len(found) == limit:
        note(f"there may be more: only the newest {limit} are shown")

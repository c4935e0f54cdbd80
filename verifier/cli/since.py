"""``landed since``: what became of each job since some instant."""

from typing import Annotated

import typer

from verifier.cli.connect import connect
from verifier.cli.options import (
    ConfigOption,
    JobOption,
    JsonOption,
    LedgerOption,
    TokenOption,
    UrlOption,
)
from verifier.cli.output import note, show, show_json, working
from verifier.cli.recap import recap, told
from verifier.cli.when import parse_when
from verifier.cli.where import Where
from verifier.engine.clock import system_clock
from verifier.ledger.listing import RunFilter

LIMIT = 10_000


def since(
    when: Annotated[
        str,
        typer.Argument(
            metavar="WHEN",
            help="friday, yesterday, 3d, 2026-04-01 or an instant; in UTC.",
            show_default=False,
        ),
    ],
    job: JobOption = None,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell of each job what ran, what it really did, what is unknown, what to do next."""
    start = parse_when(when, system_clock())
    with (
        connect(Where(config=config, ledger=ledger, url=url, token=token)) as client,
        working("reading runs"),
    ):
        jobs = [each["job"] for each in (client.jobs() if job is None else [client.job(job)])]
        runs = client.runs(RunFilter(job=job, since=start, limit=LIMIT))
    document = recap(jobs, runs, start)
    if as_json:
        show_json(document)
    else:
        show(*told(document))
    if len(runs) == LIMIT:
        note(f"only the newest {LIMIT} runs were counted: choose a later WHEN, or one --job")

"""``landed ledger copy``: a ledger moves into another database."""

from contextlib import closing, nullcontext
from datetime import datetime
from typing import Annotated

import typer

from verifier.cli.exits import CommandFailed
from verifier.cli.ledger_place import existing_ledger
from verifier.cli.options import ConfigOption, JsonOption, LedgerOption
from verifier.cli.output import counting, show_json, show_lines
from verifier.cli.text import plain
from verifier.cli.where import Where
from verifier.engine.clock import system_clock
from verifier.engine.instance import AlreadyServed, claim, ledger_path
from verifier.engine.listening import GAP
from verifier.ledger.address import database_at
from verifier.ledger.copy import copy as copied
from verifier.ledger.ledger import Ledger
from verifier.ledger.sources import NATIVE
from verifier.runs.instant import format_instant


def copy(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="URL",
            help="Where to, such as postgresql+psycopg://landed@db/landed; it must be empty.",
            show_default=False,
        ),
    ],
    config: ConfigOption = None,
    url: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the ledger into an empty database, whole and checked, while nobody serves it."""
    where, now = Where(config=config, ledger=url), system_clock()
    source = existing_ledger(where.ledger_url(where.find_config()))
    path = ledger_path(source)
    try:
        with nullcontext() if path is None else claim(path, None):
            rows = _copy(source, to, now, alone=path is not None)
    except AlreadyServed as error:
        raise CommandFailed(str(error)) from None
    if as_json:
        show_json({"rows": rows})
    else:
        show_lines(f"copied {sum(rows.values())} rows of {len(rows)} tables; both hold the same")


def _copy(source: str, target: str, now: datetime, *, alone: bool) -> dict[str, int]:
    with Ledger.open(source, now) as ledger:  # brings its schema up to date
        last = ledger.last_listening(NATIVE)
        if not alone and last is not None and now - last <= GAP:
            raise CommandFailed(
                f"{plain(ledger.name)} is served: somebody listened at {format_instant(last)}",
                hint=f"stop every `landed serve`, and wait for {GAP.seconds} s",
            )
    with (
        closing(database_at(source)) as reading,
        closing(database_at(target)) as writing,
        counting("copying rows") as tell,
    ):
        return copied(reading, writing, now, tell)

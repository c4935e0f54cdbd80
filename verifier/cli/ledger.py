"""``landed ledger``: the ledger itself."""

import typer

from verifier.cli.ledger_copy import copy
from verifier.cli.ledger_export import export
from verifier.cli.ledger_prune import prune
from verifier.cli.options import ConfigOption, JsonOption, LedgerOption
from verifier.cli.output import show_json, show_lines
from verifier.cli.where import Where
from verifier.engine.clock import system_clock
from verifier.ledger.ledger import Ledger
from verifier.ledger.migrate import HEAD
from verifier.runs.instant import format_instant

ledger = typer.Typer(
    help="Look after the ledger.", no_args_is_help=True, pretty_exceptions_enable=False
)


@ledger.callback()
def _ledger() -> None:
    pass


@ledger.command()
def migrate(
    config: ConfigOption = None, url: LedgerOption = None, as_json: JsonOption = False
) -> None:
    """Make the ledger, or bring its schema up to this version."""
    where = Where(config=config, ledger=url)
    with Ledger.open(where.ledger_url(where.find_config()), system_clock()) as opened:
        document = {
            "ledger_id": opened.ledger_id,
            "created_at": format_instant(opened.created_at),
            "schema": HEAD,
        }
    if as_json:
        show_json(document)
    else:
        show_lines(f"the ledger has schema {HEAD}; it was made at {document['created_at']}")


ledger.command()(prune)
ledger.command()(export)
ledger.command()(copy)

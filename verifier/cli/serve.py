"""``landed serve``: the sidecar."""

from typing import Annotated

import typer

from verifier.cli.options import ConfigOption, JsonOption, LedgerOption
from verifier.cli.where import Where


def serve(
    listen_at: Annotated[
        str | None,
        typer.Option(
            "--listen",
            metavar="HOST:PORT",
            help="Where to answer; port 0 takes any (default: as configured).",
            show_default=False,
        ),
    ] = None,
    tick: Annotated[
        str, typer.Option(metavar="DURATION", help="Time between two looks at what is due.")
    ] = "1s",
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hear, judge and answer until SIGTERM or Ctrl-C; SIGHUP reads the configuration again."""
    # Its parts take a third of a second to import, and only this command needs them.
    from verifier.cli.serving import serve_until_stopped

    serve_until_stopped(
        Where(config=config, ledger=ledger), listen_at=listen_at, tick=tick, as_json=as_json
    )

"""``landed ledger prune``: what is older than is to be kept is forgotten now."""

from datetime import timedelta
from time import monotonic
from typing import Annotated

import typer

from verifier.cli.ledger_place import existing_ledger
from verifier.cli.options import ConfigOption, JsonOption, LedgerOption
from verifier.cli.output import show_json, show_lines, working
from verifier.cli.where import Where
from verifier.engine.clock import system_clock, system_wait
from verifier.engine.retention import Pruned, find_old
from verifier.engine.retention import prune as forget
from verifier.ledger.ledger import Ledger
from verifier.runs.duration import format_duration


def prune(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would go, and change nothing.")
    ] = False,
    config: ConfigOption = None,
    url: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget what is older than `retention` keeps; a running `serve` does so by itself."""
    loaded = Where(config=config, ledger=url).load_config()
    existing_ledger(loaded.ledger)
    pruned, now = Pruned(), system_clock()
    with Ledger.open(loaded.ledger, now) as ledger, working("looking through what is old"):
        steps = (find_old if dry_run else forget)(ledger, loaded.retention, now)
        began = monotonic()
        for step in steps:
            pruned += step
            # As long a rest as a step takes: others have to write, too.
            system_wait(timedelta(seconds=monotonic() - began))
            began = monotonic()
    kept = {name: format_duration(getattr(loaded.retention, name)) for name in ("signals", "runs")}
    if as_json:
        found = {"signals": pruned.signals, "runs": pruned.runs}
        show_json({"dry_run": dry_run, "pruned": found, "kept": kept})
    else:
        show_lines(
            f"{'would forget' if dry_run else 'forgot'} {pruned.signals} signals and "
            f"{pruned.runs} runs; kept are {kept['signals']} of signals and {kept['runs']} of runs"
        )

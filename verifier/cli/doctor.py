"""``landed doctor``: whether the ledger, each source and each store can be reached and read."""

import msgspec
import typer
from rich.text import Text

from verifier.checks.remark import Level
from verifier.checks.stores.registry import Stores
from verifier.cli.exits import ExitCode
from verifier.cli.options import ConfigOption, JsonOption, LedgerOption
from verifier.cli.output import show, show_json, working
from verifier.cli.text import plain
from verifier.cli.where import Where
from verifier.engine.clock import system_clock
from verifier.engine.doctor import Finding, examine

_STYLES = {Level.OK: "green", Level.NOTE: "cyan", Level.WARNING: "yellow", Level.ERROR: "bold red"}


def doctor(
    config: ConfigOption = None, ledger: LedgerOption = None, as_json: JsonOption = False
) -> None:
    """Try the ledger, each source and each store; tell what cannot be seen. 1 on an error."""
    where = Where(config=config, ledger=ledger)
    loaded = where.load_config()
    with Stores(loaded.stores) as stores, working("asking"):
        findings = examine(loaded, stores, system_clock(), spool=where.spool)
    if as_json:
        show_json({"findings": [msgspec.to_builtins(each) for each in findings]})
    else:
        for finding in findings:
            show(_line(finding))
    broken = any(finding.level is Level.ERROR for finding in findings)
    raise typer.Exit(ExitCode.VIOLATED if broken else ExitCode.DONE)


def _line(finding: Finding) -> Text:
    hint = f". Hint: {plain(finding.hint)}" if finding.hint else ""
    return Text.assemble(
        (f"{finding.level:<8}", _STYLES[finding.level]),
        (plain(finding.subject), "bold"),
        f": {plain(finding.message)}{hint}",
    )

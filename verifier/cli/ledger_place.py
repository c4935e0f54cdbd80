"""Ledgers that a command is to look into: one that is not there is not made."""

from verifier.cli.exits import CommandFailed
from verifier.engine.instance import ledger_path


def existing_ledger(url: str) -> str:
    """``url``, if a ledger may be there; raises ``CommandFailed`` where a file is missing."""
    path = ledger_path(url)
    if path is not None and not path.exists():
        raise CommandFailed(
            f"no ledger is at {path} yet", hint="`landed serve` makes it, and so does `verify`"
        )
    return url

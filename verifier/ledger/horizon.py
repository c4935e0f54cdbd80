"""From when on what was said, and what ran, is kept; what is older was pruned.

A signal from before may have been told and forgotten, so nobody could tell whether it
comes again: it is not taken any more. So the same job and id is one signal for ever.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Generic, TypeVar

import msgspec
from sqlalchemy import Connection

from verifier.ledger import cursors
from verifier.ledger.append import OUR_OWN
from verifier.ledger.errors import Conflict
from verifier.ledger.signals import Batch
from verifier.runs.instant import format_instant, parse_instant

P = TypeVar("P")

SIGNALS = "kept/signals"
RUNS = "kept/runs"


class Page(msgspec.Struct, Generic[P], frozen=True):
    """How much of one page was too old, and the place after which the next page begins.

    ``place`` is None where what follows is too young.
    """

    number: int
    place: P | None


def since(connection: Connection, what: str) -> datetime | None:
    """From which instant on ``what`` is kept; None where nothing was ever pruned."""
    position = cursors.read(connection, what)
    return None if position is None else parse_instant(position)


def forget(connection: Connection, what: str, before: datetime) -> None:
    """Remember that ``what`` is kept from ``before`` on only; it never moves back."""
    known = since(connection, what)
    if known is None or known < before:
        cursors.write(connection, what, format_instant(before))


def check_known(kept_from: datetime, batches: Iterable[Batch]) -> None:
    """Raise ``Conflict`` where somebody tells what may have been forgotten.

    The door refuses such signals; here it can only be that they were pruned meanwhile.
    What we say ourselves follows from what is known now.
    """
    for batch in batches:
        if batch.source in OUR_OWN or not batch.signals:
            continue
        if min(signal.at for signal in batch.signals) < kept_from:
            raise Conflict("what was said so long ago was just pruned: try again")

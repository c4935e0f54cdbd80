"""Judging runs anew and keeping where they stand, in the transaction of what changed."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, exists, select, update

from verifier.ledger import facts as run_facts
from verifier.ledger import runs as run_rows
from verifier.ledger.runs import RunRow
from verifier.ledger.schema import guard_decisions, revisions, runs
from verifier.ledger.tallies import FALSE_SUCCESSES, RUNS_JUDGED, VERDICT_REVISIONS
from verifier.ledger.transaction import Transaction
from verifier.ledger.types import RunLane
from verifier.runs.binding import RunKey
from verifier.runs.declaration import Overlap
from verifier.runs.looks import asks_nothing
from verifier.runs.standing import Facts, Standing, standing
from verifier.runs.verdict import Verdict

FOLLOWERS = 1000
"""How many earlier runs one verified run may stand for."""


def restand(transaction: Transaction, keys: Iterable[RunKey], cause: str) -> None:
    """Judge runs as of the transaction's instant, and keep what came out of it.

    What did not change is not written, so doing it again changes nothing. ``cause``
    says in a word why they are judged; it is kept with each revision. A run that
    nothing is known of any more is forgotten.
    """
    ...

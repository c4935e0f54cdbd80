"""Runs that something new is known of, and that are to be judged in a moment."""

from collections.abc import Iterable, Set
from datetime import datetime

from verifier.ledger import runs as run_rows
from verifier.ledger.bulk import read_locked, update_all
from verifier.ledger.errors import Conflict
from verifier.ledger.runs import partitions_of
from verifier.ledger.schema import runs
from verifier.ledger.transaction import Transaction
from verifier.runs.binding import RunKey
from verifier.runs.instant import to_microseconds


def put_off(transaction: Transaction, begun: Set[RunKey], unsettled: Set[RunKey]) -> set[RunKey]:
    """Wake what is ``unsettled``; rows are made for those of ``begun`` that have none.

    Returns those that have a verdict: it may not outlive what it rests on.
    """
    if begun and run_rows.insert(transaction, begun, transaction.now) == len(begun):
        known = unsettled - begun
    else:
        known = set(unsettled)
    known |= partitions_of(transaction.connection, unsettled)
    return _wake(transaction, known, transaction.now) if known else set()


def _wake(transaction: Transaction, keys: Iterable[RunKey], now: datetime) -> set[RunKey]:
    """Have runs without a verdict looked at; returns the others."""
    by_id = {key.run_id: key for key in keys}
    found = list(read_locked(transaction.connection, runs, _LOOKED_AT, by_id))
    if len(found) < len(by_id):
        raise Conflict("a run was forgotten by somebody else meanwhile: try again")
    at = to_microseconds(now)
    asleep = [
        (run_id, at)
        for run_id, verdict, wake_at in found
        if verdict is None and (wake_at is None or wake_at > at)
    ]
    if asleep:
        update_all(transaction.connection, runs, ("run_id", "wake_at"), asleep)
    return {by_id[run_id] for run_id, verdict, _ in found if verdict is not None}


_LOOKED_AT = ("run_id", "verdict", "wake_at")

"""Runs that something new is known of, and that are to be judged in a moment."""

from collections.abc import Iterable, Set
from datetime import datetime

from sqlalchemy import bindparam, or_, select, update

from verifier.ledger import runs as run_rows
from verifier.ledger.errors import Conflict
from verifier.ledger.runs import partitions_of
from verifier.ledger.schema import runs
from verifier.ledger.statements import Among, chunks
from verifier.ledger.transaction import Transaction
from verifier.runs.binding import RunKey

_LOCKED = (
    select(
        runs.c.run_id,
        runs.c.job,
        runs.c.occurrence,
        runs.c.partition,
        runs.c.verdict,
        runs.c.wake_at,
    )
    .where(Among(runs.c.run_id, "run_ids"))
    .order_by(runs.c.run_id)
    .with_for_update()
)
_WAKE = (
    update(runs)
    .where(
        Among(runs.c.run_id, "run_ids"),
        or_(runs.c.wake_at.is_(None), runs.c.wake_at > bindparam("now", type_=runs.c.wake_at.type)),
    )
    .values(wake_at=bindparam("now", type_=runs.c.wake_at.type))
)


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
    judged: set[RunKey] = set()
    for piece in chunks(sorted({key.run_id for key in keys})):
        rows = transaction.connection.execute(_LOCKED, {"run_ids": piece}).all()
        if len(rows) < len(piece):
            raise Conflict("a run was forgotten by somebody else meanwhile: try again")
        asleep = []
        for row in rows:
            if row.verdict is not None:
                judged.add(RunKey(row.job, row.occurrence, row.partition))
            elif row.wake_at is None or row.wake_at > now:
                asleep.append(row.run_id)
        if asleep:
            transaction.connection.execute(_WAKE, {"run_ids": asleep, "now": now})
    return judged

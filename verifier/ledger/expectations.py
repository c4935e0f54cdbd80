"""Runs that a schedule asks for, and how far the sweep over it has come."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, update

from verifier.ledger import cursors
from verifier.ledger import runs as run_rows
from verifier.ledger.restand import restand
from verifier.ledger.schema import runs
from verifier.ledger.tallies import RUNS_DUE
from verifier.ledger.transaction import Transaction
from verifier.runs.binding import RunKey
from verifier.runs.instant import format_instant, parse_instant


def expect(transaction: Transaction, job: str, dues: Sequence[datetime]) -> None:
    """Have a run for each of ``dues``, at least one; what was expected already stays so."""
    transaction.job(job)
    connection = transaction.connection
    keys = {RunKey(job, format_instant(due)) for due in dues}
    run_rows.begin(transaction, keys)
    new = [row for row in run_rows.lock(connection, keys) if not row.expected]
    if new:
        connection.execute(_EXPECT, [{"of_run": row.run_id} for row in new])
        transaction.counted.count(RUNS_DUE, job, len(new))
    restand(transaction, (row.key for row in new), "expected")
    swept(connection, job, max(dues))


_EXPECT = (
    update(runs)
    .where(runs.c.run_id == bindparam("of_run"))
    .values(expected=True, revision=runs.c.revision + 1)
)


def swept(connection: Connection, job: str, until: datetime) -> None:
    """Remember that every slot of a job up to ``until`` is expected, or never will be."""
    last = last_expected(connection, job)
    if last is None or last < until:
        cursors.write(connection, _name(job), format_instant(until))


def last_expected(connection: Connection, job: str) -> datetime | None:
    """Up to which due instant the runs of a job were asked for; None for none."""
    position = cursors.read(connection, _name(job))
    return None if position is None else parse_instant(position)


def _name(job: str) -> str:
    return f"expected/{job}"

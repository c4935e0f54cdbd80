"""Runs that a schedule asks for, and how far the sweep over it has come."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, update

from verifier.ledger import cursors
from verifier.ledger import runs as run_rows
from verifier.ledger.errors import Conflict
from verifier.ledger.restand import restand
from verifier.ledger.schema import runs
from verifier.ledger.tallies import RUNS_DUE
from verifier.ledger.transaction import Transaction
from verifier.runs.binding import RunKey
from verifier.runs.instant import format_instant, parse_instant


def expect(transaction: Transaction, dues: Mapping[str, Sequence[datetime]]) -> None:
    """Have a run of each job for each due instant; what was expected already stays as it is."""
    asked = {job: instants for job, instants in dues.items() if instants}
    for job in asked:
        transaction.job(job)
    if not asked:
        return
    connection = transaction.connection
    keys = {RunKey(job, format_instant(due)) for job, instants in asked.items() for due in instants}
    known = run_rows.of_runs(connection, keys).keys()
    new = keys - known
    if run_rows.insert(transaction, new, None, expected=True) < len(new):
        raise Conflict("a run was first heard of by somebody else meanwhile: try again")
    locked = run_rows.lock(connection, known)
    if len(locked) < len(known):
        raise Conflict("a run was forgotten by somebody else meanwhile: try again")
    heard_of = [row for row in locked if not row.expected]
    if heard_of:
        connection.execute(_EXPECT, [{"of_run": row.run_id} for row in heard_of])
        new |= {row.key for row in heard_of}
    for job, number in Counter(key.job for key in new).items():
        transaction.counted.count(RUNS_DUE, job, number)
    restand(transaction, new, "expected")
    swept(connection, {job: max(instants) for job, instants in asked.items()})


_EXPECT = (
    update(runs)
    .where(runs.c.run_id == bindparam("of_run"))
    .values(expected=True, revision=runs.c.revision + 1)
)


def swept(connection: Connection, until: Mapping[str, datetime]) -> None:
    """Remember that every slot of a job up to an instant is expected, or never will be."""
    last = cursors.read_some(connection, map(_name, until))
    further = {
        _name(job): format_instant(moment)
        for job, moment in sorted(until.items())
        if _name(job) not in last or parse_instant(last[_name(job)]) < moment
    }
    if further:
        cursors.write_all(connection, further)


def last_expected(connection: Connection, job: str) -> datetime | None:
    """Up to which due instant the runs of a job were asked for; None for none."""
    position = cursors.read(connection, _name(job))
    return None if position is None else parse_instant(position)


def all_last_expected(connection: Connection) -> dict[str, datetime]:
    """The same of every job of which any run was asked for."""
    found = cursors.read_all(connection, _name(""))
    return {name.removeprefix(_name("")): parse_instant(each) for name, each in found.items()}


def _name(job: str) -> str:
    return f"expected/{job}"

"""Runs: one row for each that anything is known of, with where it stood last."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, select, update

from verifier.ledger.bulk import insert_new, update_unchanged
from verifier.ledger.declarations import Jobs
from verifier.ledger.errors import Conflict
from verifier.ledger.schema import runs
from verifier.ledger.statements import Among, chunks
from verifier.ledger.tallies import Marks
from verifier.ledger.transaction import Transaction
from verifier.ledger.types import RunLane, stored_as
from verifier.runs.attempt import Told
from verifier.runs.binding import RunKey
from verifier.runs.evaluation import Effect
from verifier.runs.instant import to_microseconds
from verifier.runs.reported import Reported
from verifier.runs.verdict import RunState, Verdict


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run as stored: where it stood when it was judged last.

    ``at`` is due, or for a run without a slot its first signal. ``expected``: the
    sweep asked for it. ``open``: somebody should look at it. ``judged_at``: when its
    verdict was given, None while there is none; ``first_judged_at`` is never taken
    back. ``wake_at``: not later than when time alone may change something.
    ``revision`` is raised by every change. ``counted``: how many of its events are in
    the tallies.
    """

    key: RunKey
    run_id: str
    at: datetime
    lane: RunLane = RunLane.OTHER
    expected: bool = False
    skipped: Told[str] | None = None
    state: RunState = RunState.WAITING
    verdict: Verdict | None = None
    reported: Reported = Reported.NONE
    effect: Effect = Effect.UNKNOWN
    false_success: bool = False
    open: bool = False
    useful: bool = False
    completed_at: datetime | None = None
    first_judged_at: datetime | None = None
    judged_at: datetime | None = None
    evaluation_id: str | None = None
    wake_at: datetime | None = None
    revision: int = 0
    counted: Marks = {}

    @property
    def cursor(self) -> str:
        """Where a list goes on after this run."""
        return f"{to_microseconds(self.at)}.{self.run_id}"


COLUMNS = tuple(name for name in RunRow.__struct_fields__ if name not in ("key", "run_id"))
"""What is stored of a run beside its key."""

_OF_IDS = select(runs).where(Among(runs.c.run_id, "run_ids")).order_by(runs.c.run_id)
_KEYS = select(runs.c.job, runs.c.occurrence, runs.c.partition)
_KEYS_OF_IDS = _KEYS.where(Among(runs.c.run_id, "run_ids"))
_PARTITIONS = _KEYS.where(Among(runs.c.whole_id, "wholes"))
_PARTS = (
    _KEYS.add_columns(runs.c.verdict)
    .where(Among(runs.c.whole_id, "wholes"))
    .order_by(runs.c.run_id)
)
_ANY_PARTITION = (
    select(runs.c.whole_id)
    .where(runs.c.whole_id.is_not(None))
    .order_by(runs.c.whole_id)  # as their index is: a server may read all runs otherwise
    .limit(1)
)
_LOCKED = _OF_IDS.with_for_update()

FEW = 3
"""Keys that are asked for without asking first whether there can be any."""


def row_of(row: Row[Any]) -> RunRow:
    """The run of a row with all columns."""
    values: Sequence[Any] = row
    run_id, job, occurrence, partition = values[:4]
    others = dict(zip(COLUMNS, values[-len(COLUMNS) :], strict=True))
    return RunRow(key=RunKey(job, occurrence, partition), run_id=run_id, **others)


def blank(key: RunKey, at: datetime) -> RunRow:
    """A run of which nothing is known yet; ``at`` counts where it has no slot."""
    return RunRow(key=key, run_id=key.run_id, at=key.due or at)


def whole_job(key: RunKey) -> RunKey:
    """The run of all partitions with the same occurrence."""
    return RunKey(key.job, key.occurrence)


def begin(transaction: Transaction, keys: Iterable[RunKey]) -> None:
    """Make a row for each run that has none, and lock those of the others."""
    wanted = set(keys)
    if not wanted:
        return
    new = insert(transaction, wanted, None)
    if new < len(wanted) and len(lock(transaction.connection, wanted)) < len(wanted):
        raise Conflict("a run was forgotten by somebody else meanwhile: try again")


def insert(
    transaction: Transaction,
    keys: Collection[RunKey],
    wake_at: datetime | None,
    *,
    expected: bool = False,
) -> int:
    """Make a row for each run that has none; how many were made."""
    rows = sorted(_born(transaction, key, wake_at, expected) for key in keys)
    return insert_new(transaction.connection, runs, BORN, rows, _BLANK) if rows else 0


BORN = (
    *("run_id", "job", "occurrence", "partition", "whole_id", "due"),
    *("at", "lane", "expected", "wake_at"),
)
"""What is known of a run from the first."""


def _born(
    transaction: Transaction, key: RunKey, wake_at: datetime | None, expected: bool
) -> tuple[Any, ...]:
    """A run of which nothing is known yet as it is stored, by ``BORN``."""
    due = key.due
    asked_for = due is not None and transaction.job(key.job).asks_for(due)
    moment = None if due is None else to_microseconds(due)
    return (
        key.run_id,
        key.job,
        key.occurrence,
        key.partition,
        whole_job(key).run_id if key.partition else None,
        moment,
        to_microseconds(transaction.now) if moment is None else moment,  # at
        (RunLane.LIVE if asked_for else RunLane.OTHER).value,
        expected,
        None if wake_at is None else to_microseconds(wake_at),
    )


_BLANK = (
    ("state", f"'{RunState.WAITING}'"),
    ("reported", f"'{Reported.NONE}'"),
    ("effect", f"'{Effect.UNKNOWN}'"),
    ("false_success", "false"),
    ("open", "false"),
    ("useful", "false"),
    ("revision", "0"),
    ("counted", "'{}'"),
)
"""The other columns that are never empty."""


def change(connection: Connection, changes: Sequence[tuple[RunRow, RunRow]]) -> int:
    """Keep what became of runs, each as it was read and as it is now; of how many it was.

    A run that is not any more as it was read stays as it is.
    """
    alike: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for was, became in changes:
        # Only what changed: a file would write each index anew that has what is written.
        names = tuple(name for name in CHANGING if getattr(was, name) != getattr(became, name))
        values = (_STORED[name](getattr(became, name)) for name in names)
        alike[names].append((was.run_id, was.revision, *values))
    return sum(
        update_unchanged(connection, runs, ("run_id", "revision", *names), rows)
        for names, rows in alike.items()
    )


CHANGING = tuple(name for name in COLUMNS if name != "revision")

_STORED = {name: stored_as(runs.c[name].type) for name in CHANGING}


def lock(connection: Connection, keys: Iterable[RunKey]) -> list[RunRow]:
    """The rows of those runs that have one, locked in the order of their ids."""
    found = []
    for piece in chunks(sorted({key.run_id for key in keys})):
        found += [row_of(row) for row in connection.execute(_LOCKED, {"run_ids": piece})]
    return found


def of_runs(connection: Connection, keys: Iterable[RunKey]) -> dict[RunKey, RunRow]:
    """The rows of those runs that have one."""
    found = {}
    for piece in chunks(key.run_id for key in keys):
        for row in map(row_of, connection.execute(_OF_IDS, {"run_ids": piece})):
            found[row.key] = row
    return found


def get(connection: Connection, run_id: str) -> RunRow | None:
    """The run of that id."""
    row = connection.execute(_OF_IDS, {"run_ids": [run_id]}).first()
    return None if row is None else row_of(row)


def keys_of(connection: Connection, run_ids: Iterable[str]) -> set[RunKey]:
    """The keys of those of ``run_ids`` that have a row."""
    found = set()
    for piece in chunks(run_ids):
        rows = connection.execute(_KEYS_OF_IDS, {"run_ids": piece})
        found |= {RunKey(*row) for row in rows}
    return found


def partitions_of(connection: Connection, keys: Iterable[RunKey]) -> set[RunKey]:
    """The runs of single partitions whose occurrence is that of a run of all of them.

    What is known of the whole job's run is known of each of them.
    """
    found: set[RunKey] = set()
    wholes = [key.run_id for key in keys if not key.partition]
    if len(wholes) > FEW and connection.scalar(_ANY_PARTITION) is None:
        return found
    for piece in chunks(wholes):
        rows = connection.execute(_PARTITIONS, {"wholes": piece})
        found |= {RunKey(*row) for row in rows}
    return found


def parts_of(
    connection: Connection, wholes: Iterable[RunKey]
) -> dict[RunKey, dict[RunKey, Verdict | None]]:
    """Of each run of all partitions the runs of single ones, with the verdict of each."""
    ids = [key.run_id for key in wholes]
    found: dict[RunKey, dict[RunKey, Verdict | None]] = defaultdict(dict)
    if not ids or (len(ids) > FEW and connection.scalar(_ANY_PARTITION) is None):
        return found
    for piece in chunks(ids):
        for row in connection.execute(_PARTS, {"wholes": piece}):
            key = RunKey(row.job, row.occurrence, row.partition)
            found[whole_job(key)][key] = row.verdict
    return found


def wake(connection: Connection, jobs: Jobs, at: datetime, *which: ColumnElement[bool]) -> None:
    """Have runs judged again from ``at`` on, but for those of retired jobs."""
    retired = [name for name, job in jobs.items() if job.retired]
    active = select(runs.c.run_id).where(*which, runs.c.job.not_in(retired))
    locked = active.order_by(runs.c.run_id).with_for_update()
    woken = runs.c.run_id.in_(locked.cte().select())
    connection.execute(update(runs).where(woken).values(wake_at=at))

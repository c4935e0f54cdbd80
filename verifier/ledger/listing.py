"""Lists and figures about runs, for people and for metrics."""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from sqlalchemy import Connection, and_, bindparam, select, tuple_

from verifier.ledger.runs import RunRow, row_of
from verifier.ledger.schema import attempts, evaluations, runs
from verifier.ledger.types import RunLane
from verifier.runs.declaration import Declaration
from verifier.runs.evaluation import PartitionCount, Result
from verifier.runs.instant import from_microseconds
from verifier.runs.occurrence import Covered, Useful
from verifier.runs.occurrence import last_useful as last_useful_of_all
from verifier.runs.verdict import Verdict

OCCURRENCES = 200
"""How many occurrences, newest first, are looked at for one that all partitions followed."""


class RunFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs to list: those of ``[since, until)`` that match all that is given.

    ``partition`` "" means runs of the whole job. ``worker``: an attempt was made
    there. ``cursor`` is that of the last run of the list before.
    """

    job: str | None = None
    verdict: Verdict | None = None
    lane: RunLane | None = None
    partition: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    worker: str | None = None
    limit: int = 1000
    cursor: str | None = None


def matching(connection: Connection, wanted: RunFilter) -> list[RunRow]:
    """The runs that match, newest due first.

    Raises ``ValueError`` where the cursor is none that a list gave.
    """
    found = select(runs).order_by(runs.c.at.desc(), runs.c.run_id.desc()).limit(wanted.limit)
    for name in ("job", "verdict", "lane", "partition"):
        value = getattr(wanted, name)
        if value is not None:
            found = found.where(runs.c[name] == value)
    if wanted.since is not None:
        found = found.where(runs.c.at >= wanted.since)
    if wanted.until is not None:
        found = found.where(runs.c.at < wanted.until)
    if wanted.worker is not None:
        there = select(attempts.c.run_id).where(
            attempts.c.run_id == runs.c.run_id, attempts.c.worker == wanted.worker
        )
        found = found.where(there.exists())
    if wanted.cursor is not None:
        types = [runs.c.at.type, runs.c.run_id.type]
        place = tuple_(*_place_of(wanted.cursor), types=types)
        found = found.where(tuple_(runs.c.at, runs.c.run_id) < place)
    return [row_of(row) for row in connection.execute(found)]


def last_useful(connection: Connection, declaration: Declaration) -> Useful | None:
    """The last useful completion of a job; None where there is none that is known."""
    if declaration.partition_name is not None:
        found = _occurrences(connection, declaration)
        return last_useful_of_all(found, declaration.complete_when_pct)
    row = connection.execute(_NEWEST_USEFUL, {"job": declaration.job}).first()
    return None if row is None else Useful(row.due, row.completed_at or row.due)


def newest_count(connection: Connection, declaration: Declaration) -> PartitionCount | None:
    """The partitions of the newest run that was judged by its checks; None without any.

    Where they could not be listed, those of the newest run whose could, in doubt.
    """
    if declaration.partition_name is None:
        return None
    found = connection.execute(_JUDGED, {"job": declaration.job})
    counts: list[PartitionCount | None] = [row.partitions for row in found]
    known = next((count for count in counts if count is not None), None)
    return known if known is None or counts[0] is not None else known.doubted()


def _occurrences(connection: Connection, declaration: Declaration) -> Iterator[Covered]:
    """The occurrences of a job whose partitions were told apart, newest first.

    Without those of which a check of the whole run does not hold, and those with so
    many exceptions that not all have a name.
    """
    of_all = {check.name for check in declaration.checks if check.decides and not check.apart}
    for row in connection.execute(_JUDGED, {"job": declaration.job}).all():
        count: PartitionCount | None = row.partitions
        if count is None or count.total - count.holding > len(count.exceptions):
            continue
        if any(each.result is not Result.HOLDS for each in row.results if each.name in of_all):
            continue
        mended = set(connection.scalars(_MENDED, {"whole": row.run_id}))
        yield Covered(
            due=row.due,
            completed_at=row.completed_at or row.due,
            total=count.total,
            lacking=set() if row.useful else set(count.exceptions) - mended,
        )


_WHOLE = and_(runs.c.job == bindparam("job"), runs.c.partition == "", runs.c.due.is_not(None))
_NEWEST_USEFUL = (
    select(runs.c.due, runs.c.completed_at)
    .where(_WHOLE, runs.c.useful)
    .order_by(runs.c.due.desc())
    .limit(1)
)
_JUDGED = (
    select(
        runs.c.run_id,
        runs.c.due,
        runs.c.completed_at,
        runs.c.useful,
        evaluations.c.partitions,
        evaluations.c.results,
    )
    .join_from(runs, evaluations, evaluations.c.evaluation_id == runs.c.evaluation_id)
    .where(_WHOLE, runs.c.verdict.is_not(None))
    .order_by(runs.c.at.desc(), runs.c.run_id.desc())
    .limit(OCCURRENCES)
)
_MENDED = select(runs.c.partition).where(runs.c.whole_id == bindparam("whole"), runs.c.useful)


def _place_of(cursor: str) -> tuple[datetime, str]:
    at, _, run_id = cursor.partition(".")
    try:
        return from_microseconds(int(at)), run_id
    except (ValueError, OverflowError):
        raise ValueError(f"expected a cursor of a list of runs, found {cursor[:80]!r}") from None

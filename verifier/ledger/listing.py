"""Lists and figures about runs, for people and for metrics."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    bindparam,
    func,
    select,
    tuple_,
)

from verifier.ledger.runs import RunRow, row_of
from verifier.ledger.schema import attempts, runs
from verifier.ledger.types import RunLane
from verifier.runs.instant import from_microseconds
from verifier.runs.occurrence import Useful
from verifier.runs.verdict import Verdict


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


def newest_verified(connection: Connection, job: str) -> dict[str, Useful]:
    """Of each partition of a job the useful run with the greatest due."""
    return {
        row.partition: Useful(row.due, row.completed_at or row.due)
        for row in connection.execute(_NEWEST_VERIFIED, {"job": job})
    }


def _newest_verified() -> Select[Any]:
    other = runs.alias()

    def useful(table: FromClause) -> ColumnElement[bool]:
        return and_(table.c.job == bindparam("job"), table.c.useful, table.c.due.is_not(None))

    # From one partition to the next by the index: of each there are many runs.
    first = select(func.min(runs.c.partition).label("name")).where(useful(runs))
    names = first.cte(recursive=True)
    following = select(func.min(other.c.partition)).where(
        useful(other), other.c.partition > names.c.name
    )
    partitions = names.union_all(
        select(following.correlate(names).scalar_subquery()).where(names.c.name.is_not(None))
    )
    newest = (
        select(func.max(other.c.due))
        .where(useful(other), other.c.partition == partitions.c.name)
        .correlate(partitions)
        .scalar_subquery()
    )
    return select(runs.c.partition, runs.c.due, runs.c.completed_at).join_from(
        partitions,
        runs,
        and_(useful(runs), runs.c.partition == partitions.c.name, runs.c.due == newest),
    )


_NEWEST_VERIFIED = _newest_verified()


def _place_of(cursor: str) -> tuple[datetime, str]:
    at, _, run_id = cursor.partition(".")
    try:
        return from_microseconds(int(at)), run_id
    except (ValueError, OverflowError):
        raise ValueError(f"expected a cursor of a list of runs, found {cursor[:80]!r}") from None

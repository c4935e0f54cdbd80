"""Old runs are forgotten with all that was made of them, a few at a time.

What figures rest on stays whatever its age: the newest occurrences of each job, and the
newest useful run of each partition. So does whatever is not closed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    exists,
    not_,
    or_,
    select,
    tuple_,
)

from verifier.ledger import horizon
from verifier.ledger import runs as run_rows
from verifier.ledger.horizon import Page
from verifier.ledger.runs import RunRow, row_of
from verifier.ledger.schema import (
    actions,
    attempts,
    evaluations,
    guard_decisions,
    revisions,
    runs,
)
from verifier.ledger.statements import Among
from verifier.ledger.transaction import Transaction
from verifier.runs.instant import EPOCH
from verifier.runs.verdict import RunState

PAGE = 50
"""Runs that one step looks at: each has rows in five more tables."""

NEWEST = 200
"""Occurrences of each job that stay whatever their age: its figures look at no more."""

Place = tuple[datetime, str]
"""``at`` and id of the last run that was looked at."""


def find(connection: Connection, before: datetime, place: Place | None) -> Page[Place]:
    """How many runs of the page after ``place`` are to be forgotten."""
    page = _page(connection, before, place)
    chosen = _to_forget(connection, before, page, _newest(connection, page))
    return Page(len(chosen), _following(page))


def prune(transaction: Transaction, before: datetime, place: Place | None) -> Page[Place]:
    """Forget the runs of the page after ``place`` of which nothing is as young as ``before``."""
    connection = transaction.connection
    page = _page(connection, before, place)
    newest = _newest(connection, page)
    chosen = _to_forget(connection, before, page, newest)
    if not chosen:
        return Page(0, _following(page))
    # Locked as everyone locks them, and asked again: something may have been heard.
    connection.execute(_LOCK_ATTEMPTS, {"run_ids": [row.run_id for row in chosen]})
    locked = run_rows.lock(connection, (row.key for row in chosen))
    gone = _to_forget(connection, before, locked, newest)
    ids = [row.run_id for row in gone]
    for forget in _FORGET:
        connection.execute(forget, {"run_ids": ids})
    for row in gone:
        transaction.change(row.key.job)
    if gone:
        horizon.forget(connection, horizon.RUNS, before)
    return Page(len(gone), _following(page))


def _page(connection: Connection, before: datetime, place: Place | None) -> list[RunRow]:
    at, run_id = place or (EPOCH, "")
    found = connection.execute(_PAGE, {"before": before, "at": at, "run_id": run_id, "page": PAGE})
    return [row_of(row) for row in found]


def _following(page: Sequence[RunRow]) -> Place | None:
    return (page[-1].at, page[-1].run_id) if len(page) == PAGE else None


def _newest(connection: Connection, page: Sequence[RunRow]) -> dict[str, datetime | None]:
    """When the first of the newest runs of each job was due; None where it has no more."""
    return {
        job: connection.scalar(_NEWEST, {"of": job, "others": NEWEST - 1})
        for job in {row.key.job for row in page}
    }


def _to_forget(
    connection: Connection,
    before: datetime,
    page: Sequence[RunRow],
    newest: Mapping[str, datetime | None],
) -> list[RunRow]:
    """Those of ``page`` that are closed, and of which nothing happened since ``before``."""
    closed = [
        row
        for row in page
        if row.state is RunState.JUDGED
        and not row.open
        and (row.judged_at is None or row.judged_at < before)
        and (begin := newest[row.key.job]) is not None
        and row.at < begin
    ]
    if not closed:
        return []
    asked = {"run_ids": [row.run_id for row in closed], "before": before}
    goes = set(connection.scalars(_GOES, asked))
    return [row for row in closed if row.run_id in goes]


# Built once: that costs more than to run them.

_BEFORE = bindparam("before", type_=runs.c.at.type)
_PLACE = tuple_(
    bindparam("at", type_=runs.c.at.type),
    bindparam("run_id", type_=runs.c.run_id.type),
    types=[runs.c.at.type, runs.c.run_id.type],
)
_PAGE = (
    select(runs)
    .where(runs.c.at < _BEFORE, tuple_(runs.c.at, runs.c.run_id) > _PLACE)
    .order_by(runs.c.at, runs.c.run_id)
    .limit(bindparam("page"))
)
_NEWEST = (
    select(runs.c.at)
    .where(runs.c.job == bindparam("of"), runs.c.partition == "")
    .order_by(runs.c.at.desc(), runs.c.run_id.desc())
    .limit(1)
    .offset(bindparam("others"))
)
_LOCK_ATTEMPTS = (
    select(attempts.c.id)
    .where(Among(attempts.c.run_id, "run_ids"))
    .order_by(attempts.c.id)
    .with_for_update()
)
_FORGET = [
    delete(table).where(Among(table.c.run_id, "run_ids"))
    for table in (attempts, evaluations, revisions, guard_decisions, actions, runs)
]


def _stays() -> ColumnElement[bool]:
    """Whether something of a run is young, or somebody looks at it for what is."""
    part: Any = runs.alias("part")
    later: Any = runs.alias("later")
    tried = attempts.c
    return or_(
        exists().where(
            tried.run_id == runs.c.run_id,
            or_(tried.ended_at.is_(None), tried.ended_at >= _BEFORE, tried.started_at >= _BEFORE),
        ),
        exists().where(evaluations.c.run_id == runs.c.run_id, evaluations.c.finished_at >= _BEFORE),
        exists().where(actions.c.run_id == runs.c.run_id, actions.c.at >= _BEFORE),
        exists().where(guard_decisions.c.run_id == runs.c.run_id, guard_decisions.c.at >= _BEFORE),
        # What is known of the whole job's run is known of each of its partitions.
        exists().where(part.c.whole_id == runs.c.run_id),
        and_(
            runs.c.useful,
            runs.c.due.is_not(None),
            ~exists().where(
                later.c.job == runs.c.job,
                later.c.partition == runs.c.partition,
                later.c.useful,
                later.c.due > runs.c.due,
            ),
        ),
    )


_GOES = select(runs.c.run_id).where(Among(runs.c.run_id, "run_ids"), not_(_stays()))

"""Revisions: every change of a run's verdict, the first verdict among them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from verifier.ledger.bulk import insert_new
from verifier.ledger.schema import revisions
from verifier.ledger.statements import Among, chunks
from verifier.ledger.types import stored_as
from verifier.runs.verdict import Verdict
from verifier.runs.view import Revision

_OF_RUNS = (
    select(revisions)
    .where(Among(revisions.c.run_id, "run_ids"))
    .order_by(revisions.c.run_id, revisions.c.revision)
)


Row = tuple[str, int, Verdict | None, Verdict | None, datetime, str | None, str]
"""A revision: the run's id, its number, what the verdict was and became, when, the evaluation
that it rests on, and the cause."""

_NAMES = tuple(revisions.c.keys())
_STORED_AS = [stored_as(column.type) for column in revisions.c]


def add(connection: Connection, rows: Iterable[Row]) -> None:
    """Keep revisions that are new."""
    new = [
        tuple(store(value) for store, value in zip(_STORED_AS, row, strict=True)) for row in rows
    ]
    if new:
        insert_new(connection, revisions, _NAMES, new)


def of_runs(connection: Connection, run_ids: Iterable[str]) -> dict[str, list[Revision]]:
    """The revisions of each run, oldest first."""
    found: dict[str, list[Revision]] = defaultdict(list)
    for piece in chunks(run_ids):
        for row in connection.execute(_OF_RUNS, {"run_ids": piece}):
            found[row.run_id].append(
                Revision(at=row.at, was=row.was, became=row.became, evaluation_id=row.evaluation_id)
            )
    return found

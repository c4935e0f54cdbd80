"""Revisions: every change of a run's verdict, the first verdict among them."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, select

from verifier.ledger.schema import revisions
from verifier.ledger.statements import chunks, each_of
from verifier.runs.view import Revision

_OF_RUNS = (
    select(revisions)
    .where(revisions.c.run_id.in_(each_of("run_ids")))
    .order_by(revisions.c.run_id, revisions.c.revision)
)


def of_runs(connection: Connection, run_ids: Iterable[str]) -> dict[str, list[Revision]]:
    """The revisions of each run, oldest first."""
    found: dict[str, list[Revision]] = defaultdict(list)
    for piece in chunks(run_ids):
        for row in connection.execute(_OF_RUNS, {"run_ids": piece}):
            found[row.run_id].append(
                Revision(at=row.at, was=row.was, became=row.became, evaluation_id=row.evaluation_id)
            )
    return found

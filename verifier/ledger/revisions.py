"""Revisions: every change of a run's verdict, the first verdict among them."""

from sqlalchemy import Connection, select

from verifier.ledger.schema import revisions
from verifier.runs.view import Revision


def of_run(connection: Connection, run_id: str) -> list[Revision]:
    """The revisions of a run, oldest first."""
    found = select(revisions).where(revisions.c.run_id == run_id).order_by(revisions.c.revision)
    return [
        Revision(at=row.at, was=row.was, became=row.became, evaluation_id=row.evaluation_id)
        for row in connection.execute(found)
    ]

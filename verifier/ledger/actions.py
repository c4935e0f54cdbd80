"""Operator actions: appended, never edited."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, func, select

from verifier.ledger.schema import actions
from verifier.ledger.statements import Among, chunks, insert_missing
from verifier.runs.action import Action, ActionKind


def add(connection: Connection, action: Action) -> bool:
    """Keep an action; False where it was kept already."""
    insert = insert_missing(connection, actions).returning(actions.c.action_id)
    row = {
        "action_id": action.action_id,
        "job": action.job,
        "run_id": action.run_id,
        "kind": action.kind,
        "at": action.at,
        "body": action,
    }
    return connection.execute(insert, row).first() is not None


def read(connection: Connection, job: str | None, run_id: str | None) -> list[Action]:
    """All actions, or those of a job (on its runs too), or of one run; oldest first."""
    found = select(actions.c.body).order_by(actions.c.at, actions.c.action_id)
    if job is not None:
        found = found.where(actions.c.job == job)
    if run_id is not None:
        found = found.where(actions.c.run_id == run_id)
    return list(connection.scalars(found))


def on(connection: Connection, jobs: Iterable[str], run_ids: Iterable[str]) -> list[Action]:
    """The actions on whole ``jobs``, and on those runs; oldest first."""
    found: list[Action] = []
    for piece in chunks(sorted(set(jobs))):
        found += connection.scalars(_ON_JOBS, {"jobs": piece})
    for piece in chunks(run_ids):
        found += connection.scalars(_ON_RUNS, {"run_ids": piece})
    return sorted(found, key=lambda action: (action.at, action.action_id))


def rejudged(connection: Connection, run_ids: Iterable[str]) -> dict[str, datetime]:
    """When each run that a person had judged anew was so for the last time."""
    found: dict[str, datetime] = {}
    for piece in chunks(run_ids):
        found.update(map(tuple, connection.execute(_REJUDGED, {"run_ids": piece})))
    return found


_REJUDGED = (
    select(actions.c.run_id, func.max(actions.c.at))
    .where(Among(actions.c.run_id, "run_ids"), actions.c.kind == ActionKind.REJUDGE)
    .group_by(actions.c.run_id)
)
_ON_JOBS = select(actions.c.body).where(Among(actions.c.job, "jobs"), actions.c.run_id.is_(None))
_ON_RUNS = select(actions.c.body).where(Among(actions.c.run_id, "run_ids"))

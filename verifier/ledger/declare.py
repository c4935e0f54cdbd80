"""Declaring and retiring jobs, with what that changes about runs known already."""

from typing import Any

from sqlalchemy import ColumnElement

from verifier.ledger import anonymous, attempts, declarations, expectations
from verifier.ledger import runs as run_rows
from verifier.ledger.declarations import Job
from verifier.ledger.restand import restand
from verifier.ledger.schema import runs
from verifier.ledger.transaction import Transaction
from verifier.runs.declaration import Declaration
from verifier.runs.verdict import RunState


def declare(
    transaction: Transaction, name: str, declaration: Declaration, document: dict[str, Any]
) -> bool:
    """Declare a job from now on; False where that is what it is declared to be already."""
    if declarations.is_declared_so(transaction.jobs, name, declaration, document):
        return False
    before = transaction.jobs.get(name)
    job = _enter(transaction, name, declaration, document)
    if before is None:
        return True
    connection = transaction.connection
    # Clocks differ, so something may have been said at an instant that is yet to come.
    if before.history.latest.schedule != declaration.schedule:
        _rebind(transaction, name, job)
    _wake(transaction, runs.c.job == name, runs.c.at >= job.said_at)
    if before.retired:
        # Nothing was expected meanwhile. What was open then is looked at again.
        expectations.swept(connection, {name: job.said_at})
        _wake(transaction, runs.c.job == name, runs.c.state != RunState.JUDGED)
    return True


def retire(transaction: Transaction, name: str) -> bool:
    """Expect nothing of a job any more; False where it is retired already."""
    if transaction.job(name).retired:
        return False
    _enter(transaction, name, None, None)
    asleep = runs.update().where(runs.c.job == name).values(wake_at=None)
    transaction.connection.execute(asleep)
    return True


def _wake(transaction: Transaction, *which: ColumnElement[bool]) -> None:
    run_rows.wake(transaction.connection, transaction.jobs, transaction.now, *which)


def _enter(
    transaction: Transaction,
    name: str,
    declaration: Declaration | None,
    document: dict[str, Any] | None,
) -> Job:
    job = declarations.add(
        transaction.connection, transaction.jobs, name, transaction.now, declaration, document
    )
    transaction.jobs = {**transaction.jobs, name: job}
    transaction.change(name)
    return job


def _rebind(transaction: Transaction, name: str, job: Job) -> None:
    """Bind what was said after the declaration began to hold by its schedule."""
    connection, since = transaction.connection, job.said_at
    binding = anonymous.bind(connection, job, anonymous.since(connection, name, since))
    disturbed = {(name, attempt) for attempt in binding.disturbed}
    refolded = attempts.fold_in(transaction, [], disturbed)
    rebound = attempts.rebind(transaction, name, since)
    run_rows.begin(transaction, refolded.begun | rebound.begun)
    touched = refolded.unsettled | refolded.left | rebound.unsettled | rebound.left
    restand(transaction, touched, "declared")

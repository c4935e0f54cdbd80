"""The facts that the figures of one job follow from, put together from all tables."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from verifier.ledger import actions, latest, listing
from verifier.ledger import facts as run_facts
from verifier.ledger.declarations import Jobs, job_of
from verifier.ledger.schema import UNDECIDED, attempts, evaluations, runs
from verifier.ledger.types import RunLane, What
from verifier.runs.binding import RunKey
from verifier.runs.declaration import Declaration
from verifier.runs.evaluation import CheckResult
from verifier.runs.figures import JobFacts, OpenRuns, Unended
from verifier.runs.lifecycle import AttemptState
from verifier.runs.occurrence import Useful, last_useful
from verifier.runs.signal import Lane
from verifier.runs.standing import Facts
from verifier.runs.verdict import RunState

RATIOS = 50
"""How many of the last runtimes tell how long a job takes."""

MOST_UNDECIDED = 200
"""Of how many runs without a verdict the conditions are told; the newest ones."""

RECENT = 100
"""Among how many of the newest runs the last one with answers is looked for."""


def read(connection: Connection, jobs: Jobs, name: str, now: datetime) -> JobFacts:
    """All facts of a job; raises ``UnknownJob`` where it was never declared.

    ``now`` tells only which grants of other runs may still be used.
    """
    job = job_of(jobs, name)
    newest = listing.newest_verified(connection, name)
    times = latest.of_subject(connection, name)
    return JobFacts(
        history=job.history,
        actions=actions.on(connection, [name], []),
        newest=newest,
        last_created=times.get((What.CREATED, "")),
        last_started=times.get((What.STARTED, "")),
        last_success=times.get((What.SUCCEEDED, "")),
        unended=_unended(connection, name),
        undecided=_undecided(connection, jobs, name, now),
        waiting=_waiting(connection, name),
        open=open_runs(connection, name),
        since_useful=_since_useful(connection, job.history.latest, newest),
        ratios=_ratios(connection, name),
        answers=_answers(connection, job.history.latest),
        answered={
            check: answered for (what, check), answered in times.items() if what is What.ANSWERED
        },
    )


def open_runs(connection: Connection, name: str) -> list[OpenRuns]:
    """How many runs of a job somebody should look at, by lane and verdict."""
    lies = func.sum(case((runs.c.false_success, 1), else_=0)).label("lies")
    found = (
        select(runs.c.lane, runs.c.verdict, func.count().label("runs"), lies)
        .where(runs.c.job == name, runs.c.open)
        .group_by(runs.c.lane, runs.c.verdict)
        .order_by(runs.c.lane, runs.c.verdict)
    )
    return [
        OpenRuns(row.lane, row.verdict, row.runs, row.lies) for row in connection.execute(found)
    ]


def _unended(connection: Connection, name: str) -> list[Unended]:
    found = (
        select(attempts.c.body, runs.c.due)
        .join(runs, runs.c.run_id == attempts.c.run_id, isouter=True)
        .where(attempts.c.job == name, attempts.c.ended_at.is_(None))
        .order_by(attempts.c.id)
    )
    return [Unended(row.body, row.due) for row in connection.execute(found)]


def _undecided(connection: Connection, jobs: Jobs, name: str, now: datetime) -> list[Facts]:
    """The facts of the live runs without a verdict, oldest first."""
    found = (
        select(runs.c.job, runs.c.occurrence, runs.c.partition)
        .where(runs.c.job == name, UNDECIDED, runs.c.lane == RunLane.LIVE)
        .order_by(runs.c.at.desc(), runs.c.run_id)
        .limit(MOST_UNDECIDED)
    )
    keys = [RunKey(*row) for row in connection.execute(found)]
    return [run_facts.for_people(connection, jobs, key, now) for key in reversed(keys)]


def _waiting(connection: Connection, name: str) -> int:
    found = select(func.count()).where(
        runs.c.job == name, UNDECIDED, runs.c.state == RunState.WAITING
    )
    return connection.scalar(found) or 0


def _since_useful(
    connection: Connection, declaration: Declaration, newest: dict[str, Useful]
) -> int | None:
    if not declaration.provable:
        return None
    found = select(func.count()).where(
        attempts.c.job == declaration.job, attempts.c.started_at.is_not(None)
    )
    useful = last_useful(dict(newest), declaration.complete_when_pct)
    if useful is not None:
        found = found.where(attempts.c.started_at > useful.completed_at)
    return connection.scalar(found) or 0


def _ratios(connection: Connection, name: str) -> list[float]:
    found = (
        select(attempts.c.interval_ratio)
        .where(
            attempts.c.job == name,
            attempts.c.state == AttemptState.SUCCEEDED,
            attempts.c.lane == Lane.LIVE,
            attempts.c.interval_ratio.is_not(None),
        )
        .order_by(attempts.c.ended_at.desc())
        .limit(RATIOS)
    )
    return list(connection.scalars(found))


def _answers(connection: Connection, declaration: Declaration) -> Sequence[CheckResult]:
    """What the checks said that the verdict of the newest live run with answers rests on."""
    if not declaration.checks:
        return ()
    recent = (
        select(runs.c.at, runs.c.run_id, runs.c.lane, runs.c.evaluation_id)
        .where(runs.c.job == declaration.job)
        .order_by(runs.c.at.desc(), runs.c.run_id.desc())
        .limit(RECENT)
        .subquery()
    )
    newest = (
        select(recent.c.evaluation_id)
        .where(recent.c.lane == RunLane.LIVE, recent.c.evaluation_id.is_not(None))
        .order_by(recent.c.at.desc(), recent.c.run_id.desc())
        .limit(1)
    )
    found = select(evaluations.c.results).where(
        evaluations.c.evaluation_id == newest.scalar_subquery()
    )
    answers: Sequence[CheckResult] | None = connection.scalar(found)
    return answers or ()

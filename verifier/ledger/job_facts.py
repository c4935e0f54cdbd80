"""The facts that the figures of one job follow from, put together from all tables."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, func, select

from verifier.ledger import actions, latest, listing
from verifier.ledger import facts as run_facts
from verifier.ledger.declarations import Jobs, job_of
from verifier.ledger.schema import UNDECIDED, attempts, evaluations, runs
from verifier.ledger.types import RunLane, What
from verifier.runs.binding import RunKey
from verifier.runs.declaration import Declaration
from verifier.runs.evaluation import CheckResult
from verifier.runs.figures import JobFacts, OpenRuns, Unended
from verifier.runs.instant import EPOCH
from verifier.runs.lifecycle import AttemptState
from verifier.runs.occurrence import Useful
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
    useful = listing.last_useful(connection, job.history.latest)
    times = latest.of_subject(connection, name)
    return JobFacts(
        history=job.history,
        actions=actions.on(connection, [name], []),
        useful=useful,
        partitions=listing.newest_count(connection, job.history.latest),
        last_created=times.get((What.CREATED, "")),
        last_started=times.get((What.STARTED, "")),
        last_success=times.get((What.SUCCEEDED, "")),
        unended=_unended(connection, name),
        undecided=_undecided(connection, jobs, name, now),
        waiting=connection.scalar(_WAITING, {"name": name}) or 0,
        open=open_runs(connection, name),
        since_useful=_since_useful(connection, job.history.latest, useful),
        ratios=list(connection.scalars(_RATIOS, {"name": name})),
        answers=_answers(connection, job.history.latest),
        answered={
            check: answered for (what, check), answered in times.items() if what is What.ANSWERED
        },
    )


def open_runs(connection: Connection, name: str) -> list[OpenRuns]:
    """How many runs of a job somebody should look at, by lane and verdict."""
    return [OpenRuns(*row) for row in connection.execute(_OPEN, {"name": name})]


def _unended(connection: Connection, name: str) -> list[Unended]:
    return [Unended(*row) for row in connection.execute(_UNENDED, {"name": name})]


def _undecided(connection: Connection, jobs: Jobs, name: str, now: datetime) -> list[Facts]:
    """The facts of the live runs without a verdict, oldest first."""
    keys = [RunKey(*row) for row in connection.execute(_UNDECIDED, {"name": name})]
    return [run_facts.for_people(connection, jobs, key, now) for key in reversed(keys)]


def _since_useful(
    connection: Connection, declaration: Declaration, useful: Useful | None
) -> int | None:
    if not declaration.provable:
        return None
    since = EPOCH if useful is None else useful.completed_at
    return connection.scalar(_SINCE, {"name": declaration.job, "since": since}) or 0


def _answers(connection: Connection, declaration: Declaration) -> Sequence[CheckResult]:
    """What the checks said that the verdict of the newest live run with answers rests on."""
    if not declaration.checks:
        return ()
    answers: Sequence[CheckResult] | None = connection.scalar(_ANSWERS, {"name": declaration.job})
    return answers or ()


_OF_JOB = runs.c.job == bindparam("name")
_TRIED = attempts.c.job == bindparam("name")
_OPEN = (
    select(
        runs.c.lane,
        runs.c.verdict,
        func.count(),
        func.sum(case((runs.c.false_success, 1), else_=0)),
    )
    .where(_OF_JOB, runs.c.open)
    .group_by(runs.c.lane, runs.c.verdict)
    .order_by(runs.c.lane, runs.c.verdict)
)
_UNENDED = (
    select(attempts.c.body, runs.c.due)
    .join(runs, runs.c.run_id == attempts.c.run_id, isouter=True)
    .where(_TRIED, attempts.c.ended_at.is_(None))
    .order_by(attempts.c.id)
)
_UNDECIDED = (
    select(runs.c.job, runs.c.occurrence, runs.c.partition)
    .where(_OF_JOB, UNDECIDED, runs.c.lane == RunLane.LIVE)
    .order_by(runs.c.at.desc(), runs.c.run_id)
    .limit(MOST_UNDECIDED)
)
_WAITING = select(func.count()).where(_OF_JOB, UNDECIDED, runs.c.state == RunState.WAITING)
_SINCE = select(func.count()).where(_TRIED, attempts.c.started_at > bindparam("since"))
_RATIOS = (
    select(attempts.c.interval_ratio)
    .where(
        _TRIED,
        attempts.c.state == AttemptState.SUCCEEDED,
        attempts.c.lane == Lane.LIVE,
        attempts.c.interval_ratio.is_not(None),
    )
    .order_by(attempts.c.ended_at.desc())
    .limit(RATIOS)
)
_NEWEST = (
    select(runs.c.at, runs.c.run_id, runs.c.lane, runs.c.evaluation_id)
    .where(_OF_JOB, runs.c.partition == "")
    .order_by(runs.c.at.desc(), runs.c.run_id.desc())
    .limit(RECENT)
    .subquery()
)
_ANSWERS = select(evaluations.c.results).where(
    evaluations.c.evaluation_id
    == select(_NEWEST.c.evaluation_id)
    .where(_NEWEST.c.lane == RunLane.LIVE, _NEWEST.c.evaluation_id.is_not(None))
    .order_by(_NEWEST.c.at.desc(), _NEWEST.c.run_id.desc())
    .limit(1)
    .scalar_subquery()
)

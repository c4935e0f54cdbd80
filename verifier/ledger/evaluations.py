"""Evaluations: all that the checks of a run ever answered."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from verifier.catalogue.histograms import CHECK_DURATION
from verifier.catalogue.reasons import unknown_group
from verifier.ledger import runs as run_rows
from verifier.ledger.documents import stores_asked
from verifier.ledger.schema import evaluations, runs
from verifier.ledger.statements import chunks, each_of, insert_missing
from verifier.ledger.tallies import CHECK_UNKNOWN, NO_JOB
from verifier.ledger.transaction import Transaction
from verifier.ledger.types import What
from verifier.runs.binding import RunKey
from verifier.runs.evaluation import CheckResult, Evaluation, Result
from verifier.runs.verdict import Verdict

_OF_RUNS = (
    select(evaluations)
    .where(evaluations.c.run_id.in_(each_of("run_ids")))
    .order_by(evaluations.c.run_id, evaluations.c.started_at, evaluations.c.evaluation_id)
)

_LAST = (
    select(evaluations.c.evaluation_id)
    .where(evaluations.c.run_id == bindparam("of"))
    .order_by(evaluations.c.started_at.desc(), evaluations.c.evaluation_id.desc())
    .limit(1)
)


def add(transaction: Transaction, found: Mapping[RunKey, Evaluation]) -> list[RunKey]:
    """Keep one evaluation of each run; those of which it was not kept already."""
    connection = transaction.connection
    # Whoever records locks the runs first, so that each sees what the one before kept.
    run_rows.begin(transaction, found)
    insert = insert_missing(connection, evaluations).returning(evaluations.c.run_id)
    rows = [
        {name: getattr(evaluation, name) for name in evaluations.c.keys()}  # noqa: SIM118
        for evaluation in found.values()
    ]
    new = {run_id for piece in chunks(rows) for run_id in connection.scalars(insert, piece)}
    kept = [key for key in found if key.run_id in new]
    for key in kept:
        # What was asked once, of all partitions, is counted once.
        if not key.partition or run_rows.whole_job(key) not in found:
            for answer in found[key].results:
                _count(transaction, key, answer)
    return kept


def _count(transaction: Transaction, key: RunKey, answer: CheckResult) -> None:
    told, job = transaction.counted, transaction.job(key.job)
    if answer.result is Result.UNKNOWN:
        told.count(CHECK_UNKNOWN, key.job, reason=unknown_group(answer.reason))
    else:
        transaction.latest.reach(What.ANSWERED, key.job, answer.evaluated_at, answer.name)
    store = stores_asked(job.document).get(answer.name)
    if store is not None and job.asks_for(key.due):
        told.observe(CHECK_DURATION, NO_JOB, answer.duration_seconds, store=store)


def last_of(connection: Connection, run_id: str) -> str | None:
    """The id of a run's last evaluation; None where there is none."""
    last: str | None = connection.scalar(_LAST, {"of": run_id})
    return last


def of_runs(connection: Connection, run_ids: Iterable[str]) -> dict[str, list[Evaluation]]:
    """The evaluations of each run, oldest first."""
    found: dict[str, list[Evaluation]] = defaultdict(list)
    for piece in chunks(run_ids):
        for row in connection.execute(_OF_RUNS, {"run_ids": piece}):
            found[row.run_id].append(_evaluation(row))
    return found


def verified_answers(
    connection: Connection, key: RunKey, depth: int
) -> dict[str, list[CheckResult]]:
    """By check, the answers in the last ``depth`` verified runs of a job, newest first.

    Without the run ``key`` itself: it cannot tell what is usual for it.
    """
    found = (
        select(evaluations.c.results)
        .join(runs, runs.c.evaluation_id == evaluations.c.evaluation_id)
        .where(
            runs.c.job == key.job,
            runs.c.partition == key.partition,
            runs.c.verdict == Verdict.VERIFIED,
            runs.c.run_id != key.run_id,
        )
        .order_by(runs.c.at.desc(), runs.c.run_id.desc())
        .limit(depth)
    )
    answers: dict[str, list[CheckResult]] = defaultdict(list)
    for results in connection.scalars(found):
        for answer in results:
            answers[answer.name].append(answer)
    return dict(answers)


def _evaluation(row: Row[Any]) -> Evaluation:
    return Evaluation(**row._mapping)

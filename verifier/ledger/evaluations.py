"""Evaluations: all that the checks of a run ever answered."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from verifier.catalogue.histograms import CHECK_DURATION
from verifier.catalogue.reasons import unknown_group
from verifier.ledger import actions
from verifier.ledger import runs as run_rows
from verifier.ledger.documents import stores_asked
from verifier.ledger.schema import evaluations, runs
from verifier.ledger.statements import Among, chunks, insert_missing
from verifier.ledger.tallies import CHECK_UNKNOWN, NO_JOB
from verifier.ledger.transaction import Transaction
from verifier.ledger.types import What
from verifier.runs.binding import RunKey
from verifier.runs.evaluation import CheckResult, Evaluation, Result
from verifier.runs.verdict import Verdict

_OF_RUNS = (
    select(evaluations)
    .where(Among(evaluations.c.run_id, "run_ids"))
    .order_by(evaluations.c.run_id, evaluations.c.started_at, evaluations.c.evaluation_id)
)

_IDS = (
    select(evaluations.c.run_id, evaluations.c.evaluation_id)
    .where(Among(evaluations.c.run_id, "run_ids"))
    .order_by(evaluations.c.run_id, evaluations.c.started_at, evaluations.c.evaluation_id)
)

NO_PARTITIONS: Mapping[RunKey, Evaluation] = MappingProxyType({})


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What the checks of a run answered when somebody looked because it was time.

    ``partitions``: at the same time, of single ones of a run of all. ``last``: the id of
    the run's last evaluation before they were asked, None where there was none.
    ``rejudged_at``: when a person had had the run judged anew by then, None where nobody.
    """

    key: RunKey
    evaluation: Evaluation
    partitions: Mapping[RunKey, Evaluation] = NO_PARTITIONS
    last: str | None = None
    rejudged_at: datetime | None = None


def still_wanted(connection: Connection, answers: Iterable[Answered]) -> list[Answered]:
    """Those whose run nobody else has answered for since they were asked for.

    Of two that look because it is time so one counts; and none of a run that a person
    has had judged anew meanwhile, since it was asked by what was declared before.
    """
    asked = list(answers)
    last = last_of_runs(connection, (each.key.run_id for each in asked))
    anew = actions.rejudged(connection, (each.key.run_id for each in asked))
    wanted: dict[RunKey, Answered] = {}
    for each in asked:
        run_id = each.key.run_id
        if each.key in wanted or last.get(run_id) != each.last:
            continue
        if anew.get(run_id) == each.rejudged_at:
            wanted[each.key] = each
    return list(wanted.values())


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


def last_of_runs(connection: Connection, run_ids: Iterable[str]) -> dict[str, str]:
    """The id of the last evaluation of each run that has one."""
    last: dict[str, str] = {}
    for piece in chunks(run_ids):
        last.update(map(tuple, connection.execute(_IDS, {"run_ids": piece})))
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

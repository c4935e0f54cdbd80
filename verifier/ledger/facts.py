"""The facts that a run is judged by, put together from all tables."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from math import ceil

import msgspec
from sqlalchemy import Connection, select

from verifier.ledger import actions, attempts, evaluations, pings, sources, turned_away, windows
from verifier.ledger import runs as run_rows
from verifier.ledger.declarations import Job, Jobs, job_of
from verifier.ledger.runs import RunRow
from verifier.ledger.schema import attempts as attempts_table
from verifier.ledger.schema import runs
from verifier.ledger.sources import NATIVE
from verifier.runs.action import Action, ActionKind, rejudged_at
from verifier.runs.attempt import Attempt, Told
from verifier.runs.binding import RunKey
from verifier.runs.covers import business_interval
from verifier.runs.declaration import Declaration, Overlap
from verifier.runs.evaluation import Evaluation, is_unlisted
from verifier.runs.interval import Interval
from verifier.runs.lifecycle import AttemptState, is_alive, is_pending
from verifier.runs.signal import Lane
from verifier.runs.slots import interval_after, next_slot
from verifier.runs.standing import Facts
from verifier.runs.verdict import Verdict

RUNTIMES = 50
"""How many of the last runtimes tell how long a job takes."""

ENOUGH_RUNTIMES = 5
"""Fewer tell nothing."""

TAIL_PERCENT = 95

_UNENDED = (
    AttemptState.CREATED,
    AttemptState.DISPATCHED,
    AttemptState.CLAIMED,
    AttemptState.RUNNING,
)


def for_judging(connection: Connection, jobs: Jobs, rows: Sequence[RunRow]) -> dict[RunKey, Facts]:
    """Of each run all that its verdict, its state and its next wake-up follow from."""
    ids = [row.run_id for row in rows]
    wholes = {row.key: run_rows.whole_job(row.key).run_id for row in rows if row.key.partition}
    of_all = run_rows.of_runs(connection, {run_rows.whole_job(key) for key in wholes})
    parts = _parts(connection, jobs, rows)
    beside = {part.run_id for each in parts.values() for part in each}
    tried = attempts.of_runs(connection, sorted({*ids, *wholes.values(), *beside}))
    asked = evaluations.of_runs(connection, ids)
    acted_ids = sorted({*ids, *wholes.values()})
    acted = _by_run(actions.on(connection, (row.key.job for row in rows), acted_ids), rows, wholes)
    blind = windows.by_source(connection)
    pinged = pings.of_jobs(connection, (row.key.job for row in rows)) if blind[NATIVE] else set()
    contacts = sources.contacts(connection)
    # Only a scheduler tells of attempts that were turned away.
    heard = [row.run_id for row in rows if job_of(jobs, row.key.job).history.latest.source]
    away = turned_away.of_runs(connection, heard)
    found = {}
    for row in rows:
        key, job = row.key, job_of(jobs, row.key.job)
        own = [each for each in tried.get(row.run_id, []) if each.attempt not in away[row.run_id]]
        others = [wholes[key]] if key in wholes else [part.run_id for part in parts.get(key, ())]
        whole = [attempt for run_id in others for attempt in tried.get(run_id, [])]
        anew = rejudged_at(acted[key])
        declared = job.declared_for(key.due, own, row.at, anew)
        declaration = declared.declaration
        answers = asked.get(row.run_id, [])
        counted = [each for each in answers if anew is None or each.started_at >= anew]
        if key.partition and declaration.partition_name is not None:
            declaration = declaration.of_partition()
        miss_after, deaf, heard_again = None, False, None
        if key.due is not None:
            when = blind[declaration.source or NATIVE], key.due, declaration
            lost = declaration.source is None and key.job in pinged
            miss_after, deaf = windows.silence(*when, lost=lost)
            heard_again = windows.heard_again(*when) if deaf else None
        answered, newer_verified_at = _newer(connection, jobs, key, declaration)
        found[key] = Facts(
            key=key,
            declaration=declaration,
            declared_at=declared.valid_from,
            expected=_is_expected(row, job, counted),
            attempts=own,
            whole_job=whole,
            parts={part.partition: verdict for part, verdict in parts.get(key, {}).items()},
            skipped=row.skipped or _skipped(of_all.get(run_rows.whole_job(key))),
            evaluations=counted,
            set_aside=[each for each in answers if anew is not None and each.started_at < anew],
            actions=acted[key],
            miss_after=miss_after,
            deaf=deaf,
            heard_again=heard_again,
            contact=contacts[declaration.source] if declaration.source else None,
            answered_by_newer=answered,
            newer_verified_at=newer_verified_at,
        )
    _doubt_who_was_never_heard(connection, found)
    return found


def _doubt_who_was_never_heard(connection: Connection, found: dict[RunKey, Facts]) -> None:
    """Who was never heard before may ping, and then what was said in a window is lost."""
    silent = [
        key
        for key, facts in found.items()
        if facts.miss_after is not None
        and facts.declaration.source is None
        and not (facts.attempts or facts.whole_job)
    ]
    unheard = pings.not_heard_before(connection, (key.run_id for key in silent))
    for key in silent:
        if key.run_id in unheard:
            heard = {"miss_after": None, "deaf": True, "heard_again": found[key].miss_after}
            found[key] = msgspec.structs.replace(found[key], **heard)


def _is_expected(row: RunRow, job: Job, asked: Sequence[Evaluation]) -> bool:
    """Whether the schedule asked for the run; of nobody whom the run does not have."""
    if row.key.partition and is_unlisted(asked):
        return False
    return row.expected or job.asks_for(row.key.due)


def _parts(
    connection: Connection, jobs: Jobs, rows: Sequence[RunRow]
) -> dict[RunKey, dict[RunKey, Verdict | None]]:
    """Of each run of all partitions the known runs of single ones: who works there works here."""
    wholes = [
        row.key
        for row in rows
        if not row.key.partition
        and job_of(jobs, row.key.job).history.latest.partition_name is not None
    ]
    return run_rows.parts_of(connection, wholes)


def _skipped(whole: RunRow | None) -> Told[str] | None:
    """What was told of the run of all partitions was told of each of them."""
    return None if whole is None else whole.skipped


def for_people(connection: Connection, jobs: Jobs, key: RunKey, now: datetime) -> Facts:
    """All facts of a run, with those about its surroundings that people are shown."""
    row = run_rows.get(connection, key.run_id) or run_rows.blank(key, now)
    return all_for_people(connection, jobs, [row], now)[key]


def all_for_people(
    connection: Connection, jobs: Jobs, rows: Sequence[RunRow], now: datetime
) -> dict[RunKey, Facts]:
    """The same of many runs."""
    found = for_judging(connection, jobs, rows)
    named = {row.key.job for row in rows}
    tails = {job: runtime_tail(connection, job) for job in named}
    unended = {job: _unended(connection, job) for job in named}
    for key, facts in found.items():
        interval, newest = _slots_after(facts.declaration, key.due, now)
        found[key] = msgspec.structs.replace(
            facts,
            interval=interval,
            newest=newest,
            others=_under_way(facts, unended[key.job], now),
            runtime_tail=tails[key.job],
        )
    return found


def covers_interval_of(jobs: Jobs, newer: RunKey, older: RunKey) -> bool:
    """Whether the work of ``newer`` includes that of ``older``."""
    larger, smaller = _interval_of(jobs, newer), _interval_of(jobs, older)
    if larger is None or smaller is None:
        return False
    return larger.start <= smaller.start and smaller.end <= larger.end


def _interval_of(jobs: Jobs, key: RunKey) -> Interval | None:
    """The business interval of a run; None where there is none."""
    if key.due is None:
        return None
    declaration = job_of(jobs, key.job).history.at(key.due)
    with suppress(ValueError):
        return business_interval(declaration.schedule, declaration.covers, key.due)
    return None


def runtime_tail(connection: Connection, job: str) -> timedelta | None:
    """How long the slow runs of a job take: the 95th percentile of the last 50.

    Of attempts of the live lane that succeeded; None where there are fewer than 5.
    """
    table = attempts_table
    ended = (
        select(table.c.started_at, table.c.ended_at)
        .where(
            table.c.job == job,
            table.c.state == AttemptState.SUCCEEDED,
            table.c.lane == Lane.LIVE,
            table.c.started_at.is_not(None),
        )
        .order_by(table.c.ended_at.desc())
        .limit(RUNTIMES)
    )
    runtimes: list[timedelta] = sorted(
        row.ended_at - row.started_at for row in connection.execute(ended)
    )
    if len(runtimes) < ENOUGH_RUNTIMES:
        return None
    return runtimes[ceil(len(runtimes) * TAIL_PERCENT / 100) - 1]


def _by_run(
    found: Iterable[Action], rows: Iterable[RunRow], wholes: Mapping[RunKey, str]
) -> dict[RunKey, list[Action]]:
    """The actions that concern each run: on its whole job, on itself, or of all partitions."""
    on_job: dict[str, list[Action]] = defaultdict(list)
    for action in found:
        on_job[action.job].append(action)
    return {
        row.key: [
            each
            for each in on_job[row.key.job]
            if each.run_id in (None, row.run_id)
            or (each.kind in _OF_ALL and each.run_id == wholes.get(row.key))
        ]
        for row in rows
    }


_OF_ALL = frozenset({ActionKind.SKIP, ActionKind.REJUDGE})
"""Actions on a run of all partitions that hold for the run of each; all are asked at once."""


def _newer(
    connection: Connection, jobs: Jobs, key: RunKey, declaration: Declaration
) -> tuple[bool, datetime | None]:
    """Whether a later run that was verified covers this one, and when the first one was judged so.

    Where runs do not coalesce, no other one answers.
    """
    if declaration.overlap is not Overlap.COALESCE or key.due is None:
        return False, None
    # Intervals end later the later they are due: if the next one that was verified
    # begins after this one's beginning, so do all after it.
    later = connection.execute(
        select(runs)
        .where(
            runs.c.job == key.job,
            # A run of all partitions does the work of each of them.
            runs.c.partition.in_([key.partition, ""]),
            runs.c.verdict == Verdict.VERIFIED,
            runs.c.due.is_not(None),
            runs.c.at > key.due,
        )
        .order_by(runs.c.at)
        .limit(1)
    ).first()
    if later is None:
        return False, None
    row = run_rows.row_of(later)
    return covers_interval_of(jobs, row.key, key), row.judged_at


def _unended(connection: Connection, job: str) -> list[tuple[str, Attempt]]:
    """The attempts of a job that have not ended, each with the id of its run."""
    table = attempts_table
    found = select(table.c.run_id, table.c.body).where(
        table.c.job == job, table.c.state.in_(_UNENDED), table.c.run_id.is_not(None)
    )
    return [(row.run_id, row.body) for row in connection.execute(found)]


def _under_way(
    facts: Facts, unended: Iterable[tuple[str, Attempt]], now: datetime
) -> list[Attempt]:
    """The attempts of the job's other runs that are alive or pending."""
    found = [
        attempt
        for run_id, attempt in unended
        if run_id != facts.key.run_id
        and (is_alive(attempt) or is_pending(attempt, facts.declaration, now))
        and not _is_whole_job_of(facts, attempt)
    ]
    return sorted(found, key=lambda attempt: attempt.attempt)


def _is_whole_job_of(facts: Facts, attempt: Attempt) -> bool:
    return any(each.attempt == attempt.attempt for each in facts.whole_job)


def _slots_after(
    declaration: Declaration, due: datetime | None, now: datetime
) -> tuple[timedelta | None, bool]:
    """The time until the slot after ``due``, and whether that is yet to come."""
    if due is None:
        return None, True
    with suppress(ValueError):
        return (
            interval_after(declaration.schedule, due),
            next_slot(declaration.schedule, due) > now,
        )
    return None, True

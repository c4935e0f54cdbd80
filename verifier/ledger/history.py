"""History: runs with all that is known of them, read a page at a time, of one snapshot."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, select, tuple_

from verifier.ledger import facts as run_facts
from verifier.ledger import grants, revisions
from verifier.ledger import runs as run_rows
from verifier.ledger.declarations import Jobs, corrected_at, declared_checks, job_of
from verifier.ledger.runs import RunRow, row_of
from verifier.ledger.schema import runs
from verifier.runs.binding import RunKey
from verifier.runs.standing import Facts
from verifier.runs.view import Keepsakes

PAGE = 200
"""Runs that are in memory at once."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Whose runs, and from when to when: those due in [since, until)."""

    job: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class RunStory(msgspec.Struct, frozen=True):
    """All that is known of a run, as of one snapshot."""

    facts: Facts
    kept: Keepsakes


class RunHistory(msgspec.Struct, frozen=True):
    """How many runs there are, and the story of each."""

    count: int
    runs: Iterator[RunStory]


def read(connection: Connection, jobs: Jobs, span: Span, now: datetime) -> RunHistory:
    """The history in ``span``, as of the snapshot of ``connection``."""
    count = _within(select(func.count()).select_from(runs), span)
    return RunHistory(connection.scalar(count) or 0, _runs(connection, jobs, span, now))


def _runs(connection: Connection, jobs: Jobs, span: Span, now: datetime) -> Iterator[RunStory]:
    ordered = _within(select(runs), span).order_by(runs.c.at, runs.c.run_id).limit(PAGE)
    page = ordered
    while rows := [row_of(row) for row in connection.execute(page)]:
        yield from _stories(connection, jobs, rows, now)
        types = [runs.c.at.type, runs.c.run_id.type]
        last = tuple_(rows[-1].at, rows[-1].run_id, types=types)
        page = ordered.where(tuple_(runs.c.at, runs.c.run_id) > last)


def of_runs(
    connection: Connection, jobs: Jobs, keys: Sequence[RunKey], now: datetime
) -> Iterator[RunStory]:
    """The stories of some runs in the order given, whether they have a row or not."""
    for start in range(0, len(keys), PAGE):
        piece = keys[start : start + PAGE]
        known = run_rows.of_runs(connection, piece)
        rows = [known.get(key) or run_rows.blank(key, now) for key in piece]
        yield from _stories(connection, jobs, rows, now)


def _stories(
    connection: Connection, jobs: Jobs, rows: Sequence[RunRow], now: datetime
) -> Iterator[RunStory]:
    ids = [row.run_id for row in rows]
    facts = run_facts.all_for_people(connection, jobs, rows, now)
    revised = revisions.of_runs(connection, ids)
    decided = grants.decisions_on(connection, ids)
    older = {row.key.job for row in rows if _is_older(jobs, facts[row.key])}
    checks = {name: declared_checks(jobs[name]) for name in older}
    for row in rows:
        known = facts[row.key]
        kept = Keepsakes(
            corrected_at=corrected_at(checks.get(row.key.job, []), known.declared_at),
            judged_at=row.judged_at,
            revisions=revised.get(row.run_id, []),
            guard=decided.get(row.run_id, []),
        )
        yield RunStory(known, kept)


def _is_older(jobs: Jobs, facts: Facts) -> bool:
    """Whether the job was declared anew since the declaration that judges the run."""
    return job_of(jobs, facts.key.job).history.entries[-1].valid_from != facts.declared_at


def _within(found: Select[Any], span: Span) -> Select[Any]:
    if span.job is not None:
        found = found.where(runs.c.job == span.job)
    if span.since is not None:
        found = found.where(runs.c.at >= span.since)
    if span.until is not None:
        found = found.where(runs.c.at < span.until)
    return found

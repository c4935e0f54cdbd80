"""History: every run with all that is known of it, oldest first, read a page at a time."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, select, tuple_

from verifier.ledger import facts as run_facts
from verifier.ledger import grants, revisions
from verifier.ledger.declarations import Jobs, job_of
from verifier.ledger.runs import RunRow, row_of
from verifier.ledger.schema import runs
from verifier.runs.standing import Facts
from verifier.runs.view import Keepsakes

PAGE = 200
"""Runs that are in memory at once."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Whose runs, and from when to when: those due in [since, until)."""

    job: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class RunHistory(msgspec.Struct, frozen=True):
    """How many runs there are, and each with what is kept of it."""

    count: int
    runs: Iterator[tuple[Facts, Keepsakes]]


def read(connection: Connection, jobs: Jobs, span: Span, now: datetime) -> RunHistory:
    """The history in ``span``, as of the snapshot of ``connection``."""
    count = _within(select(func.count()).select_from(runs), span)
    return RunHistory(connection.scalar(count) or 0, _runs(connection, jobs, span, now))


def _runs(
    connection: Connection, jobs: Jobs, span: Span, now: datetime
) -> Iterator[tuple[Facts, Keepsakes]]:
    ordered = _within(select(runs), span).order_by(runs.c.at, runs.c.run_id).limit(PAGE)
    page = ordered
    while rows := [row_of(row) for row in connection.execute(page)]:
        yield from _whole(connection, jobs, rows, now)
        types = [runs.c.at.type, runs.c.run_id.type]
        last = tuple_(rows[-1].at, rows[-1].run_id, types=types)
        page = ordered.where(tuple_(runs.c.at, runs.c.run_id) > last)


def _whole(
    connection: Connection, jobs: Jobs, rows: list[RunRow], now: datetime
) -> Iterator[tuple[Facts, Keepsakes]]:
    ids = [row.run_id for row in rows]
    facts = run_facts.all_for_people(connection, jobs, rows, now)
    revised = revisions.of_runs(connection, ids)
    decided = grants.decisions_on(connection, ids)
    for row in rows:
        known, job = facts[row.key], job_of(jobs, row.key.job)
        kept = Keepsakes(
            declared_at=job.declared_for(row.key.due, known.attempts, now).valid_from,
            judged_at=row.judged_at,
            revisions=revised.get(row.run_id, []),
            guard=decided.get(row.run_id, []),
        )
        yield known, kept


def _within(found: Select[Any], span: Span) -> Select[Any]:
    if span.job is not None:
        found = found.where(runs.c.job == span.job)
    if span.since is not None:
        found = found.where(runs.c.at >= span.since)
    if span.until is not None:
        found = found.where(runs.c.at < span.until)
    return found

"""All that metrics are made of, as of one instant: what one read transaction sees."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from verifier.ledger import cursors, job_facts, latest, sources, tallies
from verifier.ledger.declarations import Job, Jobs
from verifier.ledger.schema import changes
from verifier.ledger.sources import SourceState
from verifier.ledger.tallies import NO_JOB, Tally
from verifier.runs.figures import JobFacts


class JobReading(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a job at its change of number ``change``, 0 before the first.

    ``document``: the job as written. ``tallies``: its counters.
    """

    change: int
    facts: JobFacts
    document: Mapping[str, Any]
    tallies: Sequence[Tally]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs that are declared, in order of their names, and what belongs to none.

    ``heard``: when a signal last came from each source. ``listened``: when landed last
    told that it hears what comes by itself. ``sources``: those that are declared.
    ``tallies``: counters that have no job.
    """

    at: datetime
    jobs: Mapping[str, JobReading]
    tallies: Sequence[Tally]
    heard: Mapping[str, datetime]
    listened: Mapping[str, datetime]
    sources: Mapping[str, SourceState]


def read(
    connection: Connection, jobs: Jobs, now: datetime, before: Snapshot | None = None
) -> Snapshot:
    """What there is to see at ``now``.

    Jobs that did not change since ``before`` are taken from it, the same objects.
    """
    known = {} if before is None else before.jobs
    numbers = {row.job: row.number for row in connection.execute(select(changes))}
    return Snapshot(
        at=now,
        jobs={
            name: _reading(connection, jobs, name, now, numbers.get(name, 0), known.get(name))
            for name, job in sorted(jobs.items())
            if not job.retired
        },
        tallies=tallies.of_job(connection, NO_JOB),
        heard=latest.heard(connection),
        listened=cursors.listened(connection),
        sources={name: each for name, each in sources.read(connection).items() if each.declared},
    )


def _reading(
    connection: Connection,
    jobs: Jobs,
    name: str,
    now: datetime,
    change: int,
    known: JobReading | None,
) -> JobReading:
    if known is not None and known.change == change:
        return known
    job: Job = jobs[name]
    return JobReading(
        change=change,
        facts=job_facts.read(connection, jobs, name, now),
        document=job.document,
        tallies=tallies.of_job(connection, name),
    )

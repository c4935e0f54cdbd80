"""A task as a job: each of its tries is an attempt."""

from collections.abc import Iterator
from datetime import datetime

from verifier.runs.signal import EndProof, Kind, Signal
from verifier.signals.airflow.documents import DagRun, Retries, TaskInstance
from verifier.signals.airflow.identity import try_id
from verifier.signals.airflow.telling import Occasion

OPEN = frozenset({"queued", "running"})
"""States of a DAG run whose tasks may still be started."""

NOT_HEARD = "Airflow heard no heartbeat of it"

_NEVER_RAN = frozenset({"upstream_failed", "removed"})


def try_signals(
    row: TaskInstance,
    run: DagRun,
    occasion: Occasion,
    *,
    retries: Retries,
    unheard: frozenset[int] = frozenset(),
) -> Iterator[Signal]:
    """What one row tells of its try, or of the one that is to come.

    ``occasion`` is that of the present pass; a try of a pass before it is told as such.
    ``unheard``: numbers of tries that Airflow ended because their heartbeats had stopped.
    That is silence and no proof of death: the process may be at work still.
    """
    if row.state is None:
        # Cleared, or not scheduled yet: the number rises when it is.
        since = run.started or run.queued_at
        if run.state in OPEN and since is not None:
            yield occasion.waits(since, try_id(row.run_id, row.try_number + 1))
        return
    attempt = try_id(row.run_id, max(1, row.try_number))
    if row.state in ("scheduled", "queued"):
        since = row.scheduled_when or run.started or run.queued_at
        if since is not None:
            yield occasion.waits(since, attempt)
        if row.state == "queued" and row.queued_when is not None:
            yield occasion.tell(Kind.DISPATCHED, row.queued_when, attempt)
        return
    if _never_ran(row):
        if row.state == "skipped" and row.end_date is not None and occasion.due is not None:
            yield skipped(row.end_date, attempt, occasion)
        return
    if row.start_date is None:
        return
    told = occasion if in_present_pass(row, run) else occasion.before
    worker = row.hostname[:200] if row.hostname else None
    for kind, at in ((Kind.CREATED, row.scheduled_when), (Kind.DISPATCHED, row.queued_when)):
        if at is not None and at <= row.start_date:
            yield told.tell(kind, at, attempt)
    yield told.tell(Kind.STARTED, row.start_date, attempt, worker=worker)
    if row.end_date is not None:
        yield from _end(row, row.end_date, attempt, told, retries, unheard)


def in_present_pass(row: TaskInstance, run: DagRun) -> bool:
    """Whether a try began in the present pass of its DAG run, or is to."""
    return row.start_date is None or run.queued_at is None or row.start_date >= run.queued_at


def skipped(at: datetime, attempt: str, occasion: Occasion) -> Signal:
    """That Airflow decided not to run it: a fact of the run, not of an attempt."""
    return occasion.tell(Kind.SKIPPED, at, attempt, reason="skipped by Airflow")


def has_begun(row: TaskInstance) -> bool:
    """Whether the row is of a try that began, and not of one that is to come or never will.

    The number of such a row is that of the try before it, if there was one.
    """
    return row.state is not None and not _never_ran(row)


def _never_ran(row: TaskInstance) -> bool:
    """Airflow writes one instant as start and end of what it decides without running it."""
    return row.state in _NEVER_RAN or (row.state == "skipped" and row.start_date == row.end_date)


def _end(
    row: TaskInstance,
    at: datetime,
    attempt: str,
    told: Occasion,
    retries: Retries,
    unheard: frozenset[int],
) -> Iterator[Signal]:
    retry_at = retries.latest(at, row.try_number) if row.state == "up_for_retry" else None
    if row.state == "success":
        yield told.tell(Kind.SUCCEEDED, at, attempt)
    elif row.state == "skipped":
        yield told.tell(Kind.CANCELLED, at, attempt, reason="it skipped itself")
    elif row.state not in ("failed", "up_for_retry"):
        return
    elif row.try_number in unheard:
        yield told.tell(
            Kind.LOST,
            at,
            attempt,
            reason=NOT_HEARD,
            retry_at=retry_at,
            end_proof=EndProof.NONE,
        )
    else:
        yield told.tell(Kind.FAILED, at, attempt, retry_at=retry_at)

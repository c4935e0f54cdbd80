"""Jobs that are heard by pings: what they say while nobody listens is lost for good.

A wrapper keeps what it could not tell and brings it later; who pings tries for some
seconds. That a job was ever pinged counts, not how it was heard last: a job that has
moved from pings to the wrapper, and one that uses both, may still ping from somewhere,
and no run is called missing because of a guess. Nor is one of a job that was never heard
before: nobody knows yet how it tells.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, exists, or_, select

from verifier.ledger import runs as run_rows
from verifier.ledger import windows
from verifier.ledger.schema import attempts, latest, runs
from verifier.ledger.signals import Batch
from verifier.ledger.sources import NATIVE
from verifier.ledger.statements import Among, chunks
from verifier.ledger.transaction import Transaction
from verifier.ledger.types import What
from verifier.runs.reported import Reported

SOURCE = "ping"
"""The source of a batch that came as a ping."""


def of_jobs(connection: Connection, jobs: Iterable[str]) -> set[str]:
    """Those of ``jobs`` that were ever pinged."""
    found: set[str] = set()
    for piece in chunks(sorted(set(jobs))):
        found.update(connection.scalars(_PINGED, {"jobs": piece}))
    return found


def not_heard_before(connection: Connection, run_ids: Iterable[str]) -> set[str]:
    """Those of ``run_ids`` before whose due instant no attempt of their job had begun or ended."""
    found: set[str] = set()
    for piece in chunks(sorted(run_ids)):
        found.update(connection.scalars(_NOT_HEARD_BEFORE, {"run_ids": piece}))
    return found


def note(transaction: Transaction, batches: Sequence[Batch]) -> None:
    """Keep which jobs are pinged.

    Of one that never was before, the silent runs that fell into a blind window are woken:
    they were judged as if their word could still come.
    """
    pinged: set[str] = set()
    for batch in batches:
        if batch.source == SOURCE:
            for signal in batch.signals:
                pinged.add(signal.job)
                transaction.latest.reach(What.HEARD, SOURCE, batch.received_at, signal.job)
    if not pinged:
        return
    connection = transaction.connection
    new = pinged - of_jobs(connection, pinged)
    since = windows.earliest(connection, transaction.jobs, NATIVE) if new else None
    if since is not None:
        run_rows.wake(
            connection,
            transaction.jobs,
            transaction.now,
            runs.c.job.in_(sorted(new)),
            runs.c.at >= since,
            runs.c.reported == Reported.NONE,
        )


_NOT_HEARD_BEFORE = select(runs.c.run_id).where(
    Among(runs.c.run_id, "run_ids"),
    ~exists().where(
        attempts.c.job == runs.c.job,
        or_(attempts.c.started_at < runs.c.at, attempts.c.ended_at < runs.c.at),
    ),
)
_PINGED = select(latest.c.detail).where(
    latest.c.what == What.HEARD, latest.c.subject == SOURCE, Among(latest.c.detail, "jobs")
)

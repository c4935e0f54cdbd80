"""What every job is and was declared to be."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from verifier.ledger.errors import UnknownJob
from verifier.ledger.schema import declarations
from verifier.ledger.types import to_json
from verifier.runs.attempt import Attempt
from verifier.runs.declaration import Declaration, Declared, History, Schedule
from verifier.runs.instant import MICROSECOND
from verifier.runs.slots import is_slot


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job's history, and its documents, each with its valid-from, oldest first.

    ``said_at`` is its last entry's valid-from, retirements included.
    """

    history: History
    documents: tuple[tuple[datetime, dict[str, Any]], ...]
    said_at: datetime
    retired: bool = False

    @property
    def document(self) -> dict[str, Any]:
        """What it is declared to be, as it was written."""
        return self.documents[-1][1]

    @property
    def schedule_at(self) -> Callable[[datetime], Schedule]:
        """The schedule that was declared at an instant."""
        return lambda instant: self.history.at(instant).schedule

    def declared_for(
        self,
        due: datetime | None,
        attempts: Iterable[Attempt],
        otherwise: datetime,
        rejudged_at: datetime | None = None,
    ) -> Declared:
        """By which declaration a run is judged: that of its due instant.

        A run without one is judged by that of its first signal, or where there was
        none by that of the instant ``otherwise``; and one that a person had judged anew
        by that of ``rejudged_at``.
        """
        return self.history.entry_at(rejudged_at or due or first_said(attempts) or otherwise)

    def asks_for(self, due: datetime | None) -> bool:
        """Whether the schedule asks for a run at ``due``.

        Nothing was asked for before ``since``, or else before the job was declared.
        """
        if due is None:
            return False
        if due < (self.history.latest.since or self.history.registered):
            return False
        return is_slot(self.history.at(due).schedule, due)


Jobs = Mapping[str, Job]


def first_said(attempts: Iterable[Attempt]) -> datetime | None:
    """When the first signal of any of ``attempts`` was said; None where none was."""
    said = [attempt.first_said for attempt in attempts if attempt.first_said is not None]
    return min(said, default=None)


def job_of(jobs: Jobs, name: str) -> Job:
    """The job of that name, retired or not; ``UnknownJob`` where there never was one."""
    try:
        return jobs[name]
    except KeyError:
        raise UnknownJob(f"expected a declared job, found {name[:100]!r}") from None


_LAST = select(func.max(declarations.c.seq))


class Register:
    """All jobs, read again only when a declaration was added, by whichever process."""

    def __init__(self) -> None:
        self._known: tuple[int, Jobs] = (0, {})

    def read(self, connection: Connection) -> Jobs:
        """Every job ever declared, as of the snapshot of ``connection``."""
        seen, jobs = self._known
        last = connection.scalar(_LAST) or 0
        if last == seen:
            return jobs
        if last < seen:
            # Another file took its place, or a snapshot is older than what is known.
            return _with_entries(connection, {}, 0)
        jobs = _with_entries(connection, jobs, seen)
        self._known = (last, jobs)
        return jobs


def _with_entries(connection: Connection, known: Jobs, after: int) -> Jobs:
    jobs = dict(known)
    entries = select(declarations).where(declarations.c.seq > after).order_by(declarations.c.seq)
    for row in connection.execute(entries):
        jobs[row.job] = _entered(jobs.get(row.job), row.valid_from, row.declaration, row.document)
    return jobs


def _entered(
    job: Job | None,
    valid_from: datetime,
    declaration: Declaration | None,
    document: dict[str, Any] | None,
) -> Job:
    """The job after one more entry, which is a retirement if it declares nothing."""
    if declaration is None:
        if job is None:
            raise ValueError("expected a declaration before its retirement")
        return msgspec.structs.replace(job, retired=True, said_at=valid_from)
    declaration = msgspec.structs.replace(declaration, schedule=_shared(declaration.schedule))
    entry = Declared(valid_from=valid_from, declaration=declaration)
    before = job.history.entries if job else ()
    written = job.documents if job else ()
    return Job(
        history=History((*before, entry)),
        documents=(*written, (valid_from, document or {})),
        said_at=valid_from,
    )


@lru_cache(maxsize=4096)
def _shared(schedule: Schedule) -> Schedule:
    """One object for all schedules that say the same: their slots are looked up by it."""
    return schedule


def is_declared_so(
    jobs: Jobs, name: str, declaration: Declaration, document: dict[str, Any]
) -> bool:
    """Whether this is what the job is declared to be already."""
    job = jobs.get(name)
    if job is None or job.retired:
        return False
    return _read_back(job.history.latest) == _read_back(declaration) and (
        to_json(job.document) == to_json(document)
    )


def _read_back(declaration: Declaration) -> Declaration:
    """A declaration as it is when it comes from the ledger.

    Two that say the same may be written in different words: what is left out of the JSON
    because it is the default is told by the object, not by what it says.
    """
    return _DECODER.decode(to_json(declaration))


_DECODER = msgspec.json.Decoder(Declaration)


def add(
    connection: Connection,
    jobs: Jobs,
    name: str,
    now: datetime,
    declaration: Declaration | None,
    document: dict[str, Any] | None,
) -> Job:
    """Add an entry, None for a retirement; returns the job as it is then.

    It is valid from ``now``, or just after the last entry where a clock went back.
    """
    job = jobs.get(name)
    valid_from = now if job is None else max(now, job.said_at + MICROSECOND)
    row = {
        "job": name,
        "valid_from": valid_from,
        "declaration": declaration,
        "document": document,
    }
    connection.execute(declarations.insert(), row)
    return _entered(job, valid_from, declaration, document)


DeclaredChecks = list[tuple[datetime, Any]]
"""What a job declared to be checked, each with the instant from which it held."""


def declared_checks(job: Job) -> DeclaredChecks:
    """The checks of a job as they were changed, oldest first."""
    found: DeclaredChecks = []
    for valid_from, document in job.documents:
        checks = [document.get(field) for field in _ASKED]
        if not found or found[-1][1] != checks:
            found.append((valid_from, checks))
    return found


_ASKED = ("checks", "partitions")
"""What of a document says how the destination is asked."""


def corrected_at(checks: DeclaredChecks, valid_from: datetime | None) -> datetime | None:
    """Since when other checks are declared than at ``valid_from``; None where they are the same."""
    held = [each for since, each in checks if valid_from is None or since <= valid_from]
    if not checks or not held or held[-1] == checks[-1][1]:
        return None
    return checks[-1][0]

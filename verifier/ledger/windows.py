"""Blind windows: when nobody was listening, so that silence proves nothing."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, select

from verifier.catalogue.sources import BLIND_SECONDS
from verifier.ledger import runs as run_rows
from verifier.ledger import sources
from verifier.ledger.declarations import Jobs
from verifier.ledger.schema import blind_windows, runs
from verifier.ledger.sources import NATIVE
from verifier.ledger.statements import replace
from verifier.ledger.tallies import NO_JOB, Counted
from verifier.runs.declaration import Declaration, Schedule
from verifier.runs.reported import Reported
from verifier.runs.slots import EARLY, opens


class BlindWindow(msgspec.Struct, frozen=True, order=True):
    """A time in which a source was not heard.

    ``until`` is None while that goes on. ``caught_up_at`` is the earliest instant
    from which silence in the window counts, None while there is none.
    """

    source: str
    since: datetime
    until: datetime | None
    caught_up_at: datetime | None


_ALL = select(blind_windows).order_by(blind_windows.c.since, blind_windows.c.source)


def read(connection: Connection, source: str | None = None) -> list[BlindWindow]:
    """All windows, or those of one source, oldest first."""
    found = _ALL if source is None else _ALL.where(blind_windows.c.source == source)
    return [BlindWindow(**row._mapping) for row in connection.execute(found)]


def by_source(connection: Connection) -> Mapping[str, list[BlindWindow]]:
    """All windows, oldest first, by their source; of one that has none, none."""
    found: dict[str, list[BlindWindow]] = defaultdict(list)
    for window in read(connection):
        found[window.source].append(window)
    return found


def still_open(connection: Connection, source: str, now: datetime) -> list[BlindWindow]:
    """The windows of a source that began before ``now`` and have no end yet."""
    found = _ALL.where(
        blind_windows.c.source == source,
        blind_windows.c.until.is_(None),
        blind_windows.c.since < now,
    )
    return [BlindWindow(**row._mapping) for row in connection.execute(found)]


def add(connection: Connection, jobs: Jobs, window: BlindWindow) -> None:
    """Add a window, or replace the one of that source and beginning.

    Runs of the source's jobs that nobody was heard of, and whose slot it covers, are
    woken. The time is counted when the window is over.
    """
    _count(connection, window)
    row = msgspec.structs.asdict(window)
    connection.execute(replace(connection, blind_windows), row)
    first = window.since - _longest_wait(jobs)
    covered = [runs.c.at >= first]
    if window.until is not None:
        covered.append(runs.c.at <= window.until + EARLY)
    heard_of = sources.jobs_of(jobs, window.source)
    if window.source != NATIVE:
        covered.append(runs.c.job.in_(heard_of))
    elif len(heard_of) < len(jobs):
        covered.append(runs.c.job.not_in([name for name in jobs if name not in heard_of]))
    run_rows.wake(connection, jobs, window.since, *covered, runs.c.reported == Reported.NONE)


def heard_again(
    windows: Iterable[BlindWindow], due: datetime, declaration: Declaration
) -> datetime | None:
    """When all windows that a run fell into were over, and what comes late had come.

    None while one of them goes on.
    """
    ends = [each.caught_up_at or each.until for each in _covering(windows, due, declaration)]
    return None if None in ends else max((each for each in ends if each is not None), default=None)


def _covering(
    windows: Iterable[BlindWindow], due: datetime, declaration: Declaration
) -> list[BlindWindow]:
    """The windows in which a run may have started."""
    latest = due + declaration.start_within
    return [
        each
        for each in windows
        if each.since <= latest and _goes_on_at(each, due, declaration.schedule)
    ]


def _goes_on_at(window: BlindWindow, due: datetime, schedule: Schedule) -> bool:
    """Whether a window was not over when what was said began to belong to the slot ``due``."""
    if window.until is None or due <= window.until:
        return True
    if due > window.until + EARLY:
        return False
    with suppress(ValueError):
        return opens(schedule, due) <= window.until
    return True  # it is the first slot that there is


def earliest(connection: Connection, jobs: Jobs, source: str) -> datetime | None:
    """No run that was due before is in any window of a source; None where it has none."""
    found = read(connection, source)
    return found[0].since - _longest_wait(jobs) if found else None


def _count(connection: Connection, window: BlindWindow) -> None:
    """Count the time that ``window`` has beyond what was kept of it."""
    known = connection.scalar(
        select(blind_windows.c.until).where(
            blind_windows.c.source == window.source, blind_windows.c.since == window.since
        )
    )
    if window.until is None or (known is not None and known >= window.until):
        return
    counted = Counted()
    seconds = (window.until - (known or window.since)).total_seconds()
    counted.count(BLIND_SECONDS.name, NO_JOB, max(0.0, seconds), source=window.source)
    counted.write(connection)


def silence(
    windows: Iterable[BlindWindow], due: datetime, declaration: Declaration, *, lost: bool = False
) -> tuple[datetime | None, bool]:
    """From when on silence proves that a run did not start, and whether it never does.

    The instant is None where silence proves it at once, and where it never does.
    ``lost``: what the job said in a window never comes later, whoever else's does.
    """
    caught_up = [
        None if lost else each.caught_up_at for each in _covering(windows, due, declaration)
    ]
    if None in caught_up:
        return None, True
    return max((each for each in caught_up if each is not None), default=None), False


def _longest_wait(jobs: Jobs) -> timedelta:
    waits = [
        entry.declaration.start_within for job in jobs.values() for entry in job.history.entries
    ]
    return max(waits, default=timedelta())

"""The exposition: what a scraper gets, from figures that were taken before it asked.

What writes them is loaded where something is written: it brings prometheus-client, and a
command that asks one thing of a ledger writes no figures.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import msgspec

from verifier.catalogue import process
from verifier.exporters.job import job_rows
from verifier.exporters.meters import Meters
from verifier.exporters.rows import Part, Row, Rows, instants, seconds
from verifier.exporters.shared import shared_rows
from verifier.ledger.snapshot import JobReading, Snapshot
from verifier.runs.figures import JobFigures, figures, still_hold


class Turns(msgspec.Struct, frozen=True):
    """A loop: the time between two turns, and when one was last completed, if any was."""

    every: timedelta
    last: datetime | None


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which process this is: its version, its ledger, its configuration, its loops."""

    version: str
    ledger_id: str
    config_hash: str
    loops: Mapping[str, Turns]


class Scrape(msgspec.Struct, frozen=True):
    """An answer to a scraper."""

    body: bytes
    content_type: str


class _Job(msgspec.Struct, frozen=True):
    """A job as it was last written."""

    reading: JobReading
    figures: JobFigures
    part: Part


class _Taken(msgspec.Struct, frozen=True):
    """Figures of one instant, written."""

    snapshot: Snapshot
    identity: Identity
    jobs: Mapping[str, _Job]
    part: Part


class Exposition:
    """Figures of the ledger as they were last taken, and this process's own.

    One thread refreshes it, any may ask it. While the ledger cannot be read nobody
    refreshes it, and it goes on telling what was true, and when.
    """

    def __init__(self, contact_within: timedelta) -> None:
        self.meters = Meters()
        self._contact_within = contact_within
        self._taken: _Taken | None = None

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot that is told; None before the first."""
        taken = self._taken
        return None if taken is None else taken.snapshot

    def refresh(self, snapshot: Snapshot, identity: Identity) -> None:
        """Tell what ``snapshot`` says from now on; what did not change is not written anew."""
        from verifier.exporters.page import join, write

        known = {} if self._taken is None else self._taken.jobs
        jobs = {
            name: _job(name, reading, known.get(name), snapshot.at, write)
            for name, reading in snapshot.jobs.items()
        }
        shared = write(shared_rows(snapshot, self._contact_within))
        part = join([*(each.part for each in jobs.values()), shared])
        self._taken = _Taken(snapshot, identity, jobs, part)

    def answer(self, accept: str | None, now: datetime) -> Scrape | None:
        """The page in the format that ``accept`` asks for; None before the first figures."""
        from verifier.exporters.page import choose, page, write

        taken, form = self._taken, choose(accept)
        if taken is None:
            return None
        own = write({**_process_rows(taken, now), **self.meters.rows()})
        return Scrape(page(form, taken.part, own), form.content_type)


def _job(
    name: str,
    reading: JobReading,
    known: _Job | None,
    now: datetime,
    write: Callable[[Rows], Part],
) -> _Job:
    if known is not None and known.reading is reading:
        if still_hold(reading.facts, known.figures, now):
            return known
        found = figures(reading.facts, now)
        if found == known.figures:
            return known
    else:
        found = figures(reading.facts, now)
    rows = job_rows(name, reading.facts, found, reading.tallies)
    return _Job(reading, found, write(rows))


def _process_rows(taken: _Taken, now: datetime) -> Rows:
    identity = taken.identity
    loops = sorted(identity.loops.items())
    return {
        process.BUILD_INFO.name: [Row((identity.version, identity.ledger_id), 1)],
        process.CONFIG_INFO.name: [Row((identity.config_hash,), 1)],
        process.LAST_EVALUATION.name: instants(((name,), turns.last) for name, turns in loops),
        process.LOOP_INTERVAL.name: [
            Row((name,), turns.every.total_seconds()) for name, turns in loops
        ],
        process.SCRAPE_TIMESTAMP.name: [Row((), seconds(now))],
    }

"""What is known of each source: how far it was heard, and what keeps it from being heard."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, or_

from verifier.ledger import cursors
from verifier.ledger import runs as run_rows
from verifier.ledger.declarations import Jobs
from verifier.ledger.schema import UNDECIDED, runs
from verifier.runs.contact import Contact
from verifier.runs.reported import Reported

NATIVE = "native"
"""The source of what is sent to us: the API, the wrapper and its spools."""

_STATE = "source/"
_POSITION = "position/"


class SourceState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A source as its reader left it.

    ``heard_until``: all that it said up to then is in. ``contact_within``: how long it
    may go unheard. ``ahead``: by how much its clock is before ours. ``trouble``: why it
    cannot be heard, in words, and since when; None while it is heard. ``declared``:
    whether the configuration still has it.
    """

    heard_until: datetime | None = None
    contact_within: timedelta
    ahead: timedelta | None = None
    trouble: str | None = None
    trouble_since: datetime | None = None
    declared: bool = True

    @property
    def contact_due(self) -> datetime | None:
        """When it should be heard again; None where it never was."""
        return None if self.heard_until is None else self.heard_until + self.contact_within


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader keeps together with what it heard; None leaves what was kept before."""

    source: str
    state: SourceState | None = None
    position: str | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(SourceState).decode


def read(connection: Connection) -> dict[str, SourceState]:
    """The state of every source that was ever declared, by name."""
    found = cursors.read_all(connection, _STATE)
    return {
        name.removeprefix(_STATE): _decode(position) for name, position in sorted(found.items())
    }


def position(connection: Connection, source: str) -> str | None:
    """Where the reader of a source goes on; None where it never was anywhere."""
    return cursors.read(connection, _POSITION + source)


def contacts(connection: Connection) -> Mapping[str, Contact]:
    """How far each source was heard; one that never was gets an empty contact."""
    found: dict[str, Contact] = defaultdict(Contact)
    for name, state in read(connection).items():
        found[name] = Contact(until=state.heard_until, due=state.contact_due)
    return found


def keep(connection: Connection, jobs: Jobs, kept: Kept, now: datetime) -> None:
    """Keep what a reader says of its source.

    Where it had not been heard for too long, nobody knew when to look after the runs
    that its silence is about; once it is heard further, they are woken.
    """
    if kept.position is not None:
        cursors.write(connection, _POSITION + kept.source, kept.position)
    if kept.state is None:
        return
    before = read(connection).get(kept.source)
    cursors.write(connection, _STATE + kept.source, _encode(kept.state).decode())
    due = before.contact_due if before else None
    # While a backlog is read nothing is heard further yet, and there are many commits.
    moved = kept.state.contact_due not in (None, due)
    if moved and (due is None or due <= now):
        run_rows.wake(
            connection,
            jobs,
            now,
            UNDECIDED,
            runs.c.job.in_(jobs_of(jobs, kept.source)),
            runs.c.reported.in_((Reported.NONE, Reported.RUNNING)),
            or_(runs.c.wake_at.is_(None), runs.c.wake_at > now),
        )


def jobs_of(jobs: Jobs, source: str) -> list[str]:
    """The jobs whose runs a source tells of, or once told of."""
    return [
        name
        for name, job in jobs.items()
        if any((entry.declaration.source or NATIVE) == source for entry in job.history.entries)
    ]

"""The log of signals: all that was ever said, each thing once."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from verifier.ledger.schema import signals
from verifier.ledger.statements import chunks, insert_missing
from verifier.runs.signal import Kind, Signal

UNBOUND = ""
"""The attempt of a signal that is of none: a fact of the run, or not bound yet."""


def add(
    connection: Connection, said: Iterable[Signal], source: str, received_at: datetime
) -> list[Signal]:
    """Append what is new; returns those of ``said`` that were.

    The same job and id is the same signal: the first one heard is kept.
    """
    first: dict[tuple[str, str], Signal] = {}
    for signal in said:
        first.setdefault((signal.job, signal.id), signal)
    rows = [
        {
            "job": signal.job,
            "id": signal.id,
            "kind": signal.kind,
            "at": signal.at,
            "partition": signal.partition or "",
            "attempt": _named(signal),
            "anonymous": is_anonymous(signal),
            "source": source,
            "received_at": received_at,
            "body": signal,
        }
        for _, signal in sorted(first.items())  # in one order, or two writers may block each other
    ]
    new: set[tuple[str, str]] = set()
    insert = insert_missing(connection, signals).returning(signals.c.job, signals.c.id)
    for piece in chunks(rows):
        new.update((row.job, row.id) for row in connection.execute(insert, piece))
    return [signal for key, signal in first.items() if key in new]


def is_anonymous(signal: Signal) -> bool:
    """Whether it speaks of an attempt and does not say of which."""
    return signal.attempt is None and signal.kind is not Kind.SKIPPED


def _named(signal: Signal) -> str:
    if signal.kind is Kind.SKIPPED or signal.attempt is None:
        return UNBOUND
    return signal.attempt


def of_anonymous_attempt(connection: Connection, job: str, attempt: str) -> list[Signal]:
    """All signals that are bound to an anonymous attempt, each naming it."""
    found = select(signals.c.body).where(
        signals.c.job == job, signals.c.attempt == attempt, signals.c.anonymous
    )
    return [named(body, attempt) for body in connection.scalars(found)]


def named(signal: Signal, attempt: str) -> Signal:
    """The signal as one of ``attempt``."""
    return msgspec.structs.replace(signal, attempt=attempt)


def skips(said: Iterable[Signal]) -> Sequence[Signal]:
    """Those that say that a run will not be made."""
    return [signal for signal in said if signal.kind is Kind.SKIPPED]

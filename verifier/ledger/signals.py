"""The log of signals: all that was ever said, each thing once."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from verifier.ledger.bulk import Row, insert_new_returning
from verifier.ledger.schema import signals
from verifier.runs.instant import to_microseconds
from verifier.runs.signal import Kind, Signal

UNBOUND = ""
"""The attempt of a signal that is of none: a fact of the run, or not bound yet."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Signals that came together: who brought them, and when."""

    signals: Sequence[Signal]
    source: str
    received_at: datetime


class Added(msgspec.Struct, frozen=True):
    """What was new, and how much of each batch was."""

    new: list[Signal]
    accepted: list[int]


def add(connection: Connection, batches: Sequence[Batch]) -> Added:
    """Append what is new.

    The same job and id is the same signal: the first one heard is kept.
    """
    brought: dict[Row, int] = {}  # by which batch, by job and id
    told: list[Signal] = []
    rows: list[Row] = []
    for number, batch in enumerate(batches):
        source, received_at = batch.source, to_microseconds(batch.received_at)
        for signal in batch.signals:
            key = (signal.job, signal.id)
            if key not in brought:
                brought[key] = number
                told.append(signal)
                rows.append(_row(signal, source, received_at))
    if not rows:
        return Added([], [0] * len(batches))
    rows.sort()  # by their keys: in one order, or two writers may block each other
    new = insert_new_returning(connection, signals, COLUMNS, rows, ("job", "id"), "seq")
    if new is not None:
        told = [signal for signal in told if (signal.job, signal.id) in new]
        brought = {key: brought[key] for key in new}
    accepted = Counter(brought.values())
    return Added(told, [accepted[number] for number in range(len(batches))])


COLUMNS = (
    *("id", "job", "kind", "at", "partition", "attempt", "anonymous"),
    *("source", "received_at", "body"),
)
_body = msgspec.json.Encoder(order="deterministic").encode


def _row(signal: Signal, source: str, received_at: int) -> Row:
    """A signal as it is stored, by ``COLUMNS``."""
    kind, attempt = signal.kind, signal.attempt
    skips = kind is Kind.SKIPPED
    return (
        signal.id,
        signal.job,
        kind._value_,  # as ``value``, which takes as long as the rest of the row
        to_microseconds(signal.at),
        signal.partition or "",
        UNBOUND if skips or attempt is None else attempt,
        attempt is None and not skips,
        source,
        received_at,
        _body(signal).decode(),
    )


def is_anonymous(signal: Signal) -> bool:
    """Whether it speaks of an attempt and does not say of which."""
    return signal.attempt is None and signal.kind is not Kind.SKIPPED


def of_anonymous_attempt(connection: Connection, job: str, attempt: str) -> list[Signal]:
    """All signals that are bound to an anonymous attempt, each naming it."""
    found = select(signals.c.body).where(
        signals.c.job == job, signals.c.attempt == attempt, signals.c.anonymous
    )
    return [named(body, attempt) for body in connection.scalars(found)]


def named(signal: Signal, attempt: str) -> Signal:
    """The signal as one of ``attempt``."""
    return msgspec.structs.replace(signal, attempt=attempt)

"""Signals that name no attempt: bound to the slot that a start before them opened.

A start that is heard late takes over what was said after it, so a binding may
change; ``runs.binding`` says which it is, and only what can have changed is read.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, bindparam, select, tuple_, update

from verifier.ledger.declarations import Job
from verifier.ledger.schema import signals
from verifier.ledger.signals import UNBOUND, named
from verifier.runs.binding import anonymous_attempt, bind_anonymous
from verifier.runs.signal import ENDS, Kind, Signal

_stands = tuple_(signals.c.at, signals.c.id)


class Binding(msgspec.Struct, frozen=True):
    """What binding did: ``bound`` were bound first, each naming its attempt now.

    ``disturbed`` attempts gained or lost a signal that had been bound already, so
    only the log can tell what they are now.
    """

    bound: list[Signal]
    disturbed: set[str]


def bind(connection: Connection, job: Job, said: Iterable[Signal]) -> Binding:
    """Bind ``said``, of one job and in the log already, and rebind what that changes."""
    binding = Binding([], set())
    done: set[str] = set()
    for signal in sorted(said, key=lambda each: (each.at, each.id)):
        if signal.id in done:
            continue
        followers = _from(connection, signal)
        done.update(each.id for each, _ in followers)
        told = [*_opened_before(connection, signal), *(each for each, _ in followers)]
        dues = bind_anonymous(told, job.schedule_at)
        moves = []
        for each, was in followers:
            now = anonymous_attempt(dues[each.id], each.partition)
            if was == UNBOUND:
                binding.bound.append(named(each, now))
            elif was != now:
                binding.disturbed.update((was, now))
            if was != now:
                moves.append({"of_job": each.job, "of_id": each.id, "bound": now})
        if moves:
            connection.execute(_MOVE, moves)
    return binding


def since(connection: Connection, job: str, at: datetime) -> list[Signal]:
    """What was said without an attempt, of one job, at ``at`` or later."""
    found = select(signals.c.body).where(
        signals.c.job == job, signals.c.anonymous, signals.c.at >= at
    )
    return list(connection.scalars(found))


_MOVE = (
    update(signals)
    .where(signals.c.job == bindparam("of_job"), signals.c.id == bindparam("of_id"))
    .values(attempt=bindparam("bound"))
)


def _opened_before(connection: Connection, signal: Signal) -> list[Signal]:
    """The last start before ``signal``, and the end that closed what it opened, if any."""
    before = _beside(signal).where(_stands < _place(signal))
    starts = before.where(signals.c.kind == Kind.STARTED)
    start = connection.execute(
        starts.order_by(signals.c.at.desc(), signals.c.id.desc()).limit(1)
    ).first()
    if start is None:
        return []
    ends = before.where(
        _stands > _place(start.body),
        signals.c.kind.in_(ENDS),
        signals.c.attempt == start.attempt,
    )
    end = connection.execute(ends.order_by(signals.c.at, signals.c.id).limit(1)).first()
    return [start.body] if end is None else [start.body, end.body]


def _from(connection: Connection, signal: Signal) -> list[tuple[Signal, str]]:
    """``signal``, and where it may rebind them all that came before the next start.

    Each with the attempt that it is bound to so far.
    """
    place = _place(signal)
    if signal.kind is not Kind.STARTED and signal.kind not in ENDS:
        found = _beside(signal).where(_stands == place)
    else:
        found = _beside(signal).where(_stands >= place)
        later = _beside(signal).where(_stands > place, signals.c.kind == Kind.STARTED)
        following = connection.execute(later.order_by(signals.c.at, signals.c.id).limit(1)).first()
        if following is not None:
            found = found.where(_stands < _place(following.body))
    rows = connection.execute(found.order_by(signals.c.at, signals.c.id))
    return [(row.body, row.attempt) for row in rows]


def _beside(signal: Signal) -> Select[Any]:
    """The signals without an attempt of the same job and partition."""
    return select(signals.c.body, signals.c.attempt).where(
        signals.c.job == signal.job,
        signals.c.partition == (signal.partition or ""),
        signals.c.anonymous,
    )


def _place(signal: Signal) -> Any:
    """Where a signal stands among those of its job and partition."""
    return tuple_(signal.at, signal.id, types=[signals.c.at.type, signals.c.id.type])

"""Attempts, folded from the log as it grows."""

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select

from verifier.ledger import attempt_events, runs, signals
from verifier.ledger.bulk import insert_new, read_locked, update_changed
from verifier.ledger.errors import Conflict
from verifier.ledger.schema import attempts
from verifier.ledger.statements import Among, chunks
from verifier.ledger.tallies import Marks
from verifier.ledger.transaction import Transaction
from verifier.ledger.types import to_json
from verifier.runs.attempt import Attempt, End, fold
from verifier.runs.binding import RunKey, run_key
from verifier.runs.declaration import Declaration
from verifier.runs.figures import runtime_ratio
from verifier.runs.instant import to_microseconds
from verifier.runs.lifecycle import end_of, silence_deadline, state_with
from verifier.runs.signal import Kind, Signal

AttemptKey = tuple[str, str]
"""Job and attempt id."""

_OF_RUNS = (
    select(attempts.c.run_id, attempts.c.body)
    .where(Among(attempts.c.run_id, "run_ids"))
    .order_by(attempts.c.run_id, attempts.c.attempt)
)
_BREATH = frozenset({Kind.HEARTBEAT, Kind.PROGRESS, Kind.EFFECT})
"""Kinds that a running attempt sends while it goes on running."""


COLUMNS = tuple(column.name for column in attempts.c)
Row = tuple[Any, ...]


class Known(msgspec.Struct, frozen=True):
    """An attempt as stored, by ``COLUMNS``, and what is in it."""

    row: Row
    body: Attempt

    @property
    def run_id(self) -> str | None:
        """The run that it is of."""
        run_id: str | None = self.row[_RUN_ID]
        return run_id

    @property
    def counted(self) -> Marks:
        """How many of its events are in the tallies."""
        return _MARKS.decode(self.row[_COUNTED])


_RUN_ID, _BODY, _COUNTED = map(COLUMNS.index, ("run_id", "body", "counted"))
_ATTEMPT = msgspec.json.Decoder(Attempt)
_MARKS = msgspec.json.Decoder(dict[str, int])


class Touched(msgspec.Struct, frozen=True):
    """The runs whose attempts changed.

    ``begun``: those that may be heard of for the first time. ``unsettled``: those
    that must be judged anew. ``left``: those that an attempt turned out not to be of.
    """

    runs: set[RunKey]
    begun: set[RunKey]
    unsettled: set[RunKey]
    left: set[RunKey]


def fold_in(
    transaction: Transaction, said: Iterable[Signal], disturbed: Iterable[AttemptKey]
) -> Touched:
    """Fold ``said``, each naming its attempt; refold the ``disturbed`` from the log."""
    new: dict[AttemptKey, list[Signal]] = defaultdict(list)
    for signal in said:
        new[signal.job, signal.attempt or signals.UNBOUND].append(signal)
    again = set(disturbed)
    # As they came: what comes together is of one slot.
    keys = [*new, *(again - new.keys())]
    known = _known(transaction.connection, [_id_of(key) for key in keys])
    changes = {
        key: _refolded(transaction.connection, key)
        if key in again
        else fold(known[key].body if key in known else None, new[key])
        for key in keys
    }
    return _store(transaction, known, changes, new, again)


def rebind(transaction: Transaction, name: str, since: datetime) -> Touched:
    """Bind a job's attempts again whose start or end was at ``since`` or later."""
    found = select(attempts.c.id).where(
        attempts.c.job == name,
        (attempts.c.started_at >= since)
        | (attempts.c.ended_at >= since)
        | (attempts.c.ended_at.is_(None)),
    )
    known = _known(transaction.connection, transaction.connection.scalars(found).all())
    return _store(transaction, known, {key: each.body for key, each in known.items()}, {}, set())


def of_runs(connection: Connection, run_ids: Iterable[str]) -> dict[str, list[Attempt]]:
    """The attempts of each run, by their ids."""
    found: dict[str, list[Attempt]] = defaultdict(list)
    for piece in chunks(run_ids):
        for row in connection.execute(_OF_RUNS, {"run_ids": piece}):
            found[row.run_id].append(row.body)
    return found


def _known(connection: Connection, ids: Collection[str]) -> dict[AttemptKey, Known]:
    """The attempts that are known, locked in the order of their ids."""
    found = {}
    for row in read_locked(connection, attempts, COLUMNS, ids):
        known = Known(tuple(row), _ATTEMPT.decode(row[_BODY]))
        found[known.body.job, known.body.attempt] = known
    return found


def _id_of(key: AttemptKey) -> str:
    """No two keys have the same: a job's name has no slash."""
    return "/".join(key)


def _refolded(connection: Connection, key: AttemptKey) -> Attempt | None:
    return fold(None, signals.of_anonymous_attempt(connection, *key))


def _store(
    transaction: Transaction,
    known: Mapping[AttemptKey, Known],
    changes: Mapping[AttemptKey, Attempt | None],
    said: Mapping[AttemptKey, Sequence[Signal]],
    rebound: Container[AttemptKey],
) -> Touched:
    """Write the attempts as they are now, and find out which runs that touches.

    ``rebound``: those whose signals were bound otherwise before.
    """
    touched = Touched(set(), set(), set(), set())
    left: set[str] = set()
    new: list[Row] = []
    changed: list[tuple[Row, Row]] = []
    gone = []
    for key, attempt in changes.items():
        before = known.get(key)
        job = transaction.job(key[0])
        run = None if attempt is None else run_key(attempt, job.schedule_at)
        run_id = None if run is None else run.run_id
        if before is not None and before.run_id is not None and before.run_id != run_id:
            left.add(before.run_id)
        if attempt is None:
            gone.append(key)
            if before is not None:
                transaction.counted.take_back(key[0], before.counted)
            continue
        due = None if run is None else run.due
        declaration = job.declared_for(due, [attempt], transaction.now).declaration
        end = end_of(attempt)
        ratio = _interval_ratio(attempt, end, due, declaration)
        marks = attempt_events.count(
            transaction,
            None if before is None else before.body,
            attempt,
            end,
            {} if before is None else before.counted,
            ratio,
            rebound=key in rebound,
        )
        row = _row(key, attempt, end, run_id, marks, ratio)
        if before is None:
            new.append(row)
        else:
            changed.append((before.row, row))
        if run is None:
            continue
        touched.runs.add(run)
        if before is None or before.run_id != run_id:
            touched.begun.add(run)
            touched.unsettled.add(run)
        elif not _only_breathes(before.body, attempt, said.get(key, ()), due, declaration):
            touched.unsettled.add(run)
    _write(transaction.connection, new, changed, gone)
    touched.left.update(runs.keys_of(transaction.connection, left))
    return touched


def _write(
    connection: Connection,
    new: Sequence[Row],
    changed: Sequence[tuple[Row, Row]],
    gone: list[AttemptKey],
) -> None:
    update_changed(connection, attempts, COLUMNS, changed)
    # By their ids: in one order, or two writers may block each other.
    if new and insert_new(connection, attempts, COLUMNS, sorted(new)) < len(new):
        # Folded without what the other one heard of it.
        raise Conflict("an attempt was first heard of by somebody else meanwhile: try again")
    for piece in chunks(map(_id_of, gone)):
        connection.execute(delete(attempts).where(attempts.c.id.in_(piece)))


def _row(
    key: AttemptKey,
    attempt: Attempt,
    end: End | None,
    run_id: str | None,
    marks: Marks,
    ratio: float | None,
) -> Row:
    """An attempt as it is stored, by ``COLUMNS``."""
    job, name = key
    return (
        _id_of(key),
        job,
        name,
        run_id,
        attempt_events.lane_of(attempt)._value_,
        state_with(attempt, end)._value_,
        to_microseconds(attempt.started) if attempt.started else None,
        to_microseconds(end.at) if end else None,
        attempt.worker.value if attempt.worker else None,
        to_json(attempt),
        to_json(marks),
        ratio,
    )


def _interval_ratio(
    attempt: Attempt, end: End | None, due: datetime | None, declaration: Declaration
) -> float | None:
    """The runtime of an attempt that succeeded as a part of the time between two slots."""
    if due is None or attempt.started is None or end is None or end.kind is not Kind.SUCCEEDED:
        return None
    return runtime_ratio(attempt.started, end.at, due, declaration)


def _only_breathes(
    before: Attempt,
    after: Attempt,
    said: Sequence[Signal],
    due: datetime | None,
    declaration: Declaration,
) -> bool:
    """Whether it ran and runs on, so that its run stands where it stood.

    Only what runs has a time at which its silence ends it. That must not come earlier
    than was known, or nobody would look in time.
    """
    if not said or any(signal.kind not in _BREATH for signal in said):
        return False
    if before.first_said != after.first_said:
        return False
    was = silence_deadline(before, declaration, due)
    now = silence_deadline(after, declaration, due)
    return was is not None and now is not None and was <= now

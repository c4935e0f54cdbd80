"""Judging runs anew, and keeping where they stand in the transaction of what changed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, select

from verifier.ledger import facts as run_facts
from verifier.ledger import revisions as run_revisions
from verifier.ledger import rivals, run_events
from verifier.ledger import runs as run_rows
from verifier.ledger.declarations import first_said
from verifier.ledger.errors import Conflict
from verifier.ledger.run_events import Others
from verifier.ledger.runs import RunRow
from verifier.ledger.schema import guard_decisions, revisions, runs
from verifier.ledger.statements import chunks
from verifier.ledger.transaction import Transaction
from verifier.ledger.types import RunLane
from verifier.runs.binding import RunKey
from verifier.runs.declaration import Declaration, Overlap
from verifier.runs.evaluation import is_unlisted
from verifier.runs.looks import asks_nothing
from verifier.runs.standing import Facts, Standing, standing
from verifier.runs.verdict import Verdict

ANSWERED_AT_ONCE = 1000
"""How many earlier runs are looked at when the one that stands for them is verified."""


class Judged(msgspec.Struct, frozen=True):
    """Where a run stands, and the facts from which that follows."""

    facts: Facts
    standing: Standing


def restand(transaction: Transaction, keys: Iterable[RunKey], cause: str) -> dict[RunKey, Judged]:
    """Judge runs as of the transaction's instant, and keep what came out of it.

    What did not change is not written, so doing it again changes nothing. ``cause``
    says in a word what made it necessary; each revision keeps it. Runs without a row
    are left out, and one that nothing is known of any more loses its row. Returns what
    was judged, with what it was judged by.
    """
    wanted = set(keys)
    if not wanted:
        return {}
    wholes = {run_rows.whole_job(key) for key in wanted if key.partition}
    wanted |= wholes | run_rows.partitions_of(transaction.connection, wanted)
    judged: dict[RunKey, Judged] = {}
    while wanted:
        # This ends: a run of all rests on its partitions, and a run on later ones.
        rests = _restand(transaction, wanted, cause, judged)
        answered = rests.answered | run_rows.partitions_of(transaction.connection, rests.answered)
        wanted = answered | rests.wholes
    return judged


class Rests(msgspec.Struct, frozen=True):
    """Runs whose standing rests on one that changed.

    ``answered``: earlier ones, all partitions of which it may have answered. ``wholes``:
    those of all partitions of which it is one; no other partition rests on them.
    """

    answered: set[RunKey]
    wholes: set[RunKey]


def _restand(
    transaction: Transaction, keys: set[RunKey], cause: str, judged: dict[RunKey, Judged]
) -> Rests:
    """Judge ``keys``; returns the runs whose standing rests on one that changed."""
    connection = transaction.connection
    rows = run_rows.lock(connection, keys)
    facts = run_facts.for_judging(connection, transaction.jobs, rows)
    beside = rivals.of_runs(connection, facts.values())
    changes: list[tuple[RunRow, RunRow]] = []
    forgotten: list[str] = []
    rests = Rests(set(), set())
    marks = {row.key: row.counted for row in rows}
    strangers: dict[RunKey, set[str]] = defaultdict(set)
    for key, known in facts.items():
        if key.partition and is_unlisted(known.evaluations):
            strangers[run_rows.whole_job(key)].add(key.partition)
    for row in rows:
        known = facts[row.key]
        if _is_forgotten(connection, row, known):
            transaction.counted.take_back(row.key.job, run_events.marks_of(row.key, row.counted))
            forgotten.append(row.run_id)
            continue
        stood = standing(known, transaction.now)
        judged[row.key] = Judged(known, stood)
        others = Others(
            rivals=beside[row.run_id],
            strangers=strangers.get(row.key, ()),
            of_all=marks.get(run_rows.whole_job(row.key)),
        )
        new = _row(transaction, row, known, stood, others)
        if new == row:
            continue
        changes.append((row, new))
        run_events.count_revision(transaction, known, row.verdict, new.verdict)
        if (row.verdict is Verdict.VERIFIED) != (new.verdict is Verdict.VERIFIED):
            rests.answered.update(_answered_by(transaction, row.key, known.declaration))
        if row.key.partition and row.verdict is not new.verdict:
            # What became of its exceptions is what becomes of the run of all.
            rests.wholes.add(run_rows.whole_job(row.key))
    _write(transaction, changes, cause)
    _forget(connection, forgotten)
    return rests


def _row(
    transaction: Transaction,
    row: RunRow,
    facts: Facts,
    stood: Standing,
    others: Others,
) -> RunRow:
    now, job = transaction.now, transaction.job(row.key.job)
    judged_at = row.judged_at
    if stood.verdict != row.verdict:
        judged_at = None if stood.verdict is None else now
    lane = RunLane.LIVE if facts.expected else RunLane.OTHER
    nothing_asked = asks_nothing(facts.declaration) or is_unlisted(facts.evaluations)
    unasked = stood.verdict is Verdict.UNPROVEN and nothing_asked
    return msgspec.structs.replace(
        row,
        at=row.key.due or first_said(facts.attempts) or row.at,
        lane=lane,
        state=stood.state,
        verdict=stood.verdict,
        reported=stood.reported,
        effect=stood.effect,
        false_success=stood.false_success,
        open=stood.verdict is not None and not stood.verdict.closed and not unasked,
        useful=stood.useful,
        completed_at=stood.completed_at,
        first_judged_at=row.first_judged_at or judged_at,
        judged_at=judged_at,
        evaluation_id=stood.judged_by.evaluation_id if stood.judged_by else None,
        wake_at=None if job.retired else _wake_at(row.wake_at, stood.wake_at, now),
        counted=run_events.count(transaction, row.counted, facts, stood, lane, others),
    )


def _wake_at(stored: datetime | None, new: datetime | None, now: datetime) -> datetime | None:
    """When to look at a run again.

    Waking too early is harmless, so a heartbeat that only postpones it writes nothing.
    """
    if stored is None or new is None or new < stored or stored <= now:
        return new
    return stored


def _write(transaction: Transaction, changes: Sequence[tuple[RunRow, RunRow]], cause: str) -> None:
    if not changes:
        return
    connection = transaction.connection
    if run_rows.change(connection, changes) < len(changes):
        # Only possible where row locks are not what they should be; nothing is kept.
        raise Conflict("a run was judged by somebody else meanwhile: try again")
    at = transaction.now
    run_revisions.add(
        connection,
        [
            (row.run_id, row.revision + 1, row.verdict, new.verdict, at, new.evaluation_id, cause)
            for row, new in changes
            if row.verdict != new.verdict
        ],
    )


def _is_forgotten(connection: Connection, row: RunRow, facts: Facts) -> bool:
    """Whether what was known of the run turned out to be about another."""
    if row.expected or row.skipped or facts.attempts or facts.evaluations or facts.set_aside:
        return False
    if any(action.run_id == row.run_id for action in facts.actions):
        return False
    asked = select(guard_decisions.c.run_id).where(guard_decisions.c.run_id == row.run_id)
    return connection.execute(asked.limit(1)).first() is None


def _forget(connection: Connection, run_ids: Sequence[str]) -> None:
    for piece in chunks(run_ids):
        connection.execute(delete(revisions).where(revisions.c.run_id.in_(piece)))
        connection.execute(delete(runs).where(runs.c.run_id.in_(piece)))


def _answered_by(transaction: Transaction, key: RunKey, declaration: Declaration) -> set[RunKey]:
    """The earlier runs whose work ``key`` would have done too, and those that it may have done."""
    if declaration.overlap is not Overlap.COALESCE or key.due is None:
        return set()
    earlier = (
        select(runs)
        .where(
            runs.c.job == key.job,
            runs.c.partition == key.partition,
            runs.c.due.is_not(None),
            runs.c.at < key.due,
        )
        .order_by(runs.c.at.desc())
        .limit(ANSWERED_AT_ONCE)
    )
    still_open = transaction.connection.execute(earlier.where(runs.c.open))
    answered = {run_rows.row_of(found).key for found in still_open}
    for found in transaction.connection.execute(earlier):
        other = run_rows.row_of(found).key
        if not run_facts.covers_interval_of(transaction.jobs, key, other):
            break
        answered.add(other)
    return answered

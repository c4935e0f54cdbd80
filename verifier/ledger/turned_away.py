"""Attempts that the guard skipped or refused, whatever their scheduler tells of them.

A wrapper that is turned away tells nothing. A task that asks from within has begun for
its scheduler, which tells of a start and an end; the decision is kept, and it counts as
no attempt.
"""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, select

from verifier.ledger.schema import guard_decisions
from verifier.ledger.statements import Among, chunks
from verifier.runs.guard import Decision


def of_runs(connection: Connection, run_ids: Iterable[str]) -> dict[str, set[str]]:
    """By run, the attempts that were turned away."""
    found: dict[str, set[str]] = defaultdict(set)
    for piece in chunks(run_ids):
        for run_id, attempt in connection.execute(_TURNED_AWAY, {"run_ids": piece}):
            found[run_id].add(attempt)
    return found


_TURNED_AWAY = select(guard_decisions.c.run_id, guard_decisions.c.attempt).where(
    Among(guard_decisions.c.run_id, "run_ids"),
    guard_decisions.c.decision != Decision.ALLOW,
)

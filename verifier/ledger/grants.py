"""Grants: the guard's decisions, each made once and at most one of them to start."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from verifier.ledger import attempts
from verifier.ledger import facts as run_facts
from verifier.ledger import runs as run_rows
from verifier.ledger.append import append
from verifier.ledger.errors import AttemptElsewhere
from verifier.ledger.restand import restand
from verifier.ledger.schema import guard_decisions
from verifier.ledger.statements import Among, chunks
from verifier.ledger.tallies import GUARD_DECISIONS
from verifier.ledger.transaction import Transaction
from verifier.runs.attempt import Attempt
from verifier.runs.binding import RunKey
from verifier.runs.guard import Decision, Ruling
from verifier.runs.lifecycle import end_of, is_void
from verifier.runs.signal import Signal
from verifier.runs.standing import Facts
from verifier.runs.view import GuardRecord

SOURCE = "guard"
"""The source of the claims that grants are."""


def grant(
    transaction: Transaction,
    key: RunKey,
    ask: Callable[[Facts], Ruling],
    claim: Signal,
    *,
    override_by: str | None,
) -> Ruling:
    """Decide whether the attempt of ``claim`` may start, and keep the decision.

    An attempt that asks again gets the same answer, unless its grant has lapsed or
    it has ended. Where it is allowed, ``claim`` is appended in this transaction, so
    whoever asks next sees it. ``AttemptElsewhere`` where the claim would be of
    another run than ``key``.
    """
    connection = transaction.connection
    transaction.alone(f"grant/{key.run_id}")
    attempt = claim.attempt
    if attempt is None or claim.job != key.job:
        raise ValueError("expected a claim that names an attempt of the run's job")
    decided = connection.execute(
        select(guard_decisions).where(
            guard_decisions.c.job == key.job, guard_decisions.c.attempt == attempt
        )
    ).first()
    if decided is not None and decided.run_id != key.run_id:
        raise _elsewhere(attempt, key)
    run_rows.begin(transaction, [key])
    facts = run_facts.for_people(connection, transaction.jobs, key, transaction.now)
    if decided is not None:
        own = [each for each in facts.attempts if each.attempt == attempt]
        if any(end_of(each) is not None for each in own):
            return Ruling(Decision.REFUSE, f"attempt {attempt[:80]} has ended: try under a new id")
        lapsed = all(is_void(each, facts.declaration, transaction.now) for each in own)
        if decided.decision is not Decision.ALLOW or not lapsed:
            return Ruling(decided.decision, decided.why)
        # Others may have been let in since its lease passed, so it is decided anew.
        connection.execute(
            guard_decisions.delete().where(
                guard_decisions.c.job == key.job, guard_decisions.c.attempt == attempt
            )
        )
    ruling = ask(_without(facts, attempt))
    connection.execute(
        guard_decisions.insert(),
        {
            "job": key.job,
            "attempt": attempt,
            "run_id": key.run_id,
            "at": transaction.now,
            "decision": ruling.decision,
            "why": ruling.why,
            "override_by": override_by,
        },
    )
    transaction.counted.count(GUARD_DECISIONS, key.job, decision=ruling.decision)
    if ruling.decision is Decision.ALLOW:
        append(transaction, [claim], SOURCE, cause="guard")
        granted = attempts.of_runs(connection, [key.run_id]).get(key.run_id, [])
        if all(each.attempt != attempt for each in granted):
            raise _elsewhere(attempt, key)
    else:
        restand(transaction, [key], cause="guard")
    return ruling


def decisions_on(connection: Connection, run_ids: Iterable[str]) -> dict[str, list[GuardRecord]]:
    """What the guard decided about each run, oldest first."""
    found: dict[str, list[GuardRecord]] = defaultdict(list)
    for piece in chunks(run_ids):
        for row in connection.execute(_DECISIONS, {"run_ids": piece}):
            found[row.run_id].append(_record(row))
    return found


_DECISIONS = (
    select(guard_decisions)
    .where(Among(guard_decisions.c.run_id, "run_ids"))
    .order_by(guard_decisions.c.run_id, guard_decisions.c.at, guard_decisions.c.attempt)
)


def _record(row: Row[Any]) -> GuardRecord:
    return GuardRecord(
        at=row.at,
        attempt=row.attempt,
        decision=row.decision,
        why=row.why,
        override_by=row.override_by,
    )


def _elsewhere(attempt: str, key: RunKey) -> AttemptElsewhere:
    return AttemptElsewhere(
        f"attempt {attempt[:80]!r} belongs to another run than {key.path}: "
        "give each attempt an id of its own"
    )


def _without(facts: Facts, attempt: str) -> Facts:
    """The facts as they are for the asker, who may have been announced already."""

    def others(known: Sequence[Attempt]) -> list[Attempt]:
        return [each for each in known if each.attempt != attempt]

    return msgspec.structs.replace(
        facts,
        attempts=others(facts.attempts),
        whole_job=others(facts.whole_job),
        others=others(facts.others),
    )

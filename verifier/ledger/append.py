"""The one way in: signals are kept, folded, and the runs they touch judged anew."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import bindparam, update

from verifier.ledger import anonymous, attempts, signals
from verifier.ledger import runs as run_rows
from verifier.ledger.attempts import AttemptKey
from verifier.ledger.declarations import Job
from verifier.ledger.restand import restand
from verifier.ledger.schema import runs
from verifier.ledger.transaction import Transaction
from verifier.runs.attempt import Told, fold
from verifier.runs.binding import RunKey, run_key
from verifier.runs.signal import Kind, Signal


class Appended(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch: how many signals were new, how many known already.

    ``touched``: the runs that are not what they were before.
    """

    accepted: int
    duplicates: int
    touched: frozenset[RunKey]


def append(
    transaction: Transaction, said: Sequence[Signal], source: str, cause: str = "signal"
) -> Appended:
    """Keep what is new of ``said``; ``received_at`` is the transaction's instant.

    Raises ``UnknownJob`` where one is of a job that was never declared.
    """
    for name in {signal.job for signal in said}:
        transaction.job(name)
    connection = transaction.connection
    for name in sorted({signal.job for signal in said if signals.is_anonymous(signal)}):
        # To which attempt a signal belongs depends on the others of its job.
        transaction.alone(f"anonymous/{name}")
    new = signals.add(connection, said, source, transaction.now)
    skips = [signal for signal in new if signal.kind is Kind.SKIPPED]
    telling = [signal for signal in new if signal.kind is not Kind.SKIPPED and signal.attempt]
    bound, disturbed = _bind(transaction, [each for each in new if signals.is_anonymous(each)])
    touched = attempts.fold_in(transaction, [*telling, *bound], disturbed)
    skipped = _skip(transaction, skips)
    run_rows.begin(transaction, touched.runs)
    restand(transaction, touched.unsettled | skipped, cause)
    return Appended(
        accepted=len(new),
        duplicates=len(said) - len(new),
        touched=frozenset(touched.runs | skipped),
    )


def _bind(
    transaction: Transaction, unnamed: Iterable[Signal]
) -> tuple[list[Signal], set[AttemptKey]]:
    """Bind what names no attempt; the attempts that lost or gained what was bound before."""
    by_job: dict[str, list[Signal]] = defaultdict(list)
    for signal in unnamed:
        by_job[signal.job].append(signal)
    bound: list[Signal] = []
    disturbed: set[AttemptKey] = set()
    for name, said in sorted(by_job.items()):
        binding = anonymous.bind(transaction.connection, transaction.job(name), said)
        bound += binding.bound
        disturbed |= {(name, attempt) for attempt in binding.disturbed}
    return bound, disturbed


def _skip(transaction: Transaction, skips: Iterable[Signal]) -> set[RunKey]:
    """Keep of each run the first word that it will not be made."""
    told: dict[RunKey, Told[str]] = {}
    for signal in skips:
        key = skipped_run(transaction.job(signal.job), signal)
        word = Told(signal.at, signal.id, signal.reason or "")
        told[key] = min(word, told.get(key, word), key=_place)
    run_rows.begin(transaction, told)
    first = [
        {"of_run": row.run_id, "skipped": told[row.key]}
        for row in run_rows.lock(transaction.connection, told)
        if row.skipped is None or _place(told[row.key]) < _place(row.skipped)
    ]
    if first:
        transaction.connection.execute(_SKIP, first)
    return set(told)


_SKIP = (
    update(runs)
    .where(runs.c.run_id == bindparam("of_run"))
    .values(skipped=bindparam("skipped"), revision=runs.c.revision + 1)
)


def _place(word: Told[str]) -> tuple[datetime, str]:
    return word.at, word.id


def skipped_run(job: Job, signal: Signal) -> RunKey:
    """The run that would have been that of an attempt which said the same."""
    lane = signal.lane if signal.attempt is not None else None
    said = msgspec.structs.replace(
        signal, kind=Kind.CREATED, attempt=signal.attempt or "", lane=lane
    )
    attempt = fold(None, [said])
    key = None if attempt is None else run_key(attempt, job.schedule_at)
    if key is None:
        raise ValueError(f"signal {signal.id!r} of job {signal.job!r} is of no run")
    return key

"""The one way in: signals are kept, folded, and the runs they touch judged or woken."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import bindparam, update

from verifier.ledger import anonymous, attempts, pings, putting_off, signals
from verifier.ledger import runs as run_rows
from verifier.ledger.attempts import AttemptKey, Touched
from verifier.ledger.declarations import Job
from verifier.ledger.restand import restand
from verifier.ledger.schema import runs
from verifier.ledger.signals import Batch
from verifier.ledger.transaction import Transaction
from verifier.ledger.types import What
from verifier.runs.attempt import Told, fold
from verifier.runs.binding import RunKey, run_key
from verifier.runs.signal import Kind, Signal

OUR_OWN = frozenset({"guard", "operator", "silence"})
"""Sources of what we say ourselves: hearing from them tells nothing."""


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
    """Keep what is new of ``said``, and judge the runs that it touches.

    Raises ``UnknownJob`` where one is of a job that was never declared.
    """
    taken = _take(transaction, [Batch(signals=said, source=source, received_at=transaction.now)])
    touched, skipped = taken.touched, taken.skipped
    run_rows.begin(transaction, touched.begun)
    restand(transaction, touched.unsettled | touched.left | skipped, cause)
    return Appended(
        accepted=taken.accepted[0],
        duplicates=len(said) - taken.accepted[0],
        touched=frozenset(touched.runs | touched.left | skipped),
    )


def append_group(transaction: Transaction, batches: Sequence[Batch]) -> list[int]:
    """Keep what is new of many batches; how much that was of each.

    Runs without a verdict are not judged but woken, so whoever looks after those that
    are awake judges them; what is told of one at any instant follows from facts, and
    those are here. A verdict that may hold no longer is thought over at once.
    """
    taken = _take(transaction, batches)
    touched = taken.touched
    # What was counted of the wrong run is taken back where it is counted of the right
    # one, so both are judged in this transaction; and nobody looks after retired jobs.
    at_once = {
        key
        for key in touched.unsettled
        if key.job in taken.rebound or transaction.job(key.job).retired
    }
    run_rows.begin(transaction, touched.begun & at_once)
    judged = putting_off.put_off(transaction, touched.begun - at_once, touched.unsettled - at_once)
    restand(transaction, at_once | judged | touched.left | taken.skipped, "signal")
    return taken.accepted


class Taken(msgspec.Struct, frozen=True):
    """How much of each batch was new, and the runs that touches.

    ``rebound``: the jobs of which something turned out to be of another run or attempt.
    """

    accepted: list[int]
    touched: Touched
    skipped: set[RunKey]
    rebound: set[str]


def _take(transaction: Transaction, batches: Sequence[Batch]) -> Taken:
    """Keep and fold what is new."""
    jobs = {signal.job for batch in batches for signal in batch.signals}
    for name in jobs:
        transaction.job(name)
    for batch in batches:
        if batch.signals and batch.source not in OUR_OWN:
            transaction.latest.reach(What.HEARD, batch.source, batch.received_at)
    pings.note(transaction, batches)
    unnamed = {
        signal.job
        for batch in batches
        for signal in batch.signals
        if signal.attempt is None and signal.kind is not Kind.SKIPPED
    }
    for name in sorted(unnamed):
        # To which attempt a signal belongs depends on the others of its job.
        transaction.alone(f"anonymous/{name}")
    added = signals.add(transaction.connection, batches)
    telling: Sequence[Signal] = added.new
    skips = [signal for signal in telling if signal.kind is Kind.SKIPPED]
    if skips:
        telling = [signal for signal in telling if signal.kind is not Kind.SKIPPED]
    disturbed: set[AttemptKey] = set()
    if unnamed:
        bound, disturbed = _bind(transaction, [each for each in telling if each.attempt is None])
        telling = [*(each for each in telling if each.attempt is not None), *bound]
    touched = attempts.fold_in(transaction, telling, disturbed)
    rebound = {job for job, _ in disturbed} | {key.job for key in touched.left}
    return Taken(
        accepted=added.accepted,
        touched=touched,
        skipped=_skip(transaction, skips) if skips else set(),
        rebound=rebound,
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

"""What is counted of an attempt: when it is folded, at the first fold that knows of it.

Its end counts as it was first told: a loss that was inferred and then turned out a
success stays counted as a loss. The lane is the one known at that time. Distributions
are of the live lane, and of ends that were told: how long the silent ones took, nobody
knows.
"""

from datetime import datetime

from verifier.catalogue.label import OUTCOME
from verifier.ledger.tallies import ATTEMPTS, FAMILIES, Event, Marks
from verifier.ledger.transaction import Transaction
from verifier.ledger.types import What
from verifier.runs.attempt import Attempt, End
from verifier.runs.lifecycle import AttemptState, end_of, state_of
from verifier.runs.signal import SILENCE, Kind, Lane


def lane_of(attempt: Attempt) -> Lane:
    """The lane of an attempt, which is live unless it was told otherwise."""
    return attempt.lane.value if attempt.lane else Lane.LIVE


def count(
    transaction: Transaction,
    before: Attempt | None,
    attempt: Attempt,
    marks: Marks,
    interval_ratio: float | None,
    *,
    rebound: bool,
) -> Marks:
    """Count what is known of ``attempt`` and was not counted yet, which ``marks`` tells.

    Returns the marks as they are then. ``interval_ratio`` is its runtime as a part of
    the time between two slots, where it succeeded. ``rebound``: some of its signals
    turned out to be of another attempt, or the other way round; what is true of it no
    more was counted of the wrong one.
    """
    told, job, lane = transaction.counted, attempt.job, lane_of(attempt)
    _remember(transaction, before, attempt)
    if lane is not Lane.LIVE and (before is None or lane_of(before) is not lane):
        for outcome in OUTCOME.values:
            told.start(ATTEMPTS, job, lane=lane, outcome=outcome)
    end = end_of(attempt)
    values = _values(attempt, end, interval_ratio) if lane is Lane.LIVE else {}
    happened: set[str] = {*values, *([Event.ENDED] if end else [])}
    if rebound:
        told.take_back(job, {event: marks[event] for event in marks if event not in happened})
        marks = {event: number for event, number in marks.items() if event in happened}
    if end is not None and Event.ENDED not in marks:
        told.count(ATTEMPTS, job, lane=lane, outcome=end.kind)
    for event, value in values.items():
        if event not in marks:
            told.observe(FAMILIES[event], job, value)
    return {**marks, **dict.fromkeys(happened, 1)}


def _remember(transaction: Transaction, before: Attempt | None, attempt: Attempt) -> None:
    """Keep when the job last had an attempt made, started, and reported to succeed."""
    for what, instant in (
        (What.CREATED, _created),
        (What.STARTED, _started),
        (What.SUCCEEDED, _succeeded),
    ):
        now = instant(attempt)
        if before is None or instant(before) != now:
            transaction.latest.reach(what, attempt.job, now)


def _values(attempt: Attempt, end: End | None, ratio: float | None) -> dict[Event, float]:
    """What distributions there are of the attempt."""
    found = {Event.QUEUED: _queued(attempt), Event.LASTED: _lasted(attempt, end), Event.RAN: ratio}
    return {event: value for event, value in found.items() if value is not None}


def _created(attempt: Attempt) -> datetime | None:
    return attempt.created or attempt.first_said


def _started(attempt: Attempt) -> datetime | None:
    return attempt.latest_start


def _succeeded(attempt: Attempt) -> datetime | None:
    end = end_of(attempt)
    return end.at if end and state_of(attempt) is AttemptState.SUCCEEDED else None


def _queued(attempt: Attempt) -> float | None:
    """Seconds from creation to start, where both were told."""
    if attempt.created is None or attempt.started is None:
        return None
    return (attempt.started - attempt.created).total_seconds()


def _lasted(attempt: Attempt, end: End | None) -> float | None:
    """Seconds from start to end, where somebody knows the end."""
    if attempt.started is None or end is None or end.kind is Kind.LOST:
        return None
    if end.id.startswith(SILENCE):
        return None
    return (end.at - attempt.started).total_seconds()

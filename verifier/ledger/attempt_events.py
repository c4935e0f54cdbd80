"""What is counted of an attempt: when it is folded, at the first fold that knows of it.

Its end counts as it was first told: a loss that was inferred and then turned out a
success stays counted as a loss. The lane is the one known at that time. Distributions
are of the live lane, and of ends that were told: how long the silent ones took, nobody
knows.
"""

from verifier.catalogue.label import OUTCOME
from verifier.ledger.tallies import ATTEMPTS, FAMILIES, Event, Marks
from verifier.ledger.transaction import Transaction
from verifier.ledger.types import What
from verifier.runs.attempt import Attempt, End
from verifier.runs.signal import SILENCE, Kind, Lane


def lane_of(attempt: Attempt) -> Lane:
    """The lane of an attempt, which is live unless it was told otherwise."""
    return attempt.lane.value if attempt.lane else Lane.LIVE


def count(
    transaction: Transaction,
    before: Attempt | None,
    attempt: Attempt,
    end: End | None,
    marks: Marks,
    interval_ratio: float | None,
    *,
    rebound: bool,
) -> Marks:
    """Count what is known of ``attempt`` and was not counted yet, which ``marks`` tells.

    Returns the marks as they are then. ``end`` is the attempt's, ``interval_ratio`` its
    runtime as a part of the time between two slots, where it succeeded. ``rebound``:
    some of its signals turned out to be of another attempt, or the other way round;
    what is true of it no more was counted of the wrong one.
    """
    told, job, lane = transaction.counted, attempt.job, lane_of(attempt)
    _remember(transaction, before, attempt, end)
    if lane is not Lane.LIVE and (before is None or lane_of(before) is not lane):
        for outcome in OUTCOME.values:
            told.start(ATTEMPTS, job, lane=lane, outcome=outcome)
    values = _values(attempt, end, interval_ratio) if lane is Lane.LIVE else {}
    if rebound:
        wrong = marks.keys() - values.keys() - ({Event.ENDED} if end else set())
        told.take_back(job, {event: marks[event] for event in wrong})
        marks = {event: number for event, number in marks.items() if event not in wrong}
    new: dict[str, int] = {}
    for event, value in values.items():
        if event not in marks:
            told.observe(FAMILIES[event], job, value)
            new[event] = 1
    if end is not None and Event.ENDED not in marks:
        told.count(ATTEMPTS, job, lane=lane, outcome=end.kind)
        new[Event.ENDED] = 1
    return {**marks, **new} if new else marks


def _remember(
    transaction: Transaction, before: Attempt | None, attempt: Attempt, end: End | None
) -> None:
    """Keep when the job last had an attempt made, started, and reported to succeed."""
    reach, job = transaction.latest.reach, attempt.job
    if before is None or (before.created, before.first_said) != (
        attempt.created,
        attempt.first_said,
    ):
        reach(What.CREATED, job, attempt.created or attempt.first_said)
    if before is None or before.latest_start != attempt.latest_start:
        reach(What.STARTED, job, attempt.latest_start)
    if end is not None and end.kind is Kind.SUCCEEDED:
        reach(What.SUCCEEDED, job, end.at)


def _values(attempt: Attempt, end: End | None, ratio: float | None) -> dict[Event, float]:
    """What distributions there are of the attempt."""
    found = {}
    if attempt.started is not None:
        if attempt.created is not None:
            found[Event.QUEUED] = (attempt.started - attempt.created).total_seconds()
        if end is not None and _is_known(end):
            found[Event.LASTED] = (end.at - attempt.started).total_seconds()
    if ratio is not None:
        found[Event.RAN] = ratio
    return found


def _is_known(end: End) -> bool:
    """Whether somebody knows when it ended."""
    return end.kind is not Kind.LOST and not end.id.startswith(SILENCE)

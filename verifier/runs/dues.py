"""When a job is due, was due, and until when its last useful completion is fresh.

``ValueError`` is raised where a schedule has no such slot.
"""

from collections.abc import Iterable
from datetime import datetime

from verifier.runs.declaration import History
from verifier.runs.occurrence import Useful
from verifier.runs.slots import latest_slot, next_slot


def expected_from(history: History) -> datetime:
    """From when on runs are expected: ``since``, else when the job was first declared."""
    return history.latest.since or history.registered


def first_expected(histories: Iterable[History], now: datetime) -> datetime:
    """From when on any job's runs are expected, ``now`` at the latest."""
    return min([now, *map(expected_from, histories)])


def next_due(history: History, now: datetime) -> datetime:
    """The next due instant after ``now``."""
    return next_slot(history.latest.schedule, now)


def last_due(history: History, now: datetime) -> datetime | None:
    """The last due instant that was expected, up to ``now``."""
    due = latest_slot(history.latest.schedule, now)
    return due if due >= expected_from(history) else None


def useful_due(history: History, useful: Useful | None) -> datetime:
    """When the last useful completion becomes stale.

    The next occurrence after it, and ``verified_within`` more; where there was none
    yet, the first one that was expected.
    """
    declaration = history.latest
    if useful is not None:
        return next_slot(declaration.schedule, useful.due) + declaration.verified_within
    first = next_slot(declaration.schedule, expected_from(history) - datetime.resolution)
    return first + declaration.verified_within

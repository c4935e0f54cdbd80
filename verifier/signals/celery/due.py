"""When an entry of beat was due, by beat's own rules. Runs in a user's own process."""

from datetime import datetime, timedelta
from typing import Any

from celery.schedules import crontab, schedule

_SPANS = (
    timedelta(hours=1),
    timedelta(days=1),
    timedelta(days=8),
    timedelta(days=32),
    timedelta(days=367),
)
"""How far back the latest time is looked for, nearest first, so that few are looked at."""


def due_at(timing: Any, last_run_at: datetime, now: datetime) -> datetime:
    """The latest instant at or before ``now`` for which ``timing`` is due.

    Where beat was down over several, it sends once, for the latest. Both instants are
    aware. A kind of schedule that is not known is taken to be due now.
    """
    if isinstance(timing, crontab):
        return _cron_due(timing, last_run_at, now)
    if isinstance(timing, schedule) and timing.run_every > timedelta():
        period: timedelta = timing.run_every
        return last_run_at + (now - last_run_at) // period * period
    return now


def _cron_due(timing: crontab, last_run_at: datetime, now: datetime) -> datetime:
    for span in _SPANS:
        begin = max(last_run_at, now - span)
        found = None
        moment = _next(timing, begin)
        while moment <= now:
            found = moment
            moment = _next(timing, moment)
        if found is not None:
            return found
        if begin == last_run_at:
            break
    return now.replace(second=0, microsecond=0)


def _next(timing: crontab, after: datetime) -> datetime:
    start, delta, _ = timing.remaining_delta(after)
    moment: datetime = start + delta
    return moment

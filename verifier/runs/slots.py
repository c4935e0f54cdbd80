"""Slots: the instants at which a schedule is due, and the one a signal belongs to.

A cron expression is read by Debian's rules (cron 3.0pl1), whose matching of fields
is ``cronsim``'s. It names wall-clock times; where clocks change,

- a job of fixed times (neither minute nor hour begins with ``*``) is due once for
  each time it names: at the first of two showings, and at the instant of the change
  where the time is never shown;
- any other job is due whenever the clock shows a time it names.

Wherever a slot is asked for that does not exist (the expression never fires, or the
years 1 to 9999 are left), ``ValueError`` is raised.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, time, timedelta
from functools import lru_cache
from heapq import merge
from itertools import groupby

from cronsim import CronSim, CronSimError

from verifier.runs.calendar import check_calendar, is_business_day
from verifier.runs.declaration import Cron, Every, Schedule
from verifier.runs.instant import EPOCH, MICROSECOND, format_instant, parse_instant
from verifier.runs.wallclock import first_instant, instant_of, shown_at, zone

_MINUTE = timedelta(minutes=1)
_DIALECTS = ("debian",)
_GIVE_UP_YEARS = 50  # as cronsim does; 29 February on a given weekday takes 40
_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


def next_slot(schedule: Schedule, after: datetime) -> datetime:
    """The first slot after ``after``."""
    for slot in _nearby(schedule, after):
        if slot > after:
            return slot
    raise ValueError(_no_slot(schedule, "after", after))


def latest_slot(schedule: Schedule, at: datetime) -> datetime:
    """The last slot at or before ``at``."""
    for slot in reversed(_nearby(schedule, at)):
        if slot <= at:
            return slot
    raise ValueError(_no_slot(schedule, "by", at))


def previous_slot(schedule: Schedule, before: datetime) -> datetime:
    """The last slot before ``before``."""
    with suppress(OverflowError):
        return latest_slot(schedule, before - MICROSECOND)
    raise ValueError(_no_slot(schedule, "before", before))


def is_slot(schedule: Schedule, due: datetime) -> bool:
    """Whether the schedule is due at ``due``."""
    return due in _nearby(schedule, due)


def interval_after(schedule: Schedule, due: datetime) -> timedelta:
    """The time from ``due`` to the next slot: what a runtime is measured against."""
    return next_slot(schedule, due) - due


def slots(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    """The slots of ``[start, end)``, in order; none where that is all there are."""
    if is_slot(schedule, start) and start < end:
        yield start
    following = _every_after(schedule, start) if isinstance(schedule, Every) else _cron_slots(schedule, start)
    for slot in following:
        if slot >= end:
            return
        yield slot


def bind(schedule: Schedule, at: datetime) -> datetime:
    """The slot that a signal of ``at`` belongs to: the latest that had come, or all but come.

    A signal may be early by 60 s or a quarter of the gap before the slot,
    whichever is less: clocks differ, and some schedulers start ahead of time.
    """
    latest, following = latest_slot(schedule, at), next_slot(schedule, at)
    early = min(_MINUTE, (following - latest) / 4)
    return following if following - early <= at else latest

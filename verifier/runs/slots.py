"""Slots: the instants at which a schedule is due, and which of them a signal belongs to.

All results are UTC. ``ValueError`` is raised where the slot asked for does not exist
(the schedule never fires, the years 1 to 9999 are left), and for a schedule that
``check_schedule`` refuses.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any

from verifier.runs.calendar import check_calendar
from verifier.runs.cron import firings
from verifier.runs.declaration import Cron, Every, Schedule
from verifier.runs.duration import format_duration
from verifier.runs.instant import EPOCH, MICROSECOND, format_instant
from verifier.runs.wallclock import zone

EARLY = timedelta(minutes=1)
"""By how much a signal may come before its slot at most."""

_NOTHING = timedelta()
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_RECENT = datetime(2025, 1, 1, tzinfo=UTC)
"""Whether a schedule fires is asked from here on: holidays of the past do not count."""


def next_slot(schedule: Schedule, after: datetime) -> datetime:
    """The first slot after ``after``."""
    _, following = _neighbours(schedule, after)
    if following is None:
        raise ValueError(_no_slot(schedule, "after", after))
    return following


def latest_slot(schedule: Schedule, at: datetime) -> datetime:
    """The last slot at or before ``at``."""
    latest, _ = _neighbours(schedule, at)
    if latest is None:
        raise ValueError(_no_slot(schedule, "at or before", at))
    return latest


def previous_slot(schedule: Schedule, before: datetime) -> datetime:
    """The last slot before ``before``."""
    with suppress(OverflowError):
        return latest_slot(schedule, before - MICROSECOND)
    raise ValueError(_no_slot(schedule, "before", before))


def is_slot(schedule: Schedule, due: datetime) -> bool:
    """Whether the schedule is due at ``due``."""
    return due in _around(schedule, due)


def interval_after(schedule: Schedule, due: datetime) -> timedelta:
    """The time from ``due`` to the slot after it: what a runtime is measured against."""
    return next_slot(schedule, due) - due


def slots(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    """The slots in ``[start, end)``, in order; it may end with the year 9999."""
    if start < end and is_slot(schedule, start):
        yield start.astimezone(UTC)
    later = firings(schedule, start) if isinstance(schedule, Cron) else _multiples(schedule, start)
    for slot in later:
        if slot >= end:
            return
        yield slot


def bind(schedule: Schedule, at: datetime) -> datetime:
    """The slot that a signal of ``at`` belongs to: the latest that has come, or all but.

    A signal may come before its slot by 60 s or by a quarter of the gap before the
    slot, whichever is shorter: clocks differ, and some schedulers start ahead.
    """
    known = _last_bound.get(id(schedule))
    if known is not None and known[1] <= at < known[2]:
        return known[3]
    latest, following = _neighbours(schedule, at)
    if latest is None or following is None:
        raise ValueError(_no_slot(schedule, "before and after", at))
    begins = following - _early(following - latest)
    bound = (latest, begins, latest) if at < begins else (begins, following, following)
    _remember(_last_bound, schedule, *bound)
    return bound[2]


def opens(schedule: Schedule, due: datetime) -> datetime:
    """From when on a signal that comes belongs to the slot ``due``."""
    return due - _early(due - previous_slot(schedule, due))


def _early(gap: timedelta) -> timedelta:
    return min(EARLY, gap / 4)


def check_schedule(schedule: Schedule) -> None:
    """Raises ``ValueError`` where slots cannot be told.

    That is for a zone, country, subdivision or dialect that is not known, a period
    of nothing or less, an expression that cannot be read, and one that never fires.
    """
    zone(schedule.timezone)
    check_calendar(schedule)
    if isinstance(schedule, Every):
        _check_period(schedule)
    elif next(firings(schedule, _RECENT), None) is None:
        days = "on a business day" if schedule.business_days else "on any day"
        raise ValueError(
            f"expected a cron expression that fires, found {schedule.expression[:60]!r}, "
            f"which never does {days}; correct its days"
        )


def _no_slot(schedule: Schedule, where: str, moment: datetime) -> str:
    name = schedule.expression if isinstance(schedule, Cron) else format_duration(schedule.period)
    return (
        f"expected a slot {where} {format_instant(moment)}, found none: {name!r} never fires "
        "there, or only beyond the years 1 to 9999"
    )


def _neighbours(schedule: Schedule, moment: datetime) -> tuple[datetime | None, datetime | None]:
    """The last slot at or before ``moment`` and the first after it, where there are such."""
    around = _around(schedule, moment)
    after = bisect_right(around, moment)
    return (
        around[after - 1] if after > 0 else None,
        around[after] if after < len(around) else None,
    )


def _around(schedule: Schedule, moment: datetime) -> tuple[datetime, ...]:
    """Some slots in order, among them the last at or before ``moment`` and the first after."""
    known = _last_around.get(id(schedule))
    if known is not None and known[1] and known[1][0] <= moment < known[1][-1]:
        return known[1]
    found = _look_around(schedule, moment)
    _remember(_last_around, schedule, found)
    return found


_SCHEDULES = 4096
_last_around: dict[int, tuple[Schedule, tuple[datetime, ...]]] = {}
_last_bound: dict[int, tuple[Schedule, datetime, datetime, datetime]] = {}
"""What was found last, by the schedule's identity; the schedule is kept, or another could have it.

Signals of one job come from around one slot, and to look a schedule up by what it says
takes longer than all else that is done about a signal. Of ``bind`` it is from when until
when signals are bound to which slot.
"""


def _remember(last: dict[int, Any], schedule: Schedule, *found: Any) -> None:
    if len(last) >= _SCHEDULES:
        last.clear()
    last[id(schedule)] = (schedule, *found)


def _look_around(schedule: Schedule, moment: datetime) -> tuple[datetime, ...]:
    if isinstance(schedule, Cron):
        hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return _around_hour(schedule, hour)
    _check_period(schedule)
    latest = (moment - EPOCH) // schedule.period
    try:
        slot = EPOCH + latest * schedule.period
        return (slot, slot + schedule.period)
    except OverflowError:  # one of them lies beyond the years 1 to 9999
        return tuple(_existing(schedule, (latest, latest + 1)))


def _existing(schedule: Every, multiples: Iterable[int]) -> Iterator[datetime]:
    for multiple in multiples:
        with suppress(OverflowError):
            yield EPOCH + multiple * schedule.period


def _check_period(schedule: Every) -> None:
    if schedule.period <= _NOTHING:
        raise ValueError(
            f"expected a period such as 15m, found {format_duration(schedule.period)!r}; "
            "write one longer than nothing"
        )


def _multiples(schedule: Every, after: datetime) -> Iterator[datetime]:
    """The slots after ``after``, in order."""
    _check_period(schedule)
    with suppress(OverflowError):
        slot = EPOCH + ((after - EPOCH) // schedule.period + 1) * schedule.period
        while True:
            yield slot
            slot += schedule.period


@lru_cache(maxsize=1024)
def _around_hour(schedule: Cron, hour: datetime) -> tuple[datetime, ...]:
    """The last slot at or before ``hour``, then all up to the first an hour later.

    Cached by the hour, since a burst of signals asks for the slots around one instant
    again and again, and to begin a look-up takes as long as the next ten slots.
    """
    found = list(islice(firings(schedule, hour + MICROSECOND, reverse=True), 1))
    for slot in firings(schedule, hour):
        found.append(slot)
        if slot - hour >= _HOUR:
            break
    return tuple(found)

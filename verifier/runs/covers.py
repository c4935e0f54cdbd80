"""Covers: the business interval that belongs to a due instant.

Days, weeks, months and quarters are those of the job's zone around the local date of
due, from midnight to midnight, so a day has 23, 24 or 25 hours. Where no clock shows
00:00, a day begins at the change of the clocks; where 00:00 is shown twice, at the
first.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from verifier.runs.calendar import previous_business_day
from verifier.runs.declaration import Covers, CoversOffset, Schedule
from verifier.runs.instant import format_instant
from verifier.runs.interval import Interval
from verifier.runs.slots import previous_slot
from verifier.runs.wallclock import first_instant, midnight, shown_at, zone

_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)


def business_interval(schedule: Schedule, covers: Covers | CoversOffset, due: datetime) -> Interval:
    """The interval whose work the run due at ``due`` is to do.

    ``due`` need not be a slot: previous-interval then begins at the slot before it.
    Raises ``ValueError`` where there is no such interval: no slot before ``due``, an
    offset whose end is not after its start, a day that the zone left out (Samoa's
    2011-12-30), or dates beyond the years 1 to 9999.
    """
    clock = zone(schedule.timezone)
    try:
        if isinstance(covers, CoversOffset):
            start, end = _shift(due, covers.start, clock), _shift(due, covers.end, clock)
        elif covers is Covers.PREVIOUS_INTERVAL:
            start, end = previous_slot(schedule, due), due.astimezone(UTC)
        else:
            first, after_last = _days(covers, shown_at(due, clock).date(), schedule)
            start, end = midnight(first, clock), midnight(after_last, clock)
    except OverflowError:
        raise ValueError(
            f"expected an interval within the years 1 to 9999, found none for {format_instant(due)}"
        ) from None
    if start >= end:
        raise ValueError(
            f"expected an interval that ends after its start, found {format_instant(start)} "
            f"to {format_instant(end)} for {format_instant(due)}; correct covers"
        )
    return Interval(start=start, end=end)


def local_day(interval: Interval, timezone: str) -> date | None:
    """The date, if the interval is exactly one calendar day of the zone; else None."""
    clock = zone(timezone)
    try:
        day = shown_at(interval.start, clock).date()
        whole = (midnight(day, clock), midnight(day + _DAY, clock))
    except OverflowError:
        return None
    return day if whole == (interval.start, interval.end) else None


def _days(covers: Covers, day: date, schedule: Schedule) -> tuple[date, date]:
    """The first day of the interval and the day after its last, from due's local ``day``."""
    if covers is Covers.SAME_DAY:
        return day, day + _DAY
    if covers is Covers.PREVIOUS_DAY:
        return day - _DAY, day
    if covers is Covers.PREVIOUS_WEEK:
        monday = day - day.weekday() * _DAY
        return monday - _WEEK, monday
    if covers is Covers.PREVIOUS_MONTH:
        month = day.replace(day=1)
        return (month - _DAY).replace(day=1), month
    if covers is Covers.PREVIOUS_QUARTER:
        quarter = _quarter(day)
        return _quarter(quarter - _DAY), quarter
    business_day = previous_business_day(day, schedule)
    return business_day, business_day + _DAY


def _quarter(day: date) -> date:
    """The first day of the quarter of ``day``."""
    return day.replace(month=day.month - (day.month - 1) % 3, day=1)


def _shift(due: datetime, offset: timedelta, clock: ZoneInfo) -> datetime:
    """``due`` plus ``offset``: first its whole days by the clock, then the rest as it elapses."""
    sign = -1 if offset < timedelta() else 1
    days, rest = divmod(abs(offset), _DAY)
    if days:
        due = first_instant(shown_at(due, clock) + sign * days * _DAY, clock)
    return due.astimezone(UTC) + sign * rest

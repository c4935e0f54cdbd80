"""Cron: the instants at which the clock of a zone makes an expression fire.

Expressions are read by Debian's rules (cron 3.0pl1); ``cronsim`` matches their
fields. They name times of a wall clock. Where that clock changes,

- a job of fixed times (neither its minute nor its hour begins with ``*``) fires
  once for each time it names: at the first of two showings, and at the change where
  the time is never shown;
- any other job fires whenever the clock shows a time that it names.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, time, timedelta
from heapq import merge
from itertools import groupby

from cronsim import CronSim, CronSimError

from verifier.runs.calendar import is_business_day
from verifier.runs.declaration import Cron
from verifier.runs.instant import EPOCH
from verifier.runs.wallclock import first_instant, instant_of, shown_at, zone

_NOTHING = timedelta()
_DIALECTS = ("debian",)
_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_LONGEST = 1000
"""Characters: more than all minutes and hours named one by one."""

_GIVE_UP_YEARS = 50
"""As cronsim does; the rarest, 29 February on a given weekday, takes up to 40."""


def firings(schedule: Cron, origin: datetime, *, reverse: bool = False) -> Iterator[datetime]:
    """The UTC instants after ``origin`` at which ``schedule`` fires, in order.

    If ``reverse``, those before ``origin``, latest first. They end where nothing
    fires for 50 years, or with the years 1 to 9999. Raises ``ValueError`` as
    ``check_expression``, ``check_calendar`` and ``zone`` do.
    """
    check_expression(schedule)
    minute, hour, *_ = schedule.expression.split()
    fixed = not minute.startswith("*") and not hour.startswith("*")
    showings = (
        _showing(schedule, origin, fold=fold, fixed=fixed, reverse=reverse)
        for fold in ((0,) if fixed else (0, 1))
    )
    for slot, _ in groupby(merge(*showings, reverse=reverse)):
        yield slot


def check_expression(schedule: Cron) -> None:
    """Raises ``ValueError`` where the dialect is not known or the expression cannot be read."""
    expression = schedule.expression
    if schedule.dialect not in _DIALECTS:
        raise ValueError(
            f"expected a cron dialect of {', '.join(_DIALECTS)}, found {schedule.dialect[:40]!r}"
        )
    if len(expression.split()) != 5 or len(expression) > _LONGEST:
        nickname = _NICKNAMES.get(expression.strip().lower())
        hint = f"write {nickname!r}" if nickname else "give minute, hour, day, month and weekday"
        raise ValueError(
            f"expected five fields such as '0 2 * * *', found {expression[:60]!r}; {hint}"
        )
    try:
        CronSim(expression, EPOCH)
    except CronSimError as error:
        raise ValueError(
            f"expected a cron expression that fires, found {expression[:60]!r}: {error}; "
            "correct that field (a day that none of the months has never comes)"
        ) from None


def _showing(
    schedule: Cron, origin: datetime, *, fold: int, fixed: bool, reverse: bool
) -> Iterator[datetime]:
    """``firings`` by one reading of the clock: the first (``fold`` 0) or second showing.

    Read by one of them alone, a clock never goes back, so that the order of the
    times shown is that of their instants.
    """
    clock = zone(schedule.timezone)
    with suppress(OverflowError):
        shown = shown_at(origin, clock)
        # Not nothing only where ``origin`` is one showing of a time and ``fold`` the
        # other; then the times shown in between are beyond ``origin`` as well.
        apart = origin - instant_of(shown, clock, fold)
        start = shown + (max(apart, _NOTHING) if reverse else min(apart, _NOTHING))
        for match in _matches(schedule, start, reverse=reverse):
            slot = first_instant(match, clock) if fixed else instant_of(match, clock, fold)
            never_shown = not fixed and shown_at(slot, clock) != match
            beyond = slot < origin if reverse else slot > origin
            if beyond and not never_shown:
                yield slot


def _matches(schedule: Cron, start: datetime, *, reverse: bool) -> Iterator[datetime]:
    """The wall-clock times beyond ``start`` that the schedule names, nearest first."""
    cursor = found = start
    while abs(cursor.year - found.year) <= _GIVE_UP_YEARS:
        for match in CronSim(schedule.expression, cursor, reverse=reverse):
            if schedule.business_days and not is_business_day(match.date(), schedule):
                # On to the next day: the expression may name each minute of this one.
                cursor = datetime.combine(match, time.min if reverse else time.max)
                break
            found = match
            yield match
        else:
            return

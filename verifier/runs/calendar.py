"""Business days: the days on which the people whom a job serves are at work."""

from datetime import date, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

from verifier.runs.declaration import Schedule

if TYPE_CHECKING:
    from holidays import HolidayBase

_DAY = timedelta(days=1)
_SATURDAY = 5


def is_business_day(day: date, schedule: Schedule) -> bool:
    """Whether ``day`` is a business day by the calendar of ``schedule``.

    Without a country: Monday to Friday. With one: its working days, that is without
    its public holidays and its own weekend (Friday and Saturday in some countries),
    and with the weekend days it declares to be worked. A day of the schedule's own
    ``holidays`` never is one. Raises ``ValueError`` as ``check_calendar`` does.
    """
    if day in schedule.holidays:
        return False
    if schedule.country is None:
        return day.weekday() < _SATURDAY
    return _working_days(schedule.country, schedule.subdivision, day.year).is_working_day(day)


def previous_business_day(day: date, schedule: Schedule) -> date:
    """The last business day before ``day``.

    Raises ``ValueError`` as ``check_calendar`` does, and where there is none.
    """
    try:
        day -= _DAY
        while not is_business_day(day, schedule):
            day -= _DAY
    except OverflowError:
        raise ValueError("expected a business day after the year 0, found none") from None
    return day


def check_calendar(schedule: Schedule) -> None:
    """Raises ``ValueError`` where the country or subdivision of ``schedule`` is not known."""
    if schedule.country is not None:
        _working_days(schedule.country, schedule.subdivision, 2000)
    elif schedule.subdivision is not None:
        raise ValueError(
            f"expected a country for the subdivision {schedule.subdivision[:20]!r}, found none; "
            "name it by its ISO 3166 code, such as DE"
        )


@lru_cache(maxsize=1024)
def _working_days(country: str, subdivision: str | None, year: int) -> "HolidayBase":
    """One whole year of a country; nothing is added to it later, so threads may share it."""
    # Costs 0.1 s and 20 MB: loaded only where a country is named.
    from holidays import country_holidays, list_supported_countries

    countries = list_supported_countries()
    if country not in countries:
        near = get_close_matches(country.upper(), countries, n=1)
        hint = f"did you mean {near[0]}?" if near else "write two capital letters"
        raise ValueError(f"expected an ISO 3166 country such as DE, found {country[:20]!r}; {hint}")
    try:
        return country_holidays(country, subdiv=subdivision, years=year, expand=False)
    except NotImplementedError:
        known = ", ".join(countries[country]) or "none: leave it out"
        raise ValueError(
            f"expected a subdivision of {country}, found {str(subdivision)[:20]!r}; "
            f"known are {known}"
        ) from None

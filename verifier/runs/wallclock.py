"""Wall clocks: what the clocks of a zone show, turned into instants and back.

Where a zone changes its clocks, some times are shown twice (clocks go back) and
some never (clocks go forward). ``fold`` is Python's word for which of two showings
is meant: 0 the first, 1 the second (PEP 495).
"""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

_SECOND = timedelta(seconds=1)


def zone(name: str) -> ZoneInfo:
    """The zone of that name in the IANA time zone database.

    Raises ``ValueError`` where there is none.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: the name is of a folder, such as Europe
        known = {text.lower(): text for text in available_timezones()}
        near = get_close_matches(name.lower(), known, n=1)
        hint = f"did you mean {known[near[0]]}?" if near else "UTC is one too"
        raise ValueError(
            f"expected an IANA time zone such as Europe/Berlin, found {name[:60]!r}; {hint}"
        ) from None


def shown_at(instant: datetime, clock: ZoneInfo) -> datetime:
    """What the clock shows at ``instant``, as a naive date and time."""
    return instant.astimezone(clock).replace(tzinfo=None, fold=0)


def instant_of(shown: datetime, clock: ZoneInfo, fold: int = 0) -> datetime:
    """The UTC instant at which the clock shows ``shown``, a naive date and time.

    A time that is never shown is read with the offset before the change (``fold``
    0, so it lies after the change) or with that after it (1, so before the change).
    """
    return shown.replace(tzinfo=clock, fold=fold).astimezone(UTC)


def first_instant(shown: datetime, clock: ZoneInfo) -> datetime:
    """The first UTC instant at which the clock shows ``shown`` or has passed it.

    That is the first showing of a time that is shown twice, and the instant of the
    change for a time that is never shown.
    """
    first, second = instant_of(shown, clock), instant_of(shown, clock, fold=1)
    if first <= second:
        return first
    # The change lies in (second, first], at a whole second.
    skipped = shown.replace(microsecond=0)
    start = second.replace(microsecond=0)
    seconds = range((first - second) // _SECOND)
    return start + _SECOND * bisect_left(
        seconds, True, key=lambda count: shown_at(start + count * _SECOND, clock) >= skipped
    )


def midnight(day: date, clock: ZoneInfo) -> datetime:
    """The UTC instant at which the local ``day`` begins, even where no clock shows 00:00."""
    return first_instant(datetime.combine(day, time()), clock)

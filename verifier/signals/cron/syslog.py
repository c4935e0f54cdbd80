"""Lines of a syslog file: which are of a cron job, when they were logged, and where.

A stamp is RFC 3339, or traditional (``Nov 24 06:03:01``): local time, without a year.
"""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from verifier.runs.instant import parse_instant
from verifier.runs.wallclock import instant_of, shown_at

MARK = b"CRON["
"""What each line has that cron wrote about a job; the daemon itself signs ``cron[``."""

AHEAD = timedelta(days=1)
"""How far a clock may be ahead of ours, beyond which its stamps are not believed."""

BEHIND = timedelta(days=1)
"""How much older a new line may be than what was read long before it."""

_JITTER = timedelta(minutes=1)
"""How far lines may be out of order."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_YEARS_BACK = 8
"""Between two 29 Februaries, at most."""

_TRADITIONAL = re.compile(r"([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)", re.ASCII)
_LINE = re.compile(
    r"(?P<stamp>\d{4}-\d\d-\d\dT\S{8,30}|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) "
    r"(?P<host>[\w.:-]{1,100}) "
    r"(?:[a-z0-9]+\.[a-z]+ )?"  # facility and level, as busybox has them
    r"(?P<program>[^\s\[\]:]{1,64})(?:\[(?P<pid>\d{1,10})\])?: ?"
    r"(?P<message>.*)",
    re.ASCII | re.DOTALL,
)


class Line(msgspec.Struct, frozen=True):
    """One line that cron logged about a job; ``pid`` is of the process that wrote it."""

    at: datetime
    host: str
    pid: int
    message: str


class Unreadable(ValueError):
    """A line that says it is cron's and is not what cron and syslog write."""


class BadStamp(ValueError):
    """A line whose stamp is no time, or one that cannot be."""


class Stamps:
    """Reads stamps in the order in which they were written.

    ``zone`` is that of traditional stamps. ``now`` is when they are read, ``floor``
    the instant up to which all had been read before; what is new is not much older.
    """

    def __init__(self, zone: ZoneInfo, now: datetime, floor: datetime | None = None) -> None:
        self._zone = zone
        self._now = now
        self._floor = floor
        self._last = floor

    def read(self, text: str) -> datetime:
        """The UTC instant of a stamp; raises ``BadStamp``."""
        match = _TRADITIONAL.fullmatch(text)
        try:
            at = self._traditional(match) if match else parse_instant(text)
        except ValueError as error:
            raise BadStamp(str(error)) from None
        if at > self._now + AHEAD:
            raise BadStamp(f"expected a time that has come, found {text!r}")
        if self._floor is not None and at < self._floor - BEHIND:
            raise BadStamp(f"expected a time after what was read before, found {text!r}")
        self._last = at if self._last is None else max(self._last, at)
        return at

    def _traditional(self, match: re.Match[str]) -> datetime:
        """The latest year in which the stamp is not in the future.

        Where clocks went back and a time was shown twice, the second showing is meant
        if the first would lie before what was written earlier.
        """
        month = _MONTHS.index(match[1]) + 1 if match[1] in _MONTHS else 0
        day, hour, minute, second = (int(match[index]) for index in (2, 3, 4, 5))
        latest = shown_at(self._now + AHEAD, self._zone).year
        for year in range(latest, latest - _YEARS_BACK - 1, -1):
            try:
                shown = datetime(year, month, day, hour, minute, min(second, 59))  # noqa: DTZ001 - what a clock showed
            except ValueError:
                if (month, day) == (2, 29):
                    continue
                raise
            first, second_showing = (instant_of(shown, self._zone, fold) for fold in (0, 1))
            if first <= self._now + AHEAD:
                again = self._last is not None and first < self._last - _JITTER
                return second_showing if again and second_showing > first else first
        raise ValueError("expected a day that there is")


def read_stamp(line: bytes, stamps: Stamps) -> datetime | None:
    """When ``line`` was logged, whoever wrote it; None where it does not say."""
    match = _LINE.fullmatch(line.decode(errors="replace"))
    if match is None:
        return None
    try:
        return stamps.read(match["stamp"])
    except BadStamp:
        return None


def read_line(line: bytes, stamps: Stamps) -> Line | None:
    """What cron logged about a job in ``line``; None for anybody else's line.

    Raises ``Unreadable`` and ``BadStamp``.
    """
    if MARK not in line:
        return None
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise Unreadable("expected UTF-8") from None
    match = _LINE.fullmatch(text)
    if match is None:
        raise Unreadable("expected a time, a host and a program")
    if match["program"] != "CRON" or match["pid"] is None:
        return None
    at = stamps.read(match["stamp"])
    return Line(at, match["host"], int(match["pid"]), match["message"])

"""Instants as people write them: ``friday``, ``yesterday``, ``3d``, a date, an instant.

Everything is UTC, as everything that is printed.
"""

from datetime import UTC, date, datetime, time, timedelta

from verifier.cli.exits import CommandFailed
from verifier.runs.duration import parse_duration
from verifier.runs.instant import parse_instant

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORTEST_NAME = 3


def parse_when(text: str, now: datetime) -> datetime:
    """The instant that ``text`` names, seen from ``now``.

    A weekday is the last one before today, from its midnight on; a duration is that
    long ago; a date begins at midnight. Raises ``CommandFailed``.
    """
    word = text.strip().lower()
    today = now.astimezone(UTC).date()
    try:
        if word == "now":
            return now
        if word == "today":
            return _midnight(today)
        if word == "yesterday":
            return _midnight(today - timedelta(days=1))
        weekday = _weekday(word)
        if weekday is not None:
            return _midnight(today - timedelta(days=(today.weekday() - weekday - 1) % 7 + 1))
        if len(word) == len("2026-01-01") and word[:4].isdigit():
            return _midnight(date.fromisoformat(word))
        if word[:1].isdigit() and word[-1:].isalpha() and "-" not in word:
            return now.replace(microsecond=0) - parse_duration(word)
        return parse_instant(text.strip())
    except (ValueError, OverflowError):
        raise CommandFailed(
            "expected a day (friday, yesterday, 2026-04-01), a time ago (3d, 12h) or an "
            f"instant with an offset (2026-04-01T02:00:00Z), found {text[:40]!r}"
        ) from None


def parse_moment(option: str, text: str | None) -> datetime | None:
    """The instant that an option gives, None where it is not given.

    Raises ``CommandFailed``.
    """
    if text is None:
        return None
    try:
        return parse_instant(text.strip())
    except ValueError as error:
        raise CommandFailed(f"{option}: {error}", hint=_EXAMPLE) from None


_EXAMPLE = "write it as 2026-04-03T02:00:00Z or 2026-04-03T04:00:00+02:00"


def _weekday(word: str) -> int | None:
    if len(word) < _SHORTEST_NAME:
        return None
    matches = [index for index, name in enumerate(_WEEKDAYS) if name.startswith(word)]
    return matches[0] if len(matches) == 1 else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)

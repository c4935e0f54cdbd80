"""Durations as people write them: ``90s``, ``5m``, ``1h30m``, ``7d``, ``500ms``."""

import re
from datetime import timedelta

_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_PART = re.compile(r"([0-9]{1,9})(ms|d|h|m|s)")
_WHOLE = re.compile(r"(-?)((?:[0-9]{1,9}(?:ms|d|h|m|s))+)")


def parse_duration(text: str) -> timedelta:
    """The length of time that ``text`` names; a leading ``-`` makes it negative.

    Raises ``ValueError`` for anything else, a unit used twice included.
    """
    whole = _WHOLE.fullmatch(text)
    if whole is None:
        raise ValueError(f"expected a duration such as 90s, 5m or 1h30m, found {text[:40]!r}")
    parts = _PART.findall(whole[2])
    if len({unit for _, unit in parts}) < len(parts):
        raise ValueError(f"expected each unit once, found {text[:40]!r}")
    try:
        length = sum((int(count) * _UNITS[unit] for count, unit in parts), timedelta())
        return -length if whole[1] else length
    except OverflowError:
        raise ValueError(f"expected less than 2,700,000 years, found {text[:40]!r}") from None


def format_duration(length: timedelta) -> str:
    """The text that ``parse_duration`` reads back, greatest unit first, cut to milliseconds."""
    left = abs(length)
    text = ""
    for unit, size in _UNITS.items():
        count, left = divmod(left, size)
        if count:
            text += f"{count}{unit}"
    if not text:
        return "0s"
    return f"-{text}" if length < timedelta() else text

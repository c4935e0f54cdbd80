"""Instants: aware UTC datetimes inside, RFC 3339 with ``Z`` outside."""

import re
from datetime import UTC, datetime, timedelta

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SHAPE = re.compile(
    r"\d{4}-\d\d-\d\d"
    r"(?P<time>[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?"
    r"(?P<offset>[Zz]|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
"""RFC 3339; seconds may be left out, and the colon of the offset."""


def parse_instant(text: str) -> datetime:
    """The UTC instant that an RFC 3339 text names.

    Raises ``ValueError`` where the text is no instant or has no offset: a time
    without an offset is two or more instants, so it is refused, never guessed.
    """
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise ValueError(f"expected an RFC 3339 instant, found {text[:40]!r}")
    if shape["time"] is None:
        raise ValueError(f"expected a date and a time with an offset, found {text[:40]!r}")
    if shape["offset"] is None:
        raise ValueError(f"expected an offset such as Z or +02:00, found {text[:40]!r}")
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError(f"expected an RFC 3339 instant, found {text[:40]!r}") from None
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"expected a year between 1 and 9999, found {text[:40]!r}") from None


def format_instant(moment: datetime) -> str:
    """RFC 3339 in UTC with ``Z``; fractions of a second only where there are some."""
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def to_microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970-01-01T00:00:00Z."""
    return (moment - EPOCH) // MICROSECOND


def from_microseconds(count: int) -> datetime:
    """The UTC instant ``count`` microseconds after 1970-01-01T00:00:00Z."""
    return EPOCH + count * MICROSECOND

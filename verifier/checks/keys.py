"""Business keys, comparable whatever store they come from.

Two stores rarely agree on types: a code is text here and an integer there, a date
is a date here and text there. So a key is compared by the plain text of its values:

- integers, and decimals and floats without a fraction: digits; ``1``, ``1.0`` and
  ``'1'`` are one key, ``'01'`` is another
- other decimals: digits without trailing zeros
- dates ``YYYY-MM-DD``; instants ``YYYY-MM-DD HH:MM:SS[.ffffff]``, those with an
  offset in UTC
- truth values ``1`` and ``0``; UUIDs in lower case with hyphens; bytes ``x'…'`` in
  hexadecimal
- text as it is: case, accents and spaces count

NULL equals nothing, not even NULL.
"""

import math
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from heapq import nsmallest
from typing import Any

from verifier.checks.number import EXACT, plain
from verifier.checks.sketch import sketch_of

Key = tuple[str | None, ...]
"""A business key: the plain text of each value, None for NULL."""

SAMPLE = 10
"""How many keys of each kind evidence shows at most."""

_LONGEST_SHOWN = 100


def key_of(values: Iterable[Any]) -> Key:
    """The key whose values a store gave as ``values``."""
    # Nearly all keys are text, and there may be a million of them.
    return tuple([value if type(value) is str else _plain_text(value) for value in values])


def _plain_text(value: Any) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return str(int(value))
        case int():
            return str(value)
        case float():
            return _decimal_text(Decimal(repr(value))) if math.isfinite(value) else repr(value)
        case Decimal():
            return _decimal_text(value) if value.is_finite() else str(value)
        case datetime():
            return instant_text(value)
        case date():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return f"x'{bytes(value).hex()}'"
    return str(value)


def _decimal_text(number: Decimal) -> str:
    text = plain(number.normalize(EXACT))
    return "0" if text == "-0" else text


def instant_text(moment: datetime) -> str:
    """``YYYY-MM-DD HH:MM:SS[.ffffff]``, in UTC where ``moment`` has an offset."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(sep=" ")


def shown(key: Key) -> Any:
    """``key`` for people and JSON, long values cut; a list where it has several values."""
    values = [_cut(value) for value in key]
    return values[0] if len(values) == 1 else values


def _cut(value: str | None) -> str | None:
    if value is None or len(value) <= _LONGEST_SHOWN:
        return value
    return value[:_LONGEST_SHOWN] + "…"


def sample(keys: Iterable[Key]) -> list[Any]:
    """The first of ``keys`` in order, for evidence; NULL comes first."""
    return [shown(key) for key in nsmallest(SAMPLE, keys, key=_order)]


def _order(key: Key) -> tuple[tuple[bool, str], ...]:
    return tuple((value is not None, value or "") for value in key)


def most_copied(copied: Iterable[tuple[Key, int]]) -> list[dict[str, Any]]:
    """The keys with the most rows, for evidence; ``copied`` holds no NULL."""
    most = nsmallest(SAMPLE, copied, key=lambda each: (-each[1], each[0]))
    return [{"key": shown(key), "count": count} for key, count in most]


def sketch(counted: Iterable[tuple[Key, int]]) -> str:
    """A short text that names a set of keys and their counts, whatever their order."""
    return str(sketch_of(counted))

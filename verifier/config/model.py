"""What every part of ``landed.yaml`` has in common, and the small types it is made of."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
)

from verifier.runs.duration import format_duration, parse_duration
from verifier.runs.instant import parse_instant


class Model(BaseModel):
    """A mapping of the file: no key that is not declared, nothing changed once read.

    The text below a field is what the JSON Schema and the documentation say of it:
    ``field_texts`` reads it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


_LONGEST = timedelta(days=3660)


def _length(shortest: timedelta) -> Callable[[Any], timedelta]:
    def read(value: Any) -> timedelta:
        if not isinstance(value, str):
            raise ValueError("expected a duration such as 90s, 5m or 1h30m")  # noqa: TRY004 - pydantic takes ValueError only
        length = parse_duration(value)
        if not shortest <= length <= _LONGEST:
            raise ValueError(
                f"expected {format_duration(shortest)} to {format_duration(_LONGEST)}, "
                f"found {format_duration(length)!r}"
            )
        return length

    return read


def _written_as(sign: str) -> WithJsonSchema:
    pattern = rf"^{sign}([0-9]{{1,9}}(ms|d|h|m|s))+$"
    return WithJsonSchema({"type": "string", "pattern": pattern})


Limit = Annotated[timedelta, BeforeValidator(_length(timedelta(milliseconds=1))), _written_as("")]
"""A length of time above zero, such as ``90s``, ``5m`` or ``1h30m``; at most ten years."""

KeptFor = Annotated[timedelta, BeforeValidator(_length(timedelta(days=1))), _written_as("")]
"""A length of time of a day at least."""

Wait = Annotated[timedelta, BeforeValidator(_length(timedelta())), _written_as("")]
"""A length of time that may be ``0s``."""

Offset = Annotated[timedelta, BeforeValidator(_length(-_LONGEST)), _written_as("-?")]
"""A length of time before (``-1d``) or after (``6h``) something."""


_EARLIEST = 1970
_LATEST = 9000


def _since(value: Any) -> date | datetime:
    if not isinstance(value, str):
        raise ValueError("expected a date or an instant")  # noqa: TRY004 - pydantic takes ValueError only
    try:
        whole_day = len(value) == len("2026-04-01")
        since = date.fromisoformat(value) if whole_day else parse_instant(value)
    except ValueError:
        raise ValueError(
            f"expected a date such as 2026-04-01 or an instant such as 2026-04-01T00:00:00Z, "
            f"found {value[:40]!r}"
        ) from None
    if not _EARLIEST <= since.year <= _LATEST:
        raise ValueError(f"expected a year from {_EARLIEST} to {_LATEST}, found {since.year}")
    return since


Since = Annotated[
    date | datetime,
    PlainValidator(_since),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date"},
                {"type": "string", "format": "date-time"},
            ]
        },
    ),
]
"""A date, which begins at midnight in the job's zone, or an instant with an offset."""

TEXT_PATTERN = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]{1,500}$"
LABEL_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,100}$"
LINK_PATTERN = r"^https?://[^\s\x00-\x1f\x7f-\x9f]{1,500}$"

Text = Annotated[str, Field(pattern=TEXT_PATTERN)]
"""A text for people."""

Label = Annotated[str, Field(pattern=LABEL_PATTERN)]
"""A short text on one line, fit to be a label of a metric."""

Link = Annotated[str, Field(pattern=LINK_PATTERN)]
"""An address that people open."""

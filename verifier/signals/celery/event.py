"""What Celery's workers and clients tell: events, as they come from the broker.

A message holds one event or a list of them, as JSON. ``timestamp`` is seconds since
1970 in UTC whatever ``utcoffset`` says: Celery's own receiver shifts it by that offset,
which makes a worker in New York five hours early. So bodies are read here as they are.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from verifier.intake.receipt import RejectCode
from verifier.intake.wire import EARLIEST, FUTURE_LIMIT

MAX_BODY = 1_000_000
"""Bytes of a message; Celery itself cuts arguments and results to about a thousand."""

OLDEST = timedelta(days=8)
"""An event from longer ago is of a clock that is wrong: no broker keeps it so long."""

Word = Annotated[str, msgspec.Meta(max_length=300)]
Uuid = Annotated[str, msgspec.Meta(min_length=1, max_length=150)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event: of a task if it has a ``uuid``, of a worker else."""

    type: Word
    timestamp: float
    hostname: Annotated[str, msgspec.Meta(max_length=200)] = ""
    uuid: Uuid | None = None
    name: Word | None = None
    pid: int | None = None
    retries: Count | None = None
    eta: str | None = None
    expires: str | None = None
    runtime: float | None = None
    terminated: bool | None = None
    requeue: bool | None = None
    exception: str | None = None
    traceback: str | None = None
    kwargs: str | None = None
    result: str | None = None
    freq: float | None = None
    active: Count | None = None
    processed: Count | None = None
    sw_sys: Word | None = None

    @property
    def at(self) -> datetime:
        """When it was told, by the clock of who told it."""
        return instant(self.timestamp)


_ONE = msgspec.json.Decoder(Event)
_MANY = msgspec.json.Decoder(list[Event])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])

Refuse = Callable[[RejectCode, str], None]
"""Told of what is kept out: why, and an example."""


def read_events(body: bytes, now: datetime, refuse: Refuse) -> list[Event]:
    """The events in a message; each that is none is refused, and the others are kept."""
    if len(body) > MAX_BODY:
        refuse(RejectCode.TOO_LARGE, f"{len(body)} bytes")
        return []
    return [event for event in _decode(body, refuse) if _sane(event, now, refuse)]


def _decode(body: bytes, refuse: Refuse) -> list[Event]:
    try:
        return _MANY.decode(body) if body.lstrip()[:1] == b"[" else [_ONE.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = error
    try:
        items = _ITEMS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        refuse(RejectCode.UNREADABLE, str(why))
        return []
    events: list[Event] = []
    for item in items:  # slower: one that is bad must not take the others with it
        try:
            events.append(_ONE.decode(item))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            refuse(RejectCode.UNREADABLE, str(error))
    return events


def _sane(event: Event, now: datetime, refuse: Refuse) -> bool:
    if not math.isfinite(event.timestamp) or not 0 <= event.timestamp < 4e9:
        refuse(RejectCode.BAD_TIME, f"{event.type[:40]}: timestamp {event.timestamp}")
        return False
    at = event.at
    if at > now + FUTURE_LIMIT:
        refuse(RejectCode.FUTURE_TIME, f"{event.type[:40]} of {event.hostname[:80]}: {at}")
        return False
    if at < max(EARLIEST, now - OLDEST):
        refuse(RejectCode.BAD_TIME, f"{event.type[:40]} of {event.hostname[:80]}: {at}")
        return False
    if any("\0" in text for text in (event.uuid or "", event.hostname, event.name or "")):
        # No database keeps it in a text.
        refuse(RejectCode.UNREADABLE, f"{event.type[:40]}: a NUL character")
        return False
    return True


def instant(timestamp: float) -> datetime:
    """The UTC instant of seconds since 1970."""
    return datetime.fromtimestamp(timestamp, UTC)


def moment(text: str | None) -> datetime | None:
    """The instant that ``eta`` or ``expires`` names; without an offset it is UTC."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None

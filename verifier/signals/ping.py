"""Healthchecks' ping protocol: what a ping says, without the HTTP around it.

Its forms, codes and texts are those of Healthchecks 3, so that a client which pings
there needs only another host. Two things are landed's own: a ping is bound to a slot
like any other signal, and the ``rid`` of a run is its attempt.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from verifier.intake.receipt import RejectCode
from verifier.runs.signal import Kind, Signal

MAX_OUTPUT = 10_000
"""Bytes of a body that are kept: the last ones, where a program says why it ended."""

LAST_EXIT_STATUS = 255
_LONGEST_STATUS = 9

_KINDS = {
    "": Kind.SUCCEEDED,
    "start": Kind.STARTED,
    "fail": Kind.FAILED,
    # Something happened. It is no heartbeat: who logs once does not promise to go on.
    "log": Kind.PROGRESS,
}


class BadPing(ValueError):
    """A ping that is none; ``status`` and the text are what its client is told."""

    def __init__(self, status: int, text: str, code: RejectCode = RejectCode.NOT_A_SIGNAL) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class Ping(msgspec.Struct, frozen=True):
    """What the path of a ping says.

    ``name`` is that of a job, or the UUID of one; ``key`` was before it, or is "".
    """

    name: str
    kind: Kind
    key: str = ""
    exit_code: int | None = None


def read_ping(path: Sequence[str], names: Collection[str]) -> Ping:
    """The ping whose path has these segments; raises ``BadPing``.

    ``/a/start`` is a start of ``a``, unless ``a`` is none of ``names`` and no UUID: it
    is the key of a job that is called ``start`` then.
    """
    match path:
        case [name]:
            return _ping("", name, "")
        case [name, action] if _is_action(action) and (name in names or as_uuid(name)):
            return _ping("", name, action)
        case [key, name] if key:
            return _ping(key, name, "")
        case [key, name, action] if key and _is_action(action):
            return _ping(key, name, action)
    raise BadPing(400, "invalid url format")


def read_rid(given: Sequence[str]) -> str | None:
    """The run id that a client gave, as the name of an attempt; raises ``BadPing``."""
    if not given:
        return None
    rid = as_uuid(given[-1])
    if rid is None:
        raise BadPing(400, "invalid uuid format")
    return rid


def as_uuid(text: str) -> str | None:
    """``text`` in lower case with hyphens, if it is a UUID."""
    try:
        return str(UUID(text))
    except ValueError:
        return None


def signal_of(
    ping: Ping, job: str, rid: str | None, body: bytes, now: datetime, new_id: Callable[[], str]
) -> Signal:
    """What ``ping`` says of ``job`` at ``now``, the instant at which it came.

    The same start or end of a run id is said once, however often it is sent. Without
    a run id, and for what may be said again, ``new_id`` names the signal.
    """
    repeats = rid is None or ping.kind is Kind.PROGRESS
    return Signal(
        job=job,
        kind=ping.kind,
        at=now,
        id=f"ping/{new_id()}" if repeats else f"ping/{rid}/{ping.kind}",
        attempt=rid,
        exit_code=ping.exit_code,
        output=_text(body),
    )


def _is_action(segment: str) -> bool:
    return segment in ("start", "fail", "log") or (segment.isascii() and segment.isdigit())


def _ping(key: str, name: str, action: str) -> Ping:
    if not name:
        raise BadPing(400, "invalid url format")
    if action in _KINDS:
        return Ping(name, _KINDS[action], key)
    status = int(action) if len(action) <= _LONGEST_STATUS else LAST_EXIT_STATUS + 1
    if status > LAST_EXIT_STATUS:
        raise BadPing(400, "invalid url format")
    return Ping(name, Kind.FAILED if status else Kind.SUCCEEDED, key, status)


def _text(body: bytes) -> str | None:
    """The end of what was printed; what is no UTF-8 in it is replaced."""
    return body[-MAX_OUTPUT:].decode(errors="replace") if body else None

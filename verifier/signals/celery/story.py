"""What the events of one task id tell: which tries there were, and how each ended.

A try is one start. Celery keeps the id over retries and redeliveries and numbers
nothing, so an end is of the start on the same worker that its runtime points to, or
of the latest one there that has not ended. Pure, and of the events as a set: neither
their order nor their number matters.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from verifier.signals.celery.event import Event, moment

SENT, RECEIVED, STARTED = "task-sent", "task-received", "task-started"
SUCCEEDED, FAILED, RETRIED = "task-succeeded", "task-failed", "task-retried"
REVOKED, REJECTED, CANCELLED = "task-revoked", "task-rejected", "task-cancelled"

_KINDS = frozenset(
    {SENT, RECEIVED, STARTED, SUCCEEDED, FAILED, RETRIED, REVOKED, REJECTED, CANCELLED}
)
_ANNOUNCED = (SENT, RECEIVED)

NEAR = 30.0
"""Seconds by which a start and the one that a runtime points to may differ."""

TOGETHER = 5.0
"""Seconds within which a failure and a rejection are one end told twice."""

LOST_PROCESS = "WorkerLostError"
"""The pool saw the process of a task die."""

OVER_TIME = "TimeLimitExceeded"
"""The pool killed the process of a task that ran for too long."""

GUARDED = "landed"
"""The guard did not let the task start, and our own helper said so."""

_GUARDED = re.compile(r": landed: (skip|refuse)\b")
_ERROR = re.compile(r"^(?:[a-zA-Z_][\w]*\.)*([A-Za-z_]\w{0,99})(?=[:(]|$)")
_EXIT = re.compile(r"\b(signal \d{1,3} \(SIG[A-Z0-9]+\)|exitcode \d{1,3}) Job: ")
"""How the process of a task ended whose pool waited for it; it names the job then."""


class Step(msgspec.Struct, frozen=True, order=True, array_like=True, gc=False):
    """One event of a task without what people may have put into it.

    ``at`` is seconds since 1970, UTC. ``eta`` and ``expires`` are the same. ``error``
    is the name of an exception's class, with what a process that was lost ended with.
    """

    at: float
    kind: str
    host: str = ""
    pid: int = 0
    retries: int = 0
    eta: float = 0.0
    expires: float = 0.0
    runtime: float = -1.0
    flag: bool = False
    error: str = ""


class Try(msgspec.Struct, frozen=True):
    """One start and its ends; ``start`` is None where it was not heard or never came.

    ``ends`` are in order of time. ``retry_at``: when the next try is to come, where
    one was announced, in seconds since 1970. ``withdrawn``: the message was taken from
    the queue and thrown away, so no code of the task ran.
    """

    start: Step | None
    ends: tuple[Step, ...] = ()
    retries: int = 0
    retry_at: float | None = None
    withdrawn: bool = False

    @property
    def at(self) -> float:
        """What orders it: its start, or its end where that is all that is known."""
        return self.start.at if self.start else self.ends[0].at


def step(event: Event) -> Step | None:
    """The step that an event tells of; None for an event that says nothing of a try."""
    if event.type not in _KINDS:
        return None
    eta, expires = moment(event.eta), moment(event.expires)
    runtime = -1.0 if event.runtime is None or event.runtime < 0 else event.runtime
    return Step(
        at=event.timestamp,
        kind=event.type,
        host=event.hostname,
        pid=event.pid or 0,
        retries=event.retries or 0,
        eta=eta.timestamp() if eta else 0.0,
        expires=expires.timestamp() if expires else 0.0,
        runtime=runtime,
        flag=bool(event.terminated if event.type == REVOKED else event.requeue),
        error=_error(event),
    )


def tries(steps: Iterable[Step]) -> list[Try]:
    """The tries that ``steps`` tell of, all of one task id, in order of time."""
    told = sorted(set(steps))
    starts = [each for each in told if each.kind == STARTED]
    ends_of, loose, withdrawn = _match(told, starts)
    announced = [each for each in told if each.kind in _ANNOUNCED]
    found = [_try(start, ends_of[start], announced, starts) for start in starts]
    found += [Try(start=None, ends=(end,)) for end in loose]
    found += [Try(start=None, ends=(end,), withdrawn=True) for end in withdrawn]
    return sorted(found, key=lambda each: each.at)


def _match(
    told: Sequence[Step], starts: Sequence[Step]
) -> tuple[dict[Step, list[Step]], list[Step], list[Step]]:
    """The ends of each start, those whose start is not known, and what never started."""
    ends_of: dict[Step, list[Step]] = defaultdict(list)
    loose: list[Step] = []
    withdrawn: list[Step] = []
    timed = [each for each in told if each.kind == SUCCEEDED and each.runtime >= 0]
    for end in timed:
        began = end.at - end.runtime
        near = [
            each
            for each in _before(end, starts)
            if not ends_of[each] and abs(each.at - began) <= NEAR
        ]
        if near:
            ends_of[min(near, key=lambda each: abs(each.at - began))].append(end)
        else:
            loose.append(end)
    for end in told:
        if end.kind in (STARTED, *_ANNOUNCED) or end in timed:
            continue
        if end.kind == REVOKED and not end.flag:
            withdrawn.append(end)
            continue
        start = _start_of(end, _before(end, starts), ends_of)
        if start is None:
            loose.append(end)
        else:
            ends_of[start].append(end)
    return ends_of, loose, withdrawn


def _before(end: Step, starts: Sequence[Step]) -> list[Step]:
    return [each for each in starts if each.host == end.host and each.at <= end.at]


def _start_of(end: Step, before: Sequence[Step], ends_of: dict[Step, list[Step]]) -> Step | None:
    """The start that ``end`` is of: the latest that has not ended, else the latest."""
    if end.kind in (REJECTED, FAILED):
        other = FAILED if end.kind == REJECTED else REJECTED
        for start in reversed(before):
            if any(e.kind == other and abs(e.at - end.at) <= TOGETHER for e in ends_of[start]):
                return start
    unended = [each for each in before if not ends_of[each]]
    return _last(unended) or _last(before)


def _last(steps: Sequence[Step]) -> Step | None:
    return steps[-1] if steps else None


def _try(start: Step, ends: list[Step], announced: Sequence[Step], starts: Sequence[Step]) -> Try:
    ends = sorted(ends)
    heard = [each for each in announced if each.at <= start.at]
    here = [each for each in heard if each.host == start.host and each.kind == RECEIVED]
    latest = _last(here) or _last(heard)
    return Try(
        start=start,
        ends=tuple(ends),
        retries=latest.retries if latest else 0,
        retry_at=_retry_at(start, ends, announced, starts),
    )


def _retry_at(
    start: Step, ends: Sequence[Step], announced: Sequence[Step], starts: Sequence[Step]
) -> float | None:
    """When the try after this one is to come; None where none was announced."""
    again = [each for each in ends if each.kind == RETRIED or (each.kind == REJECTED and each.flag)]
    if not again:
        return None
    following = min((each.at for each in starts if each.at > start.at), default=float("inf"))
    sent = [each for each in announced if start.at <= each.at < following and each.retries]
    latest = max(sent, key=lambda each: (each.retries, each.eta), default=None)
    if again[0].kind == RETRIED and latest is not None and latest.eta:
        return latest.eta
    return again[0].at


def _error(event: Event) -> str:
    """The class of the exception, never its text, which may hold what is secret.

    Celery hides some exceptions in one of its own; the last line of the traceback
    tells then.
    """
    if event.exception is None:
        return ""
    text = event.exception
    last = (event.traceback or "").rstrip().rpartition("\n")[2]
    if text.startswith("reject requeue="):
        guarded = _GUARDED.search(text)
        return f"{GUARDED}: {guarded[1]}" if guarded else "Reject"
    name = _name(text)
    if name in ("", "ExceptionWithTraceback"):
        name = _name(last)
    ended = _EXIT.search(last) if name == LOST_PROCESS else None
    return f"{name}: {ended[1]}" if ended else name


def _name(text: str) -> str:
    found = _ERROR.match(text)
    return found[1] if found else ""

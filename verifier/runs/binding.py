"""Which run an attempt belongs to."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import quote, unquote

import msgspec

from verifier.runs.attempt import Attempt
from verifier.runs.declaration import Schedule
from verifier.runs.instant import format_instant, parse_instant, to_microseconds
from verifier.runs.signal import ANONYMOUS, ENDS, Kind, Lane, Signal
from verifier.runs.slots import bind


class RunKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """A logical run: job, occurrence and partition.

    ``occurrence`` is the due instant in RFC 3339, or ``~ATTEMPT`` for an attempt
    that was made by hand and answers for no due instant. ``partition`` is ""
    where the run is of the whole job.
    """

    job: str
    occurrence: str
    partition: str = ""

    @property
    def due(self) -> datetime | None:
        """The due instant, or None for a run without a slot."""
        return None if self.occurrence.startswith("~") else _instant(self.occurrence)

    @property
    def path(self) -> str:
        """``job/DUE[/partition]``, as people write it."""
        path = f"{self.job}/{quote(self.occurrence, safe='~:')}"
        return f"{path}/{quote(self.partition, safe='')}" if self.partition else path

    @property
    def run_id(self) -> str:
        """Opaque, the same wherever it is computed, in order of due."""
        return _run_id(self)


# Many runs have the same due instant, and one is looked up more than once.
_instant = lru_cache(maxsize=4096)(parse_instant)
_occurrence = lru_cache(maxsize=4096)(format_instant)


@lru_cache(maxsize=8192)
def _run_id(key: RunKey) -> str:
    due = key.due
    seconds = 0 if due is None else max(0, to_microseconds(due) // 1_000_000)
    name = "\0".join((key.job, key.occurrence, key.partition)).encode()
    return f"r{seconds:010x}{blake2b(name, digest_size=7).hexdigest()}"


def parse_path(text: str) -> RunKey:
    """The run that ``job/DUE[/partition]`` or ``job/~ATTEMPT`` names.

    DUE may carry any offset. Raises ``ValueError`` where it names no run.
    """
    job, _, rest = text.partition("/")
    occurrence, _, partition = rest.partition("/")
    occurrence = unquote(occurrence)
    if not job or not occurrence:
        raise ValueError(f"expected job/DUE[/partition], found {text[:80]!r}")
    if not occurrence.startswith("~"):
        occurrence = format_instant(parse_instant(occurrence))
    return RunKey(job, occurrence, unquote(partition))


def run_key(attempt: Attempt, schedule_at: Callable[[datetime], Schedule]) -> RunKey | None:
    """The run of ``attempt``; None while only an inferred loss is known of it.

    An explicit due wins. Else an attempt made by hand is a run of its own, and any
    other is bound to the slot of its start, or of its earliest signal, in the
    schedule declared at that time.
    """
    if attempt.anonymous:
        return parse_path(f"{attempt.job}/{attempt.attempt.removeprefix(ANONYMOUS)}")
    partition = attempt.partition.value if attempt.partition else ""
    if attempt.due is not None:
        return RunKey(attempt.job, format_instant(attempt.due.value), partition)
    if attempt.lane is not None and attempt.lane.value is Lane.MANUAL:
        return RunKey(attempt.job, f"~{attempt.attempt}", partition)
    anchor = attempt.started or attempt.first_said
    if anchor is None:
        return None
    due = bind(schedule_at(anchor), anchor)
    return RunKey(attempt.job, _occurrence(due), partition)


def anonymous_attempt(due: datetime, partition: str | None) -> str:
    """The id of the one anonymous attempt of a run."""
    name = ANONYMOUS + format_instant(due)
    return f"{name}/{quote(partition, safe='')}" if partition else name


def bind_anonymous(
    signals: Sequence[Signal], schedule_at: Callable[[datetime], Schedule]
) -> dict[str, datetime]:
    """The due instant of each signal of one job and partition that names no attempt.

    ``signals`` are in order of (at, id), from a start on (or from the beginning).
    A start opens its slot; what follows belongs to it until an end has closed it,
    so an end after the next slot is still an end of the run that began. What comes
    while none is open is bound by its own time. An explicit due always wins.
    """
    opened: datetime | None = None
    dues: dict[str, datetime] = {}
    for signal in signals:
        own = signal.due or bind(schedule_at(signal.at), signal.at)
        if signal.kind is Kind.STARTED:
            opened = own
        due = signal.due or opened or own
        dues[signal.id] = due
        if signal.kind in ENDS and due == opened:
            opened = None
    return dues

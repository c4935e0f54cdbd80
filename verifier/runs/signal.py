"""A signal: one thing that somebody said about an attempt of a job."""

from datetime import datetime
from enum import StrEnum

import msgspec

SILENCE = "silence/"
"""Prefix of the ids of losses inferred from silence; nobody else may use it."""

ANONYMOUS = "~"
"""Prefix of the ids of attempts that gave themselves none; nobody else may use it."""


class Kind(StrEnum):
    """What a signal says; the order is that of an attempt's life."""

    CREATED = "created"
    DISPATCHED = "dispatched"
    CLAIMED = "claimed"
    STARTED = "started"
    HEARTBEAT = "heartbeat"
    PROGRESS = "progress"
    EFFECT = "effect"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    LOST = "lost"
    SKIPPED = "skipped"


ENDS = frozenset({Kind.SUCCEEDED, Kind.FAILED, Kind.CANCELLED, Kind.TIMED_OUT, Kind.LOST})
"""Kinds after which an attempt does no more."""


class Lane(StrEnum):
    """Why an attempt was made."""

    LIVE = "live"
    BACKFILL = "backfill"
    RERUN = "rerun"
    MANUAL = "manual"


class EndProof(StrEnum):
    """How we know that an ended attempt cannot write any more; strongest first."""

    EXIT = "exit"
    PID_GONE = "pid_gone"
    REBOOTED = "rebooted"
    WORKER_GONE = "worker_gone"
    OPERATOR = "operator"
    NONE = "none"


class EffectNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The job's own word on whether an effect has begun.

    Without ``surface`` it speaks of all surfaces. A job that says ``begun: false``
    promises to say ``begun: true`` before it touches the destination.
    """

    begun: bool
    surface: str | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """How far the work got, in the job's own unit."""

    done: float | None = None
    total: float | None = None
    checkpoint: str | None = None


class Signal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One signal, checked and with its id; instants are UTC.

    ``id`` is unique within the job: the same id again is the same signal.
    ``skewed`` says that ``at`` lay in the future when it was received. ``output`` is
    the end of what the attempt printed, where whoever tells has that. There are very
    many and none holds another, so the garbage collector need not look at them.
    """

    job: str
    kind: Kind
    at: datetime
    id: str
    due: datetime | None = None
    partition: str | None = None
    lane: Lane | None = None
    attempt: str | None = None
    worker: str | None = None
    reason: str | None = None
    exit_code: int | None = None
    lease_until: datetime | None = None
    next_retry_at: datetime | None = None
    end_proof: EndProof | None = None
    effect: EffectNote | None = None
    progress: Progress | None = None
    labels: dict[str, str] | None = None
    output: str | None = None
    skewed: bool = False

    @property
    def inferred(self) -> bool:
        """Whether we said it ourselves, from silence."""
        return self.id.startswith(SILENCE)

"""What a source is: how a scheduler is heard, whichever it is.

A type of source is a class, found through the entry points of ``landed.sources``. One
that is *polled* is asked again and again; one that *streams* is listened to. Either
is run on a thread of its own by the engine, and hands what it hears to its feed.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import msgspec

from verifier.checks.remark import Remark
from verifier.config.source import BindingModel, SourceModel
from verifier.intake.receipt import Receipt, RejectCode
from verifier.runs.declaration import History
from verifier.runs.signal import Signal

S = TypeVar("S", bound=SourceModel)
B = TypeVar("B", bound=BindingModel)
B_co = TypeVar("B_co", bound=BindingModel, covariant=True)


class SourceUnavailable(Exception):
    """A source cannot be heard now; the text says why, and has no secret in it.

    ``retry_after``: how long it asked to be left alone.
    """

    def __init__(self, why: str, retry_after: timedelta | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class BoundJob(msgspec.Struct, Generic[B_co], frozen=True, kw_only=True):
    """A job that is bound to a source: what the scheduler calls it, and its schedules."""

    name: str
    binding: B_co
    history: History


class JobSkeleton(msgspec.Struct, frozen=True, kw_only=True):
    """A job that a scheduler has, for a person to finish.

    ``scheduler``: the keys that bind it, without ``source``. ``schedule``: as
    ``landed.yaml`` has it; None where the scheduler does not tell. ``comments``: what
    else is known, for people. ``further``: other keys that are known of the job.
    """

    name: str
    scheduler: Mapping[str, str]
    schedule: Mapping[str, Any] | None = None
    comments: Sequence[str] = ()
    further: Mapping[str, Any] = {}


class Feed(Protocol[B_co]):
    """What a source is given while it is heard; used by the one thread that hears it.

    Methods that write raise ``LedgerUnavailable``: let it pass. What was not kept is
    asked for again from the last cursor.
    """

    @property
    def source(self) -> str:
        """The name of the source in ``landed.yaml``."""

    @property
    def jobs(self) -> Sequence[BoundJob[B_co]]:
        """The jobs that are bound to it; the same object until one changes."""

    @property
    def cursor(self) -> str | None:
        """The cursor that was kept last; None before the first."""

    @property
    def heard_until(self) -> datetime | None:
        """Up to when everything was heard, as kept last; None before the first."""

    @property
    def stopping(self) -> bool:
        """Whether it is to end now."""

    def now(self) -> datetime:
        """The present instant."""

    def wait(self, length: timedelta) -> bool:
        """Wait for that long, or until it is to end; whether it is."""

    def take(
        self,
        signals: Sequence[Signal],
        *,
        cursor: str | None = None,
        heard_until: datetime | None = None,
    ) -> Receipt:
        """Hand signals in; what was accepted is durable when this returns.

        ``cursor``, where to go on from, and ``heard_until`` are kept in the same
        transaction as the last of them. The same signal again is a duplicate.
        """

    def heard(self, until: datetime) -> None:
        """Tell that all that was said up to ``until`` is in; kept every few seconds."""

    def lost(self, since: datetime, until: datetime) -> None:
        """Tell that what was said in between can never be had."""

    def refuse(self, code: RejectCode, count: int = 1, example: str = "") -> None:
        """Count input that was kept out; ``example`` is logged, so no secret may be in it."""

    def clock_offset(self, ahead: timedelta) -> None:
        """Tell how far the clock of the scheduler is ahead of ours."""


class Source(ABC, Generic[S, B]):
    """A scheduler to hear. To make one connects to nothing.

    ``scheduler``: the word for it in figures. ``discovers``: what ``landed discover``
    calls it. ``dialect``: by whose rules its cron expressions are read where a job
    does not say. ``of_host``: whether what it reads is of the host that reads it, so
    that replicas on other hosts would hear something else. ``example``: settings to begin
    with, beside the type.
    """

    scheduler: ClassVar[str]
    discovers: ClassVar[str]
    model: ClassVar[type[SourceModel]]
    binding: ClassVar[type[BindingModel]]
    dialect: ClassVar[str] = "debian"
    example: ClassVar[Mapping[str, str]] = {}
    of_host: ClassVar[bool] = False

    def __init__(self, settings: S) -> None:
        self.settings = settings

    @property
    @abstractmethod
    def contact_within(self) -> timedelta:
        """How long it may go unheard before its silence proves nothing."""

    @abstractmethod
    def examine(self, jobs: Sequence[BoundJob[B]], now: datetime) -> Iterator[Remark]:
        """Whether it can be heard, what versions and rights it has, what it will not tell.

        Raises nothing for a scheduler that is away: that is a remark. Bounded in time.
        """

    @classmethod
    @abstractmethod
    def discover(cls, settings: S | None) -> Iterator[JobSkeleton | Remark]:
        """What is scheduled there; ``settings`` are None where no such source is declared.

        A remark names what is left out.

        Raises ``SourceUnavailable`` where that cannot be told.
        """

    def close(self) -> None:
        """Let go of what is open; it may be heard again."""
        return


POLL_SLACK = timedelta(seconds=5)

LEAST_CONTACT = timedelta(seconds=15)
"""A source may always go unheard that long: what is heard is kept every few seconds only."""


class PolledSource(Source[S, B]):
    """A source that is asked again and again for what is new."""

    @property
    @abstractmethod
    def every(self) -> timedelta:
        """The time between two polls."""

    @property
    def contact_within(self) -> timedelta:
        """Two polls may fail before its silence proves nothing."""
        return max(3 * self.every + POLL_SLACK, LEAST_CONTACT)

    @abstractmethod
    def poll(self, feed: Feed[B], now: datetime) -> None:
        """Ask once, and hand in all that is new since the feed's cursor.

        Raises ``SourceUnavailable``.
        """


class StreamingSource(Source[S, B]):
    """A source that tells by itself as long as somebody listens."""

    @property
    def contact_within(self) -> timedelta:
        """``Feed.heard`` is called at least that often while all is well."""
        return LEAST_CONTACT

    @abstractmethod
    def listen(self, feed: Feed[B]) -> None:
        """Listen until the feed is to end.

        To return or raise before that says that contact was lost. Raises
        ``SourceUnavailable``.
        """

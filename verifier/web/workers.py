"""Threads for calls that block, so that the event loop never does."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from verifier.intake.writer import Ticket, Writer
from verifier.ledger.signals import Batch
from verifier.web.problems import HttpProblem, ProblemKind

Answer = TypeVar("Answer")


class Workers:
    """At most ``threads`` calls at once, and ``waiting`` more that wait for a thread."""

    def __init__(self, threads: int, waiting: int) -> None:
        self._limiter = CapacityLimiter(threads)
        self._waiting = waiting

    async def run(self, call: Callable[[], Answer]) -> Answer:
        """What ``call`` returns or raises.

        Once begun it goes on to its end, whether or not the client is still there.
        Raises ``HttpProblem`` (busy) where too many wait already.
        """
        if self._limiter.statistics().tasks_waiting >= self._waiting:
            raise HttpProblem(ProblemKind.BUSY, f"{self._waiting} requests of this kind wait")
        return await run_sync(call, abandon_on_cancel=True, limiter=self._limiter)


class Crew:
    """The workers of each kind of work, so that none of them starves another."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.signals = Workers(threads=4, waiting=512)
        self.guard = Workers(threads=16, waiting=256)
        self.reads = Workers(threads=8, waiting=256)
        self.verify = Workers(threads=4, waiting=16)
        self.scrapes = Workers(threads=2, waiting=16)

    async def written(self, batch: Batch) -> int:
        """How many signals of ``batch`` were new, once they are on the disk.

        Raises ``Full``, and ``LedgerUnavailable`` where nothing of it was kept.
        """
        loop = asyncio.get_running_loop()
        ticket = Asking(batch, loop)
        self._writer.submit(ticket)
        # After all that came in with this one: they gather for one commit.
        loop.call_soon(self._writer.flush)
        return await ticket.answer


class Asking(Ticket):
    """A batch that a request waits for, on the event loop."""

    __slots__ = ("answer",)

    def __init__(self, batch: Batch, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(batch, _teller(loop))
        self.answer: asyncio.Future[int] = loop.create_future()

    def settle(self) -> None:
        """Let the request go on, if it is still there."""
        if self.answer.done():
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.accepted)


@lru_cache(maxsize=8)
def _teller(loop: asyncio.AbstractEventLoop) -> Callable[[Sequence[Ticket]], None]:
    """Tells all that wait on ``loop`` at once; a loop that has ended needs no answer."""

    def tell(tickets: Sequence[Ticket]) -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, tickets)

    return tell


def _settle(tickets: Sequence[Ticket]) -> None:
    for ticket in tickets:
        if isinstance(ticket, Asking):
            ticket.settle()

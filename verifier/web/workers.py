"""Threads for calls that block, so that the event loop never does."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

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

    def __init__(self) -> None:
        self.signals = Workers(threads=64, waiting=512)
        self.guard = Workers(threads=16, waiting=256)
        self.reads = Workers(threads=8, waiting=256)
        self.verify = Workers(threads=4, waiting=16)
        self.scrapes = Workers(threads=2, waiting=16)

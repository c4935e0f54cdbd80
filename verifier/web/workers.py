"""Threads for calls that block, so that the event loop never does."""

import asyncio
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from verifier.intake.writer import Writer
from verifier.ledger.signals import Batch
from verifier.web.gathering import Gathering
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
        self._gathering = lru_cache(maxsize=8)(partial(Gathering, writer))
        self.signals = Workers(threads=4, waiting=512)
        self.guard = Workers(threads=16, waiting=256)
        self.reads = Workers(threads=8, waiting=256)
        self.verify = Workers(threads=4, waiting=16)
        self.scrapes = Workers(threads=2, waiting=16)

    async def written(self, batch: Batch) -> int:
        """How many signals of ``batch`` were new, once they are on the disk.

        Raises ``Full``, and ``LedgerUnavailable`` where nothing of it was kept.
        """
        return await self._gathering(asyncio.get_running_loop()).written(batch)

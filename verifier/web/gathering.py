"""When requests have their signals written: together, once no more of them come in.

Those who were answered by one commit ask again at once. If the next one began with who
waited meanwhile, there would be two halves for ever, each in the other's way: twice the
commits, made while the event loop wants to run too.
"""

import asyncio
from collections.abc import Callable, Sequence

from verifier.intake.writer import Ticket, Writer
from verifier.ledger.signals import Batch

LONGEST_SECONDS = 0.005
"""How long is waited while more come in with every turn of the event loop."""


class Gathering:
    """Has ``writer`` commit what the requests of one event loop bring."""

    def __init__(self, writer: Writer, loop: asyncio.AbstractEventLoop) -> None:
        self._writer = writer
        self._loop = loop
        self._came = 0
        self._looking = False

    async def written(self, batch: Batch) -> int:
        """How many signals of ``batch`` were new, once they are on the disk.

        Raises ``Full``, and ``LedgerUnavailable`` where nothing of it was kept.
        """
        ticket = Asking(batch, self._tell, self._loop.create_future())
        self._writer.submit(ticket)
        self._came += 1
        self._begin()
        return await ticket.answer

    def _tell(self, tickets: Sequence[Ticket]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._settle, tickets)
        except RuntimeError:
            # The loop has ended and needs no answer; who waits on another one does.
            self._writer.flush()

    def _settle(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            if isinstance(ticket, Asking):
                ticket.settle()
        self._begin()

    def _begin(self) -> None:
        if not self._looking:
            self._looking = True
            self._loop.call_soon(self._look, self._loop.time() + LONGEST_SECONDS, None)

    def _look(self, until: float, came: int | None) -> None:
        """Write, if none came since the last look, or if some have for too long."""
        if self._came != came and self._loop.time() < until:
            self._loop.call_soon(self._look, until, self._came)
            return
        self._looking = False
        if self._writer.ready:
            self._writer.flush()


class Asking(Ticket):
    """A batch that a request waits for."""

    __slots__ = ("answer",)

    def __init__(
        self, batch: Batch, tell: Callable[[Sequence[Ticket]], None], answer: asyncio.Future[int]
    ) -> None:
        super().__init__(batch, tell)
        self.answer = answer

    def settle(self) -> None:
        """Let the request go on, if it is still there."""
        if self.answer.done():
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.accepted)

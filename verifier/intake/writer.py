"""The writer: commits together what has gathered, then tells everyone who waits.

A commit costs the same for one signal as for a thousand. So nobody commits alone:
while one commit is under way others gather for the next, which begins when somebody
says that all have come.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import datetime
from itertools import groupby
from threading import Lock

import structlog

from verifier.intake.door import Watch
from verifier.ledger.errors import LedgerUnavailable
from verifier.ledger.ledger import Ledger
from verifier.ledger.signals import Batch

GROUP = 2_000
"""Signals in one commit, unless a single batch has more."""

WAITING = 50_000
"""Signals that may wait for their commit; some 50 MB."""

log = structlog.get_logger()


class Full(LedgerUnavailable):
    """More waits to be written than may; nothing was taken."""


class Ticket:
    """One batch that waits to be written, and then what became of it.

    ``tell`` is called on the writer's thread, once for all tickets of a commit that
    have the same; ``error`` is why nothing of the batch was kept, if so.
    """

    __slots__ = ("accepted", "batch", "error", "tell")

    def __init__(self, batch: Batch, tell: Callable[[Sequence["Ticket"]], None]) -> None:
        self.batch = batch
        self.tell = tell
        self.accepted = 0
        self.error: Exception | None = None


class Writer:
    """Takes batches from any thread and commits them on its own.

    As many commits are under way at once as the ledger can use: one of a file. Of a
    server two, since while it works on one the next is made ready here.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Callable[[], datetime],
        *,
        watch: Watch | None = None,
        waiting: int = WAITING,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._watch = watch
        self._most = waiting
        self._queue: deque[Ticket] = deque()
        self._waiting = 0
        self._due = 0
        self._writing = 0
        self._lock = Lock()
        self._threads = ThreadPoolExecutor(ledger.writers, thread_name_prefix="writer")

    def submit(self, ticket: Ticket) -> None:
        """Have a batch written after ``flush``; raises ``Full``."""
        count = len(ticket.batch.signals)
        with self._lock:
            if self._waiting and self._waiting + count > self._most:
                raise Full(f"{self._waiting} signals wait to be written: try again later")
            self._queue.append(ticket)
            self._waiting += count

    @property
    def ready(self) -> bool:
        """Whether something waits, and there is a reason to write it now."""
        with self._lock:
            return self._is_ready()

    def _is_ready(self) -> bool:
        if not self._writing:
            return bool(self._queue)
        # Beside a commit that is under way only what makes one that is worth it.
        return self._waiting >= GROUP

    def flush(self) -> None:
        """Have all that waits now written; begin with it at once if there is a hand free."""
        with self._lock:
            self._due = len(self._queue)
            if not self._is_ready() or self._writing >= self._ledger.writers:
                return
            self._writing += 1
        try:
            self._threads.submit(self._write_all)
        except RuntimeError as error:
            self._give_up(error)

    def _write_all(self) -> None:
        while True:
            tickets = self._gathered()
            try:
                if tickets:  # another hand may have taken all of them
                    self._write(tickets)
            except Exception as error:
                # Whoever waits must hear something, and the next ones must have their turn.
                log.exception("writer_failed")
                for ticket in tickets:
                    ticket.error = error
            # Before anyone is told, who may then want to have more written.
            ended = self._has_ended(tickets)
            self._tell(tickets)
            if ended:
                return

    def _has_ended(self, tickets: Sequence[Ticket]) -> bool:
        told = {each.tell for each in tickets}
        with self._lock:
            # Who is told sees to what waits; nobody else knows that a commit has ended.
            if self._due or (self._queue and self._queue[0].tell not in told):
                return False
            self._writing -= 1
            return True

    def _give_up(self, error: RuntimeError) -> None:
        """There is no thread to write with: tell all who wait, rather than keep them waiting."""
        with self._lock:
            self._writing -= 1
            tickets = list(self._queue)
            self._queue.clear()
            self._waiting = self._due = 0
        for ticket in tickets:
            ticket.error = LedgerUnavailable(f"nothing can be written now: {error}")
        self._tell(tickets)

    def _gathered(self) -> list[Ticket]:
        """What the next commit takes: what is due, and what else there is room for."""
        tickets: list[Ticket] = []
        count = 0
        with self._lock:
            while self._queue:
                size = len(self._queue[0].batch.signals)
                if tickets and count + size > GROUP:
                    break
                tickets.append(self._queue.popleft())
                count += size
            self._waiting -= count
            self._due = max(0, self._due - len(tickets))
        return tickets

    def _write(self, tickets: Sequence[Ticket]) -> None:
        try:
            with self._watch.committing() if self._watch else nullcontext():
                batches = [each.batch for each in tickets]
                accepted = self._ledger.append_group(batches, self._clock())
        except LedgerUnavailable as error:
            for ticket in tickets:
                ticket.error = error
        except Exception as error:
            if len(tickets) == 1:
                log.exception("batch_not_written")
                tickets[0].error = error
                return
            # One batch that cannot be written must not keep the others from it.
            for ticket in tickets:
                self._write([ticket])
        else:
            for ticket, count in zip(tickets, accepted, strict=True):
                ticket.accepted = count
            self._count(batches)

    def _count(self, batches: Sequence[Batch]) -> None:
        try:
            for source, told in groupby(batches, key=lambda each: each.source):
                if self._watch:
                    self._watch.took(source, [one.kind for each in told for one in each.signals])
        except Exception:
            # They are on the disk, whatever becomes of the figures.
            log.exception("signals_not_counted")

    def _tell(self, tickets: Sequence[Ticket]) -> None:
        for tell, told in groupby(tickets, key=lambda each: each.tell):
            try:
                tell(list(told))
            except Exception:
                log.exception("answer_not_told")

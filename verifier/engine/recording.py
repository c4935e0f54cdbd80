"""Keeping what destinations answered: one commit for all that came meanwhile."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from threading import BoundedSemaphore

import msgspec
import structlog

from verifier.ledger.errors import Conflict, LedgerUnavailable
from verifier.ledger.evaluations import Answered
from verifier.ledger.ledger import Ledger

TOGETHER = 50
"""Answers in one commit at most."""

WAITING = 500
"""Answers that may wait for theirs; who has one more waits with it."""

log = structlog.get_logger()


class Entry(msgspec.Struct, frozen=True):
    """An answer, the ledger as it may be written, and whom to tell that it was dealt with."""

    ledger: Ledger
    answered: Answered
    done: Callable[[], None]


class Recorder:
    """Takes answers from any thread and keeps them on its own.

    One that could not be kept is told in the log: its run stays awake, and is asked again.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="record")
        self._waiting: deque[Entry] = deque()
        self._room = BoundedSemaphore(WAITING)

    def keep(self, entry: Entry) -> None:
        """Have an answer kept soon."""
        self._room.acquire()
        self._waiting.append(entry)
        self._thread.submit(self._keep_gathered)

    def close(self) -> None:
        """Keep what waits, and end."""
        self._thread.shutdown(wait=True)

    def _keep_gathered(self) -> None:
        entries = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
        for ledger, alike in groupby(entries, key=lambda entry: entry.ledger):
            self._keep(ledger, list(alike))
        for entry in entries:
            self._room.release()
            entry.done()

    def _keep(self, ledger: Ledger, entries: Sequence[Entry]) -> None:
        answers = [entry.answered for entry in entries]
        try:
            ledger.record_all(answers, max(each.evaluation.finished_at for each in answers))
        except LedgerUnavailable as error:
            if isinstance(error, Conflict) and len(entries) > 1:
                self._keep_apart(ledger, entries)
                return
            for each in answers:
                log.warning("evaluation_not_recorded", run=each.key.path, error=str(error))
        except Exception:
            if len(entries) > 1:
                self._keep_apart(ledger, entries)
                return
            log.exception("evaluation_failed", run=answers[0].key.path)

    def _keep_apart(self, ledger: Ledger, entries: Sequence[Entry]) -> None:
        """One that cannot be kept must not keep the others from it."""
        for entry in entries:
            self._keep(ledger, [entry])

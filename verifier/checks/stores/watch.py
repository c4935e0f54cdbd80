"""How long a statement may go on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from threading import Event, Lock, Timer
from time import monotonic, sleep

from verifier.checks.reason import UnknownReason

Cancel = Callable[[], None]
"""Ends a running statement; called from another thread, and allowed to fail."""

_SERVERS_OWN_LIMIT_COMES_FIRST = timedelta(milliseconds=500)
"""A server that keeps its own time leaves a connection that can be used again."""

_NO_REACTION_SECONDS = 2.0


class Stop:
    """Says, once and for all, that no session of a store may go on."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._over = False
        self._running: list[Cancel] = []

    def is_set(self) -> bool:
        """Whether it was said."""
        return self._over

    def set(self) -> None:
        """Says it, and ends every running statement."""
        with self._lock:
            self._over = True
            running = list(self._running)
        for cancel in running:
            _quietly(cancel)

    @contextmanager
    def ends(self, cancel: Cancel) -> Iterator[None]:
        """Calls ``cancel`` if it is said in the meantime, or was before."""
        with self._lock:
            self._running.append(cancel)
            over = self._over
        if over:
            _quietly(cancel)
        try:
            yield
        finally:
            with self._lock:
                self._running.remove(cancel)


class Watch:
    """Tells a running statement when to give up: its time is over, or we stop.

    One watch belongs to one session; ``stopped`` is shared by all of a store.
    """

    def __init__(self, limit: timedelta, stopped: Stop) -> None:
        self.limit = limit
        self._stopped = stopped
        self._deadline = float("inf")

    @contextmanager
    def running(
        self, cancel: Cancel, hang_up: Cancel, at_most: timedelta | None = None
    ) -> Iterator[None]:
        """A statement runs, and its rows are read; no longer than ``at_most``, where given.

        When its time is over ``cancel`` ends it, and ``hang_up`` where that has no effect.
        """
        done = Event()

        def end() -> None:
            _quietly(cancel)
            if not done.wait(_NO_REACTION_SECONDS):
                _quietly(hang_up)

        limit = self.limit if at_most is None else min(self.limit, at_most)
        self._deadline = monotonic() + limit.total_seconds()
        patience = limit + _SERVERS_OWN_LIMIT_COMES_FIRST
        timer = Timer(patience.total_seconds(), end)
        timer.daemon = True
        timer.start()
        try:
            with self._stopped.ends(cancel):
                yield
        finally:
            done.set()
            timer.cancel()
            self._deadline = float("inf")

    def wait(self, seconds: float) -> bool:
        """Waits, unless it is over by then; whether one may go on."""
        if self.over() is not None or monotonic() + seconds > self._deadline:
            return False
        sleep(seconds)
        return self.over() is None

    def over(self) -> UnknownReason | None:
        """Why the statement must give up, or None while it may go on."""
        if self._stopped.is_set():
            return UnknownReason.INTERRUPTED
        return UnknownReason.TIMED_OUT if monotonic() > self._deadline else None


def _quietly(cancel: Cancel) -> None:
    with suppress(Exception):
        cancel()

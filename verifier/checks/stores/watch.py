"""How long a statement may go on."""

from datetime import timedelta
from threading import Event
from time import monotonic

from verifier.checks.reason import UnknownReason


class Watch:
    """Tells a running statement when to give up: its time is over, or we stop.

    One watch belongs to one session; ``stopped`` is shared by all of a store.
    """

    def __init__(self, limit: timedelta, stopped: Event) -> None:
        self.limit = limit
        self._stopped = stopped
        self._deadline = float("inf")

    def start(self) -> None:
        """The next statement begins now."""
        self._deadline = monotonic() + self.limit.total_seconds()

    def over(self) -> UnknownReason | None:
        """Why the statement must give up, or None while it may go on."""
        if self._stopped.is_set():
            return UnknownReason.INTERRUPTED
        return UnknownReason.TIMED_OUT if monotonic() > self._deadline else None

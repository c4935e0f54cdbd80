"""Where time comes from: the outermost loops pass these in, and tests pass their own."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event

Clock = Callable[[], datetime]
"""Gives the present instant, aware and in UTC."""

Wait = Callable[[timedelta], None]
"""Returns once that much of the clock's time has passed."""


def system_clock() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


def system_wait(length: timedelta) -> None:
    """Sleep; a length below zero is none."""
    time.sleep(max(0.0, length.total_seconds()))


class Stopping(Exception):
    """The program ends, so what was waited for will not be seen here."""


def wait_unless(stopping: Event) -> Wait:
    """A wait that raises ``Stopping`` as soon as that event is set."""

    def wait(length: timedelta) -> None:
        if stopping.wait(max(0.0, length.total_seconds())):
            raise Stopping("the verifier is stopping: ask again when it is back")

    return wait

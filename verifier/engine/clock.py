"""Where time comes from: the outermost loops pass these in, and tests pass their own."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

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

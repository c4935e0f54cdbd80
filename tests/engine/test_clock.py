"""Waits that end when the program does."""

from datetime import timedelta
from threading import Event

import pytest

from verifier.engine.clock import Stopping, wait_unless


def test_a_wait_ends_at_once_when_the_program_stops() -> None:
    stopping = Event()
    wait = wait_unless(stopping)
    wait(timedelta(milliseconds=1))
    wait(timedelta(seconds=-1))
    stopping.set()
    with pytest.raises(Stopping, match="ask again"):
        wait(timedelta(hours=1))

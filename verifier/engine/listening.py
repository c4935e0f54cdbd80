"""When we were listening; silence from a time when we were not proves nothing."""

from datetime import datetime, timedelta

from verifier.ledger.ledger import Ledger
from verifier.ledger.sources import NATIVE

GAP = timedelta(seconds=15)
"""Time between two signs of our own life above which we count as having been away."""


def resume(ledger: Ledger, now: datetime, grace: timedelta) -> bool:
    """Begin to listen after a time away; whether there was one.

    The time since the last sign of life becomes a blind window. Spools have
    ``grace`` to bring what happened in it; only then does its silence count.
    """
    last = ledger.last_listening(NATIVE)
    ledger.listening(NATIVE, now)
    if last is None or now - last <= GAP:
        return False
    ledger.blind(NATIVE, since=last, until=now, caught_up_at=now + grace)
    return True


def still_here(ledger: Ledger, now: datetime, grace: timedelta) -> None:
    """Tell that we listen; a gap since the last time (a suspended host) is a blind window."""
    resume(ledger, now, grace)

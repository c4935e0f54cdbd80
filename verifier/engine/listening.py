"""When we were listening; silence from a time when we were not proves nothing.

A source is heard by whichever process hears it, so of several that serve one ledger each may
be away while another one is there.
"""

from datetime import datetime, timedelta

from verifier.ledger.ledger import Ledger
from verifier.ledger.sources import NATIVE

GAP = timedelta(seconds=15)
"""Time between two signs of life above which we count as having been away."""

SIGN_EVERY = timedelta(seconds=5)
"""How often we tell that we listen."""


def still_here(ledger: Ledger, now: datetime, grace: timedelta) -> bool:
    """Tell that we listen at ``now``; whether nobody did for a while.

    The time since the last sign of life of anyone becomes a blind window: we were away,
    or the host was suspended. Spools have ``grace`` to bring what happened in it; only
    then does its silence count.
    """
    return ledger.hear(NATIVE, now, gap=GAP, caught_up_at=now + grace)


def own_up(ledger: Ledger, now: datetime, grace: timedelta) -> bool:
    """The same before silence is judged; nothing is written where a sign was told just now."""
    last = ledger.last_listening(NATIVE)
    if last is not None and last <= now < last + 2 * SIGN_EVERY:
        return False
    return still_here(ledger, now, grace)


def nobody_listens(ledger: Ledger, now: datetime) -> datetime | None:
    """Own up for others, without listening: since when nobody does, None where somebody does.

    The blind window stays open: silence proves nothing until somebody has caught up.
    """
    last = ledger.last_listening(NATIVE)
    if last is None:
        ledger.listening(NATIVE, now)
        return None
    if now - last <= GAP:
        return None
    if all(window.since != last for window in ledger.windows(NATIVE)):
        ledger.blind(NATIVE, since=last, until=None, caught_up_at=None)
    return last

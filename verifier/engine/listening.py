"""When we were listening; silence from a time when we were not proves nothing.

A source is heard by whichever process hears it, so of several that serve one ledger each may
be away while another one is there.
"""

from datetime import datetime, timedelta

from verifier.ledger.ledger import Ledger
from verifier.ledger.sources import NATIVE
from verifier.runs.dues import first_expected

GAP = timedelta(seconds=15)
"""Time between two signs of life above which we count as having been away."""

SIGN_EVERY = timedelta(seconds=5)
"""How often we tell that we listen."""


def still_here(ledger: Ledger, now: datetime, grace: timedelta) -> bool:
    """Tell that we listen at ``now``; whether nobody did for a while.

    The time since the last sign of life of anyone becomes a blind window: we were away,
    or the host was suspended; before the first of all, since something was expected. Spools
    have ``grace`` to bring what happened in it; only then does its silence count.
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

    Where nobody ever did, that is since something was expected first. The blind window stays
    open: silence proves nothing until somebody has caught up.
    """
    last = ledger.last_listening(NATIVE)
    if last is not None and now - last <= GAP:
        return None
    goes_on = [each.since for each in ledger.windows(NATIVE) if each.until is None]
    since = last or min([first_expected(ledger.histories().values(), now), *goes_on])
    if since not in goes_on:
        ledger.blind(NATIVE, since=since, until=None, caught_up_at=None)
    return since

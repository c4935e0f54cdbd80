"""Whose turn it is: of several processes that serve one ledger, one sweeps it.

The one that does holds a lease, and renews it. Whoever waits takes it over once nobody has
renewed it for a while, by the clock of the one who waits: clocks may differ as they like. One
that was stopped meanwhile, and goes on as if nothing had been, writes nothing any more: the
ledger looks at the lease in each transaction.
"""

from datetime import datetime, timedelta

import structlog

from verifier.ledger.leases import NOBODY, Lease
from verifier.ledger.ledger import Ledger

SWEEPS = "sweeps"
"""The name of the lease: due instants, silence, and looks at the destination."""

LENGTH = timedelta(seconds=15)
"""How long a lease lasts that nobody renews."""

RENEWED_EARLY = 3
"""How many times in its length it is renewed."""

BEHIND = timedelta(minutes=1)
"""How far a clock may be behind the one before: so long nobody sweeps; more is no mishap."""

DIFFERENT = timedelta(seconds=5)
"""How far clocks may be apart before somebody should know."""

log = structlog.get_logger()


class Turn:
    """The part of one process in it; to be asked again and again, by one thread.

    ``holder`` names the process. A ledger that one process alone may serve is its own at
    once, whoever had it before.
    """

    def __init__(self, ledger: Ledger, holder: str, length: timedelta = LENGTH) -> None:
        self._ledger = ledger
        self._holder = holder
        self._length = length
        self._mine: Lease | None = None
        self._renewed: datetime | None = None
        self._seen: Lease | None = None
        self._since: datetime | None = None

    def lease(self, now: datetime) -> Lease | None:
        """The lease, if it is this one's turn at ``now``; raises ``LedgerUnavailable``."""
        if self._mine is None:
            self._mine = self._take_over(now)
        elif self._renewed is None or not _within(self._renewed, now, self._length / RENEWED_EARLY):
            self._mine = self._ledger.renew_lease(self._mine, _reached(self._mine, now))
            if self._mine is None:
                log.warning("lease_lost", lease=SWEEPS)
        else:
            return self._mine
        self._renewed = now
        return self._mine

    def give_back(self) -> None:
        """Let another one have it at once."""
        lease, self._mine = self._mine, None
        if lease is not None:
            self._ledger.give_back(lease)

    def lost(self) -> None:
        """It turned out to be another one's turn."""
        self._mine = None

    def _take_over(self, now: datetime) -> Lease | None:
        """The lease, where nobody holds it, or nobody has renewed it for its length."""
        seen = self._ledger.lease(SWEEPS)
        if seen != self._seen or self._since is None:
            self._compare_clocks(seen, now)
            self._seen, self._since = seen, now
        free = seen is None or seen.holder == NOBODY or not self._ledger.shared
        if not free and _within(self._since, now, self._length):
            return None
        at = now if seen is None else _reached(seen, now)
        lease = self._ledger.take_lease(SWEEPS, self._holder, at, seen)
        if lease is not None:
            log.info("lease_taken", lease=SWEEPS, token=lease.token)
        return lease

    def _compare_clocks(self, seen: Lease | None, now: datetime) -> None:
        """Warn where the holder, who has just renewed it, has another time than we."""
        if seen is None or self._seen is None or seen.token != self._seen.token:
            return
        if abs(seen.at - now) > DIFFERENT:
            log.warning("clocks_differ", seconds=round((seen.at - now).total_seconds()))


def _within(since: datetime, now: datetime, length: timedelta) -> bool:
    """Whether ``now`` is less than ``length`` after ``since``, by a clock that was not set back."""
    return since <= now < since + length


def _reached(lease: Lease, now: datetime) -> datetime:
    """Up to which instant sweeps have come: it does not go back when clocks differ a little."""
    return lease.at if now < lease.at <= now + BEHIND else now

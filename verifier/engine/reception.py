"""Which process hears the sources: of several that serve one ledger, the one that sweeps it.

Two that read the same scheduler would each keep how far they came, and where one of them cannot
reach it, tell of a silence that there is none of.
"""

from threading import Lock

from verifier.config.config import Config
from verifier.engine.clock import Clock
from verifier.engine.hearing import Hearings
from verifier.intake.door import Watch
from verifier.ledger.leases import Lease
from verifier.ledger.ledger import Ledger


class Reception:
    """The sources of the configuration, heard by this process while it holds the lease."""

    def __init__(self, ledger: Ledger, clock: Clock, watch: Watch | None, config: Config) -> None:
        self._ledger = ledger
        self._clock = clock
        self._watch = watch
        self._config = config
        self._token: int | None = None
        self._hearings: Hearings | None = None
        self._lock = Lock()

    def follow(self, lease: Lease | None) -> None:
        """Hear while there is a lease; each begins where the one before came to."""
        token = None if lease is None else lease.token
        with self._lock:
            if token == self._token:
                return
            self._stop()
            if lease is not None:
                self._hearings = Hearings(self._ledger.under(lease), self._clock, self._watch)
                self._hearings.apply(self._config)
            self._token = token

    def apply(self, config: Config) -> None:
        """Hear the sources of ``config`` from now on."""
        with self._lock:
            self._config = config
            if self._hearings is not None:
                self._hearings.apply(config)

    def look(self) -> None:
        """See which of them are silent for too long."""
        with self._lock:
            if self._hearings is not None:
                self._hearings.look(self._clock())

    def interrupt(self) -> None:
        """Have them end soon."""
        hearings = self._hearings
        if hearings is not None:
            hearings.interrupt()

    def stop(self) -> None:
        """Have them end."""
        with self._lock:
            self._stop()
            self._token = None

    def _stop(self) -> None:
        hearings, self._hearings = self._hearings, None
        if hearings is not None:
            hearings.stop()

"""The loops of a running ``serve``: the only place where the engine meets the clock."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Event

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from verifier.engine.clock import Clock
from verifier.exporters.exposition import Turns
from verifier.ledger.errors import LedgerUnavailable

log = structlog.get_logger()

Step = Callable[[datetime], bool | None]
"""One turn of a loop, told the present instant; whether the next one is due at once."""


class Loops:
    """Runs each step over and over, each on its own, never twice at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._scheduler = BackgroundScheduler(timezone="UTC")
        self._turns: dict[str, Turns] = {}
        self._stopping = Event()

    @property
    def turns(self) -> Mapping[str, Turns]:
        """How often each loop turns, and when a turn was last completed."""
        return dict(self._turns)

    def add(self, name: str, step: Step, every: timedelta, *, at_once: bool = False) -> None:
        """Call ``step`` every so often; what it could not record it does next time.

        Where it has more to do it is called again at once.

        The first turn is after the first interval, or ``at_once``.
        """
        self._turns[name] = Turns(every, None)
        self._scheduler.add_job(
            self._turn,
            "interval",
            args=(name, step),
            seconds=every.total_seconds(),
            id=name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
            **({"next_run_time": self._clock()} if at_once else {}),
        )

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def stop(self) -> None:
        """Wait for the turns under way, and end."""
        self._stopping.set()
        self._scheduler.shutdown(wait=True)

    def _turn(self, name: str, step: Step) -> None:
        while self._take(name, step) and not self._stopping.is_set():
            pass

    def _take(self, name: str, step: Step) -> bool:
        now = self._clock()
        try:
            more = step(now)
        except LedgerUnavailable as error:
            log.warning("ledger_unavailable", loop=name, error=str(error))
        except Exception:
            # A loop that ends is a verifier that goes silent: it must go on.
            log.exception("loop_failed", loop=name)
        else:
            self._turns[name] = Turns(self._turns[name].every, now)
            return bool(more)
        return False

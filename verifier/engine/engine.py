"""The engine: what time alone brings about, done in ticks."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from threading import Lock

import structlog

from verifier.engine.assess import assess
from verifier.engine.clock import Clock, Stopping
from verifier.engine.due import sweep_due
from verifier.engine.fleet import Fleet
from verifier.ledger.errors import LedgerUnavailable
from verifier.ledger.ledger import Ledger
from verifier.runs.binding import RunKey
from verifier.runs.evaluation import Cause
from verifier.runs.lifecycle import infer_loss
from verifier.runs.standing import standing

AWAKE = 500
"""Runs that one tick looks at; the rest wait for the next one."""

log = structlog.get_logger()


class Engine:
    """Sweeps due instants and silence, and asks the destination when it is time.

    Evaluations run on ``workers`` threads, so that a slow store holds up neither the
    sweeps nor the checks of other stores; a run is asked by one thread at a time.
    """

    def __init__(self, ledger: Ledger, fleet: Fleet, clock: Clock, workers: int = 4) -> None:
        self._ledger = ledger
        self._fleet = fleet
        self._clock = clock
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="assess")
        self._asking: dict[RunKey, Future[None]] = {}
        self._lock = Lock()

    def tick(self, now: datetime) -> None:
        """Do everything that is due at ``now``; evaluations are only begun."""
        sweep_due(self._ledger, now)
        for key in self._ledger.awake(now, AWAKE):
            try:
                self._attend(key, now)
            except LedgerUnavailable:
                raise
            except Exception:
                # One run that cannot be judged must not keep the others from it.
                log.exception("run_not_attended", run=key.path)

    def settle(self, timeout: float | None = None) -> None:
        """Wait until the evaluations that were begun have ended."""
        with self._lock:
            begun = list(self._asking.values())
        wait(begun, timeout)

    def close(self) -> None:
        """Begin no more evaluations, cut short those under way, and wait for them."""
        self._fleet.stores.interrupt()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _attend(self, key: RunKey, now: datetime) -> None:
        """What one run that woke up needs: its silence told, or its destination asked."""
        with self._lock:
            if key in self._asking:
                return
        facts = self._ledger.facts(key, now)
        losses = [
            loss
            for attempt in facts.attempts
            if (loss := infer_loss(attempt, facts.declaration, key.due, now)) is not None
        ]
        if losses:
            self._ledger.append(losses, source="silence", received_at=now)
            facts = self._ledger.facts(key, now)
        look = standing(facts, now).next_look
        if look is not None and look.at <= now:
            self._begin(key, look.cause)
        else:
            self._ledger.sleep(key, now)

    def _begin(self, key: RunKey, cause: Cause) -> None:
        with self._lock:
            future = self._pool.submit(_logged, self._ask, key, cause)
            self._asking[key] = future
        future.add_done_callback(lambda _: self._done(key))

    def _ask(self, key: RunKey, cause: Cause) -> None:
        assess(self._ledger, self._fleet, key, cause, self._clock)

    def _done(self, key: RunKey) -> None:
        with self._lock:
            self._asking.pop(key, None)


def _logged(ask: Callable[[RunKey, Cause], None], key: RunKey, cause: Cause) -> None:
    """A failure to record is logged; the run stays awake and is asked again."""
    try:
        ask(key, cause)
    except (LedgerUnavailable, Stopping) as error:
        log.warning("evaluation_not_recorded", run=key.path, error=str(error))
    except Exception:
        log.exception("evaluation_failed", run=key.path)

"""The engine: what time alone brings about, done in ticks."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from threading import Lock

import structlog

from verifier.engine.assess import assess
from verifier.engine.clock import Clock, Stopping
from verifier.engine.due import DueSweep
from verifier.engine.fleet import Fleet
from verifier.ledger.errors import LedgerUnavailable
from verifier.ledger.ledger import Ledger
from verifier.ledger.restand import Judged
from verifier.runs.binding import RunKey
from verifier.runs.contact import heard_at
from verifier.runs.evaluation import Cause
from verifier.runs.lifecycle import infer_loss
from verifier.runs.signal import Signal

AWAKE = 200
"""Runs that are looked at together."""

PIECES = 20
"""How many times that in one tick at most; the rest waits for the next one."""

TURN = timedelta(milliseconds=100)
"""After this long a tick ends: who sends signals is waiting, who reads lists can wait."""

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
        self._due = DueSweep(ledger)
        self._asking: dict[RunKey, Future[None]] = {}
        self._lock = Lock()

    def tick(self, now: datetime) -> None:
        """Do everything that is due at ``now``; evaluations are only begun."""
        self._due.sweep(now)
        for _ in range(PIECES):
            keys = self._awake(now)
            self._attend(keys, now)
            if len(keys) < AWAKE or self._clock() - now > TURN:
                break

    def settle(self, timeout: float | None = None) -> None:
        """Wait until the evaluations that were begun have ended."""
        with self._lock:
            begun = list(self._asking.values())
        wait(begun, timeout)

    def close(self) -> None:
        """Begin no more evaluations, cut short those under way, and wait for them."""
        self._fleet.stores.interrupt()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _awake(self, now: datetime) -> list[RunKey]:
        """The runs that are awake, but for those whose destination is being asked."""
        with self._lock:
            asking = set(self._asking)
        found = self._ledger.awake(now, AWAKE + len(asking))
        return [key for key in found if key not in asking][:AWAKE]

    def _attend(self, keys: Sequence[RunKey], now: datetime) -> None:
        """What runs that woke up need; one that fails keeps no other from its turn."""
        try:
            self._attend_to(keys, now)
        except LedgerUnavailable:
            raise
        except Exception:
            if len(keys) == 1:
                log.exception("run_not_attended", run=keys[0].path)
                return
            for key in keys:
                self._attend([key], now)

    def _attend_to(self, keys: Sequence[RunKey], now: datetime) -> None:
        """Judge what woke up, tell of silence, and ask the destinations that are to be asked."""
        judged = self._ledger.judge(keys, now)
        silent = {
            key: losses for key in keys if key in judged and (losses := _losses(judged[key], now))
        }
        if silent:
            said = [loss for losses in silent.values() for loss in losses]
            self._ledger.append(said, source="silence", received_at=now)
            judged |= self._ledger.judge(silent, now)
        for key in keys:
            look = judged[key].standing.next_look if key in judged else None
            if look is not None and look.at <= now:
                self._begin(key, look.cause)

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


def _losses(judged: Judged, now: datetime) -> list[Signal]:
    """What is to be inferred from the silence of a run's own attempts, as far as we hear."""
    facts = judged.facts
    heard = heard_at(facts.contact, now)
    found = (infer_loss(each, facts.declaration, facts.key.due, heard) for each in facts.attempts)
    return [loss for loss in found if loss is not None]


def _logged(ask: Callable[[RunKey, Cause], None], key: RunKey, cause: Cause) -> None:
    """A failure to record is logged; the run stays awake and is asked again."""
    try:
        ask(key, cause)
    except (LedgerUnavailable, Stopping) as error:
        log.warning("evaluation_not_recorded", run=key.path, error=str(error))
    except Exception:
        log.exception("evaluation_failed", run=key.path)

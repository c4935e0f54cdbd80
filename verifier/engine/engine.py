"""The engine: what time alone brings about, done in ticks."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Lock
from uuid import uuid4

import structlog

from verifier.engine.assess import assess
from verifier.engine.clock import Clock, Stopping
from verifier.engine.due import DueSweep
from verifier.engine.fleet import Fleet
from verifier.engine.turn import LENGTH, Turn
from verifier.ledger.errors import LeaseLost, LedgerUnavailable
from verifier.ledger.leases import Lease
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

    Of several processes that serve one ledger one does so, while it holds the lease: a
    lease that nobody renews lasts for ``lease_for``. Evaluations run on ``workers``
    threads, so that a slow store holds up neither the sweeps nor the checks of other
    stores; a run is asked by one thread at a time.
    """

    def __init__(
        self,
        ledger: Ledger,
        fleet: Fleet,
        clock: Clock,
        workers: int = 4,
        lease_for: timedelta = LENGTH,
    ) -> None:
        self._ledger = ledger
        self._fleet = fleet
        self._clock = clock
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="assess")
        self._turn = Turn(ledger, uuid4().hex, lease_for)
        self._sweeps: Sweeps | None = None
        self._asking: dict[RunKey, Future[None]] = {}
        self._lock = Lock()

    def tick(self, now: datetime) -> None:
        """Do everything that is due at ``now``; evaluations are only begun.

        Nothing where it is another process's turn.
        """
        sweeps = self._taken(now)
        if sweeps is None:
            return
        try:
            sweeps.due.sweep(now)
            for _ in range(PIECES):
                keys = self._awake(now)
                self._attend(sweeps.ledger, keys, now)
                if len(keys) < AWAKE or self._clock() - now > TURN:
                    break
        except LeaseLost as error:
            log.warning("sweep_not_recorded", error=str(error))
            self._turn.lost()
            self._sweeps = None

    @property
    def lease(self) -> Lease | None:
        """The lease under which this process sweeps; None while another one does."""
        sweeps = self._sweeps
        return None if sweeps is None else sweeps.lease

    def _taken(self, now: datetime) -> "Sweeps | None":
        """What sweeps are done with at ``now``; None where they are not ours to do."""
        lease = self._turn.lease(now)
        if lease is None:
            self._sweeps = None
            return None
        if self._sweeps is None or self._sweeps.lease.token != lease.token:
            self._sweeps = Sweeps(self._ledger, lease)
        # By the clock of the one before it has been swept up to an instant yet to come.
        return None if now < lease.at else self._sweeps

    def settle(self, timeout: float | None = None) -> None:
        """Wait until the evaluations that were begun have ended."""
        with self._lock:
            begun = list(self._asking.values())
        wait(begun, timeout)

    def close(self) -> None:
        """Begin no more evaluations, cut short those under way, and wait for them."""
        self._fleet.stores.interrupt()
        self._pool.shutdown(wait=True, cancel_futures=True)
        with suppress(LedgerUnavailable):
            self._turn.give_back()

    def _awake(self, now: datetime) -> list[RunKey]:
        """The runs that are awake, but for those whose destination is being asked."""
        with self._lock:
            asking = set(self._asking)
        return self._ledger.awake(now, AWAKE, but=asking)

    def _attend(self, ledger: Ledger, keys: Sequence[RunKey], now: datetime) -> None:
        """What runs that woke up need; one that fails keeps no other from its turn."""
        try:
            self._attend_to(ledger, keys, now)
        except LedgerUnavailable:
            raise
        except Exception:
            if len(keys) == 1:
                log.exception("run_not_attended", run=keys[0].path)
                return
            for key in keys:
                self._attend(ledger, [key], now)

    def _attend_to(self, ledger: Ledger, keys: Sequence[RunKey], now: datetime) -> None:
        """Judge what woke up, tell of silence, and ask the destinations that are to be asked."""
        judged = ledger.judge(keys, now)
        silent = {
            key: losses for key in keys if key in judged and (losses := _losses(judged[key], now))
        }
        if silent:
            said = [loss for losses in silent.values() for loss in losses]
            ledger.append(said, source="silence", received_at=now)
            judged |= ledger.judge(silent, now)
        for key in keys:
            look = judged[key].standing.next_look if key in judged else None
            if look is not None and look.at <= now:
                self._begin(ledger, key, look.cause, now)

    def _begin(self, ledger: Ledger, run: RunKey, cause: Cause, now: datetime) -> None:
        """Ask about a run; all its partitions are asked about at once, and once."""
        key = self._fleet.asked_as(run, now)

        def ask() -> None:
            assess(ledger, self._fleet, run, cause, self._clock)

        with self._lock:
            if key in self._asking:
                return
            future = self._pool.submit(_logged, ask, key)
            self._asking[key] = future
        future.add_done_callback(lambda _: self._done(key))

    def _done(self, key: RunKey) -> None:
        with self._lock:
            self._asking.pop(key, None)


class Sweeps:
    """What one tenure sweeps with: the ledger as it may write it, and how far it has come."""

    def __init__(self, ledger: Ledger, lease: Lease) -> None:
        self.lease = lease
        self.ledger = ledger.under(lease)
        self.due = DueSweep(self.ledger)


def _losses(judged: Judged, now: datetime) -> list[Signal]:
    """What is to be inferred from the silence of a run's own attempts, as far as we hear."""
    facts = judged.facts
    heard = heard_at(facts.contact, now)
    found = (infer_loss(each, facts.declaration, facts.key.due, heard) for each in facts.attempts)
    return [loss for loss in found if loss is not None]


def _logged(ask: Callable[[], None], key: RunKey) -> None:
    """A failure to record is logged; the run stays awake and is asked again."""
    try:
        ask()
    except (LedgerUnavailable, Stopping) as error:
        log.warning("evaluation_not_recorded", run=key.path, error=str(error))
    except Exception:
        log.exception("evaluation_failed", run=key.path)

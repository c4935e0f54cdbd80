"""The engine: what time alone brings about, done in ticks."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from threading import Condition
from uuid import uuid4

import structlog

from verifier.engine.assess import inquire
from verifier.engine.clock import Clock, Stopping
from verifier.engine.due import DueSweep
from verifier.engine.fleet import Fleet
from verifier.engine.recording import Entry, Recorder
from verifier.engine.turn import LENGTH, Turn
from verifier.ledger.errors import Conflict, LeaseLost, LedgerUnavailable
from verifier.ledger.leases import Lease
from verifier.ledger.ledger import Ledger
from verifier.ledger.restand import Judged
from verifier.ledger.runs import whole_job
from verifier.runs.binding import RunKey
from verifier.runs.contact import heard_at
from verifier.runs.evaluation import Cause
from verifier.runs.lifecycle import infer_loss
from verifier.runs.signal import Signal

TOGETHER = 200
"""Runs that are judged in one transaction: whoever sends signals waits for its end."""

ROUND = 50_000
"""Runs that one round looks at; what is beyond them the next one does."""

ASKING = 20_000
"""Runs whose turn to be asked about may be yet to come; of more it is only noted that they wait."""

TURN = timedelta(milliseconds=100)
"""After this long a tick ends, and what is left of its round is for the next one."""

POURING = 50
"""Signals that come during one tick at which the rest of it can wait: their senders do."""

PATIENCE = timedelta(seconds=30)
"""For so long a round gives way to signals that pour in; then its runs have waited enough."""

CROWDED = ASKING // 2
"""While more runs are being asked about, those that wait for their turn are seldom looked at."""

LATE = timedelta(seconds=5)
"""By so much a run may be known later than the instant at which it woke up."""

log = structlog.get_logger()


class Engine:
    """Sweeps due instants and silence, and asks the destination when it is time.

    Of several processes that serve one ledger one does so, while it holds the lease: a
    lease that nobody renews lasts for ``lease_for``. Evaluations run on ``workers``
    threads, so that a slow store holds up neither the sweeps nor the checks of other
    stores; a run is asked by one thread at a time. What was answered is kept by one more.
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
        self._recorder = Recorder()
        self._asking: set[RunKey] = set()
        self._owed: set[RunKey] = set()
        self._changed = Condition()

    def tick(self, now: datetime) -> bool:
        """Do what is due at ``now``, for a moment; whether there is more to do at once.

        While signals pour in there is not, for a while: who sends them waits for the same
        processor and the same locks, and what is judged then is soon judged again.
        Evaluations are only begun. Nothing is done where it is another process's turn.
        """
        taken = self._ledger.taken
        sweeps = self._taken(now)
        if sweeps is None:
            return False
        sweeps.now = now
        if sweeps.round is None:
            sweeps.round, sweeps.began = self._round(sweeps), now
        # One that fails is over, and the next tick begins another.
        round_, sweeps.round = sweeps.round, None
        try:
            for _ in round_:
                if self._clock() - now > TURN:
                    sweeps.round = round_
                    pouring = self._ledger.taken - taken >= POURING
                    return not pouring or now - sweeps.began >= PATIENCE
        except LeaseLost as error:
            log.warning("sweep_not_recorded", error=str(error))
            self._turn.lost()
            self._sweeps = None
        return False

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
            self._sweeps = Sweeps(self._ledger, lease, now)
        # By the clock of the one before it has been swept up to an instant yet to come.
        return None if now < lease.at else self._sweeps

    def settle(self, timeout: float | None = None) -> None:
        """Wait until the evaluations that were begun have ended."""
        with self._changed:
            begun = set(self._asking)
            self._changed.wait_for(lambda: begun.isdisjoint(self._asking), timeout)

    def close(self) -> None:
        """Begin no more evaluations, cut short those under way, and wait for them."""
        self._fleet.stores.interrupt()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._recorder.close()
        with suppress(LedgerUnavailable):
            self._turn.give_back()

    def _round(self, sweeps: "Sweeps") -> Iterator[None]:
        """One look at all that is due, piece by piece; each run that is awake has its turn."""
        yield from sweeps.due.sweep(sweeps.now)
        awake = iter(self._awake(sweeps))
        while keys := list(islice(awake, TOGETHER)):
            self._attend(sweeps.ledger, self._not_asked(keys), sweeps.now)
            yield

    def _awake(self, sweeps: "Sweeps") -> list[RunKey]:
        """The runs that are awake; no other waits to be asked about any more.

        While there is little room to ask about more, they are mostly those that wait for it:
        then only those that woke up since the last look, and all of them after a while.
        """
        now, since = sweeps.now, sweeps.all_seen_at
        with self._changed:
            crowded = len(self._asking) > CROWDED
        if crowded and since is not None and now - since < PATIENCE:
            awake = self._ledger.awake(now, ROUND, sweeps.seen_until)
        else:
            awake = self._ledger.awake(now, ROUND)
            sweeps.all_seen_at = now
            if len(awake) < ROUND:
                with self._changed:
                    self._owed.intersection_update(awake)
        last = self._ledger.row(awake[-1]) if len(awake) == ROUND else None
        sweeps.seen_until = min(now, (last and last.wake_at) or now - LATE)
        return awake

    def _not_asked(self, keys: Sequence[RunKey]) -> list[RunKey]:
        """Those that are not being asked about, be it with all partitions.

        Nor are they known to wait for that: of these as many as there is room for. So a
        store that is slow, or gone, keeps no run that needs no answer of it from its turn.
        """
        with self._changed:
            room = ASKING - len(self._asking)
            found = []
            for key in keys:
                if key in self._asking or whole_job(key) in self._asking:
                    continue
                if key in self._owed:
                    if room <= 0:
                        continue
                    room -= 1
                    self._owed.discard(key)
                found.append(key)
            return found

    def _attend(self, ledger: Ledger, keys: Sequence[RunKey], now: datetime) -> None:
        """What runs that woke up need; one that fails keeps no other from its turn."""
        if not keys:
            return
        try:
            self._attend_to(ledger, keys, now)
        except Exception as error:
            if isinstance(error, LedgerUnavailable) and not isinstance(error, Conflict):
                raise
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
        with self._changed:
            if key in self._asking:
                return
            if len(self._asking) >= ASKING:
                self._owed.add(run)
                return
            self._asking.add(key)
        self._pool.submit(self._ask, ledger, run, cause, partial(self._done, key))

    def _ask(self, ledger: Ledger, run: RunKey, cause: Cause, done: Callable[[], None]) -> None:
        """A failure is logged; the run stays awake and is asked again."""
        try:
            answered = inquire(ledger, self._fleet, run, cause, self._clock)
        except (LedgerUnavailable, Stopping) as error:
            log.warning("evaluation_not_recorded", run=run.path, error=str(error))
            done()
        except Exception:
            log.exception("evaluation_failed", run=run.path)
            done()
        else:
            self._recorder.keep(Entry(ledger, answered, done))

    def _done(self, key: RunKey) -> None:
        with self._changed:
            self._asking.discard(key)
            self._changed.notify_all()


class Sweeps:
    """What one tenure sweeps with: the ledger as it may write it, and how far it has come."""

    def __init__(self, ledger: Ledger, lease: Lease, now: datetime) -> None:
        self.lease = lease
        self.now = now
        self.round: Iterator[None] | None = None
        self.began = now
        self.all_seen_at: datetime | None = None
        self.seen_until = now
        self.ledger = ledger.under(lease)
        self.due = DueSweep(self.ledger)


def _losses(judged: Judged, now: datetime) -> list[Signal]:
    """What is to be inferred from the silence of a run's own attempts, as far as we hear."""
    facts = judged.facts
    heard = heard_at(facts.contact, now)
    found = (infer_loss(each, facts.declaration, facts.key.due, heard) for each in facts.attempts)
    return [loss for loss in found if loss is not None]

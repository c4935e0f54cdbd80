"""What a running ``serve`` consists of beside its web server: the service and its loops."""

import signal
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from types import TracebackType
from typing import Self

import structlog

from verifier.catalogue.label import Loop
from verifier.checks.stores.registry import Stores
from verifier.cli.where import Where
from verifier.config.config import Config
from verifier.config.problem import ConfigError, errors_of
from verifier.engine.clock import Clock, system_clock, wait_unless
from verifier.engine.engine import Engine
from verifier.engine.fleet import Fleet
from verifier.engine.guarding import Gatekeeper
from verifier.engine.listening import SIGN_EVERY, own_up, still_here
from verifier.engine.loops import Loops
from verifier.engine.reception import Reception
from verifier.engine.retention import Keeper
from verifier.engine.service import Service
from verifier.engine.turn import LENGTH
from verifier.ledger.errors import LedgerUnavailable
from verifier.ledger.ledger import Ledger
from verifier.signals.spool import sweep_spool

SPOOL_EVERY = timedelta(seconds=2)
RELOAD_EVERY = timedelta(seconds=1)
METRICS_EVERY = timedelta(seconds=5)
RETENTION_EVERY = timedelta(seconds=1)

LEASE_TICKS = 3
"""A lease lasts for this many ticks at least; all that serve one ledger tick alike."""

STORES_KEPT = 2
"""Those in use, and those of the configuration before: a check may still be asking them."""

log = structlog.get_logger()


class Sidecar:
    """An open ledger, its engine, and the loops that drive it; to be used with ``with``.

    It registers what is declared, owns up to the time when nobody listened, and reads
    the configuration again when SIGHUP comes. Raises ``LedgerError``.
    """

    def __init__(
        self, where: Where, config: Config, tick: timedelta, clock: Clock = system_clock
    ) -> None:
        self._where = where
        self._clock = clock
        self._tick = tick
        self._reload_asked = Event()
        self._stopping = Event()
        self._closing = ExitStack()
        self._config = config
        with ExitStack() as opening:
            ledger = opening.enter_context(Ledger.open(config.ledger, clock()))
            stores = Stores(config.stores)
            self._stores = [stores]
            opening.callback(self._close_stores)
            self._fleet = Fleet(config, ledger, stores)
            gatekeeper = Gatekeeper(ledger, self._fleet, clock)
            opening.callback(gatekeeper.close)
            self._engine = Engine(
                ledger, self._fleet, clock, lease_for=max(LENGTH, LEASE_TICKS * tick)
            )
            opening.callback(self._engine.close)
            self._keeper = Keeper(ledger, self._fleet, clock, wait_unless(self._stopping))
            self.service = Service(
                ledger, self._fleet, gatekeeper, clock, wait_unless(self._stopping)
            )
            self._reception = Reception(ledger, clock, self.service.exposition.meters, config)
            opening.callback(self._reception.stop)
            self._closing = opening.pop_all()

    def __enter__(self) -> Self:
        now = self._clock()
        try:
            self._fleet.register(now)
            if still_here(self.service.ledger, now, self._config.startup_grace):
                log.info("was_away", grace_seconds=self._config.startup_grace.total_seconds())
            loops = Loops(self._clock)
            loops.add(Loop.LISTENING, self._listen, SIGN_EVERY)
            loops.add(Loop.SPOOL, self._sweep_spool, SPOOL_EVERY)
            loops.add(Loop.TICK, self._sweep, self._tick)
            loops.add(Loop.RELOAD, self._reload, RELOAD_EVERY)
            loops.add(Loop.RETENTION, self._prune, RETENTION_EVERY)
            loops.add(Loop.METRICS, partial(self._measure, loops), METRICS_EVERY, at_once=True)
            before = signal.signal(signal.SIGHUP, lambda _number, _frame: self._reload_asked.set())
            self._closing.callback(signal.signal, signal.SIGHUP, before)
            loops.start()
            self._closing.callback(loops.stop)
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.close()

    def interrupt(self) -> None:
        """Cut short what asks stores or waits to, so that a stop need not wait for it."""
        self._stopping.set()
        self._reception.interrupt()
        self._fleet.stores.interrupt()

    def _measure(self, loops: Loops, now: datetime) -> None:
        self.service.take_figures(loops.turns, now)

    def _listen(self, now: datetime) -> None:
        still_here(self.service.ledger, now, self._config.startup_grace)
        self._reception.look()

    def _sweep(self, now: datetime) -> bool:
        # After a host was suspended the other loop may not have had its turn yet.
        own_up(self.service.ledger, now, self._config.startup_grace)
        try:
            return self._engine.tick(now)
        finally:
            self._reception.follow(self._engine.lease)

    def _prune(self, now: datetime) -> None:
        if self._engine.lease is not None:
            self._keeper.turn(now)

    def _sweep_spool(self, _now: datetime) -> None:
        sweep_spool(self._where.spool, self.service.receive)

    def _reload(self, now: datetime) -> None:
        """Read the configuration again, if that was asked for; a bad one changes nothing."""
        if not self._reload_asked.is_set():
            return
        self._reload_asked.clear()
        try:
            config = self._where.load_config()
        except ConfigError as error:
            for problem in error.problems:
                log.warning("configuration_refused", problem=str(problem))
            self.service.reload.refused(now, list(map(str, errors_of(error.problems))))
            return
        for name in ("ledger", "listen", "tokens"):
            if getattr(config, name) != getattr(self._config, name):
                log.warning("needs_a_restart", setting=name)
        stores = Stores(config.stores)
        self._stores.append(stores)
        while len(self._stores) > STORES_KEPT:
            self._stores.pop(0).close()
        self._config = config
        self._fleet.replace(config, stores)
        try:
            self._fleet.register(now)
            self._reception.apply(config)
        except LedgerUnavailable:
            self._reload_asked.set()
            raise
        self.service.reload.taken()
        log.info("configuration_loaded", digest=config.digest, jobs=len(config.jobs))

    def _close_stores(self) -> None:
        for stores in self._stores:
            stores.close()

"""What keeps the verifier from hearing and asking: its ledger, each source, each store.

Nothing is written, and nothing is waited for longer than ``within``.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from threading import Thread
from time import monotonic

import msgspec

from verifier.checks.remark import Level, Remark
from verifier.checks.stores.registry import Stores
from verifier.checks.stores.sql import SqlStoreConfig
from verifier.config.config import Config
from verifier.engine.hearing import bound_jobs, open_source
from verifier.engine.names import examine_names
from verifier.exec import landed_exec
from verifier.intake.strangers import meant
from verifier.ledger.address import database_at
from verifier.ledger.errors import LedgerError
from verifier.ledger.migrate import HEAD, version_of
from verifier.runs.declaration import Declared, History
from verifier.signals.source import SourceUnavailable

WITHIN = timedelta(seconds=30)

Ask = Callable[[], Iterable[Remark]]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One remark, and what it is about.

    That is ``ledger``, ``sources.NAME``, ``stores.NAME`` or ``spool``.
    """

    subject: str
    level: Level
    message: str
    hint: str | None


def examine(
    config: Config,
    stores: Stores,
    now: datetime,
    within: timedelta = WITHIN,
    *,
    spool: str | None = None,
) -> list[Finding]:
    """Everything that was found, in the order of the configuration; all are asked at once.

    ``spool``: the directory in which wrappers of this host keep what is not delivered.
    """
    asked = [_Asked(subject, ask) for subject, ask in _subjects(config, stores, now)]
    if spool is not None:
        asked.append(_Asked("spool", partial(examine_spool, spool, config.jobs)))
    deadline = monotonic() + within.total_seconds()
    return [finding for each in asked for finding in each.findings(deadline)]


def _subjects(config: Config, stores: Stores, now: datetime) -> Iterator[tuple[str, Ask]]:
    yield "ledger", partial(examine_ledger, config.ledger)
    histories = {
        name: History((Declared(valid_from=now, declaration=job.declaration),))
        for name, job in config.jobs.items()
    }
    jobs = bound_jobs(config, histories)
    for name, declared in config.sources.items():
        source, bound = open_source(declared), jobs.get(name, ())
        yield f"sources.{name}", partial(source.examine, bound, now)
    for name in config.stores:
        yield f"stores.{name}", partial(examine_store, config, stores, name, now)


class _Asked:
    """Someone who is being asked, on a thread that keeps nobody from ending."""

    def __init__(self, subject: str, ask: Ask) -> None:
        self._subject = subject
        self._ask = ask
        self._remarks: list[Remark] = []
        self._thread = Thread(target=self._run, name=f"doctor-{subject}", daemon=True)
        self._thread.start()

    def findings(self, deadline: float) -> Iterator[Finding]:
        """What was said by ``deadline``, on the clock of ``monotonic``."""
        self._thread.join(max(0.0, deadline - monotonic()))
        remarks = [*self._remarks]
        if self._thread.is_alive():
            remarks.append(
                Remark(
                    level=Level.ERROR,
                    message="no answer in time; what is above is all that it said",
                    hint="see whether its host can be reached from here",
                )
            )
        for each in remarks:
            yield Finding(
                subject=self._subject, level=each.level, message=each.message, hint=each.hint
            )

    def _run(self) -> None:
        try:
            for remark in self._ask():
                self._remarks.append(remark)
        except SourceUnavailable as error:
            self._remarks.append(Remark(level=Level.ERROR, message=str(error)))
        except Exception as error:
            # Not its text, which may hold a secret.
            place = f"a defect: {type(error).__name__} while it was examined"
            self._remarks.append(Remark(level=Level.ERROR, message=place, hint="please report it"))


def examine_store(config: Config, stores: Stores, name: str, now: datetime) -> Iterator[Remark]:
    """The store itself, then whether it has what checks name there."""
    remarks = stores.get(name).examine()
    yield from remarks
    sql = isinstance(config.stores[name], SqlStoreConfig)
    if sql and all(each.level is not Level.ERROR for each in remarks):
        yield from examine_names(config, stores, name, now)


def examine_spool(spool: str, jobs: Collection[str]) -> Iterator[Remark]:
    """The jobs in the spool that the verifier did not know, and that are not declared yet."""
    for job in sorted(landed_exec.unknown_jobs(spool) - set(jobs)):
        likely = meant(job, jobs)
        yield Remark(
            level=Level.WARNING,
            message=f"nobody declared {job}, which runs on this host: what it tells waits here",
            hint=f"did you mean {likely}?" if likely else "declare it in landed.yaml",
        )


def examine_ledger(url: str) -> Iterator[Remark]:
    """Whether the ledger at ``url`` can be reached, and what its schema is."""
    try:
        database = database_at(url)
    except LedgerError as error:
        yield Remark(level=Level.ERROR, message=str(error))
        return
    try:
        if not database.exists():
            message = f"no ledger is at {database.name} yet"
            yield Remark(level=Level.NOTE, message=message, hint="`landed serve` makes it")
            return
        with database.read() as connection:
            yield _of_version(version_of(connection, database.name))
    except LedgerError as error:
        yield Remark(level=Level.ERROR, message=str(error))
    finally:
        database.close()


def _of_version(version: str | None) -> Remark:
    if version is None:
        hint = "`landed serve` makes a ledger of it"
        return Remark(level=Level.NOTE, message="the database is empty", hint=hint)
    if version == HEAD:
        return Remark(level=Level.OK, message=f"reachable, with schema {version}")
    if version < HEAD:
        message = f"reachable, with schema {version}; this version works with {HEAD}"
        return Remark(level=Level.NOTE, message=message, hint="`landed ledger migrate` raises it")
    message = f"a newer landed wrote it: its schema is {version[:20]}, this one knows {HEAD}"
    return Remark(level=Level.ERROR, message=message, hint="install that version again")

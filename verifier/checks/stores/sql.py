"""SQL databases: read-only, bounded in time and connections."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from threading import BoundedSemaphore
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from verifier.checks.model import Duration
from verifier.checks.question import Value
from verifier.checks.reason import CannotTell, Fault, UnknownReason
from verifier.checks.remark import Level, Remark
from verifier.checks.sqltext import reads
from verifier.checks.store import StoreKind
from verifier.checks.stores.database import Database, Rows
from verifier.checks.stores.digests import Digests
from verifier.checks.stores.kinds import EXPECTED_URL, database_of, url_problem
from verifier.checks.stores.watch import Stop, Watch

_QUOTED = re.compile(r"""["'`«»\u2018-\u201f\u300c].*["'`«»\u2018-\u201f\u300d]""", re.DOTALL)
"""What a server quotes, as its own language does; a value may hold such signs itself."""


def _usable(secret: SecretStr) -> SecretStr:
    try:
        url = make_url(secret.get_secret_value())
    except (ArgumentError, ValueError):
        # Without the cause: its text holds the URL.
        raise ValueError(EXPECTED_URL) from None
    problem = url_problem(url)
    if problem is not None:
        raise ValueError(problem)
    return secret


class SqlStoreConfig(BaseModel):
    """A SQL database that checks read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Literal["sql"]
    url: Annotated[
        SecretStr,
        AfterValidator(_usable),
        Field(
            description="A SQLAlchemy URL, such as `sqlite:////srv/warehouse.db`, "
            "`postgresql+psycopg://reader@db/shop`, `mysql+pymysql://reader@db/shop` or "
            "`duckdb:////srv/warehouse.duckdb`."
        ),
    ]
    statement_timeout: Annotated[
        Duration, Field(description="The longest that one statement may take.")
    ] = timedelta(seconds=30)
    lock_timeout: Annotated[
        Duration,
        Field(description="The longest that a statement may wait for a lock, such as a migration."),
    ] = timedelta(seconds=5)
    max_concurrency: Annotated[
        int, Field(ge=1, le=100, description="How many connections may be open at a time.")
    ] = 4


class SqlSession:
    """One snapshot of a SQL store; ``snapshot`` is its instant by the store's own clock."""

    kind = StoreKind.SQL

    def __init__(self, connection: Any, database: Database, watch: Watch) -> None:
        self.snapshot: datetime | None = None
        self._connection = connection
        self._database = database
        self._watch = watch
        self._exact: dict[tuple[str, tuple[str, ...]], list[str]] = {}

    def quote(self, name: str) -> str:
        """``name`` as an identifier, quoted where it must be; each part by itself."""
        return self._database.quote(name)

    def exact(self, table: str, columns: Sequence[str]) -> list[str]:
        """``columns`` of ``table`` as expressions that are compared byte by byte."""
        known = (table, tuple(columns))
        if known not in self._exact:
            self._exact[known] = self._database.exact(self.select, table, columns)
        return self._exact[known]

    def hashed(self, table: str, columns: Sequence[str]) -> str | None:
        """A number of 64 bits at most for the values of ``columns``; None where there is none."""
        with self._running():
            return self._database.hashed(self._connection, table, columns)

    @property
    def filters(self) -> bool:
        """Whether figures of some rows are had sooner by ``FILTER`` than by ``CASE``."""
        return self._database.FILTERS

    @property
    def digests(self) -> Digests | None:
        """How the database takes digests of keys; None where it cannot."""
        return self._database.DIGESTS

    def plain(
        self, sql: str, parameters: Mapping[str, object], columns: Sequence[str]
    ) -> list[str] | None:
        """The plain text of ``columns``, which ``sql`` gives; None where that is not certain."""
        digests = self.digests
        if digests is None:
            return None
        with self._asking(sql, parameters) as (statement, values):
            kinds = self._database.kinds(self._connection, statement, values)
        if len(kinds) != len(columns):
            return None
        texts = [
            digests.plain[kind].format(column)
            for kind, column in zip(kinds, columns, strict=True)
            if kind is not None and kind in digests.plain
        ]
        return texts if len(texts) == len(columns) else None

    def bind(self, value: Value) -> object:
        """``value`` as the database binds it."""
        return self._database.bind(value)

    @contextmanager
    def select(self, sql: str, parameters: Mapping[str, object]) -> Iterator[Rows]:
        """Runs ``sql``; raises ``CannotTell`` for whatever the database does not answer."""
        with self._asking(sql, parameters) as (statement, values):
            with self._database.run(self._connection, statement, values) as rows:
                yield rows
            if not self._database.undisturbed(self._connection):
                raise CannotTell(UnknownReason.LOCKED, "it was written to while it was read")

    def tries(self, sql: str, parameters: Mapping[str, object], at_most: timedelta) -> None:
        """Has the database understand ``sql``, within ``at_most``; gives none of its rows."""
        with self._asking(sql, parameters, at_most):
            trial, values = self._database.bound(self._database.trial(sql), parameters)
            with self._database.run(self._connection, trial, values) as rows:
                next(rows, None)
            if not self._database.undisturbed(self._connection):
                raise CannotTell(UnknownReason.LOCKED, "it was written to while it was read")

    @contextmanager
    def _asking(
        self, sql: str, parameters: Mapping[str, object], at_most: timedelta | None = None
    ) -> Iterator[tuple[str, Any]]:
        refusal = self._database.refusal(sql)
        if refusal is not None:
            raise CannotTell(UnknownReason.NOT_READ_ONLY, refusal)
        with self._running(at_most), told(self._database, self._watch, sql):
            yield self._database.bound(sql, parameters)

    @contextmanager
    def _running(self, at_most: timedelta | None = None) -> Iterator[None]:
        with _timed(self._database, self._connection, self._watch, at_most):
            if self._watch.over():
                raise CannotTell(UnknownReason.INTERRUPTED)
            yield


class SqlStore:
    """A SQL database as a store; safe to share between threads."""

    def __init__(self, config: SqlStoreConfig) -> None:
        url = make_url(config.url.get_secret_value())
        self._database = database_of(url, config.statement_timeout, config.lock_timeout)
        self._limit = config.statement_timeout
        self._slots = BoundedSemaphore(config.max_concurrency)
        self._stopped = Stop()

    @contextmanager
    def session(self) -> Iterator[SqlSession]:
        """Opens a snapshot, as soon as a connection is free.

        Raises ``CannotTell`` where none is for as long as a statement may take, and
        where the database cannot be reached.
        """
        with self._connected() as (connection, watch):
            session = SqlSession(connection, self._database, watch)
            with self._snapshot(connection, watch) as session.snapshot:
                yield session

    def probe(self) -> UnknownReason | None:
        """Why the database cannot be asked anything, or None where it can."""
        try:
            with self.session() as session, session.select(self._database.PROBE, {}) as rows:
                for _ in rows:
                    pass
        except CannotTell as error:
            return error.reason
        return None

    def examine(self) -> list[Remark]:
        """What a person should know: whether it can be reached, its version, its rights."""
        try:
            with self.session() as session, session.select(self._database.PROBE, {}):
                pass
            with (
                self._connected() as (connection, watch),
                self._snapshot(connection, watch),
                _timed(self._database, connection, watch),
                told(self._database, watch),
            ):
                return list(self._database.examine(connection))
        except CannotTell as error:
            return [Remark(level=Level.ERROR, message=f"cannot be asked: {error}")]

    def interrupt(self) -> None:
        """Ends every running statement; from now on each one is ``interrupted``."""
        self._stopped.set()

    def close(self) -> None:
        """Interrupts, and lets go of the database."""
        self.interrupt()
        self._database.close()

    @contextmanager
    def _connected(self) -> Iterator[tuple[Any, Watch]]:
        if not self._slots.acquire(timeout=self._limit.total_seconds()):
            raise CannotTell(UnknownReason.TIMED_OUT, "all connections of the store are in use")
        try:
            watch = Watch(self._limit, self._stopped)
            if watch.over():
                raise CannotTell(UnknownReason.INTERRUPTED)
            with told(self._database, watch):
                connection = self._database.connect()
            yield connection, watch
        finally:
            self._slots.release()

    @contextmanager
    def _snapshot(self, connection: Any, watch: Watch) -> Iterator[datetime | None]:
        reading = self._database.reading(connection, watch)
        with _timed(self._database, connection, watch), told(self._database, watch):
            snapshot = reading.__enter__()
        try:
            yield snapshot
        finally:
            reading.__exit__(None, None, None)


def _timed(
    database: Database, connection: Any, watch: Watch, at_most: timedelta | None = None
) -> AbstractContextManager[None]:
    return watch.running(
        lambda: database.cancel(connection), lambda: database.hang_up(connection), at_most
    )


@contextmanager
def told(database: Database, watch: Watch, sql: str | None = None) -> Iterator[None]:
    """Makes ``CannotTell`` of what the driver raises; ``sql`` is the statement run."""
    try:
        yield
    except CannotTell:
        raise
    except Exception as error:
        known = database.reason(error, watch)
        if known is None:
            raise
        reason, detail = known
        if reason is UnknownReason.BAD_QUERY and sql is not None:
            reason = _refusal(sql)
        fault = database.fault(error)
        if fault is Fault.VALUE:
            detail = _QUOTED.sub("…", detail)
        raise CannotTell(reason, detail, fault=fault) from error


def _refusal(sql: str) -> UnknownReason:
    return UnknownReason.BAD_QUERY if reads(sql) else UnknownReason.NOT_READ_ONLY

"""SQL databases, through SQLAlchemy: read-only, bounded in time and connections."""

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from threading import BoundedSemaphore, Event
from typing import Annotated, Any, Literal, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError
from sqlalchemy import Connection, CursorResult, Engine, make_url, text
from sqlalchemy.exc import ArgumentError

from verifier.checks.model import Duration
from verifier.checks.question import Value
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.checks.sqltext import for_sqlalchemy, reads
from verifier.checks.stores.sqlite import SqliteDatabase
from verifier.checks.stores.watch import Watch

_ROWS_A_FETCH = 5_000
_EXPECTED_URL = "expected a URL such as sqlite:////srv/warehouse.db"
_SCHEME = re.compile(r"[a-z][a-z0-9+]{0,29}")


class Database(Protocol):
    """What differs from one kind of database to the next."""

    probe: str
    engine: Engine

    def reading(self, connection: Connection, watch: Watch) -> AbstractContextManager[None]:
        """Holds ``connection`` to one snapshot, to reading, and to its ``watch``."""

    def undisturbed(self, connection: Connection) -> bool:
        """Whether what ``connection`` read so far is one state of the database."""

    def bind(self, value: Value) -> object:
        """``value`` as the database binds it."""

    def exact(self, expression: str) -> str:
        """``expression``, compared byte by byte."""

    def reason(self, error: Exception, watch: Watch) -> tuple[UnknownReason, str] | None:
        """Why ``error`` came, and its text; None where the driver did not raise it."""

    def close(self) -> None:
        """Closes every connection."""


DATABASES = {"sqlite": SqliteDatabase}
"""Each kind of database by the first word of its URL."""


def _usable(secret: SecretStr) -> SecretStr:
    try:
        url = make_url(secret.get_secret_value())
    except (ArgumentError, ValueError):
        # Without the cause: its text holds the URL.
        raise ValueError(_EXPECTED_URL) from None
    if not _SCHEME.fullmatch(url.drivername):
        raise ValueError(_EXPECTED_URL)
    database = DATABASES.get(url.get_backend_name())
    if database is None:
        kind = url.get_backend_name()
        raise PydanticCustomError("not_yet", "not yet supported: {kind}", {"kind": kind})
    problem = database.url_problem(url)
    if problem is not None:
        raise ValueError(problem)
    return secret


class SqlStoreConfig(BaseModel):
    """A SQL store as ``landed.yaml`` declares it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Literal["sql"]
    url: Annotated[
        SecretStr,
        AfterValidator(_usable),
        Field(description="A SQLAlchemy URL. Only SQLite so far: sqlite:////srv/warehouse.db"),
    ]
    statement_timeout: Annotated[
        Duration, Field(description="The longest that one statement may take.")
    ] = timedelta(seconds=30)
    max_concurrency: Annotated[
        int, Field(ge=1, le=100, description="How many connections may be open at a time.")
    ] = 4


class SqlRows:
    """The rows of a running statement."""

    def __init__(self, result: CursorResult[Any]) -> None:
        self.width = len(result.keys())
        # The driver's own cursor: nothing in the rows needs converting, and it is twice as fast.
        self._cursor: Any = result.cursor

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        while rows := self._cursor.fetchmany(_ROWS_A_FETCH):
            yield from rows


class SqlSession:
    """One snapshot of a SQL store."""

    def __init__(self, connection: Connection, database: Database, watch: Watch) -> None:
        self._connection = connection
        self._database = database
        self._watch = watch
        self._preparer = connection.dialect.identifier_preparer

    def quote(self, name: str) -> str:
        """``name`` as an identifier, quoted where it must be; each part by itself."""
        return ".".join(self._preparer.quote(part) for part in name.split("."))

    def exact(self, expression: str) -> str:
        """``expression``, compared byte by byte whatever the column's collation."""
        return self._database.exact(expression)

    def bind(self, value: Value) -> object:
        """``value`` as the database binds it."""
        return self._database.bind(value)

    @contextmanager
    def select(self, sql: str, parameters: Mapping[str, object]) -> Iterator[SqlRows]:
        """Runs ``sql``; raises ``CannotTell`` for whatever the database does not answer."""
        with told(self._database, self._watch, sql):
            self._watch.start()
            statement = text(for_sqlalchemy(sql))
            with self._connection.execute(statement, dict(parameters)) as result:
                if not result.returns_rows:
                    raise CannotTell(_refusal(sql), "the statement gives no rows")
                yield SqlRows(result)
            if not self._database.undisturbed(self._connection):
                raise CannotTell(UnknownReason.LOCKED, "it was written to while it was read")


class SqlStore:
    """A SQL database as a store; safe to share between threads."""

    def __init__(self, config: SqlStoreConfig) -> None:
        url = make_url(config.url.get_secret_value())
        self._database: Database = DATABASES[url.get_backend_name()](url, config.statement_timeout)
        self._limit = config.statement_timeout
        self._slots = BoundedSemaphore(config.max_concurrency)
        self._stopped = Event()

    @contextmanager
    def session(self) -> Iterator[SqlSession]:
        """Opens a snapshot, as soon as a connection is free.

        Raises ``CannotTell`` where none is for as long as a statement may take, and
        where the database cannot be reached.
        """
        if not self._slots.acquire(timeout=self._limit.total_seconds()):
            raise CannotTell(UnknownReason.TIMED_OUT, "all connections of the store are in use")
        try:
            with self._connected() as session:
                yield session
        finally:
            self._slots.release()

    def probe(self) -> UnknownReason | None:
        """Why the database cannot be asked anything, or None where it can."""
        try:
            with self.session() as session, session.select(self._database.probe, {}) as rows:
                for _ in rows:
                    pass
        except CannotTell as error:
            return error.reason
        return None

    def interrupt(self) -> None:
        """Ends every running statement; from now on each one is ``interrupted``."""
        self._stopped.set()

    def close(self) -> None:
        """Interrupts, and closes every connection that is not in use."""
        self.interrupt()
        self._database.close()

    @contextmanager
    def _connected(self) -> Iterator[SqlSession]:
        watch = Watch(self._limit, self._stopped)
        if watch.over():
            raise CannotTell(UnknownReason.INTERRUPTED)
        with told(self._database, watch):
            connection = self._database.engine.connect()
        with connection, self._database.reading(connection, watch):
            yield SqlSession(connection, self._database, watch)


@contextmanager
def told(database: Database, watch: Watch, sql: str | None = None) -> Iterator[None]:
    """Makes ``CannotTell`` of what the driver raises; ``sql`` is the statement run."""
    try:
        yield
    except Exception as error:
        known = database.reason(error, watch)
        if known is None:
            raise
        reason, detail = known
        if reason is UnknownReason.BAD_QUERY and sql is not None:
            reason = _refusal(sql)
        raise CannotTell(reason, detail) from error


def _refusal(sql: str) -> UnknownReason:
    return UnknownReason.BAD_QUERY if reads(sql) else UnknownReason.NOT_READ_ONLY

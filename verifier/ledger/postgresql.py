"""A PostgreSQL database: many writers at once, each of which locks the rows it changes.

Whoever writes locks rows in one order: signals, attempts, runs, tallies, and within a
table by key. So writers wait for each other and never in a circle; a deadlock that
comes about all the same is a ``Conflict``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zlib import crc32

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from verifier.ledger import database
from verifier.ledger.errors import Conflict, LedgerError, LedgerUnavailable

WRITERS = 8
"""How many writes of one process may go on at once."""

STATEMENT_SECONDS = 30
"""How long one statement may take."""

IDLE_SECONDS = 15
"""How long a write may do nothing: one whose process was stopped must not block others."""

MIGRATING = "migrating"

_CONFLICTS = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock."""

_NOT_HAD = "55P03"
"""A lock that was waited for as long as `lock_timeout` has it."""

_READ_ONLY = "25006"
"""The server became a standby: what is written goes to another one from now on."""

_LOCK_SPACE = crc32(b"landed") >> 1
"""Keeps our advisory locks apart from those of others in the same database."""

_ALONE = text("SELECT pg_advisory_xact_lock(:space, :what)")
_SHARED = text("SELECT pg_advisory_xact_lock_shared(:space, :what)")


class PostgresDatabase:
    """Connections to one PostgreSQL database (or to what speaks as one).

    Reads are REPEATABLE READ READ ONLY, so they see one snapshot and wait for nobody.
    Writes are READ COMMITTED: after a lock they see what its holder committed.
    """

    writers = 2
    shared = True

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql+psycopg")
        bare = URL.create("postgresql", host=url.host, port=url.port, database=url.database)
        self.name = bare.render_as_string()
        self._writer = self._engine(WRITERS)
        self._readers = self._engine(database.READERS).execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    def _engine(self, size: int) -> Engine:
        limits = (
            f"-c statement_timeout={STATEMENT_SECONDS}s "
            f"-c lock_timeout={database.PATIENCE_SECONDS}s "
            f"-c idle_in_transaction_session_timeout={IDLE_SECONDS}s"
        )
        asked = self._url.query.get("options", "")
        try:
            engine = create_engine(
                self._url.difference_update_query(["options"]),
                pool_size=size,
                max_overflow=0,
                pool_timeout=database.PATIENCE_SECONDS,
                pool_pre_ping=True,  # after a restart the first one to ask is not refused
                hide_parameters=True,
                connect_args={
                    "connect_timeout": database.PATIENCE_SECONDS,
                    "application_name": "landed",
                    "options": f"{asked} {limits}".strip(),
                    "keepalives_idle": 30,
                    "keepalives_interval": 10,
                    "keepalives_count": 3,
                    "tcp_user_timeout": STATEMENT_SECONDS * 1000,
                },
            )
        except ModuleNotFoundError:
            raise LedgerError(
                "a PostgreSQL ledger needs its driver: pip install 'landed[postgresql]'"
            ) from None

        @event.listens_for(engine, "handle_error")
        def _look_elsewhere(context: ExceptionContext) -> None:
            # A connection to the old primary would go on refusing what the new one takes.
            if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
                context.is_disconnect = True

        @event.listens_for(engine, "connect")
        def _durable(connection: Any, _record: Any) -> None:
            # What was acknowledged must be on the disk, whatever the server's default is.
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('synchronous_commit', 'on', false) "
                    "WHERE current_setting('synchronous_commit') = 'off'"
                )
            connection.commit()

        return engine

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed at the end, or of which nothing is kept."""
        with self._explained(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self, *, long: bool = False) -> Iterator[Connection]:
        """One snapshot of what was committed, in which nothing can be written."""
        with self._explained(), self._readers.begin() as connection:
            if long:
                connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            yield connection

    def exists(self) -> bool:
        """Whether it can be read; ``LedgerError`` where it would not keep every text."""
        with self.read() as connection:
            encoding = connection.scalar(text("SHOW server_encoding"))
        if encoding != "UTF8":
            raise LedgerError(f"expected a database in UTF8 for the ledger, found {encoding}")
        return True

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A write that waits for all others who would change the schema."""
        with self.write() as connection:
            # Whoever migrates may take longer than anyone should wait for a row.
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            self.alone(connection, MIGRATING)
            _lock_tables(connection)
            yield connection

    def ready(self) -> None:
        """Nothing to do: readers and writers never wait for each other here."""

    def alone(self, connection: Connection, what: str, *, shared: bool = False) -> None:
        """Have the rest of a write to itself as far as ``what`` goes, or share that."""
        lock = _SHARED if shared else _ALONE
        connection.execute(lock, {"space": _LOCK_SPACE, "what": crc32(what.encode()) - 2**31})

    def close(self) -> None:
        """Close every connection."""
        self._readers.dispose()
        self._writer.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout as error:
            raise LedgerUnavailable(f"the ledger {self.name} is busy: try again later") from error
        except (OperationalError, InterfaceError, InternalError) as error:
            kind = Conflict if _sqlstate(error) in _CONFLICTS else LedgerUnavailable
            raise kind(f"the ledger {self.name} cannot be used now: {_words(error)}") from error


def _lock_tables(connection: Connection) -> None:
    """Have the tables that others write, in the order in which they lock them.

    Everybody queues behind who waits for a whole table, so it is asked for a second at a
    time until nobody has it: someone may read for as long as a copy takes.
    """
    if connection.scalar(text("SELECT to_regclass('signals')")) is None:
        return
    while True:
        try:
            with connection.begin_nested():
                connection.execute(text("SET LOCAL lock_timeout = '1s'"))
                connection.execute(text("LOCK TABLE signals, attempts, runs"))
        except OperationalError as error:
            if _sqlstate(error) != _NOT_HAD:
                raise
            connection.execute(text("SELECT pg_sleep(1)"))
        else:
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            return


def _sqlstate(error: DBAPIError) -> str | None:
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state


def _words(error: DBAPIError) -> str:
    """What the database said, in one line: the rest is hints, or a statement of ours."""
    return next(iter(str(error.orig).splitlines()), "it did not say why")

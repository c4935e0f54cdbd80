"""One SQLite file: a single writer, and readers that never wait for it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from verifier.ledger.errors import LedgerError, LedgerUnavailable

PATIENCE_SECONDS = 5
"""How long anyone waits for a lock or a connection before giving up."""

READERS = 16
"""How many reads may go on at once."""


def path_of(url: str) -> Path:
    """The file that a ledger's URL names; ``LedgerError`` where it is none of ours."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise LedgerError(
            "expected a ledger URL such as sqlite:///landed.db, found a text that is no URL"
        ) from None
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise LedgerError(
            f"expected a ledger URL such as sqlite:///landed.db, found one of "
            f"{parsed.drivername!r}, which is not supported yet"
        )
    name = parsed.database
    if not name or name == ":memory:" or name.startswith("file:") or parsed.query or parsed.host:
        raise LedgerError(
            "expected the path of a file in the ledger's URL, such as sqlite:///landed.db "
            "or sqlite:////var/lib/landed/landed.db; a ledger in memory would forget"
        )
    return Path(name)


class Database:
    """Connections to one file.

    Every statement runs in a transaction: of the writer, which takes the write lock
    at its beginning, or of a reader, which sees one snapshot and can't write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock = Lock()
        self._writer = self._engine("rwc", "BEGIN IMMEDIATE", size=1)
        self._readers = self._engine("ro", "BEGIN", size=READERS)

    def _engine(self, mode: str, begin: str, *, size: int) -> Engine:
        uri = f"file:{quote(str(self.path))}?mode={mode}"

        def connect() -> sqlite3.Connection:
            # Transactions are begun below: the driver would begin them too late.
            connection = sqlite3.connect(
                uri,
                uri=True,
                timeout=PATIENCE_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.execute("PRAGMA synchronous = FULL")
            return connection

        engine = create_engine(
            "sqlite://",
            creator=connect,
            poolclass=QueuePool,
            pool_size=size,
            max_overflow=0,
            pool_timeout=PATIENCE_SECONDS,
            hide_parameters=True,
        )

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """The one write transaction; committed at the end, or nothing of it is kept.

        Raises ``LedgerUnavailable`` where the file cannot be written now.
        """
        with self._explained():
            if not self._lock.acquire(timeout=PATIENCE_SECONDS):
                raise LedgerUnavailable(f"the ledger {self.path} is busy: try again later")
            try:
                with self._writer.begin() as connection:
                    yield connection
            finally:
                self._lock.release()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot of what was committed; ``LedgerUnavailable`` as ``write``."""
        with self._explained(), self._readers.begin() as connection:
            yield connection

    def use_wal(self) -> None:
        """Let readers and the writer work side by side; the file remembers it."""
        with self._explained(), self._lock:
            connection = self._writer.raw_connection()
            try:
                cursor = connection.cursor()
                cursor.execute("PRAGMA journal_mode")
                if cursor.fetchone() == ("wal",):
                    return
                cursor.execute("PRAGMA journal_mode = WAL")
                changed = cursor.fetchone() == ("wal",)
            except sqlite3.OperationalError as error:
                raise LedgerUnavailable(
                    f"the ledger {self.path} cannot be used now: {error}"
                ) from error
            finally:
                connection.close()
            if not changed:
                raise LedgerError(
                    f"the ledger {self.path} cannot be kept there: its file system does not "
                    "allow SQLite's write-ahead log; choose a local disk"
                )

    def close(self) -> None:
        """Let go of the file."""
        self._readers.dispose()
        self._writer.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout as error:
            raise LedgerUnavailable(f"the ledger {self.path} is busy: try again later") from error
        except OperationalError as error:
            raise LedgerUnavailable(
                f"the ledger {self.path} cannot be used now: {error.orig}"
            ) from error
        except DatabaseError as error:
            if type(error) is not DatabaseError:
                raise
            raise LedgerError(
                f"the ledger {self.path} cannot be read: {error.orig}; restore it from a backup, "
                "or name another file"
            ) from error

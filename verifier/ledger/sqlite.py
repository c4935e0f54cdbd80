"""One SQLite file: a single writer, and readers that never wait for it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from verifier.ledger import database
from verifier.ledger.errors import LedgerError, LedgerUnavailable
from verifier.ledger.in_order import InOrder

WRITER_KIB = 64 * 1024
READER_KIB = 4 * 1024
"""Memory for pages: the indexes that signals come into, and what one read looks at."""

CHECKPOINT_PAGES = 8_000
"""Pages of 4 KiB in the log before they are written to the file, in one go."""


def path_of(url: URL) -> Path:
    """The file that a SQLite URL names; ``LedgerError`` where it names none that lasts."""
    name = url.database
    if not name or name == ":memory:" or name.startswith("file:") or url.query or url.host:
        raise LedgerError(
            "expected the path of a file in the ledger's URL, such as sqlite:///landed.db "
            "or sqlite:////var/lib/landed/landed.db; a ledger in memory would forget"
        )
    return Path(name)


class SqliteDatabase:
    """Connections to one file.

    Every statement runs in a transaction: of the writer, which takes the write lock
    at its beginning, or of a reader, which sees one snapshot and can't write.
    """

    writers = 1
    shared = False

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.name = str(self.path)
        self._log = self.path.with_name(f"{self.path.name}-wal")
        self._lock = InOrder()
        self._opened: tuple[int, int] | None = None
        self._writer = self._engine("rwc", "BEGIN IMMEDIATE", size=1, cache_kib=WRITER_KIB)
        self._readers = self._engine("ro", "BEGIN", size=database.READERS, cache_kib=READER_KIB)

    def _engine(self, mode: str, begin: str, *, size: int, cache_kib: int) -> Engine:
        uri = f"file:{quote(str(self.path))}?mode={mode}"

        def connect() -> sqlite3.Connection:
            # Transactions are begun below: the driver would begin them too late.
            connection = sqlite3.connect(
                uri,
                uri=True,
                timeout=database.PATIENCE_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA cache_size = -{cache_kib}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            if self._opened is None:
                self._opened = _identity(self.path)
            return connection

        engine = create_engine(
            "sqlite://",
            creator=connect,
            poolclass=QueuePool,
            pool_size=size,
            max_overflow=0,
            pool_timeout=database.PATIENCE_SECONDS,
            hide_parameters=True,
        )

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """The one write transaction; committed at the end, or nothing of it is kept.

        Raises ``LedgerUnavailable`` where the file cannot be written now, or was
        replaced meanwhile: what is written to a file without a name is lost.
        """
        self._check_file()
        with self._explained(), self._alone(), self._writer.begin() as connection:
            yield connection
        self._check_file()
        if not self._log.exists():
            raise self._replaced(f"its log {self._log.name} was deleted")

    @contextmanager
    def read(self, *, long: bool = False) -> Iterator[Connection]:  # noqa: ARG002 - nobody is hurried here
        """One snapshot of what was committed; ``LedgerUnavailable`` as ``write``."""
        self._check_file()
        with self._explained(), self._readers.begin() as connection:
            yield connection

    def exists(self) -> bool:
        """Whether there is a file; ``LedgerError`` where there can be none."""
        if not self.path.parent.is_dir():
            raise LedgerError(
                f"expected a directory for the ledger, found none at {self.path.parent}"
            )
        if self.path.is_dir():
            raise LedgerError(f"expected a file for the ledger, found a directory at {self.path}")
        return self.path.exists()

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A write that waits for all others who would change the schema."""
        lock = self.path.with_name(f"{self.path.name}.lock")
        try:
            with lock.open("ab") as file:
                flock(file, LOCK_EX)
                self.ready()
                with self.write() as connection:
                    yield connection
        except OSError as error:
            raise LedgerUnavailable(
                f"the ledger {self.path} cannot be migrated now: {error.strerror}: {lock}"
            ) from error

    def alone(self, connection: Connection, what: str, *, shared: bool = False) -> None:
        """Nothing to do: there is one writer."""

    def ready(self) -> None:
        """Let readers and the writer work side by side; the file remembers it."""
        with self._explained(), self._alone():
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
    def _alone(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=database.PATIENCE_SECONDS):
            raise LedgerUnavailable(f"the ledger {self.path} is busy: try again later")
        try:
            yield
        finally:
            self._lock.release()

    def _check_file(self) -> None:
        """Raise where the path does not lead to the file that is open any more."""
        if self._opened is not None and self._opened != _identity(self.path):
            raise self._replaced("it was replaced, moved or deleted")

    def _replaced(self, what: str) -> LedgerUnavailable:
        return LedgerUnavailable(
            f"the ledger {self.path} cannot be used any more: {what} while it was open; stop "
            "landed, put the right file in place, and start it again"
        )

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


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file is at ``path``, whatever it holds; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino

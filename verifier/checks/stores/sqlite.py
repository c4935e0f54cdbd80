"""SQLite, so that it can only be read.

Three locks on one door: the file is opened with ``mode=ro``, ``PRAGMA query_only``
is on, and an authorizer lets a statement do nothing but select, read and call
functions. ``mode=ro`` alone would let ``ATTACH`` and ``VACUUM INTO`` write elsewhere.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import cast

from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from verifier.checks.keys import instant_text
from verifier.checks.question import Value
from verifier.checks.reason import UnknownReason
from verifier.checks.stores.sqlite_file import AtRest, SqliteFile
from verifier.checks.stores.watch import Watch

_LONGEST_WAIT_FOR_A_LOCK = timedelta(seconds=5)
_LARGEST_VALUE_BYTES = 64 * 1024 * 1024
_STEPS_BETWEEN_LOOKS_AT_THE_WATCH = 10_000

_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_FORBIDDEN_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer"})

_BY_CODE = {
    sqlite3.SQLITE_AUTH: UnknownReason.NOT_READ_ONLY,
    sqlite3.SQLITE_READONLY: UnknownReason.NOT_READ_ONLY,
    sqlite3.SQLITE_BUSY: UnknownReason.LOCKED,
    sqlite3.SQLITE_LOCKED: UnknownReason.LOCKED,
    sqlite3.SQLITE_PERM: UnknownReason.PERMISSION_DENIED,
    sqlite3.SQLITE_CANTOPEN: UnknownReason.UNREACHABLE,
    sqlite3.SQLITE_NOTADB: UnknownReason.UNREACHABLE,
    sqlite3.SQLITE_CORRUPT: UnknownReason.UNREACHABLE,
    sqlite3.SQLITE_IOERR: UnknownReason.UNREACHABLE,
    sqlite3.SQLITE_PROTOCOL: UnknownReason.LOCKED,
}
_RECOVERY = frozenset(
    {
        sqlite3.SQLITE_READONLY_RECOVERY,
        sqlite3.SQLITE_READONLY_CANTINIT,
        sqlite3.SQLITE_READONLY_ROLLBACK,
    }
)
_BY_MESSAGE = {
    "no such table": UnknownReason.NO_SUCH_TABLE,
    "no such column": UnknownReason.NO_SUCH_COLUMN,
    "not authorized": UnknownReason.NOT_READ_ONLY,
    "Could not decode": UnknownReason.NOT_TEXT,
    "may not be modified": UnknownReason.NOT_READ_ONLY,
}


class _Connection(sqlite3.Connection):
    """A connection that knows how its file was when it was opened as immutable."""

    opened_at_rest: AtRest | None = None


class SqliteDatabase:
    """One database file; each session opens it anew.

    Jobs replace whole files, and a connection kept open would go on reading the old.
    """

    probe = "SELECT count(*) FROM sqlite_master"

    def __init__(self, url: URL, timeout: timedelta) -> None:
        self._file = SqliteFile(Path(url.database or "").absolute())
        self._timeout = min(timeout, _LONGEST_WAIT_FOR_A_LOCK)
        self.engine: Engine = create_engine("sqlite://", creator=self._connect, poolclass=NullPool)

    @staticmethod
    def url_problem(url: URL) -> str | None:
        """What keeps ``url`` from naming a database file, or None."""
        if url.drivername not in ("sqlite", "sqlite+pysqlite"):
            return f"not yet supported: {url.drivername}"
        if url.host or url.username or url.password:
            return "expected a path after sqlite:///, without a user or a host"
        if not url.database or url.database.startswith((":", "file:")):
            return "expected the path of a file after sqlite:///"
        return "expected no parameters after '?'" if url.query else None

    @contextmanager
    def reading(self, connection: Connection, watch: Watch) -> Iterator[None]:
        """Holds ``connection`` to one snapshot, to reading, and to its ``watch``."""
        raw = _raw(connection)
        # SQLAlchemy adds REGEXP in Python, whose patterns can run on where no watch looks.
        raw.create_function("regexp", 2, None)
        raw.execute("PRAGMA query_only = ON")
        raw.execute("BEGIN")
        raw.set_progress_handler(
            lambda: watch.over() is not None, _STEPS_BETWEEN_LOOKS_AT_THE_WATCH
        )
        raw.set_authorizer(_authorize)
        try:
            yield
        finally:
            # Closing ends the snapshot; SQLAlchemy may say ROLLBACK before that.
            raw.set_authorizer(None)
            raw.set_progress_handler(None, 0)

    def undisturbed(self, connection: Connection) -> bool:
        """Whether what was read since ``connection`` opened is one state of the database."""
        then = _raw(connection).opened_at_rest
        return then is None or then == self._file.at_rest()

    def bind(self, value: Value) -> object:
        """``value`` as text: SQLite has no type for dates.

        Instants are bound in UTC in SQLite's own form ``YYYY-MM-DD HH:MM:SS``, with
        a fraction only where there is one; local times likewise; dates ``YYYY-MM-DD``.
        """
        if isinstance(value, datetime):
            return instant_text(value)
        return value.isoformat() if isinstance(value, date) else value

    def exact(self, expression: str) -> str:
        """``expression``, compared byte by byte."""
        return f"{expression} COLLATE BINARY"

    def reason(self, error: Exception, watch: Watch) -> tuple[UnknownReason, str] | None:
        """Why ``error`` came, and its text; None where SQLite did not raise it."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(cause, sqlite3.Error | sqlite3.Warning):
            return None
        return self._reason(cause, watch), str(cause)

    def close(self) -> None:
        """Lets go of the file."""
        self.engine.dispose()
        self._file.close()

    def _reason(self, cause: sqlite3.Error | sqlite3.Warning, watch: Watch) -> UnknownReason:
        extended: int = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        if extended in _RECOVERY:
            return UnknownReason.RECOVERY_NEEDED
        code = extended & 0xFF
        if code == sqlite3.SQLITE_INTERRUPT:
            return watch.over() or UnknownReason.TIMED_OUT
        if code == sqlite3.SQLITE_CANTOPEN and not self._file.permits_reading():
            return UnknownReason.PERMISSION_DENIED
        if code in _BY_CODE:
            return _BY_CODE[code]
        said = (reason for words, reason in _BY_MESSAGE.items() if words in str(cause))
        return next(said, UnknownReason.BAD_QUERY)

    def _connect(self) -> sqlite3.Connection:
        at_rest = self._file.at_rest()
        connection = sqlite3.connect(
            f"{self._file.path.as_uri()}?mode=ro{'&immutable=1' if at_rest else ''}",
            uri=True,
            timeout=self._timeout.total_seconds(),
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
        )
        connection.opened_at_rest = at_rest
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_VALUE_BYTES)
        return connection


def _raw(connection: Connection) -> _Connection:
    return cast(_Connection, connection.connection.driver_connection)


def _authorize(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    if action in _ALLOWED:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and second not in _FORBIDDEN_FUNCTIONS:
        return sqlite3.SQLITE_OK
    # Opening a table-valued function such as json_each asks for this, and writes nothing;
    # a statement that really tries it is refused by SQLite itself.
    if action == sqlite3.SQLITE_UPDATE and first == "sqlite_master":
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY

"""SQLite, so that it can only be read.

Three locks on one door: the file is opened with ``mode=ro``, ``PRAGMA query_only``
is on, and an authorizer lets a statement do nothing but select, read and call
functions. ``mode=ro`` alone would let ``ATTACH`` and ``VACUUM INTO`` write elsewhere.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import URL

from verifier.checks.keys import instant_text
from verifier.checks.question import Value
from verifier.checks.reason import Fault, UnknownReason
from verifier.checks.remark import Level, Remark
from verifier.checks.stores.database import Database, Select, Told
from verifier.checks.stores.sqlite_file import AtRest, SqliteFile
from verifier.checks.stores.watch import Watch

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


class SqliteDatabase(Database):
    """One database file; each session opens it anew.

    Jobs replace whole files, and a connection kept open would go on reading the old.
    """

    DIALECT = ("sqlite", "named")
    PROBE = "SELECT count(*) FROM sqlite_master"

    def __init__(self, url: URL, statement_timeout: timedelta, lock_timeout: timedelta) -> None:
        super().__init__(url, statement_timeout, lock_timeout)
        self._file = SqliteFile(Path(url.database or "").absolute())

    @classmethod
    def url_problem(cls, url: URL) -> str | None:
        """What keeps ``url`` from naming a database file, or None."""
        if url.drivername not in ("sqlite", "sqlite+pysqlite"):
            return f"expected sqlite:///, found {url.drivername}"
        if url.host or url.username or url.password:
            return "expected a path after sqlite:///, without a user or a host"
        if not url.database or url.database.startswith((":", "file:")):
            return "expected the path of a file after sqlite:///"
        return "expected no parameters after '?'" if url.query else None

    def connect(self) -> sqlite3.Connection:
        """The file, opened only to be read."""
        at_rest = self._file.at_rest()
        connection = sqlite3.connect(
            f"{self._file.path.as_uri()}?mode=ro{'&immutable=1' if at_rest else ''}",
            uri=True,
            timeout=self.lock_timeout.total_seconds(),
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
        )
        connection.opened_at_rest = at_rest
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_VALUE_BYTES)
        return connection

    @contextmanager
    def reading(self, connection: sqlite3.Connection, watch: Watch) -> Iterator[None]:
        """Holds ``connection`` to one snapshot, to reading, and to its ``watch``."""
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            connection.set_progress_handler(
                lambda: watch.over() is not None, _STEPS_BETWEEN_LOOKS_AT_THE_WATCH
            )
            connection.set_authorizer(_authorize)
            yield
        finally:
            connection.close()

    def cancel(self, connection: sqlite3.Connection) -> None:
        """Ends the running statement; the progress handler mostly was first."""
        connection.interrupt()

    def undisturbed(self, connection: _Connection) -> bool:
        """Whether what was read since ``connection`` opened is one state of the database."""
        then = connection.opened_at_rest
        return then is None or then == self._file.at_rest()

    def bind(self, value: Value) -> object:
        """``value`` as text: SQLite has no type for dates.

        Instants are bound in UTC in SQLite's own form ``YYYY-MM-DD HH:MM:SS``, with
        a fraction only where there is one; local times likewise; dates ``YYYY-MM-DD``.
        """
        if isinstance(value, datetime):
            return instant_text(value)
        return value.isoformat() if isinstance(value, date) else value

    def exact(self, select: Select, table: str, columns: Sequence[str]) -> list[str]:
        """The columns, compared byte by byte."""
        return [f"{each} COLLATE BINARY" for each in super().exact(select, table, columns)]

    def reason(self, error: Exception, watch: Watch) -> Told | None:
        """Why ``error`` came, and its text; None where SQLite did not raise it."""
        if not isinstance(error, sqlite3.Error | sqlite3.Warning):
            return None
        return self._reason(error, watch), str(error)

    def fault(self, error: Exception) -> Fault | None:
        """The statement's, where SQLite did not compile it."""
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        return Fault.STATEMENT if code == sqlite3.SQLITE_ERROR else None

    def trial(self, sql: str) -> str:
        """Has ``sql`` compiled, and never run (sqlite.org/lang_explain.html)."""
        return f"EXPLAIN\n{sql}"

    def examine(self, connection: sqlite3.Connection) -> Iterator[Remark]:  # noqa: ARG002 - it tells nothing more
        """The library's version; a file is never opened but to be read."""
        yield Remark(level=Level.OK, message=f"reachable, SQLite {sqlite3.sqlite_version}")

    def close(self) -> None:
        """Lets go of the file."""
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

"""DuckDB, so that it can only be read.

The file is opened read-only, which lets ``COPY`` and ``ATTACH`` write elsewhere: so
access to files is off, no extension is loaded, and the configuration is locked.
DuckDB's own parser says whether a text is one statement that reads.

A DuckDB file belongs to one process at a time: while a check reads, a job cannot open
it for writing, and the other way round. So it is opened for a session and no longer;
while nobody else has it, every statement of a session sees the same state.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from typing import Any

import duckdb
from sqlalchemy import URL

from verifier.checks.reason import Fault, UnknownReason
from verifier.checks.remark import Level, Remark
from verifier.checks.stores import digests
from verifier.checks.stores.database import Database, Rows, Select, Told, fetched
from verifier.checks.stores.digests import Kind
from verifier.checks.stores.watch import Watch

_CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "temp_directory": "",
    "memory_limit": "1GB",
    "threads": "2",
}
"""What is too large for its memory is an error: spilling would write files."""

_IS_LOCKED = "SELECT current_setting('lock_configuration')"
_SETTING_UP = Lock()

_BY_TYPE: tuple[tuple[type[Exception], str, UnknownReason], ...] = (
    (duckdb.IOException, "set lock on file", UnknownReason.LOCKED),
    (duckdb.IOException, "Permission denied", UnknownReason.PERMISSION_DENIED),
    (duckdb.IOException, "", UnknownReason.UNREACHABLE),
    (duckdb.PermissionException, "", UnknownReason.NOT_READ_ONLY),
    (duckdb.InvalidInputException, "read-only mode", UnknownReason.NOT_READ_ONLY),
    (duckdb.InvalidInputException, "configuration has been locked", UnknownReason.NOT_READ_ONLY),
    (duckdb.CatalogException, "Table with name", UnknownReason.NO_SUCH_TABLE),
    (duckdb.BinderException, "not found in FROM clause", UnknownReason.NO_SUCH_COLUMN),
    (duckdb.BinderException, "does not have a column named", UnknownReason.NO_SUCH_COLUMN),
    (duckdb.FatalException, "", UnknownReason.UNREACHABLE),
    (duckdb.SerializationException, "", UnknownReason.UNREACHABLE),
)
_STATEMENT_REFUSED = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)
_VALUE_REFUSED = (duckdb.ConversionException, duckdb.OutOfRangeException)
_NO_SUCH_TEXT = "Could not parse string"
"""As ``strptime`` says it."""


_KINDS = {
    "VARCHAR": Kind.TEXT,
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), Kind.INTEGER),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"), Kind.INTEGER),
    "DECIMAL": Kind.DECIMAL,
    "BOOLEAN": Kind.TRUTH,
    "DATE": Kind.DATE,
    "TIMESTAMP": Kind.INSTANT,
    "TIMESTAMP WITH TIME ZONE": Kind.INSTANT,
    "UUID": Kind.UUID,
}


_ONLY_FRACTION = re.compile(r"^DECIMAL\((\d+),\1\)$")
"""Such a number has no 0 before its point when it is text."""
_WIDTH = re.compile(r"\(\d+,\d+\)$")
"""Of a decimal; a list of decimals has something behind it."""


class DuckdbDatabase(Database):
    """One database file."""

    DIALECT = ("postgresql", "numeric_dollar")
    """DuckDB's grammar is PostgreSQL's."""
    DIGESTS = digests.DUCKDB

    @classmethod
    def url_problem(cls, url: URL) -> str | None:
        """What keeps ``url`` from naming a database file, or None."""
        if url.drivername != "duckdb":
            return f"expected duckdb:///, found {url.drivername}"
        if url.host or url.username or url.password:
            return "expected a path after duckdb:///, without a user or a host"
        if not url.database or ":" in url.database:
            return "expected the path of a file after duckdb:///"
        return "expected no parameters after '?'" if url.query else None

    def connect(self) -> duckdb.DuckDBPyConnection:
        """The file, opened only to be read."""
        connection = duckdb.connect(self.url.database or "", read_only=True, config=_CONFIGURATION)
        with _SETTING_UP:
            # Whoever has the file open in this process shares one database: the first sets it up.
            ((locked,),) = connection.execute(_IS_LOCKED).fetchall()
            if not locked:
                connection.execute("SET GLOBAL TimeZone = 'UTC'")
                connection.execute("SET lock_configuration = true")
        return connection

    @contextmanager
    def reading(
        self,
        connection: duckdb.DuckDBPyConnection,
        watch: Watch,  # noqa: ARG002 - it calls cancel
    ) -> Iterator[datetime | None]:
        """Nobody can write meanwhile, so each statement may be a transaction of its own."""
        try:
            yield None
        finally:
            connection.close()

    @contextmanager
    def run(self, connection: duckdb.DuckDBPyConnection, sql: str, values: Any) -> Iterator[Rows]:
        """Runs one statement that DuckDB's parser says to be a ``SELECT``, and streams."""
        statements = connection.extract_statements(sql)
        if [each.type for each in statements] != [duckdb.StatementType.SELECT]:
            raise duckdb.PermissionException("expected one statement that reads")
        yield fetched(connection.execute(statements[0], list(values)))

    def cancel(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Ends the running statement."""
        connection.interrupt()

    def exact(self, select: Select, table: str, columns: Sequence[str]) -> list[str]:
        """Text by way of its bytes, which drops a collation such as ``NOCASE``."""
        plain = super().exact(select, table, columns)
        types = ", ".join(f"typeof({expression})" for expression in plain)
        with select(f"SELECT {types} FROM {self.quote(table)} LIMIT 1", {}) as rows:  # noqa: S608 - quoted
            found = next(iter(rows), ("",) * len(columns))
        return [
            f"decode(encode({expression}))" if kind == "VARCHAR" else expression
            for kind, expression in zip(found, plain, strict=True)
        ]

    def kinds(
        self, connection: duckdb.DuckDBPyConnection, sql: str, values: Any
    ) -> list[Kind | None]:
        """The type of each column, by its name."""
        with self.run(connection, sql, values):
            types = [str(column[1]) for column in connection.description or ()]
        return [_KINDS.get(_WIDTH.sub("", _ONLY_FRACTION.sub("", name))) for name in types]

    def reason(self, error: Exception, watch: Watch) -> Told | None:
        """Why ``error`` came, and its first line; None where DuckDB did not raise it."""
        if not isinstance(error, duckdb.Error | RuntimeError):
            return None
        said = str(error).partition("\n")[0]
        if "INTERRUPT" in said:
            return watch.over() or UnknownReason.TIMED_OUT, said
        if isinstance(error, RuntimeError):
            return None
        for kind, words, reason in _BY_TYPE:
            if isinstance(error, kind) and words in said:
                if reason in (UnknownReason.LOCKED, UnknownReason.UNREACHABLE):
                    said = "the file cannot be opened"  # theirs names its path
                return reason, said
        if self.fault(error) is Fault.VALUE:
            said = said.partition(":")[0]  # the rest may hold the value, not always quoted
        return UnknownReason.BAD_QUERY, said

    def fault(self, error: Exception) -> Fault | None:
        """Whose fault it is, by the type of the error."""
        if isinstance(error, _STATEMENT_REFUSED):
            return Fault.STATEMENT
        if isinstance(error, _VALUE_REFUSED) or _NO_SUCH_TEXT in str(error):
            return Fault.VALUE
        return None

    def examine(self, connection: duckdb.DuckDBPyConnection) -> Iterator[Remark]:  # noqa: ARG002 - the library's version is asked for
        """The version, and what a person should know of the lock on the file."""
        yield Remark(level=Level.OK, message=f"reachable, DuckDB {duckdb.__version__}")
        yield Remark(
            level=Level.NOTE,
            message="while a check reads this file, a job cannot open it for writing",
            hint="let the job wait and try again, or read a copy",
        )

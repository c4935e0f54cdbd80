"""MariaDB and MySQL, so that they can only be read.

Each session is one ``START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY``: it
refuses what writes tables, transactional or not, also from within a function, and
``FOR UPDATE``. It does not refuse ``SELECT … INTO OUTFILE``, nor does it outlive a
``COMMIT``: neither is ever sent. Those words are looked for in the raw text, since
comments of this dialect can hold code, and quotes are read as the server's mode says.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pymysql
from pymysql.constants import FIELD_TYPE
from pymysql.cursors import SSCursor
from sqlalchemy import URL

from verifier.checks.question import Value
from verifier.checks.reason import Fault, UnknownReason
from verifier.checks.remark import Level, Remark
from verifier.checks.sqltext import statement_problem
from verifier.checks.stores import digests
from verifier.checks.stores.database import (
    Database,
    Rows,
    Select,
    Told,
    cut,
    fetched,
    whole_seconds,
)
from verifier.checks.stores.digests import Kind
from verifier.checks.stores.watch import Watch

_LONGEST_CONNECT_SECONDS = 10
_CANCEL_WITHIN_SECONDS = 2
_LONGEST_SECONDS = 365 * 24 * 3600
_HANGS_UP_AFTER = timedelta(seconds=2)

_BEYOND_TABLES = re.compile(r"\b(OUTFILE|DUMPFILE|GET_LOCK)\b|(/\*M?!)", re.IGNORECASE)

# mariadb.com/kb/en/mariadb-error-codes, dev.mysql.com/doc/mysql-errors/8.4/en
_BY_NUMBER = {
    **dict.fromkeys((1044, 1045, 1142, 1143, 1227, 1370, 1698), UnknownReason.PERMISSION_DENIED),
    **dict.fromkeys((1146, 1051, 1109), UnknownReason.NO_SUCH_TABLE),
    **dict.fromkeys((1054, 1247), UnknownReason.NO_SUCH_COLUMN),
    **dict.fromkeys((1792, 1290, 1836, 1568), UnknownReason.NOT_READ_ONLY),
    **dict.fromkeys((1205, 1213, 1020, 1412), UnknownReason.LOCKED),
    **dict.fromkeys((1969, 3024, 1317), UnknownReason.TIMED_OUT),
    **dict.fromkeys(
        (1040, 1049, 1053, 1077, 1129, 1130, 1203, 1927, 2002, 2003, 2006, 2013, 2014, 2055),
        UnknownReason.UNREACHABLE,
    ),
    **dict.fromkeys((1366, 1300), UnknownReason.NOT_TEXT),
}
_FAULT_BY_NUMBER = {
    **dict.fromkeys(
        (1052, 1056, 1064, 1111, 1128, 1222, 1241, 1305, 1582, 1583, 1630), Fault.STATEMENT
    ),
    **dict.fromkeys((1292, 1366, 1411, 1525, 1690, 3140, 3141, 4038), Fault.VALUE),
    # Two columns of one name: only where the statement is a table of another one.
    1060: Fault.TRIAL,
}
_ENDED_BY_US = frozenset({1317, 1927, 1969, 3024, 2006, 2013, 2014, 0})

_TEXT_COLUMNS = """
    SELECT column_name FROM information_schema.columns
    WHERE table_schema = coalesce(:schema_name, database()) AND table_name = :table_name
    AND collation_name IS NOT NULL
"""

_RIGHTS_TO_WRITE = re.compile(
    r"\b(ALL PRIVILEGES|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|FILE|SUPER)\b"
)


_KINDS = {
    **dict.fromkeys(
        (
            FIELD_TYPE.TINY,
            FIELD_TYPE.SHORT,
            FIELD_TYPE.INT24,
            FIELD_TYPE.LONG,
            FIELD_TYPE.LONGLONG,
            FIELD_TYPE.YEAR,
        ),
        Kind.INTEGER,
    ),
    **dict.fromkeys((FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL), Kind.DECIMAL),
    **dict.fromkeys((FIELD_TYPE.DATE, FIELD_TYPE.NEWDATE), Kind.DATE),
    **dict.fromkeys((FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP), Kind.INSTANT),
    **dict.fromkeys(
        (
            FIELD_TYPE.VARCHAR,
            FIELD_TYPE.VAR_STRING,
            FIELD_TYPE.STRING,
            FIELD_TYPE.TINY_BLOB,
            FIELD_TYPE.BLOB,
            FIELD_TYPE.MEDIUM_BLOB,
            FIELD_TYPE.LONG_BLOB,
        ),
        Kind.TEXT,
    ),
}
_BYTES = 63
"""The character set of what is no text (dev.mysql.com/doc/c-api/8.4/en, MYSQL_FIELD)."""


class MysqlDatabase(Database):
    """A database of a MariaDB or MySQL server."""

    DIALECT = ("mysql+pymysql", "format")
    DIGESTS = digests.MYSQL

    def __init__(self, url: URL, statement_timeout: timedelta, lock_timeout: timedelta) -> None:
        super().__init__(url, statement_timeout, lock_timeout)
        self._arguments = dict(self.dialect.create_connect_args(url)[1])
        self._is_mariadb = True
        self._lock_seconds = whole_seconds(self.lock_timeout, at_most=_LONGEST_SECONDS)

    @classmethod
    def url_problem(cls, url: URL) -> str | None:
        """What keeps ``url`` from being one that PyMySQL reads, or None."""
        name = url.get_backend_name()
        if url.drivername not in (name, f"{name}+pymysql"):
            return f"expected {name}+pymysql://, found {url.drivername}://"
        if not url.database:
            return f"expected a database's name after {name}+pymysql://HOST/"
        return None

    def connect(self) -> Any:
        """A connection that hangs up on a server which says nothing for too long."""
        connection = self._open()
        self._is_mariadb = "MariaDB" in connection.get_server_info()
        return connection

    def _open(self, connect_timeout: int = _LONGEST_CONNECT_SECONDS) -> Any:
        limit = whole_seconds(self.statement_timeout + _HANGS_UP_AFTER, at_most=_LONGEST_SECONDS)
        return pymysql.connect(
            **{
                "charset": "utf8mb4",
                **self._arguments,
                "connect_timeout": min(limit, connect_timeout),
                "read_timeout": limit,
                "write_timeout": limit,
                "autocommit": True,
                "local_infile": False,
            }
        )

    @contextmanager
    def reading(
        self,
        connection: Any,
        watch: Watch,  # noqa: ARG002 - the server keeps the time, and cancel
    ) -> Iterator[datetime | None]:
        """One transaction, which can only read."""
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = %s, "
                    "lock_wait_timeout = %s",
                    (self._lock_seconds, self._lock_seconds),
                )
                cursor.execute(f"SET SESSION {self._time_limit()}")
                cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
                cursor.execute("SELECT now(6)")
                ((instant,),) = cursor.fetchall()
            yield instant.replace(tzinfo=UTC)
        finally:
            with suppress(pymysql.Error, OSError):
                connection.close()

    @contextmanager
    def run(self, connection: Any, sql: str, values: Any) -> Iterator[Rows]:
        """Streams; the server is told where the rest of the rows is not wanted."""
        cursor = connection.cursor(SSCursor)
        try:
            cursor.execute(sql, values)
            yield fetched(cursor)
        finally:
            with suppress(pymysql.Error, OSError):
                if cursor.fetchone() is not None:
                    self.cancel(connection)
            with suppress(pymysql.Error, OSError):
                cursor.close()

    def cancel(self, connection: Any) -> None:
        """Ends the statement, by a connection of its own."""
        with self._open(connect_timeout=_CANCEL_WITHIN_SECONDS) as other, other.cursor() as cursor:
            cursor.execute("KILL QUERY %s", (connection.thread_id(),))

    def hang_up(self, connection: Any) -> None:
        """Ends the conversation."""
        line = connection._sock  # the driver has no other way
        if line is not None:
            cut(line.fileno())

    def refusal(self, sql: str) -> str | None:
        """What does not begin like a statement that reads, or writes to files."""
        beyond = _BEYOND_TABLES.search(sql)
        if beyond is not None:
            return f"expected a statement that only reads, found {beyond[0]}"
        return statement_problem(sql)

    def bind(self, value: Value) -> object:
        """``value`` without its offset: the types of this dialect have none; UTC is meant."""
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC).replace(tzinfo=None)
        return value

    def exact(self, select: Select, table: str, columns: Sequence[str]) -> list[str]:
        """Text by its bytes; most collations here ignore case, accents and blanks at the end."""
        schema, _, name = table.rpartition(".")
        values = {"schema_name": schema or None, "table_name": name}
        with select(_TEXT_COLUMNS, values) as rows:
            texts = {str(column).lower() for (column,) in rows}
        # Both without padding: 'DE' and 'DE ' are two keys.
        by_bytes = "utf8mb4_nopad_bin" if self._is_mariadb else "utf8mb4_0900_bin"
        plain = super().exact(select, table, columns)
        return [
            f"CONVERT({expression} USING utf8mb4) COLLATE {by_bytes}"
            if column.lower() in texts
            else expression
            for column, expression in zip(columns, plain, strict=True)
        ]

    def kinds(self, connection: Any, sql: str, values: Any) -> list[Kind | None]:
        """The type of each column, by its number; text only where it comes as UTF-8."""
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            columns = cursor._result.fields  # bytes and text differ in nothing that is public
        if connection.charset != "utf8mb4":
            return [None] * len(columns)
        kinds = [_KINDS.get(column.type_code) for column in columns]
        return [
            None if kind is Kind.TEXT and column.charsetnr == _BYTES else kind
            for kind, column in zip(kinds, columns, strict=True)
        ]

    def reason(self, error: Exception, watch: Watch) -> Told | None:
        """Why ``error`` came, by its number."""
        if isinstance(error, UnicodeDecodeError):
            return UnknownReason.NOT_TEXT, "text that is not in the connection's character set"
        if not isinstance(error, pymysql.Error):
            return None
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        over = watch.over() if number in _ENDED_BY_US else None
        said = str(error.args[1]) if len(error.args) > 1 else type(error).__name__
        if over is not None:
            return over, said
        reason = _BY_NUMBER.get(number)
        if reason is None and isinstance(error, pymysql.InterfaceError):
            reason = UnknownReason.UNREACHABLE
        if reason in (UnknownReason.UNREACHABLE, UnknownReason.PERMISSION_DENIED):
            said = f"the server could not be asked, error {number}"  # theirs names host and user
        return reason or UnknownReason.BAD_QUERY, said

    def fault(self, error: Exception) -> Fault | None:
        """Whose fault it is, by its number."""
        number = error.args[0] if isinstance(error, pymysql.Error) and error.args else None
        return _FAULT_BY_NUMBER.get(number) if isinstance(number, int) else None

    def examine(self, connection: Any) -> Iterator[Remark]:
        """The version, and rights that a reader needs not."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT version()")
            ((version,),) = cursor.fetchall()
            cursor.execute("SHOW GRANTS")
            grants = [str(row[0]) for row in cursor.fetchall()]
        yield Remark(level=Level.OK, message=f"reachable, {version}")
        rights = sorted(
            {
                found[1]
                for grant in grants
                for found in _RIGHTS_TO_WRITE.finditer(grant.partition(" ON ")[0])
            }
        )
        if rights:
            yield Remark(
                level=Level.WARNING,
                message=f"the user may write: {', '.join(rights)}",
                hint="checks never write; a user with no right but SELECT is one lock more",
            )

    def _time_limit(self) -> str:
        seconds = self.statement_timeout.total_seconds()
        if self._is_mariadb:
            return f"max_statement_time = {min(seconds, _LONGEST_SECONDS)}"
        return f"max_execution_time = {max(1, round(min(seconds, _LONGEST_SECONDS) * 1000))}"

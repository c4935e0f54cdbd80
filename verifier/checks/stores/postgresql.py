"""PostgreSQL, so that it can only be read.

Every transaction is ``REPEATABLE READ READ ONLY`` and has read before the first
statement of a check runs in it, so that it cannot be made writable any more (the
server refuses ``SET TRANSACTION READ WRITE`` then). Statements go one at a time by the
extended protocol, which takes no second one behind a semicolon. A ``COPY`` writes
files and starts programs even in a transaction that only reads: it is never sent, as
nothing is that does not begin like a statement that reads.

All this holds for a superuser too, but for functions that reach around transactions:
``dblink_exec``, ``lo_export``. Their names are refused where they stand in a
statement; hidden in a function of the database they are not seen, so give checks a
role that may only read.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, cast

import psycopg
from psycopg import IsolationLevel
from psycopg.types.string import TextLoader
from sqlalchemy import URL

from verifier.checks.reason import Fault, UnknownReason
from verifier.checks.remark import Level, Remark
from verifier.checks.sqltext import statement_problem
from verifier.checks.stores import digests
from verifier.checks.stores.database import (
    ROWS_A_FETCH,
    Database,
    Rows,
    Select,
    Told,
    cut,
    whole_seconds,
)
from verifier.checks.stores.digests import Kind
from verifier.checks.stores.watch import Watch

_LONGEST_CONNECT_SECONDS = 10
_CANCEL_WITHIN_SECONDS = 2

_AROUND_TRANSACTIONS = re.compile(
    r"\b(dblink\w*|lo_export|pg_file_\w+|pg_terminate_backend|pg_cancel_backend|pg_reload_conf"
    r"|pg_rotate_logfile\w*|pg_switch_wal|pg_create_restore_point|pg_promote|pg_stat_reset\w*"
    r"|pg_logical_\w+|pg_(?:create|drop|copy)_\w*replication_slot|pg_(?:try_)?advisory_\w+)\b",
    re.IGNORECASE,
)

# SQLSTATE: www.postgresql.org/docs/current/errcodes-appendix.html
_BY_STATE = {
    "55P03": UnknownReason.LOCKED,
    "40001": UnknownReason.LOCKED,
    "40P01": UnknownReason.LOCKED,
    "55006": UnknownReason.LOCKED,
    "42P01": UnknownReason.NO_SUCH_TABLE,
    "3F000": UnknownReason.NO_SUCH_TABLE,
    "42703": UnknownReason.NO_SUCH_COLUMN,
    "42501": UnknownReason.PERMISSION_DENIED,
    "25006": UnknownReason.NOT_READ_ONLY,
    "25001": UnknownReason.NOT_READ_ONLY,
    "22021": UnknownReason.NOT_TEXT,
    "22P05": UnknownReason.NOT_TEXT,
    "57014": UnknownReason.TIMED_OUT,
    "25P04": UnknownReason.TIMED_OUT,
    "3D000": UnknownReason.UNREACHABLE,
}
_BY_CLASS = {
    "08": UnknownReason.UNREACHABLE,
    "28": UnknownReason.PERMISSION_DENIED,
    "53": UnknownReason.UNREACHABLE,
    "57": UnknownReason.UNREACHABLE,
    "58": UnknownReason.UNREACHABLE,
    "XX": UnknownReason.UNREACHABLE,
}
_FAULT_BY_CLASS = {"42": Fault.STATEMENT, "22": Fault.VALUE}
_REFUSED_AT_THE_DOOR = ("authentication failed", "no pg_hba.conf entry", "permission denied")

_STRANGE_TEXT = """
    SELECT a.attname
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation
    WHERE a.attrelid = pg_catalog.to_regclass(:named) AND a.attnum > 0 AND NOT a.attisdropped
    AND (t.typname = 'citext' OR NOT c.collisdeterministic)
"""

_RIGHTS = """
    SELECT current_user, r.rolsuper, current_setting('server_version'),
        (SELECT count(*) FROM pg_catalog.pg_class c
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^(pg_|information_schema)'
         AND pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
    FROM pg_catalog.pg_roles r WHERE r.rolname = current_user
"""


# Of pg_catalog.pg_type, where these never change. A domain is told by its base type.
_KINDS = {
    **dict.fromkeys((25, 1043, 1042, 19), Kind.TEXT),
    **dict.fromkeys((21, 23, 20), Kind.INTEGER),
    1700: Kind.DECIMAL,
    16: Kind.TRUTH,
    1082: Kind.DATE,
    **dict.fromkeys((1114, 1184), Kind.INSTANT),
    2950: Kind.UUID,
}

_SHORT = frozenset({Kind.INTEGER, Kind.TRUTH, Kind.DATE, Kind.INSTANT})
"""What takes 64 bits at most."""


class _Unpadded(TextLoader):
    """The blanks that pad a ``char(n)`` are no part of its value, as for the server itself."""

    def load(self, data: Any) -> Any:
        """The text without them."""
        text = super().load(data)
        return text.rstrip(" ") if isinstance(text, str) else text


class PostgresqlDatabase(Database):
    """A database of a PostgreSQL server."""

    DIALECT = ("postgresql+psycopg", "pyformat")
    DIGESTS = digests.POSTGRESQL
    FILTERS = True

    def __init__(self, url: URL, statement_timeout: timedelta, lock_timeout: timedelta) -> None:
        super().__init__(url, statement_timeout, lock_timeout)
        self._arguments = dict(self.dialect.create_connect_args(url)[1])
        self._arguments.setdefault("application_name", "landed")
        self._arguments.setdefault(
            "connect_timeout", whole_seconds(statement_timeout, at_most=_LONGEST_CONNECT_SECONDS)
        )
        # What is set locally ends with the transaction, and works through a pooler.
        self._settings = (
            f"SET LOCAL statement_timeout = {_milliseconds(statement_timeout)};"
            f"SET LOCAL lock_timeout = {_milliseconds(self.lock_timeout)};"
            "SET LOCAL TimeZone = 'UTC'; SET LOCAL jit = off; SELECT now()"
        )

    @classmethod
    def url_problem(cls, url: URL) -> str | None:
        """What keeps ``url`` from being one that psycopg reads, or None."""
        if url.drivername not in ("postgresql", "postgresql+psycopg"):
            return f"expected postgresql+psycopg://, found {url.drivername}://"
        return None

    def connect(self) -> psycopg.Connection[Any]:
        """A connection whose transactions all read one snapshot."""
        connection = psycopg.connect(**self._arguments, prepare_threshold=None)
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.adapters.register_loader("bpchar", _Unpadded)
        return connection

    @contextmanager
    def reading(
        self,
        connection: psycopg.Connection[Any],
        watch: Watch,  # noqa: ARG002 - the server keeps the time, and cancel
    ) -> Iterator[datetime | None]:
        """One transaction, which has read before any check does."""
        try:
            cursor = connection.execute(self._settings)
            while cursor.nextset():
                pass
            ((instant,),) = cursor.fetchall()
            yield instant
        finally:
            with suppress(psycopg.Error):
                connection.close()

    @contextmanager
    def run(self, connection: psycopg.Connection[Any], sql: str, values: Any) -> Iterator[Rows]:
        """Streams, behind a savepoint: what fails takes no other check's snapshot with it.

        Not by a cursor of the server, which would keep it from using parallel plans.
        """
        connection.execute("SAVEPOINT landed")
        stream = connection.cursor().stream(sql, values, size=_CHUNK)
        rows = cast("Generator[tuple[Any, ...]]", stream)
        try:
            yield rows
        finally:
            with suppress(psycopg.Error):
                rows.close()
                # Released too, so that they do not stack up over the statements of a run.
                connection.execute("ROLLBACK TO SAVEPOINT landed; RELEASE SAVEPOINT landed")

    def cancel(self, connection: psycopg.Connection[Any]) -> None:
        """Asks the server to give up."""
        connection.cancel_safe(timeout=_CANCEL_WITHIN_SECONDS)

    def hang_up(self, connection: psycopg.Connection[Any]) -> None:
        """Ends the conversation."""
        cut(connection.fileno())

    def refusal(self, sql: str) -> str | None:
        """What does not begin like a statement that reads, or names what writes elsewhere."""
        around = _AROUND_TRANSACTIONS.search(sql)
        if around is not None:
            return f"expected a statement that only reads, found {around[1]}"
        return statement_problem(sql)

    def exact(self, select: Select, table: str, columns: Sequence[str]) -> list[str]:
        """As they are: equal is byte by byte here, but in ``citext`` and some collations."""
        with select(_STRANGE_TEXT, {"named": self.quote(table)}) as rows:
            strange = {name for (name,) in rows}
        plain = super().exact(select, table, columns)
        return [
            f'{expression}::text COLLATE "C"' if column in strange else expression
            for column, expression in zip(columns, plain, strict=True)
        ]

    def kinds(
        self, connection: psycopg.Connection[Any], sql: str, values: Any
    ) -> list[Kind | None]:
        """The type of each column, by its number; none where text is not kept as UTF-8."""
        with connection.transaction(force_rollback=True):
            # Binary, since that goes by the extended protocol even where nothing is bound.
            columns = connection.execute(sql, values, binary=True).description or ()
        if connection.info.parameter_status("server_encoding") != "UTF8":
            return [None] * len(columns)
        kinds = [_KINDS.get(column.type_code) for column in columns]
        trims = connection.info.server_version >= 130_000
        return [kind if trims or kind is not Kind.DECIMAL else None for kind in kinds]

    def hashed(
        self, connection: psycopg.Connection[Any], table: str, columns: Sequence[str]
    ) -> str | None:
        """By each type's own hash, which agrees with its equality; since PostgreSQL 14.

        One column of numbers or instants is as short as its hash, and quicker to compare.
        """
        if connection.info.server_version < 140_000:
            return None
        if len(columns) == 1 and self._is_short(connection, table, columns[0]):
            return columns[0]
        return f"hash_record_extended(ROW({', '.join(columns)}), 0)"

    def _is_short(self, connection: psycopg.Connection[Any], table: str, column: str) -> bool:
        with suppress(psycopg.Error):
            # A name may hold what would bind a value, had it any.
            sql = f"SELECT {column} FROM {table} LIMIT 0"  # noqa: S608 - both are quoted
            return _SHORT.issuperset(self.kinds(connection, sql, None))
        return False

    def reason(self, error: Exception, watch: Watch) -> Told | None:
        """Why ``error`` came, by its SQLSTATE; without one the connection is lost."""
        if not isinstance(error, psycopg.Error):
            return None
        state = error.sqlstate or ""
        said = error.diag.message_primary or ""
        if state in ("57014", "") and isinstance(error, psycopg.OperationalError):
            over = watch.over()
            if over is not None:
                return over, said
        if not state:
            return _without_state(error)
        return _BY_STATE.get(state) or _BY_CLASS.get(state[:2], UnknownReason.BAD_QUERY), said

    def fault(self, error: Exception) -> Fault | None:
        """Whose fault it is, by the class of its SQLSTATE."""
        state = error.sqlstate if isinstance(error, psycopg.Error) else None
        return _FAULT_BY_CLASS.get((state or "")[:2])

    def examine(self, connection: psycopg.Connection[Any]) -> Iterator[Remark]:
        """The version, and rights that a reader needs not."""
        ((role, superuser, version, writable),) = connection.execute(_RIGHTS).fetchall()
        yield Remark(level=Level.OK, message=f"reachable, PostgreSQL {version}, as role {role}")
        if superuser:
            yield Remark(
                level=Level.WARNING,
                message=f"role {role} is a superuser",
                hint="checks need a role that may only read: CREATE ROLE reader LOGIN; "
                "GRANT pg_read_all_data TO reader",
            )
        elif writable:
            yield Remark(
                level=Level.WARNING,
                message=f"role {role} may write to {writable} tables",
                hint="checks never write; a role that cannot is one lock more",
            )


_CHUNK = ROWS_A_FETCH if psycopg.pq.version() >= 170000 else 1
"""Older client libraries hand rows over one by one."""


def _without_state(error: psycopg.Error) -> Told:
    """Connections fail without a SQLSTATE; the text is ours, since theirs names the host."""
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        if any(words in str(error) for words in _REFUSED_AT_THE_DOOR):
            return UnknownReason.PERMISSION_DENIED, "the server let us not in"
        return UnknownReason.UNREACHABLE, "the connection failed or was lost"
    if isinstance(error, psycopg.DataError):
        return UnknownReason.BAD_QUERY, "a value that Python cannot hold"
    return UnknownReason.BAD_QUERY, type(error).__name__


def _milliseconds(length: timedelta) -> int:
    """0 would mean no limit."""
    return max(1, length // timedelta(milliseconds=1))

"""What differs from one kind of database to the next."""

import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import URL, Dialect, text

from verifier.checks.question import Value
from verifier.checks.reason import CannotTell, Fault, UnknownReason
from verifier.checks.remark import Remark
from verifier.checks.sqltext import for_sqlalchemy, within
from verifier.checks.stores.digests import Digests, Kind
from verifier.checks.stores.watch import Watch

ROWS_A_FETCH = 5_000

Told = tuple[UnknownReason, str]
"""Why a database does not answer, and its own words."""


Rows = Iterator[tuple[Any, ...]]

Select = Callable[[str, Mapping[str, object]], AbstractContextManager[Rows]]
"""Asks one reading statement, with its values, of an open session."""


class Database(ABC):
    """One database: how it is reached, held to reading, and what its errors mean.

    A connection lives as long as its session. So nothing that one check leaves behind
    in a session (a setting, an advisory lock) meets the next, none idles on the
    user's server, and one that a restart cut is never taken from a shelf.

    ``dialect`` is SQLAlchemy's: it reads URLs, quotes names and binds values. Nothing
    connects before a session is opened.
    """

    dialect: Dialect
    DIALECT: ClassVar[tuple[str, str]]
    """The name of the dialect, and how values stand in its statements (PEP 249)."""
    PROBE: ClassVar[str] = "SELECT 1"
    """Cheap, and answered only by a database that can be read."""
    DIGESTS: ClassVar[Digests | None] = None
    """How it takes digests of keys; None where only Python does."""

    FILTERS: ClassVar[bool] = False
    """Whether figures of some rows are had sooner by ``FILTER`` than by ``CASE``."""

    def __init__(self, url: URL, statement_timeout: timedelta, lock_timeout: timedelta) -> None:
        name, paramstyle = self.DIALECT
        dialect: Any = URL.create(name).get_dialect()
        self.dialect = dialect(paramstyle=paramstyle)
        self.url = url
        self.statement_timeout = statement_timeout
        self.lock_timeout = min(lock_timeout, statement_timeout)

    @classmethod
    @abstractmethod
    def url_problem(cls, url: URL) -> str | None:
        """What keeps ``url`` from naming such a database, as ``expected …``, or None."""

    @abstractmethod
    def connect(self) -> Any:
        """A connection of the driver, which cannot write."""

    @abstractmethod
    def reading(self, connection: Any, watch: Watch) -> AbstractContextManager[datetime | None]:
        """Holds ``connection`` to one snapshot and to reading; closes it at the end.

        Gives the snapshot's instant by the database's own clock, None where it has none.
        """

    @abstractmethod
    def cancel(self, connection: Any) -> None:
        """Ends what runs on ``connection``; called from another thread."""

    def hang_up(self, connection: Any) -> None:  # noqa: B027 - a library has no line to hang up
        """Ends the conversation with a server that does not even heed ``cancel``."""

    @abstractmethod
    def reason(self, error: Exception, watch: Watch) -> Told | None:
        """Why ``error`` came; None where the driver did not raise it."""

    def fault(self, error: Exception) -> Fault | None:  # noqa: ARG002 - see examine
        """Whose fault ``error`` is, where that is plain."""
        return None

    def trial(self, sql: str) -> str:
        """What has ``sql`` understood and gives none of its rows; some of it may be computed."""
        # The line breaks keep a comment at the end of a text from hiding what follows.
        return f"SELECT *\nFROM (\n{within(sql)}\n) asked\nLIMIT 0"

    def examine(self, connection: Any) -> Iterator[Remark]:  # noqa: ARG002 - for those who have more to say
        """What a person should know of a store that can be reached: version, rights."""
        yield from ()

    def refusal(self, sql: str) -> str | None:  # noqa: ARG002 - see examine
        """Why ``sql`` is not even sent, or None."""
        return None

    @contextmanager
    def run(self, connection: Any, sql: str, values: Any) -> Iterator[Rows]:
        """Runs ``sql`` in the driver's own form; gives the rows as they arrive."""
        cursor = connection.cursor()
        try:
            cursor.execute(sql, values)
            yield fetched(cursor)
        finally:
            cursor.close()

    def undisturbed(self, connection: Any) -> bool:  # noqa: ARG002 - see examine
        """Whether what ``connection`` read so far is one state of the database."""
        return True

    def bind(self, value: Value) -> object:
        """``value`` as the database binds it."""
        return value

    def exact(
        self,
        select: Select,  # noqa: ARG002 - see examine
        table: str,
        columns: Sequence[str],
    ) -> list[str]:
        """``columns`` of ``table`` as expressions that are compared byte by byte.

        Whatever the collation of the columns: a key that differs in case is another key.
        """
        return [f"{self.quote(table)}.{self.quote(column)}" for column in columns]

    def hashed(
        self,
        connection: Any,  # noqa: ARG002 - see examine
        table: str,  # noqa: ARG002 - see examine
        columns: Sequence[str],  # noqa: ARG002 - see examine
    ) -> str | None:
        """A number of 64 bits at most that equal values of ``columns`` share, or None."""
        return None

    def kinds(self, connection: Any, sql: str, values: Any) -> list[Kind | None]:  # noqa: ARG002 - see examine
        """The type of each column of what ``sql`` gives; None for one with no digest.

        ``sql`` is as ``bound`` made it, and runs as it is.
        """
        return []

    def quote(self, name: str) -> str:
        """``name`` as an identifier, quoted where it must be; each part by itself."""
        quoted = ".".join(self.dialect.identifier_preparer.quote(part) for part in name.split("."))
        # Some drivers want percent signs doubled; that is done when the statement is bound.
        return quoted.replace("%%", "%") if "format" in self.dialect.paramstyle else quoted

    def bound(self, sql: str, parameters: Mapping[str, object]) -> tuple[str, Any]:
        """``sql`` and its values as the driver wants them."""
        compiled = text(for_sqlalchemy(sql)).compile(dialect=self.dialect)
        order = compiled.positiontup
        if order is None:
            return str(compiled), dict(parameters)
        return str(compiled), tuple(parameters[name] for name in order)

    def close(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Lets go of whatever is held between sessions."""


def fetched(cursor: Any) -> Rows:
    """The rows of a cursor; raises ``CannotTell`` where its statement is none that reads."""
    if cursor.description is None:
        raise CannotTell(UnknownReason.NOT_READ_ONLY, "the statement gives no rows")
    return _rows(cursor)


def _rows(cursor: Any) -> Rows:
    while rows := cursor.fetchmany(ROWS_A_FETCH):
        yield from rows


def cut(descriptor: int) -> None:
    """Ends the conversation on a socket, so that whoever waits for it wakes up."""
    with socket.socket(fileno=os.dup(descriptor)) as line:
        line.shutdown(socket.SHUT_RDWR)


def whole_seconds(length: timedelta, *, at_most: int) -> int:
    """``length`` in seconds for a driver that counts whole ones; 1 at least."""
    return max(1, min(at_most, -int(-length.total_seconds() // 1)))

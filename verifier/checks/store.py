"""What the evaluator needs of a store; ``stores/`` implements it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import IO, Any, Protocol

import msgspec

from verifier.checks.question import Value
from verifier.checks.reason import UnknownReason
from verifier.checks.remark import Remark
from verifier.checks.stores.digests import Digests

Rows = Iterator[tuple[Any, ...]]
"""What a statement gave, read once and as it is asked for, so that memory stays bounded."""


class StoreKind(StrEnum):
    """What a store is, by its ``type`` in YAML; what can be asked of it depends on it."""

    SQL = "sql"
    FILES = "files"
    HTTP = "http"


class Opened(Protocol):
    """A store that one thread may ask now; nothing can be written through it."""

    @property
    def kind(self) -> StoreKind:
        """Of which kind the store is."""


class Session(Opened, Protocol):
    """One snapshot of a SQL store.

    ``snapshot`` is its instant by the store's own clock, None where it has none.
    """

    snapshot: datetime | None

    def quote(self, name: str) -> str:
        """``name`` as an identifier; the parts of ``schema.table`` each by itself."""

    def exact(self, table: str, columns: Sequence[str]) -> list[str]:
        """``columns`` of ``table`` as expressions, each compared byte by byte.

        Whatever the collation of the columns. Raises ``CannotTell`` as ``select`` does.
        """

    def hashed(self, table: str, columns: Sequence[str]) -> str | None:
        """A number of 64 bits at most for the values of ``columns``, as an expression.

        Both are quoted. Equal values, as the table's own equality says, have the same one.
        None where the store has none.
        """

    @property
    def filters(self) -> bool:
        """Whether figures of some rows are had sooner by ``FILTER`` than by ``CASE``."""

    @property
    def digests(self) -> Digests | None:
        """How the store takes digests of keys; None where it cannot."""

    def plain(
        self, sql: str, parameters: Mapping[str, object], columns: Sequence[str]
    ) -> list[str] | None:
        """The plain text of ``columns``, as expressions; None where that is not certain.

        ``sql`` gives the same columns, or nothing is certain, and runs; a ``LIMIT 0`` keeps it
        from giving rows. Raises ``CannotTell`` as ``select`` does.
        """

    def tries(self, sql: str, parameters: Mapping[str, object], at_most: timedelta) -> None:
        """Has the store understand ``sql``, which gives none of its rows.

        Some of it may be computed, for ``at_most`` as long. Raises ``CannotTell`` as
        ``select`` does.
        """

    def bind(self, value: Value) -> object:
        """``value`` as this store binds it."""

    def select(self, sql: str, parameters: Mapping[str, object]) -> AbstractContextManager[Rows]:
        """Runs one reading statement; ``:name`` in ``sql`` is bound, never text.

        Raises ``CannotTell`` for whatever keeps the store from answering, then or
        while the rows are read.
        """


class FileInfo(msgspec.Struct, frozen=True):
    """What a store says of one file; ``modified`` is UTC."""

    path: str
    size: int
    modified: datetime


class FilesSession(Opened, Protocol):
    """A folder of files; no path leaves it. Every method raises ``CannotTell``."""

    def info(self, path: str) -> FileInfo | None:
        """What is known of the file at ``path``; None where there is none."""

    def files(self, folder: str) -> list[FileInfo]:
        """The files right in ``folder``; none where there is no such folder."""

    def open(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """The content of the file at ``path``."""

    def chunks(self, opened: IO[bytes]) -> Iterator[bytes]:
        """The content piece by piece, within the time that is given."""

    def require_time(self) -> None:
        """Ends a reading that takes too long."""


class HttpSession(Opened, Protocol):
    """A service that answers in JSON."""

    def pages(
        self, path: str, parameters: Mapping[str, str], after: Callable[[Any], str | None]
    ) -> Iterator[Any]:
        """The JSON documents of one question, page by page.

        ``after`` tells where the page after a document is, None at the last. Raises
        ``CannotTell`` for whatever keeps the service from answering.
        """


class Store(Protocol):
    """A named place that checks read from; safe to share between threads."""

    def session(self) -> AbstractContextManager[Opened]:
        """Opens it; raises ``CannotTell`` where the store cannot be reached."""

    def probe(self) -> UnknownReason | None:
        """Why the store cannot be asked anything, or None where it can."""

    def examine(self) -> list[Remark]:
        """What a person should know: whether it can be reached, its version, its rights."""

    def interrupt(self) -> None:
        """Ends whatever runs; from now on each question is ``interrupted``."""

    def close(self) -> None:
        """Interrupts, and lets go of the store."""

"""What the evaluator needs of a store; ``stores/`` implements it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from verifier.checks.question import Value

Rows = Iterator[tuple[Any, ...]]
"""What a statement gave, read once and as it is asked for, so that memory stays bounded."""


class Session(Protocol):
    """One snapshot of a store, read by one thread; nothing can be written through it."""

    def quote(self, name: str) -> str:
        """``name`` as an identifier; the parts of ``schema.table`` each by itself."""

    def exact(self, table: str, columns: Sequence[str]) -> list[str]:
        """``columns`` of ``table`` as expressions, each compared byte by byte.

        Whatever the collation of the columns. Raises ``CannotTell`` as ``select`` does.
        """

    def bind(self, value: Value) -> object:
        """``value`` as this store binds it."""

    def select(self, sql: str, parameters: Mapping[str, object]) -> AbstractContextManager[Rows]:
        """Runs one reading statement; ``:name`` in ``sql`` is bound, never text.

        Raises ``CannotTell`` for whatever keeps the store from answering, then or
        while the rows are read.
        """


class Store(Protocol):
    """A named place that checks read from; safe to share between threads."""

    def session(self) -> AbstractContextManager[Session]:
        """Opens a snapshot; raises ``CannotTell`` where the store cannot be reached."""

"""What the evaluator needs of a store; ``stores/`` implements it."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from verifier.checks.question import Value


class Rows(Protocol):
    """What a statement gave: ``width`` columns, and the rows, read once."""

    @property
    def width(self) -> int:
        """How many columns each row has."""

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """The rows, read as they are asked for, so that memory stays bounded."""


class Session(Protocol):
    """One snapshot of a store, read by one thread; nothing can be written through it."""

    def quote(self, name: str) -> str:
        """``name`` as an identifier; the parts of ``schema.table`` each by itself."""

    def exact(self, expression: str) -> str:
        """``expression``, compared byte by byte whatever the column's collation."""

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

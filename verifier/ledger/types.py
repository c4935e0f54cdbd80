"""How values of the core are kept in columns: instants, words and structs."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import TEXT, BigInteger, Dialect
from sqlalchemy import Text as AnyText
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from verifier.runs.instant import from_microseconds, to_microseconds

T = TypeVar("T")
W = TypeVar("W", bound=StrEnum)


Text = AnyText().with_variant(TEXT(collation="C"), "postgresql")
"""Text that is compared and sorted by code point, as Python does, wherever it is kept."""


class RunLane(StrEnum):
    """Whether the schedule asked for a run."""

    LIVE = "live"
    OTHER = "other"


class What(StrEnum):
    """What last happened: to a job, to a check of a job, or to a source."""

    CREATED = "created"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    ANSWERED = "answered"
    HEARD = "heard"


class Instant(TypeDecorator[datetime]):
    """A UTC instant, as whole microseconds since 1970-01-01T00:00:00Z.

    A time without an offset raises ``TypeError``.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - not ours to name
        """What is stored for ``value``."""
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - not ours to name
        """The instant that ``value`` was stored for."""
        return None if value is None else from_microseconds(value)


class Word(TypeDecorator[W], Generic[W]):
    """A word of an enum, as its text."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[W]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: W | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - not ours to name
        """What is stored for ``value``."""
        return None if value is None else value.value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> W | None:  # noqa: ARG002 - not ours to name
        """The word that ``value`` was stored for."""
        return None if value is None else self.words(value)


class Json(TypeDecorator[T], Generic[T]):
    """A value of ``shape``, a type known to msgspec, as JSON text.

    Equal values have equal texts, so texts may be compared.
    """

    impl = Text
    cache_ok = True

    def __init__(self, shape: type[T]) -> None:
        super().__init__()
        self.shape = shape
        self._decoder = msgspec.json.Decoder(shape)

    def process_bind_param(self, value: T | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - not ours to name
        """What is stored for ``value``."""
        return None if value is None else to_json(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> T | None:  # noqa: ARG002 - not ours to name
        """The value that ``value`` was stored for."""
        return None if value is None else self._decoder.decode(value)


def stored_as(kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    """How a value of a column of that type is stored, for statements past SQLAlchemy."""
    if not isinstance(kind, TypeDecorator):
        return lambda value: value
    bind = kind.process_bind_param
    return lambda value: bind(value, _ANY)


_ANY = DefaultDialect()


def to_json(value: Any) -> str:
    """JSON text with the keys of maps in order."""
    return _encode(value).decode()


_encode = msgspec.json.Encoder(order="deterministic").encode

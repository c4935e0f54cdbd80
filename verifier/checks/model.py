"""What every check declares, whatever its type."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from verifier.checks.aggregates import Aggregates
from verifier.checks.answer import Answer
from verifier.checks.inquiry import Inquiry
from verifier.checks.part import Part
from verifier.checks.sqltext import condition_problem, parameters_in, statement_problem
from verifier.checks.store import StoreKind
from verifier.runs.declaration import CheckTraits
from verifier.runs.duration import format_duration, parse_duration

DURATION_PATTERN = r"^([0-9]{1,9}(ms|d|h|m|s))+$"
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


def positive_duration(value: object) -> timedelta:
    """The length of time that ``value`` names; raises ``ValueError`` unless above zero."""
    if isinstance(value, str):
        value = parse_duration(value)
    if not isinstance(value, timedelta):
        raise ValueError("expected a duration such as 90s, 5m or 1h30m")  # noqa: TRY004 - pydantic takes ValueError only
    if value <= timedelta():
        raise ValueError(f"expected more than no time, found {format_duration(value)!r}")
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(positive_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": DURATION_PATTERN, "examples": ["30s", "5m", "1h30m", "7d"]}
    ),
]
"""A length of time above zero, written as ``90s``, ``5m``, ``1h30m`` or ``7d``."""

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
"""A name of a job, check, store or surface."""

Sql = Annotated[str, Field(min_length=1, max_length=100_000)]
"""A statement or condition in the store's own SQL."""

Identifier = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
"""A table or column as the store names it, without quotes; ``schema.table`` for tables."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """A store that a check asks; ``path`` leads from the check to its name, as in YAML."""

    store: str
    path: tuple[str, ...]
    kind: StoreKind = StoreKind.SQL


@dataclass(frozen=True, kw_only=True)
class Named:
    """A table that a check names, with columns of it; the paths lead to them, as in YAML."""

    store: str
    table: str
    path: tuple[str, ...]
    columns: tuple[tuple[str, tuple[str | int, ...]], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Query:
    """A SQL text of a check, and the store that it is for.

    The paths lead from the check to the text and to the store's name, as they stand
    in YAML. ``table``: the text stands in the place of a ``WHERE`` condition on it.
    """

    path: tuple[str, ...]
    sql: str
    store: str
    store_path: tuple[str, ...]
    table: str | None = None

    @property
    def parameters(self) -> set[str]:
        """The names that the text binds; ``question.PARAMETERS`` lists those that exist."""
        return parameters_in(self.sql)

    @property
    def problem(self) -> str | None:
        """What is plainly wrong with the text, as ``expected …, found …``, or None."""
        return (statement_problem if self.table is None else condition_problem)(self.sql)


class OnViolation(StrEnum):
    """What a violation means."""

    FAIL = "fail"
    WARN = "warn"


class CheckModel(Part):
    """What every check declares; a type adds its own fields and its way to answer."""

    says_effect: ClassVar[bool] = False
    """Whether answers of this type speak of the effect: none, partial, complete, duplicated."""

    type: str
    name: Annotated[Name, Field(description="Unique within the job.")]
    on_violation: Annotated[
        OnViolation,
        Field(description="fail: a violation decides the verdict. warn: it is only shown."),
    ] = OnViolation.FAIL
    required: Annotated[
        bool, Field(description="Whether a run cannot be verified without this check's answer.")
    ] = True
    proves: Annotated[
        Literal["complete"] | None,
        Field(description="complete: holding proves that its surface is complete."),
    ] = None
    surface: Annotated[
        Name | None, Field(description="The surface that it looks at, where a job has several.")
    ] = None

    @model_validator(mode="after")
    def _proves_only_what_it_does_not_say(self) -> Self:
        if self.speaks_of_effect and self.proves is not None:
            raise ValueError(
                f"expected no 'proves': a check of type {self.type} speaks of the effect by itself"
            )
        return self

    @property
    def speaks_of_effect(self) -> bool:
        """Whether the answers of this check speak of the effect."""
        return self.says_effect

    def queries(self) -> Iterator[Query]:
        """Every SQL text of the check."""
        yield from ()

    def names(self) -> Iterator[Named]:
        """Every table that the check names outside its SQL texts, with the columns."""
        yield from ()

    def templates(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Every text that values of the run stand in, braced, with the path that leads to it."""
        yield from ()

    def needs(self) -> Iterator[Need]:
        """Every store that the check asks."""
        told: set[tuple[str, ...]] = set()
        for query in self.queries():
            if query.store_path not in told:
                told.add(query.store_path)
                yield Need(store=query.store, path=query.store_path)

    @property
    def history(self) -> int:
        """How many earlier verified runs the check compares with."""
        return 0

    @abstractmethod
    def answer(self, inquiry: Inquiry) -> Answer:
        """Asks and judges; raises ``CannotTell`` where it cannot."""

    def aggregates(self, inquiry: Inquiry) -> Aggregates | None:  # noqa: ARG002 - most have none
        """What may be asked for together with other checks' of the same table, if anything.

        Raises ``CannotTell`` where it cannot be asked at all.
        """
        return None

    def traits(self) -> CheckTraits:
        """What judging needs to know of the check."""
        return CheckTraits(
            name=self.name,
            type=self.type,
            required=self.required,
            says_effect=self.speaks_of_effect,
            proves_complete=self.proves == "complete",
            only_warns=self.on_violation is OnViolation.WARN,
        )

"""A problem: one thing wrong with a configuration, and where, and what mends it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from verifier.config.codes import Code

Path = tuple[str | int, ...]
"""The keys and list positions that lead from the top of a document to a value."""


class Place(NamedTuple):
    """Line and column, counted from 1."""

    line: int
    column: int


class Level(StrEnum):
    """Whether a problem keeps the configuration from being used."""

    ERROR = "error"
    WARNING = "warning"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One problem at its place; ``line`` and ``column`` count from 1.

    Both are None only for a declaration that is no longer in any file: one that
    the ledger kept.
    """

    file: str
    line: int | None
    column: int | None
    code: Code
    path: str
    message: str
    hint: str | None = None
    level: Level = Level.ERROR

    def __str__(self) -> str:
        """``file:line:column CODE path: message. Hint: …``."""
        place = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        subject = f"{self.path}: " if self.path else ""
        warning = "warning: " if self.level is Level.WARNING else ""
        hint = f" Hint: {self.hint}" if self.hint else ""
        return f"{place} {self.code} {subject}{warning}{self.message}.{hint}"


class ConfigError(Exception):
    """A configuration cannot be used; ``problems`` holds all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def errors_of(problems: Sequence[Problem]) -> list[Problem]:
    """Those problems that are errors."""
    return [problem for problem in problems if problem.level is Level.ERROR]


def in_order(problems: Sequence[Problem]) -> list[Problem]:
    """The problems as a reader meets them in the file, each once."""
    return sorted(
        dict.fromkeys(problems),
        key=lambda problem: (problem.line or 0, problem.column or 0, problem.code),
    )

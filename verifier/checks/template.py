"""Paths that depend on the run: ``exports/{day}/orders.csv``, ``orders-{day:%Y%m%d}.csv``."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from string import Formatter
from typing import Annotated

from pydantic import AfterValidator, Field

from verifier.checks.question import PARAMETERS, Question, Value
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.runs.instant import format_instant


def _valid(text: str) -> str:
    for name, form in _fields(text):
        if name not in PARAMETERS:
            raise ValueError(
                f"expected a parameter of runs in braces, such as {{day}}, found {name[:40]!r}"
            )
        if form and name in ("run", "job", "partition"):
            raise ValueError(f"expected no format behind {name}, which is a text")
    return text


Template = Annotated[
    str, Field(min_length=1, max_length=1_000, pattern=r"^[^\x00-\x1f]+$"), AfterValidator(_valid)
]
"""A text in which ``{day}`` stands for a value of the run, ``{day:%Y%m%d}`` for it in a form."""


def filled(text: str, question: Question, escape: Callable[[str], str] = str) -> str:
    """``text`` with the values of ``question``; raises ``CannotTell`` where it has none.

    A value is passed through ``escape``, and can never add a step to a path.
    """
    parts = []
    for literal, name, form, _ in Formatter().parse(text):
        parts.append(literal)
        if name is not None:
            shown = _shown(question.value(name), form or "")
            if "/" in shown or "\\" in shown or shown in (".", ".."):
                raise CannotTell(
                    UnknownReason.OUT_OF_ROOT, f"the value of {name} would change the path"
                )
            parts.append(escape(shown))
    return "".join(parts)


def names_in(text: str) -> set[str]:
    """The names of the values that stand in ``text``."""
    return {name for name, _ in _fields(text)}


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """The names in braces, with their formats; raises ``ValueError`` for broken braces."""
    for _, name, form, conversion in Formatter().parse(text):
        if name is not None:
            if conversion or "{" in (form or ""):
                raise ValueError("expected {name} or {name:%Y%m%d} in braces")
            yield name, form or ""


def _shown(value: Value, form: str) -> str:
    if isinstance(value, str):
        return value
    if form:
        return value.strftime(form)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return format_instant(value)
    return value.isoformat() if isinstance(value, date) else str(value)

"""Query parameters: each one known, each one given once."""

from datetime import datetime
from typing import TypeVar

import msgspec
from starlette.requests import Request

from verifier.runs.instant import parse_instant
from verifier.web.body import in_words
from verifier.web.problems import HttpProblem, ProblemKind

Model = TypeVar("Model", bound=msgspec.Struct)


def read_query(request: Request, model: type[Model]) -> Model:
    """The query as a ``model``.

    Raises ``HttpProblem`` for what no filter is: one that is misspelt would be
    answered with more than was asked for.
    """
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            raise invalid_query(f"Expected {name[:100]} once, got it twice")
        given[name] = value
    try:
        return msgspec.convert(given, model, strict=False)
    except msgspec.ValidationError as error:
        raise invalid_query(in_words(str(error), model)) from None


def query_instant(text: str | None, name: str) -> datetime | None:
    """The UTC instant of a parameter."""
    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        hint = "; in a URL, + is written %2B" if " " in text else ""
        raise invalid_query(f"{error}{hint} - at `$.{name}`") from None


def invalid_query(message: str) -> HttpProblem:
    """A query that makes no sense."""
    return HttpProblem(ProblemKind.INVALID, f"{message} (query)")

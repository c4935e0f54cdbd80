"""Where a value stands in a JSON document: ``data.total``, ``items[0].id``."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from verifier.checks.reason import CannotTell, UnknownReason

_STEP = re.compile(r"([^.\[\]]+)|\[(\d{1,9})\]")


def _valid(text: str) -> str:
    position = 0
    while position < len(text):
        if position and text[position] == ".":
            position += 1
        step = _STEP.match(text, position)
        if step is None:
            raise ValueError("expected keys with dots between, such as data.items[0].total")
        position = step.end()
    return text


JsonPath = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_valid)]
"""Keys with dots between, places in lists in brackets."""

ABSENT = object()
"""No such key or place, where null would be a value."""


def at(document: Any, path: str) -> Any:
    """What stands at ``path``, ``ABSENT`` where nothing does."""
    value = document
    for step in _STEP.finditer(path):
        if step[1] is not None and isinstance(value, dict) and step[1] in value:
            value = value[step[1]]
        elif step[2] is not None and isinstance(value, list) and int(step[2]) < len(value):
            value = value[int(step[2])]
        else:
            return ABSENT
    return value


def require(document: Any, path: str) -> Any:
    """What stands at ``path``; raises ``CannotTell`` where nothing does."""
    value = at(document, path)
    if value is ABSENT:
        raise CannotTell(UnknownReason.NO_SUCH_VALUE, f"the answer has nothing at {path}")
    return value


def require_list(document: Any, path: str) -> list[Any]:
    """The list at ``path``; raises ``CannotTell`` where none is."""
    value = require(document, path)
    if not isinstance(value, list):
        raise CannotTell(UnknownReason.WRONG_SHAPE, f"expected a list at {path}")
    return value

"""Whether a part of the document has the shape of its model: each value by itself.

Pydantic decides; this module turns what it found into problems that say what was
expected and what was found, without ever showing a value that may be a secret.
"""

import re
import sys
from importlib.util import find_spec
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from verifier.checks.model import NAME_PATTERN
from verifier.config.codes import Code
from verifier.config.interpolate import references
from verifier.config.keys import known_keys, nearest
from verifier.config.model import LABEL_PATTERN, LINK_PATTERN, TEXT_PATTERN
from verifier.config.problem import Path
from verifier.config.reporter import Reporter, at
from verifier.config.secret import show_key, show_type, show_value
from verifier.config.source import BINDING_TEXT_PATTERN

M = TypeVar("M", bound=BaseModel)

_PATTERNS = {
    NAME_PATTERN: "a name of up to 100 letters, digits, dots, underscores and hyphens",
    TEXT_PATTERN: "a text of 1 to 500 characters without control characters",
    LABEL_PATTERN: "one line of up to 100 characters",
    BINDING_TEXT_PATTERN: "a text of 1 to 1000 characters without control characters",
    LINK_PATTERN: "an address that starts with http:// or https://",
}
_TYPES = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "date_type": "a date such as 2026-04-01",
    "date_parsing": "a date such as 2026-04-01",
    "date_from_datetime_parsing": "a date such as 2026-04-01",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_BOUNDS = {
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less",
    "less_than": "less than {lt}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "finite_number": "a finite number",
}
_CHOICES = frozenset({"enum", "literal_error", "union_tag_invalid"})


def read_part(model: type[M], value: Any, reporter: Reporter) -> M | None:
    """``value`` as ``model``; None after all that keeps it from being one was reported.

    ``value`` is the reporter's part of the document with its references replaced.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            _report(detail, model, reporter)
        return None


def is_name(text: str) -> bool:
    """Whether ``text`` can be the name of a job, store, check or surface."""
    return re.fullmatch(NAME_PATTERN, text, re.ASCII) is not None and not text.endswith("\n")


def report_name(path: Path, reporter: Reporter) -> None:
    """Report that the key at the end of ``path`` is no name."""
    message = f"expected {_PATTERNS[NAME_PATTERN]}, found {show_key(path)}"
    reporter.error(Code.BAD_NAME, path, message, at_key=True)


def _report(detail: ErrorDetails, model: type[BaseModel], reporter: Reporter) -> None:
    kind, location = detail["type"], detail["loc"]
    path = _path(location, reporter.written)
    if kind == "missing":
        message = f"expected the key '{location[-1]}', found none"
        reporter.error(Code.MISSING_KEY, path, message, at_key=True)
    elif kind == "extra_forbidden":
        known = sorted(known_keys(model, location[:-1]))
        reporter.error(
            Code.UNKNOWN_KEY,
            path,
            f"expected a key that is known here, found {show_key(path)}",
            nearest(str(path[-1]), known) or f"known here are {', '.join(known)}",
            at_key=True,
        )
    elif location[-1:] == ("[key]",):
        report_name(path, reporter)
    else:
        _report_value(detail, path, reporter)


def _report_value(detail: ErrorDetails, path: Path, reporter: Reporter) -> None:
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "union_tag_not_found":
        message = "expected the key 'type', found none"
        reporter.error(Code.MISSING_KEY, path, message, at_key=True)
        return
    if kind == "union_tag_invalid":
        path = (*path, "type")
    written = at(reporter.written, path)
    found = show_value(written, path)
    if next(references(written), None) is not None:
        hint: str | None = "what ${…} stands for is not shown"
    elif kind in _CHOICES and isinstance(written, str):
        hint = nearest(written, _choices(context))
    else:
        hint = None
    if kind in _CHOICES:
        choices = _choices(context)
        one_of = "one of " if len(choices) > 1 else ""
        code, expected = Code.NOT_A_CHOICE, one_of + ", ".join(choices)
    elif kind in _TYPES:
        code, expected = Code.WRONG_TYPE, _TYPES[kind]
        if expected in ("a list", "a mapping"):
            found = show_type(written)
    elif kind in _BOUNDS:
        code, expected = Code.BAD_VALUE, _BOUNDS[kind].format(**context)
    elif kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        code = Code.BAD_NAME if pattern == NAME_PATTERN else Code.BAD_VALUE
        expected = _PATTERNS.get(pattern, f"a text that matches {pattern}")
    elif kind == "missing_driver":
        hint = _installing(str(context["extra"]))
        code, expected = Code.BAD_VALUE, f"the driver {context['driver']} to be installed for it"
    else:
        _report_words(str(context.get("error", detail["msg"])), path, found, reporter)
        return
    # Made of what was written and of what is allowed, so it quotes nothing that is hidden.
    reporter.error(code, path, f"expected {expected}, found {found}", hint, quotes=False)


def _choices(context: dict[str, Any]) -> list[str]:
    """The words that may stand there, from pydantic's ``'a', 'b' or 'c'``, or its one value."""
    expected = str(context.get("expected_tags") or context.get("expected"))
    return re.findall(r"'([^']*)'", expected) or [expected]


def _report_words(text: str, path: Path, found: str, reporter: Reporter) -> None:
    """A model's own words, ``expected …, found …; hint``; they may quote the value."""
    message, _, hint = text.partition("; ")
    if ", found " not in message and not isinstance(at(reporter.written, path), dict | list):
        message = f"{message}, found {found}"
    reporter.error(Code.BAD_VALUE, path, message, hint or None, quotes=True)


def _path(location: tuple[int | str, ...], written: Any) -> Path:
    """``location`` without the words that pydantic adds for the branches it took."""
    path: Path = ()
    last = len(location) - 1
    for position, key in enumerate(location):
        of_a_check = position > 1 and location[position - 2] == "checks"
        if of_a_check and isinstance(location[position - 1], int):
            continue
        here = at(written, path)
        exists = (isinstance(here, dict) and key in here) or (
            isinstance(here, list) and isinstance(key, int)
        )
        if exists or (position == last and isinstance(here, dict) and not _is_a_branch(key)):
            path = (*path, key)
    return path


def _is_a_branch(key: int | str) -> bool:
    return isinstance(key, str) and key[:1] in ("<", "[")


def _installing(extra: str) -> str:
    """The command that adds ``extra`` to where landed runs, which may have no pip itself."""
    pip = "pip" if find_spec("pip") else f"python3 -m pip --python {sys.executable}"
    return f"{pip} install 'landed[{extra}]'"

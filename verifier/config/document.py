"""YAML 1.2 text into plain values, with the place of every one of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import Event
from ruamel.yaml.reader import Reader, ReaderError

from verifier.config.codes import Code
from verifier.config.nodes import GiveUp, Node, NodeReader
from verifier.config.problem import Path, Place, Problem
from verifier.config.secret import without_quotes

_TAB = "found character '\\t' that cannot start any token"
_NESTED_COLON = "mapping values are not allowed here"
_CLEARER_AT_ITS_START = ("while scanning a simple key", "while scanning a quoted scalar")


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document's plain values; ``values`` and ``keys`` say where each was written.

    A value that an alias repeats is placed where its anchor is.
    """

    file: str
    content: Any
    values: dict[Path, Place]
    keys: dict[Path, Place]

    def place(self, path: Path) -> Place:
        """Where the value at ``path`` is, or the nearest thing around it that exists."""
        return self.values.get(self._existing(path), Place(1, 1))

    def key_place(self, path: Path) -> Place:
        """Where the key is that leads to what ``place`` tells of; in a list, the item."""
        return self.keys.get(self._existing(path)) or self.place(path)

    def _existing(self, path: Path) -> Path:
        while path and path not in self.values:
            path = path[:-1]
        return path


def read_document(text: str, file: str) -> tuple[Document | None, list[Problem]]:
    """The document that ``text`` holds, and what is wrong with it.

    The document is None where the text could not be read to its end. Otherwise the
    problems (a duplicate key, a tag) concern single values, and the rest can be
    judged as well.
    """
    reader = NodeReader(file)
    try:
        for event in _events(text, reader):
            reader.read(event)
        root = reader.finish()
    except GiveUp:
        return None, reader.problems
    values: dict[Path, Place] = {}
    keys: dict[Path, Place] = {}
    content = _write_out(root, (), values, keys)
    return Document(file=file, content=content, values=values, keys=keys), reader.problems


def _events(text: str, reader: NodeReader) -> Iterator[Event]:
    """The parser's events; its errors are reported and raise ``GiveUp``."""
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        place, message, hint = _what_is_broken(error)
    except ReaderError:
        place, hint = _first_unprintable(text), None
        message = "expected text, found a control character"
    except (YAMLError, ValueError, OverflowError, LookupError):
        # The scanner passes some errors of Python on, such as that of an escape beyond Unicode.
        place, message, hint = reader.at, "expected YAML 1.2, found something else", None
    else:
        return
    reader.report(Code.BROKEN_YAML, place, message, hint)
    raise GiveUp


def _write_out(node: Node, path: Path, values: dict[Path, Place], keys: dict[Path, Place]) -> Any:
    """The plain value of ``node``; its aliases become values of their own."""
    values[path] = node.place
    if node.items is not None:
        return [
            _write_out(item, (*path, index), values, keys) for index, item in enumerate(node.items)
        ]
    if node.entries is not None:
        written = {}
        for key, (place, entry) in node.entries.items():
            keys[(*path, key)] = place
            written[key] = _write_out(entry, (*path, key), values, keys)
        return written
    return node.scalar


def _what_is_broken(error: MarkedYAMLError) -> tuple[Place, str, str | None]:
    """Place, message and hint for an error of the YAML parser."""
    at_start = error.context in _CLEARER_AT_ITS_START and error.context_mark is not None
    mark = error.context_mark if at_start else error.problem_mark
    place = Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)
    problem = str(error.problem)
    if problem == _TAB:
        return place, "expected spaces, found a tab", "indent with spaces alone"
    if problem == _NESTED_COLON:
        return (
            place,
            "expected one value, found a second colon or a key that is indented too far",
            "quote a text that holds a colon followed by a space",
        )
    if at_start and error.context == _CLEARER_AT_ITS_START[0]:
        return place, "expected a key followed by a colon, found none", None
    if at_start:
        return place, "expected a text that ends with its quote, found none", None
    problem = re.sub(",? but (found|got)", ", found", without_quotes(problem))
    for token, words in _TOKENS.items():
        problem = problem.replace(f"'{token}'", words).replace(token, words)
    if not problem.startswith("expected "):
        problem = f"expected YAML 1.2, found {problem.removeprefix('found ')}"
    return place, problem, None


_TOKENS = {
    "<scalar>": "a text",
    "<block end>": "the next key or item, or the end",
    "<block mapping start>": "a mapping that is indented further",
    "<block sequence start>": "a list that is indented further",
    "<document start>": "the start of a document",
    "<document end>": "the end of the document",
    "<stream end>": "the end of the file",
    "<anchor>": "an anchor",
    "<alias>": "an alias",
    "<tag>": "a tag",
}
"""The parser's names of what it reads, in words."""


def _first_unprintable(text: str) -> Place:
    found = Reader.NON_PRINTABLE.search(text)
    before = text[: found.start()] if found else ""
    return Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)

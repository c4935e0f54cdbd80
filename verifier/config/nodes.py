"""A tree of YAML nodes, built from the parser's events within bounds.

One event at a time and without recursion, so that a hostile text is given up at the
first event that is too much: too deep, too many values once aliases are written out,
a second document.
"""

import re
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
)

from verifier.config.codes import Code
from verifier.config.problem import Path, Place, Problem
from verifier.config.scalar import plain_scalar
from verifier.config.secret import show_key, show_path

MAX_DEPTH = 32
MAX_VALUES = 100_000
MAX_PROBLEMS = 100

_NodeEvent = AliasEvent | ScalarEvent | CollectionStartEvent
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class Node:
    """A value in the making; an alias shares the node of its anchor.

    ``size`` counts it and all values in it, aliases written out; ``height`` its levels.
    """

    place: Place
    path: Path = ()
    scalar: Any = None
    items: "list[Node] | None" = None
    entries: "dict[str, tuple[Place, Node]] | None" = None
    size: int = 1
    height: int = 1
    open: bool = False
    key: tuple[str, Place] | None = None


class GiveUp(Exception):
    """What follows in the text cannot be read or has no certain meaning."""


class NodeReader:
    """Builds nodes from events; ``at`` is the place of the latest event."""

    def __init__(self, file: str) -> None:
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self.at = Place(1, 1)
        self._file = file
        self._around: list[Node] = []
        self._anchors: dict[str, Node] = {}
        self._count = 0

    def report(
        self, code: Code, place: Place, message: str, hint: str | None = None, path: Path = ()
    ) -> None:
        """Add a problem of this file; raises ``GiveUp`` where there are too many to read."""
        if len(self.problems) == MAX_PROBLEMS:
            raise GiveUp
        self.problems.append(
            Problem(
                file=self._file,
                line=place.line,
                column=place.column,
                code=code,
                path=show_path(path),
                message=message,
                hint=hint,
            )
        )

    def finish(self) -> Node:
        """The document's root; raises ``GiveUp`` where there is none."""
        root = self.root
        if root is None or (root.scalar is None and root.items is None and root.entries is None):
            self.report(
                Code.EMPTY,
                Place(1, 1),
                "expected a mapping that starts with version: 1, found nothing",
                "landed init writes a file to start from",
            )
            raise GiveUp
        return root

    def read(self, event: Event) -> None:
        """Take the next event; raises ``GiveUp`` where the rest makes no sense."""
        self.at = Place(event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, DocumentStartEvent):
            self._start_document(event)
        elif isinstance(event, CollectionEndEvent):
            self._close()
        elif isinstance(event, _NodeEvent):
            container = self._around[-1] if self._around else None
            if container and container.entries is not None and container.key is None:
                self._read_key(event, container)
            else:
                self._read_value(event)

    def _start_document(self, event: DocumentStartEvent) -> None:
        if self.root is not None:
            self.report(
                Code.SEVERAL_DOCUMENTS, self.at, "expected one document, found a second one"
            )
            raise GiveUp
        if event.version is not None and tuple(event.version) != (1, 2):
            self.report(Code.YAML_FEATURE, self.at, "expected YAML 1.2, found another version")

    def _read_key(self, event: _NodeEvent, container: Node) -> None:
        self._enter(1)
        if not isinstance(event, ScalarEvent):
            self.report(
                Code.YAML_FEATURE,
                self.at,
                "expected a word as key, found a list, a mapping or an alias",
                path=container.path,
            )
            raise GiveUp
        if event.ctag is not None or event.anchor is not None:
            self.report(
                Code.YAML_FEATURE,
                self.at,
                "expected a plain word as key, found a tag or an anchor",
                path=container.path,
            )
        self._check_text(event.value)
        container.key = (event.value, self.at)

    def _read_value(self, event: _NodeEvent) -> None:
        path = self._next_path()
        if isinstance(event, AliasEvent):
            node = self._resolve(event, path)
            self._enter(node.size)
            if len(self._around) + node.height > MAX_DEPTH:
                self._too_deep(path)
            self._attach(node)
            return
        self._enter(1)
        if len(self._around) >= MAX_DEPTH:
            self._too_deep(path)
        node = Node(self.at, path)
        if event.ctag is not None:
            self.report(
                Code.YAML_FEATURE, self.at, "expected a plain value, found a tag", path=path
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        if isinstance(event, ScalarEvent):
            self._check_text(event.value)
            node.scalar = plain_scalar(event.value) if event.implicit[0] else event.value
            self._attach(node)
            return
        if isinstance(event, MappingStartEvent):
            node.entries = {}
        else:
            node.items = []
        node.open = True
        node.size = self._count  # becomes a size when it closes
        self._around.append(node)

    def _next_path(self) -> Path:
        if not self._around:
            return ()
        container = self._around[-1]
        if container.items is not None:
            return (*container.path, len(container.items))
        assert container.key is not None  # noqa: S101 - a value of a mapping follows its key
        return (*container.path, container.key[0])

    def _attach(self, node: Node) -> None:
        """Put a finished value into what is around it."""
        if not self._around:
            self.root = node
            return
        container = self._around[-1]
        container.height = max(container.height, node.height + 1)
        if container.items is not None:
            container.items.append(node)
        elif container.entries is not None and container.key is not None:
            (key, place), container.key = container.key, None
            path = (*container.path, key)
            if key == "<<":
                self.report(
                    Code.YAML_FEATURE,
                    place,
                    "expected a key, found the merge key '<<'",
                    "write the keys out; an alias may stand for a whole value",
                    container.path,
                )
            elif key in container.entries:
                first = container.entries[key][0]
                self.report(
                    Code.DUPLICATE_KEY,
                    place,
                    f"expected each key once, found {show_key(path)} again, which stands at "
                    f"{first.line}:{first.column} already",
                    "keep one of the two",
                    container.path,
                )
            else:
                container.entries[key] = (place, node)

    def _close(self) -> None:
        node = self._around.pop()
        node.open = False
        node.size = self._count - node.size + 1
        self._attach(node)

    def _resolve(self, event: AliasEvent, path: Path) -> Node:
        node = self._anchors.get(event.anchor)
        if node is not None and not node.open:
            return node
        problem = "an alias to none" if node is None else "an alias to what contains it"
        self.report(
            Code.BAD_ALIAS,
            self.at,
            f"expected an alias to an anchor before it, found {problem}",
            "a text that starts with * needs quotes" if node is None else None,
            path,
        )
        return Node(self.at, path)

    def _enter(self, size: int) -> None:
        self._count += size
        if self._count > MAX_VALUES:
            self.report(
                Code.TOO_COMPLEX, self.at, f"expected at most {MAX_VALUES:,} values, found more"
            )
            raise GiveUp

    def _too_deep(self, path: Path) -> None:
        self.report(
            Code.TOO_COMPLEX,
            self.at,
            f"expected at most {MAX_DEPTH} levels, found more",
            path=path[:4],
        )
        raise GiveUp

    def _check_text(self, text: str) -> None:
        if _SURROGATE.search(text):
            self.report(Code.BROKEN_YAML, self.at, "expected text, found half of a surrogate pair")
            raise GiveUp

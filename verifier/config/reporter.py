"""Collects the problems of one document, each at its place in the file."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from verifier.config.codes import Code
from verifier.config.document import Document
from verifier.config.problem import Level, Path, Place, Problem
from verifier.config.secret import Hidden, show_path, show_value


@dataclass(kw_only=True)
class Subject:
    """What is judged: the content as written, and with its references replaced.

    ``document`` is None for a declaration that stands in no file any more: its
    problems have no place.
    """

    file: str
    written: Any
    value: Any
    document: Document | None
    problems: list[Problem] = field(default_factory=list)
    settled: set[Place] = field(default_factory=set)
    failed: list[Path] = field(default_factory=list)

    @cached_property
    def hidden(self) -> Hidden:
        """What must not be repeated of ``value``."""
        return Hidden(self.written, self.value)


class Reporter:
    """Where readers and rules tell what is wrong with one part of a subject.

    No problem repeats what a reference stands for, whoever worded it.
    """

    def __init__(self, subject: Subject, prefix: Path = ()) -> None:
        self._subject = subject
        self._prefix = prefix

    @property
    def written(self) -> Any:
        """The part as it was written."""
        return at(self._subject.written, self._prefix)

    @property
    def value(self) -> Any:
        """The part with its references replaced."""
        return at(self._subject.value, self._prefix)

    @property
    def has_errors(self) -> bool:
        """Whether any value of the part has an error."""
        depth = len(self._prefix)
        return any(path[:depth] == self._prefix for path in self._subject.failed)

    def below(self, *path: str | int) -> "Reporter":
        """The reporter of a part of this part."""
        return Reporter(self._subject, (*self._prefix, *path))

    def settle(self) -> None:
        """Report nothing more at the places that have an error by now.

        What is told of a value that could not even be read would be noise.
        """
        self._subject.settled.update(
            Place(problem.line, problem.column)
            for problem in self._subject.problems
            if problem.line is not None and problem.column is not None
        )

    def error(
        self,
        code: Code,
        path: Path,
        message: str,
        hint: str | None = None,
        *,
        at_key: bool = False,
        quotes: bool | None = None,
    ) -> None:
        """Report an error at the value of ``path``, or at the key that leads to it.

        ``quotes``: whether the message may quote what a reference at or below ``path``
        stands for. By default that is feared of every text.
        """
        self._add(code, path, message, hint, Level.ERROR, at_key, quotes)

    def warning(
        self,
        code: Code,
        path: Path,
        message: str,
        hint: str | None = None,
        *,
        at_key: bool = False,
    ) -> None:
        """Report what does not keep the file from being used and is hardly meant."""
        self._add(code, path, message, hint, Level.WARNING, at_key, quotes=None)

    def _add(
        self,
        code: Code,
        path: Path,
        message: str,
        hint: str | None,
        level: Level,
        at_key: bool,
        quotes: bool | None,
    ) -> None:
        subject = self._subject
        whole = (*self._prefix, *path)
        if level is Level.ERROR:
            subject.failed.append(whole)
        place = None
        if subject.document is not None:
            find = subject.document.key_place if at_key else subject.document.place
            place = find(whole)
            if place in subject.settled:
                return
        written = at(subject.written, whole)
        if quotes is None:
            quotes = isinstance(written, str)
        if quotes and subject.hidden.is_told_by(f"{message} {hint}", whole):
            message = f"expected another value, found {show_value(written, whole)}"
            hint = "what it stands for is not shown"
        subject.problems.append(
            Problem(
                file=subject.file,
                line=place.line if place else None,
                column=place.column if place else None,
                code=code,
                path=show_path(whole),
                message=subject.hidden.mask(message),
                hint=subject.hidden.mask(hint) if hint else None,
                level=level,
            )
        )


def at(content: Any, path: Path) -> Any:
    """What stands in ``content`` at ``path``; None where nothing does."""
    for key in path:
        in_mapping = isinstance(content, dict) and key in content
        in_list = isinstance(content, list) and key in range(len(content))
        if in_mapping or in_list:
            content = content[key]
        else:
            return None
    return content

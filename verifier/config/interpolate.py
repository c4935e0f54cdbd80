"""``${NAME}`` and ``${file:/path}`` in a document's texts.

Read after parsing, so that what a variable holds can never become structure, and
read once, so that it cannot name further variables. ``$${`` stands for ``${``.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from verifier.config.codes import Code
from verifier.config.problem import Path
from verifier.config.reporter import Reporter
from verifier.config.secret import bears_secrets

MAX_FILE_BYTES = 64 * 1024

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_FILE = "file:"


class _Unresolved(Exception):
    def __init__(self, code: Code, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def interpolate(content: Any, environ: Mapping[str, str], reporter: Reporter) -> Any:
    """``content`` with its references replaced; ``content`` itself stays as it is.

    A text whose reference cannot be resolved stays as it was written, and each such
    reference is reported.
    """
    return _interpolate(content, (), environ, reporter)


def references(content: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of all texts in ``content`` that hold a reference."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from references(value, (*path, key))
    elif isinstance(content, list):
        for index, value in enumerate(content):
            yield from references(value, (*path, index))
    elif isinstance(content, str) and any(
        found[0] != "$${" for found in _REFERENCE.finditer(content)
    ):
        yield path


def _interpolate(content: Any, path: Path, environ: Mapping[str, str], reporter: Reporter) -> Any:
    if isinstance(content, dict):
        return {
            key: _interpolate(value, (*path, key), environ, reporter)
            for key, value in content.items()
        }
    if isinstance(content, list):
        return [
            _interpolate(value, (*path, index), environ, reporter)
            for index, value in enumerate(content)
        ]
    if not isinstance(content, str) or "${" not in content:
        return content
    text = ""
    position = 0
    whole = True
    for found in _REFERENCE.finditer(content):
        text += content[position : found.start()]
        position = found.end()
        try:
            text += "${" if found[0] == "$${" else _resolve(found[1], environ)
        except _Unresolved as problem:
            whole = False
            hidden = bears_secrets(path) and problem.code is Code.BAD_REFERENCE
            reporter.error(
                problem.code,
                path,
                "expected ${NAME} or ${file:/path}, found neither" if hidden else problem.message,
                problem.hint,
            )
    return text + content[position:] if whole else content


def _resolve(reference: str | None, environ: Mapping[str, str]) -> str:
    if reference is None:
        raise _Unresolved(
            Code.BAD_REFERENCE,
            "expected a } behind ${ and a name, found none",
            "write $${ where the characters themselves are meant",
        )
    if reference.startswith(_FILE):
        return _read(reference.removeprefix(_FILE))
    if not _NAME.fullmatch(reference):
        raise _Unresolved(
            Code.BAD_REFERENCE,
            "expected ${NAME} or ${file:/path}, found neither",
            "a name has letters, digits and underscores; write $${ where the characters "
            "themselves are meant",
        )
    if reference not in environ:
        raise _Unresolved(
            Code.MISSING_VARIABLE,
            f"expected the environment variable {reference} to be set, found it missing",
            f"export {reference}, or read it from a file with ${{file:/run/secrets/…}}",
        )
    return environ[reference]


def _read(name: str) -> str:
    """The text of a secret's file without its last line break."""
    if not name.startswith("/"):
        raise _Unresolved(
            Code.BAD_REFERENCE, "expected an absolute path behind ${file:, found another one"
        )
    shown = name[:200]
    try:
        file = FilePath(name)
        if not file.is_file():
            raise _Unresolved(Code.MISSING_FILE, f"expected the file {shown}, found none there")
        with file.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise _Unresolved(Code.MISSING_FILE, f"expected at most 64 KiB in {shown}, found more")
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise _Unresolved(
            Code.MISSING_FILE, f"expected UTF-8 text in {shown}, found something else"
        ) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no path"
        raise _Unresolved(
            Code.MISSING_FILE, f"expected to read the file {shown}, found: {why}"
        ) from None

"""The text of a configuration file, within bounds."""

from pathlib import Path as FilePath

from verifier.config.codes import Code
from verifier.config.problem import Problem

MAX_BYTES = 1024 * 1024


def read_text(path: FilePath) -> str | Problem:
    """The text of the file at ``path``, or why it cannot be had."""
    try:
        if path.is_dir():
            return _problem(path, Code.UNREADABLE, "expected a file, found a folder")
        if path.exists() and not path.is_file():
            return _problem(path, Code.UNREADABLE, "expected a regular file, found another kind")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no path"
        hint = "landed init writes one" if isinstance(error, FileNotFoundError) else None
        return _problem(path, Code.UNREADABLE, f"expected to read the file, found: {why}", hint)
    if len(content) > MAX_BYTES:
        return _problem(path, Code.TOO_LARGE, "expected at most 1 MiB, found more")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        message = "expected UTF-8 text, found another encoding"
        return _problem(path, Code.NOT_UTF8, message, None, line, column)


def _problem(
    path: FilePath,
    code: Code,
    message: str,
    hint: str | None = None,
    line: int = 1,
    column: int = 1,
) -> Problem:
    return Problem(
        file=str(path), line=line, column=column, code=code, path="", message=message, hint=hint
    )

"""Where in its file something of a configuration stands, for who finds fault with it later."""

from collections.abc import Callable
from pathlib import Path as FilePath

from verifier.config.document import read_document
from verifier.config.problem import Path, Problem
from verifier.config.secret import show_path
from verifier.config.text import read_text


def places(file: str) -> Callable[[Path], str]:
    """Tells ``file:line:column path`` of a path; without the line where that cannot be read."""
    text = read_text(FilePath(file))
    document = None if isinstance(text, Problem) else read_document(text, file)[0]

    def place(path: Path) -> str:
        if document is None:
            return f"{file} {show_path(path)}"
        at = document.place(path)
        return f"{file}:{at.line}:{at.column} {show_path(path)}"

    return place

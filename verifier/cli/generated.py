"""Files that are made from the configuration: written, or compared with what is there."""

from collections.abc import Mapping
from difflib import unified_diff
from pathlib import Path

import typer

from verifier.cli.exits import CommandFailed, ExitCode
from verifier.cli.output import show_json, show_lines
from verifier.cli.text import plain

_MOST_LINES = 20
"""Lines of a difference that are shown; a person makes the files anew anyway."""


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write ``files`` into ``folder``; raises ``CommandFailed`` where that cannot be."""
    for name, text in files.items():
        path = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except (OSError, ValueError) as error:
            raise CommandFailed(f"{plain(path)} cannot be written: {_why(error)}") from None


def write_files(folder: Path, files: Mapping[str, str], *, as_json: bool) -> None:
    """Write ``files`` as ``write`` does, and tell their paths."""
    write(folder, files)
    if as_json:
        show_json({"files": [str(folder / name) for name in files]})
        return
    for name in files:
        show_lines(f"wrote {plain(folder / name)}")


def check_files(folder: Path, files: Mapping[str, str], *, as_json: bool) -> None:
    """Tell how ``folder`` differs from ``files``; exits 1 where it does."""
    drift = {name: _difference(folder / name, text) for name, text in files.items()}
    drift = {name: lines for name, lines in drift.items() if lines}
    if as_json:
        show_json({"drift": [{"file": str(folder / name)} for name in drift]})
    for name, lines in drift.items() if not as_json else ():
        show_lines(f"{plain(folder / name)}: not what the configuration says")
        for line in lines[:_MOST_LINES]:
            show_lines(f"  {plain(line)}")
        if len(lines) > _MOST_LINES:
            show_lines(f"  and {len(lines) - _MOST_LINES} lines more")
    if not drift and not as_json:
        show_lines(f"{plain(folder)}: up to date")
    raise typer.Exit(ExitCode.VIOLATED if drift else ExitCode.DONE)


def _difference(path: Path, text: str) -> list[str]:
    try:
        found = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ["there is no such file"]
    except UnicodeDecodeError:
        return ["it is no text"]
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{plain(path)} cannot be read: {_why(error)}") from None
    if found == text:
        return []
    lines = unified_diff(found.splitlines(), text.splitlines(), "found", "expected", "", "", 0, "")
    return list(lines) or ["its line ends differ"]


def _why(error: Exception) -> str:
    return (error.strerror or "it failed") if isinstance(error, OSError) else "it is no path"

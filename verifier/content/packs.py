"""The ready-made packs: whole configurations for a kind of job, to start from."""

import re
from pathlib import Path

from verifier.content.files import shipped_in

_ABOUT = re.compile(r"# A pack for (?P<about>.*(?:\n# .+)*)")
"""How the file of a pack begins; ``about`` ends where the first paragraph does."""


def packs() -> dict[str, str]:
    """What each pack is for, by its name; in one line."""
    return {path.stem: about for path in _files() if (about := _about(path))}


def pack(name: str) -> str:
    """The text of a pack, with its comments; raises ``KeyError`` where there is none."""
    for path in _files():
        if path.stem == name and _about(path):
            return path.read_text(encoding="utf-8")
    raise KeyError(name)


def _files() -> list[Path]:
    return [path for path in shipped_in("checks") if path.suffix == ".yaml"]


def _about(path: Path) -> str | None:
    """What the pack is for; None where the file is no pack."""
    found = _ABOUT.match(path.read_text(encoding="utf-8"))
    return found["about"].replace("\n# ", " ") if found else None

"""Finds the files of the top-level folders that are shipped with the program.

A wheel carries them beside this module. An editable install does not, so there the
repository's own folders are used.
"""

from pathlib import Path

FOLDERS = ("checks", "exporters", "dashboards", "alerts")


def shipped(name: str) -> Path:
    """The path of a shipped file such as ``checks/example.yaml``.

    Raises ``FileNotFoundError`` where there is none by that name.
    """
    for root in _roots():
        path = root / name
        if name.split("/", 1)[0] in FOLDERS and path.is_file():
            return path
    raise FileNotFoundError(f"no shipped file is named {name!r}")


def shipped_in(folder: str) -> list[Path]:
    """The files right in one of ``FOLDERS``, by name."""
    found = next((root / folder for root in _roots() if (root / folder).is_dir()), None)
    return sorted(each for each in found.iterdir() if each.is_file()) if found else []


def _roots() -> tuple[Path, Path]:
    here = Path(__file__).parent
    return here, here.parent.parent

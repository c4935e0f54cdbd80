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
    here = Path(__file__).parent
    for root in (here, here.parent.parent):
        path = root / name
        if name.split("/", 1)[0] in FOLDERS and path.is_file():
            return path
    raise FileNotFoundError(f"no shipped file is named {name!r}")

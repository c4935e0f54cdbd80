"""Functions that installed packages offer as checks."""

from importlib.metadata import EntryPoint, entry_points

GROUP = "landed.checks"


def entry_point(name: str) -> EntryPoint:
    """The function called ``name``; raises ``KeyError`` where no package offers it."""
    return entry_points(group=GROUP)[name]


def known() -> list[str]:
    """The names of all that are offered."""
    return sorted(entry_points(group=GROUP).names)

"""What an examination of a source or a store tells: one thing at a time."""

from enum import StrEnum

import msgspec


class Level(StrEnum):
    """How much a remark matters.

    ``note``: what will not be seen as things are, and need not be wrong. ``warning``:
    what is hardly meant. ``error``: what keeps the source or store from being used.
    """

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found, in words for people; no secret is in it."""

    level: Level
    message: str
    hint: str | None = None


def reachable(why_not: str | None) -> list[Remark]:
    """Whether somebody answered; ``why_not`` is None where one did."""
    if why_not is not None:
        return [Remark(level=Level.ERROR, message=f"cannot be asked: {why_not}")]
    return [Remark(level=Level.OK, message="reachable")]

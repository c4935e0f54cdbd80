"""How much of what a check saw is kept: data of customers may be nobody's business."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Detail(StrEnum):
    """What evidence shows.

    ``keys``: statements with their bound values, counts, and a sample of keys.
    ``counts``: the same without keys, and without the words of a database, which may
    quote a row. ``none``: nothing but the counts of the answer itself.
    """

    KEYS = "keys"
    COUNTS = "counts"
    NONE = "none"


_TELLING = frozenset({"sample", "detail", "unlisted"})


def kept(evidence: Mapping[str, Any], detail: Detail) -> dict[str, Any]:
    """What may be kept of ``evidence``."""
    if detail is Detail.NONE:
        return {}
    if detail is Detail.KEYS:
        return dict(evidence)
    return {
        name: kept(part, detail) if isinstance(part, Mapping) else part
        for name, part in evidence.items()
        if name not in _TELLING
    }

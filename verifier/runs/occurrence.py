"""The occurrence of a partitioned job, and the last useful completion of any job."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from verifier.runs.verdict import Verdict


class Occurrence(msgspec.Struct, frozen=True):
    """All partitions of one due instant: the gravest verdict, and how many of each.

    ``verdict`` is None while any partition has none.
    """

    verdict: Verdict | None
    counts: dict[str, int]


class Useful(msgspec.Struct, frozen=True, order=True):
    """A verified run: its due instant, and when its work was done (UTC)."""

    due: datetime
    completed_at: datetime


def occurrence(verdicts: Iterable[Verdict | None]) -> Occurrence:
    """The verdicts of all partitions added up; those still open count as ``open``."""
    given = list(verdicts)
    counts = Counter("open" if each is None else str(each) for each in given)
    judged = [each for each in given if each is not None]
    whole = bool(judged) and len(judged) == len(given)
    gravest = max(judged, key=lambda each: each.gravity) if whole else None
    return Occurrence(gravest, dict(sorted(counts.items())))


def last_useful(
    newest: Mapping[str, Useful | None], complete_when_pct: float = 100.0
) -> Useful | None:
    """The last useful completion of a job, from the newest of each partition.

    A job without partitions has one entry. Of several, the oldest counts, since the
    job is as fresh as its stalest partition; ``complete_when_pct`` lets that share
    of partitions stand for all. None while too few have ever been verified.
    """
    if not newest:
        return None
    fresh = sorted((each for each in newest.values() if each is not None), reverse=True)
    needed = -(-len(newest) * complete_when_pct // 100)
    if len(fresh) < needed or not fresh:
        return None
    return fresh[max(1, int(needed)) - 1]

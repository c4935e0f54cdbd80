"""The occurrence of a partitioned job, and the last useful completion of any job."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import msgspec

from verifier.runs.evaluation import PartitionCount
from verifier.runs.verdict import Verdict

OPEN = "open"
"""What a partition without a verdict counts as."""

UNLISTED = "unlisted"
"""What an exception counts as that has no record of its own."""


MOST_NAMED = 10
"""How many partitions a run of all names at most."""


class Occurrence(msgspec.Struct, frozen=True):
    """All partitions of one due instant: the gravest verdict, and how many of each.

    ``verdict`` is None while there is none; the partitions are open then. ``gravest`` are
    the first of those that somebody should look at, each with its verdict.
    """

    verdict: Verdict | None
    counts: dict[str, int]
    gravest: tuple[tuple[str, Verdict], ...] = ()


class Useful(msgspec.Struct, frozen=True, order=True):
    """A verified run: its due instant, and when its work was done (UTC)."""

    due: datetime
    completed_at: datetime


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """One occurrence: how many partitions it has, and which of them it did not verify."""

    due: datetime
    completed_at: datetime
    total: int
    lacking: Collection[str]


def occurrence(
    verdict: Verdict | None, count: PartitionCount | None, parts: Mapping[str, Verdict | None]
) -> Occurrence:
    """The partitions of a run of all, added up.

    ``verdict`` is that of the run of all: it stands where partitions are unlisted, and
    where none is an exception. ``parts`` are the verdicts of those partitions that have a
    record of their own; all that are no exception held, as ``count`` says.
    """
    if count is None or verdict is None:
        return Occurrence(verdict, {OPEN: count.total} if count else {})
    known = [parts[name] for name in count.exceptions if name in parts]
    counts = Counter(str(word or OPEN) for word in known)
    counts[Verdict.VERIFIED] += count.holding
    counts[UNLISTED] = count.total - count.holding - len(known)
    given = [word for word in known if word is not None]
    if given and not counts[UNLISTED]:
        verdict = max(given, key=lambda word: word.gravity)
    told = {str(word): runs for word, runs in sorted(counts.items()) if runs > 0}
    return Occurrence(verdict, told, gravest(count, parts))


def gravest(
    count: PartitionCount | None, parts: Mapping[str, Verdict | None]
) -> tuple[tuple[str, Verdict], ...]:
    """The first of the exceptions that are open, gravest first, each with its verdict."""
    exceptions = count.exceptions if count else ()
    known = [(name, parts.get(name)) for name in exceptions]
    found = [(name, word) for name, word in known if word is not None and not word.closed]
    return tuple(sorted(found, key=lambda each: (-each[1].gravity, each[0]))[:MOST_NAMED])


def last_useful(newest_first: Iterable[Covered], complete_when_pct: float = 100.0) -> Useful | None:
    """The last useful completion of a job with partitions.

    A partition is as fresh as the newest occurrence that verified it, and the job as
    its stalest partition; ``complete_when_pct`` lets that share of partitions stand for
    all. So it is the newest occurrence since which so many were verified at least once.
    None where there is none among ``newest_first``.
    """
    lacking: set[str] | None = None
    borne = 0.0
    for each in newest_first:
        if lacking is None:
            lacking, borne = set(each.lacking), each.total * (100 - complete_when_pct) / 100
        else:
            lacking &= set(each.lacking)
        if len(lacking) <= borne + _TOLERANCE:
            return Useful(each.due, each.completed_at)
    return None


_TOLERANCE = 1e-6  # of a partition: 99.9 % of 1000 are 999, whatever a float makes of that

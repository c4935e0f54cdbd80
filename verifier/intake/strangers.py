"""Jobs that signals name and nobody declared: a slip, mostly, that would go unnoticed."""

from collections.abc import Collection, Iterable
from datetime import datetime
from difflib import get_close_matches
from threading import Lock
from typing import Any

import msgspec
import structlog

from verifier.runs.instant import format_instant

MOST = 1_000
"""Jobs that are told of while the process lives; the rest is only counted."""

SHOWN = 20
"""Of how many it is told which declared job was probably meant: to look is not for nothing."""

log = structlog.get_logger()


class Stranger(msgspec.Struct, frozen=True):
    """How often signals of a job were kept out, one that was sent again included, and when last."""

    refused: int
    last_at: datetime


class Strangers:
    """The jobs that were named and not known; any thread may tell of them and ask."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._met: dict[str, Stranger] = {}
        self._lock = Lock()

    def meet(self, source: str, jobs: Iterable[str], now: datetime) -> None:
        """Signals of ``jobs`` were kept out at ``now``; logged where that is the first time."""
        for job in jobs:
            if self._is_new(job, now):
                log.warning("unknown_job", source=source, job=job)

    def known(self, declared: Collection[str]) -> list[dict[str, Any]]:
        """Those that are not ``declared`` by now, the most frequent first, as documents.

        ``did_you_mean``: the declared job whose name is most like theirs, None where none is.
        """
        with self._lock:
            met = [(job, each) for job, each in self._met.items() if job not in declared]
        met.sort(key=lambda pair: (-pair[1].refused, pair[0]))
        return [
            {
                "job": job,
                "refused": each.refused,
                "last_at": format_instant(each.last_at),
                "did_you_mean": meant(job, declared) if place < SHOWN else None,
            }
            for place, (job, each) in enumerate(met)
        ]

    def _is_new(self, job: str, now: datetime) -> bool:
        with self._lock:
            before = self._met.get(job)
            if before is None and len(self._met) >= self._most:
                return False
            self._met[job] = Stranger(before.refused + 1 if before else 1, now)
            return before is None


def meant(job: str, declared: Collection[str]) -> str | None:
    """The declared job whose name is most like ``job``; None where none is much like it."""
    return next(iter(get_close_matches(job, declared, n=1)), None)

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

COUNTED = 100
"""Signals of a job that are told apart: who is refused comes again, many times."""

SHOWN = 20
"""Of how many it is told which declared job was probably meant: to look is not for nothing."""

log = structlog.get_logger()


class Stranger(msgspec.Struct):
    """Which signals of a job were kept out, the first ``COUNTED`` of them, and when last."""

    last_at: datetime
    ids: set[str] = msgspec.field(default_factory=set)


class Strangers:
    """The jobs that were named and not known; any thread may tell of them and ask."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._met: dict[str, Stranger] = {}
        self._lock = Lock()

    def meet(self, source: str, named: Iterable[tuple[str, str]], now: datetime) -> None:
        """Signals, ``named`` by job and id, were kept out at ``now``; a new job is logged."""
        for job, signal in named:
            if self._is_new(job, signal, now):
                log.warning("unknown_job", source=source, job=job)

    def known(self, declared: Collection[str]) -> list[dict[str, Any]]:
        """Those that are not ``declared`` by now, the most frequent first, as documents.

        ``signals``: how many were kept out, up to ``COUNTED``. ``did_you_mean``: the declared
        job whose name is most like theirs, None where none is.
        """
        with self._lock:
            met = [
                (job, len(each.ids), each.last_at)
                for job, each in self._met.items()
                if job not in declared
            ]
        met.sort(key=lambda known: (-known[1], known[0]))
        return [
            {
                "job": job,
                "signals": signals,
                "last_at": format_instant(last_at),
                "did_you_mean": meant(job, declared) if place < SHOWN else None,
            }
            for place, (job, signals, last_at) in enumerate(met)
        ]

    def _is_new(self, job: str, signal: str, now: datetime) -> bool:
        with self._lock:
            is_new = job not in self._met
            if is_new and len(self._met) >= self._most:
                return False
            stranger = self._met.setdefault(job, Stranger(now))
            stranger.last_at = now
            if len(stranger.ids) < COUNTED:
                stranger.ids.add(signal)
            return is_new


def meant(job: str, declared: Collection[str]) -> str | None:
    """The declared job whose name is most like ``job``; None where none is much like it."""
    return next(iter(get_close_matches(job, declared, n=1)), None)

"""Jobs that signals name and nobody declared: a slip, mostly, that would go unnoticed."""

from collections.abc import Collection, Iterable
from datetime import datetime
from difflib import get_close_matches
from threading import Lock
from typing import Any, NamedTuple

import msgspec

from verifier.runs.instant import format_instant

MOST = 1_000
"""Jobs that are told of while the process lives; the rest is only counted."""

COUNTED = 100
"""Signals of a job that are told apart: who is refused comes again, many times."""

SHOWN = 20
"""Of how many it is told which declared job was probably meant: to look is not for nothing."""


class Stranger(msgspec.Struct):
    """Which signals of a job were kept out, the first ``COUNTED``, and when the last was told."""

    last_at: datetime
    ids: set[str] = msgspec.field(default_factory=set)


class Named(NamedTuple):
    """A signal's ``job``, its own ``id``, and ``at``, the instant that it tells of."""

    job: str
    id: str
    at: datetime


class Strangers:
    """The jobs that were named and not known; any thread may tell of them and ask.

    With ``logs``, each new one is logged: not for one command, which tells of them itself.
    """

    def __init__(self, most: int = MOST, *, logs: bool = True) -> None:
        self._most = most
        self._logs = logs
        self._met: dict[str, Stranger] = {}
        self._lock = Lock()

    def meet(self, source: str, signals: Iterable[Named], now: datetime) -> None:
        """``signals`` were kept out at ``now``, the first time or again."""
        for signal in signals:
            if self._is_new(signal, now) and self._logs:
                # Loaded here, since a command, which logs nothing, would wait for it.
                import structlog

                structlog.get_logger().warning("unknown_job", source=source, job=signal.job)

    def known(self, declared: Collection[str]) -> list[dict[str, Any]]:
        """Those that are not ``declared`` by now, the most frequent first, as documents.

        ``signals``: how many were kept out, up to ``COUNTED``. ``last_at``: the latest instant
        that one of them tells of, however often it came. ``did_you_mean``: the declared
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

    def _is_new(self, signal: Named, now: datetime) -> bool:
        at = min(signal.at, now)  # a clock that is ahead
        with self._lock:
            is_new = signal.job not in self._met
            if is_new and len(self._met) >= self._most:
                return False
            stranger = self._met.setdefault(signal.job, Stranger(at))
            stranger.last_at = max(stranger.last_at, at)
            if len(stranger.ids) < COUNTED:
                stranger.ids.add(signal.id)
            return is_new


def meant(job: str, declared: Collection[str]) -> str | None:
    """The declared job whose name is most like ``job``; None where none is much like it."""
    return next(iter(get_close_matches(job, declared, n=1)), None)

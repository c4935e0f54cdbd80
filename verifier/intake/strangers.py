"""Signals of jobs that nobody declared: a line in the log for each such job, and no more."""

from collections.abc import Iterable
from threading import Lock

import structlog

from verifier.intake.receipt import RejectCode, Rejection

MOST = 1_000
"""Jobs that are told of while the process lives; the rest is only counted."""

log = structlog.get_logger()


class Strangers:
    """The jobs that were named and not known; any thread may tell of them."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._told: set[str] = set()
        self._lock = Lock()

    def meet(self, source: str, rejected: Iterable[Rejection]) -> None:
        """Log what is among ``rejected`` for its job, where that is the first time.

        A detail names the job, as far as a job's name goes, and holds nothing else.
        """
        for each in rejected:
            if each.code is RejectCode.UNKNOWN_JOB and self._is_new(each.detail):
                log.warning("unknown_job", source=source, detail=each.detail)

    def _is_new(self, detail: str) -> bool:
        with self._lock:
            if detail in self._told or len(self._told) >= self._most:
                return False
            self._told.add(detail)
            return True

"""What one process counts of what it takes in."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import perf_counter

from verifier.catalogue import process
from verifier.catalogue.label import CODE, KIND
from verifier.exporters.rows import Distribution, Row, Rows

OWN_SOURCES = ("native", "openlineage", "ping", "spool")
"""Where signals come from whatever is configured."""


class Meters:
    """Counts since the process began; any thread may count."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._signals: Counter[tuple[str, str]] = Counter()
        self._rejected: Counter[tuple[str, str]] = Counter()
        self._commits = [0.0] * (len(process.COMMIT_DURATION.buckets) + 1)
        self._commit_seconds = 0.0

    def took(self, source: str, kinds: Iterable[str]) -> None:
        """Signals of those kinds came from ``source`` and are durable."""
        counts = Counter(kinds)
        with self._lock:
            for kind, count in counts.items():
                self._signals[source, kind] += count

    def refused(self, source: str, codes: Iterable[str]) -> None:
        """Signals from ``source`` were refused, for those reasons."""
        with self._lock:
            self._rejected.update((source, code) for code in codes)

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Measures how long the commit within takes, if it succeeds."""
        began = perf_counter()
        yield
        took = perf_counter() - began
        with self._lock:
            self._commits[bisect_left(process.COMMIT_DURATION.buckets, took)] += 1
            self._commit_seconds += took

    def rows(self) -> Rows:
        """What was counted, with 0 for what was not."""
        with self._lock:
            sources = sorted(
                {*OWN_SOURCES, *(source for source, _ in (*self._signals, *self._rejected))}
            )
            return {
                process.SIGNALS.name: [
                    Row((source, kind), self._signals[source, kind])
                    for source in sources
                    for kind in KIND.values
                ],
                process.SIGNALS_REJECTED.name: [
                    Row((source, code), self._rejected[source, code])
                    for source in sources
                    for code in CODE.values
                ],
                process.COMMIT_DURATION.name: [
                    Row((), Distribution(list(self._commits), self._commit_seconds))
                ],
            }

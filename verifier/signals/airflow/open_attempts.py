"""What was told to be under way, so that it can be ended when Airflow forgets it.

A clear overwrites a DAG run, and what waited may be decided without ever starting: then
nothing in Airflow tells the end any more. This is kept in the cursor of the source.
"""

from collections.abc import Iterable, Iterator

import msgspec

from verifier.runs.signal import ENDS, Kind, Signal
from verifier.signals.airflow.documents import DagRun
from verifier.signals.airflow.telling import Occasion

MOST = 2_000
"""Attempts that are remembered; the oldest are forgotten first."""

OVERWRITTEN = "Airflow overwrote it before its end was heard"


class OpenAttempt(msgspec.Struct, frozen=True, array_like=True):
    """An attempt that waits or runs, as far as was heard."""

    job: str
    dag_id: str
    run_id: str
    attempt: str
    started: bool


class OpenAttempts:
    """The open attempts of a source, in the order in which they were first heard of."""

    def __init__(self, known: Iterable[OpenAttempt] = ()) -> None:
        self._known = {(each.job, each.attempt): each for each in known}

    def all(self) -> list[OpenAttempt]:
        """Those to be remembered."""
        return list(self._known.values())[-MOST:]

    def follow(self, run: DagRun, occasion: Occasion, told: Iterable[Signal]) -> Iterator[Signal]:
        """Remember what ``told`` leaves open of a job's run; end what it no longer speaks of."""
        job = occasion.job
        now_open: dict[str, OpenAttempt] = {}
        spoken_of: set[str] = set()
        for signal in told:
            if signal.attempt is None:
                continue
            spoken_of.add(signal.attempt)
            if signal.kind in ENDS:
                now_open.pop(signal.attempt, None)
            elif signal.kind is Kind.STARTED or signal.attempt not in now_open:
                now_open[signal.attempt] = OpenAttempt(
                    job, run.dag_id, run.run_id, signal.attempt, signal.kind is Kind.STARTED
                )
        before = [
            each
            for each in self._known.values()
            if (each.job, each.dag_id, each.run_id) == (job, run.dag_id, run.run_id)
        ]
        moments = (run.end_date, run.started, run.queued_at, run.run_after)
        at = max(moment for moment in moments if moment is not None)
        for each in before:
            del self._known[job, each.attempt]
            if each.attempt in spoken_of:
                continue
            if each.started:
                yield occasion.before.tell(Kind.CANCELLED, at, each.attempt, reason=OVERWRITTEN)
            else:
                yield occasion.before.waits_no_more(at, each.attempt)
        self._known.update({(job, name): each for name, each in now_open.items()})

"""A DAG as a job: each pass of its DAG run is an attempt.

The first pass, and each clear or reprocess after it. Airflow overwrites a pass with the
next one, so that each is told when it is seen and never again.
"""

from collections.abc import Iterable, Iterator

from verifier.runs.signal import Kind, Signal
from verifier.signals.airflow.documents import DagRun, TaskInstance
from verifier.signals.airflow.identity import pass_id, waiting_pass_id
from verifier.signals.airflow.telling import Occasion

_ENDS = {"success": Kind.SUCCEEDED, "failed": Kind.FAILED}


def pass_signals(run: DagRun, occasion: Occasion) -> Iterator[Signal]:
    """What ``run`` tells of its present pass; nothing where that was ended before it began."""
    if run.state == "queued":
        if run.queued_at is not None:
            yield occasion.waits(run.queued_at, waiting_pass_id(run.run_id, run.queued_at))
        return
    if run.start_date is None:
        return
    attempt = pass_id(run.run_id, run.start_date)
    # A clear of a run under way queues it anew, and the pass goes on.
    if run.queued_at is not None and run.queued_at <= run.start_date:
        yield occasion.tell(Kind.CREATED, run.queued_at, attempt)
    yield occasion.tell(Kind.STARTED, run.start_date, attempt)
    end = _ENDS.get(run.state)
    if end is not None and run.end_date is not None:
        yield occasion.tell(end, run.end_date, attempt)


def had_earlier_pass(run: DagRun, tries: Iterable[TaskInstance]) -> bool:
    """Whether any of its tries began before the present pass.

    A DAG run does not tell how often it was cleared, but the tries of its tasks are kept.
    """
    begins = [each for each in (run.queued_at, run.started) if each is not None]
    return bool(begins) and any(
        each.start_date is not None and each.start_date < min(begins) for each in tries
    )


def cleared_under_way(run: DagRun) -> bool:
    """Whether tasks were cleared while the present pass went on."""
    return run.queued_at is not None and run.started is not None and run.queued_at > run.started

"""OpenLineage events of Airflow, told as signals of the attempts that polling tells of.

They come sooner, and some are ambiguous, so that only clear ones end an attempt: a failure
that the task tells itself, and what the scheduler tells of its DAG run. The rest is left
to polling. A COMPLETE of a task is also sent by one that skipped itself; the scheduler
that speaks for a task that was killed, or a person who marks one, does not know how it
ended; and of a task killed on its last try there is no event at all.
"""

from collections.abc import Iterator

import msgspec

from verifier.runs.declaration import History
from verifier.runs.signal import Kind, Lane, Signal
from verifier.signals.airflow.identity import LINEAGE, pass_id, try_id
from verifier.signals.airflow.lane import BACKFILL, due_of, lane_of
from verifier.signals.airflow.telling import Occasion
from verifier.signals.openlineage.event import DagRunFacet, RunEvent, TaskInstanceFacet

_ENDS = {"COMPLETE": Kind.SUCCEEDED, "FAIL": Kind.FAILED}


def event_signals(event: RunEvent, job: str, history: History) -> Iterator[Signal]:
    """What ``event`` tells of ``job``, which is the DAG or the task that it speaks of."""
    run = event.dag_run
    if run is None:
        return
    occasion = _occasion(run, job, history)
    if event.run.facets.of_task is not None:
        yield from _of_task(event, run, event.run.facets.of_task.task_instance, occasion)
    elif run.start_date is not None:
        attempt = pass_id(run.run_id, run.start_date)
        end = _ENDS.get(event.event_type)
        if event.event_type == "START":
            yield occasion.tell(Kind.STARTED, run.start_date, attempt)
        elif end is not None:
            # A clear under way has raised the number by now, so it tells no lane any more.
            later = msgspec.structs.replace(occasion, lane=_lane_at_end(run, occasion))
            yield later.tell(Kind.STARTED, run.start_date, attempt)
            yield later.tell(end, run.end_date or event.event_time, attempt)


def _of_task(
    event: RunEvent, run: DagRunFacet, instance: TaskInstanceFacet, occasion: Occasion
) -> Iterator[Signal]:
    if instance.mapped:
        # One part of the attempt has begun; only polling knows of all of them.
        if event.event_type == "START" and run.start_date is not None:
            attempt = pass_id(run.run_id, run.start_date)
            yield occasion.tell(Kind.STARTED, event.event_time, attempt)
        return
    attempt = try_id(run.run_id, instance.try_number)
    if event.event_type == "START":
        yield occasion.tell(Kind.STARTED, event.event_time, attempt)
    elif event.event_type == "FAIL" and not instance.told_by_scheduler:
        yield occasion.tell(Kind.FAILED, event.event_time, attempt)


def _occasion(run: DagRunFacet, job: str, history: History) -> Occasion:
    due = due_of(
        run_type=run.run_type,
        logical_date=run.logical_date,
        data_interval_end=run.data_interval_end,
        run_after=run.run_after,
        history=history,
    )
    lane = lane_of(run.run_type, due, again=run.clear_number > 0)
    return Occasion(job=job, due=due, lane=lane, teller=LINEAGE)


def _lane_at_end(run: DagRunFacet, occasion: Occasion) -> Lane | None:
    return occasion.lane if occasion.due is None or run.run_type == BACKFILL else None

"""All that was read of one DAG run at one time, and what it tells of one job."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from verifier.runs.declaration import History
from verifier.runs.signal import Signal
from verifier.signals.airflow.documents import DagRun, Retries, TaskInstance
from verifier.signals.airflow.identity import REST
from verifier.signals.airflow.lane import due_of, lane_of
from verifier.signals.airflow.mapped import mapped_signals
from verifier.signals.airflow.passes import cleared_under_way, pass_signals
from verifier.signals.airflow.telling import Occasion
from verifier.signals.airflow.tries import try_signals

Unheard = Mapping[tuple[str, int], frozenset[int]]
"""By task and map index, the tries that Airflow ended because it heard no heartbeat."""


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A DAG run, the present rows of its tasks, and the tries before those.

    ``again``: whether the DAG run had an earlier pass. ``rows`` and ``earlier`` hold
    what jobs need; ``retries`` is by task.
    """

    run: DagRun
    again: bool
    rows: Sequence[TaskInstance] = ()
    earlier: Sequence[TaskInstance] = ()
    retries: Mapping[str, Retries] = {}
    unheard: Unheard = {}


def occasion_of(bundle: Bundle, job: str, history: History, task: str | None) -> Occasion:
    """Which run of ``job`` the DAG run is of, and why its present pass was made.

    What runs after a clear under way was cleared by somebody; the pass itself was not.
    """
    run = bundle.run
    due = due_of(
        run_type=run.run_type,
        logical_date=run.logical_date,
        data_interval_end=run.data_interval_end,
        run_after=run.run_after,
        history=history,
    )
    mapped = any(row.mapped and row.task_id == task for row in bundle.rows)
    by_try = task is not None and not mapped
    again = bundle.again or (by_try and cleared_under_way(run))
    lane = lane_of(run.run_type, due, again=again)
    return Occasion(job=job, due=due, lane=lane, teller=REST)


def signals_of(bundle: Bundle, occasion: Occasion, task: str | None) -> Iterator[Signal]:
    """What the bundle tells of a job that is the DAG, or one ``task`` of it."""
    if task is None:
        yield from pass_signals(bundle.run, occasion)
        return
    rows = [row for row in bundle.rows if row.task_id == task]
    if any(row.mapped for row in rows):
        yield from mapped_signals(rows, bundle.run, occasion)
        return
    for row in [*bundle.earlier, *rows]:
        if row.task_id == task and not row.mapped:
            yield from try_signals(
                row,
                bundle.run,
                occasion,
                retries=bundle.retries.get(task, Retries()),
                unheard=bundle.unheard.get((task, row.map_index), frozenset()),
            )

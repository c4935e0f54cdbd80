"""An OpenLineage run event, as far as it is used here: what Airflow's provider puts in it.

Whatever else it carries is not read.
"""

import msgspec

from verifier.intake.receipt import Refused, RejectCode
from verifier.signals.airflow.documents import UNMAPPED, Dated, Moment, Number, Word


class EventJob(msgspec.Struct, frozen=True):
    """``job`` of an event."""

    namespace: str
    name: str


class DagRunFacet(Dated, frozen=True, kw_only=True):
    """``dagRun`` of either facet. ``clear_number``: how often it was cleared so far."""

    dag_id: Word
    run_id: Word
    run_type: Word
    run_after: Moment
    clear_number: Number = 0
    logical_date: Moment | None = None
    data_interval_end: Moment | None = None
    start_date: Moment | None = None
    end_date: Moment | None = None


class TaskFacet(msgspec.Struct, frozen=True):
    """``task`` of a task's facet."""

    task_id: Word


class TaskInstanceFacet(msgspec.Struct, frozen=True, kw_only=True):
    """``taskInstance`` of a task's facet.

    ``pool`` and ``queued_dttm`` are there only where the scheduler speaks in place of a
    task that cannot.
    """

    try_number: Number
    map_index: Number | None = None
    pool: str | None = None
    queued_dttm: str | None = None

    @property
    def mapped(self) -> bool:
        """Whether it is one of several that mapping made of a task."""
        return self.map_index not in (None, UNMAPPED)

    @property
    def told_by_scheduler(self) -> bool:
        """Whether the task itself did not speak."""
        return self.pool is not None or self.queued_dttm is not None


class OfDagRun(msgspec.Struct, frozen=True, kw_only=True):
    """The facet ``airflowDagRun``."""

    dag_run: DagRunFacet = msgspec.field(name="dagRun")


class OfTask(msgspec.Struct, frozen=True, kw_only=True):
    """The facet ``airflow``."""

    dag_run: DagRunFacet = msgspec.field(name="dagRun")
    task: TaskFacet
    task_instance: TaskInstanceFacet = msgspec.field(name="taskInstance")


class Facets(msgspec.Struct, frozen=True, kw_only=True):
    """``run.facets`` of an event; an event has one of the two, or none."""

    of_dag_run: OfDagRun | None = msgspec.field(name="airflowDagRun", default=None)
    of_task: OfTask | None = msgspec.field(name="airflow", default=None)


class EventRun(msgspec.Struct, frozen=True):
    """``run`` of an event."""

    facets: Facets = Facets()


class RunEvent(Dated, frozen=True, kw_only=True, rename="camel"):
    """One event: something began or ended."""

    event_time: Moment
    event_type: Word
    job: EventJob
    run: EventRun

    @property
    def dag_run(self) -> DagRunFacet | None:
        """The DAG run that it speaks of; None where it does not name one."""
        told = self.run.facets.of_task or self.run.facets.of_dag_run
        return None if told is None else told.dag_run

    @property
    def task_id(self) -> str | None:
        """The task that it speaks of; None where it is of a whole DAG run."""
        told = self.run.facets.of_task
        return None if told is None else told.task.task_id


def read_event(item: bytes | msgspec.Raw) -> RunEvent:
    """The event in ``item``; raises ``Refused`` with what is wrong."""
    try:
        return _DECODER.decode(item)
    except msgspec.ValidationError as error:
        raise Refused(
            RejectCode.UNREADABLE, f"expected an OpenLineage run event: {error}"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(RejectCode.NOT_JSON, f"expected a JSON object: {error}") from None


_DECODER = msgspec.json.Decoder(RunEvent)

"""The jobs that are bound to an Airflow, by what Airflow calls them."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b

from verifier.signals.airflow.settings import AirflowBinding
from verifier.signals.source import BoundJob

Bound = BoundJob[AirflowBinding]


class Jobs:
    """Which jobs a DAG, or a task of it, is."""

    def __init__(self, jobs: Sequence[Bound]) -> None:
        self._all = jobs
        self._by_dag: dict[str, list[Bound]] = {}
        for job in jobs:
            self._by_dag.setdefault(job.binding.dag, []).append(job)

    @property
    def dags(self) -> list[str]:
        """The DAGs that any job is bound to."""
        return list(self._by_dag)

    def of_dag(self, dag_id: str) -> list[Bound]:
        """The jobs that are this DAG or a task of it."""
        return self._by_dag.get(dag_id, [])

    def of(self, dag_id: str, task_id: str | None) -> Iterator[Bound]:
        """The jobs that are this task, or without one the whole DAG."""
        return (job for job in self.of_dag(dag_id) if job.binding.task == task_id)

    def named(self, name: str) -> Iterator[Bound]:
        """The jobs of that OpenLineage name: the DAG, or the DAG and the task with a dot."""
        for job in self._all:
            dag, task = job.binding.dag, job.binding.task
            if name == (dag if task is None else f"{dag}.{task}"):
                yield job

    def tasks(self, dag_id: str) -> set[str]:
        """The tasks of a DAG that are jobs."""
        tasks = (job.binding.task for job in self.of_dag(dag_id))
        return {task for task in tasks if task is not None}

    @property
    def marks(self) -> list[str]:
        """A mark for each job and what it is bound to, by which a new one is noticed."""
        return sorted(
            blake2b(
                repr((job.name, job.binding.dag, job.binding.task)).encode(), digest_size=6
            ).hexdigest()
            for job in self._all
        )

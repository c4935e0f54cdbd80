"""Reading one DAG run whole: the run, its tries, and why the present pass was made."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from verifier.signals.airflow.bundle import Bundle, Unheard
from verifier.signals.airflow.client import PAGE, AirflowClient, Forbidden, NotFound, Query, segment
from verifier.signals.airflow.documents import (
    DagRun,
    Document,
    LoggedEvent,
    Retries,
    TaskInstance,
    read_all,
    read_retries,
)
from verifier.signals.airflow.passes import had_earlier_pass
from verifier.signals.airflow.tries import has_begun

Refuse = Callable[[str], None]
"""Told why something that was read is not what it should be."""

RETRIES_KEPT = timedelta(minutes=10)
"""How long what a DAG says of its retries is taken from memory."""

PASSES_KEPT = 5_000
LOOKED_AT = 3
"""Retried tasks whose first tries are looked at to tell whether there was an earlier pass."""

_RETRIED = frozenset({"failed", "up_for_retry"})


class Reader:
    """Reads bundles; remembers what does not change of them."""

    def __init__(self, client: AirflowClient) -> None:
        self._client = client
        self._again: OrderedDict[tuple[str, str, datetime | None], bool] = OrderedDict()
        self._retries: dict[str, tuple[datetime, dict[str, Retries]]] = {}

    def listed(
        self, path: str, field: str, kind: type[Document], query: Query, refuse: Refuse
    ) -> Iterator[Document]:
        """Each readable document of a list; what is not readable is refused."""
        for page in self._client.pages(path, field, query):
            yield from read_all(page, kind, refuse)

    def bundle(
        self,
        key: tuple[str, str],
        known: DagRun | None,
        tasks: Iterable[str],
        now: datetime,
        refuse: Refuse,
    ) -> Bundle | None:
        """The DAG run ``key`` with all tries of ``tasks``; None where it was deleted."""
        path = f"dags/{segment(key[0])}/dagRuns/{segment(key[1])}"
        try:
            run = known or next(iter(read_all([self._client.get(path)], DagRun, refuse)), None)
            if run is None:
                return None
            rows: list[TaskInstance] = []
            earlier: list[TaskInstance] = []
            for task in sorted(set(tasks)):
                query = {"task_id": task}
                instances = f"{path}/taskInstances"
                found = self.listed(instances, "task_instances", TaskInstance, query, refuse)
                present = [row for row in found if row.task_id == task]
                rows += present
                for row in present:
                    earlier += self._tries_before(path, row, refuse)
            again = self._had_earlier_pass(path, run, [*rows, *earlier], refuse)
            failed = any(each.state in _RETRIED for each in (*rows, *earlier))
            retried = any(row.state == "up_for_retry" for row in rows)
            return Bundle(
                run=run,
                again=again,
                rows=rows,
                earlier=earlier,
                retries=self._retries_of(key[0], now) if retried else {},
                unheard=self._unheard(key, refuse) if failed else {},
            )
        except NotFound:
            return None

    def _tries_before(self, path: str, row: TaskInstance, refuse: Refuse) -> Sequence[TaskInstance]:
        """The tries that ``row`` has overwritten; a mapped task is told by its present rows."""
        last = row.try_number - 1 if has_begun(row) else row.try_number
        if row.mapped or last < 1:
            return []
        return [
            each
            for each in self._tries(path, row, refuse)
            if each.try_number <= last and has_begun(each)
        ]

    def _tries(self, path: str, row: TaskInstance, refuse: Refuse) -> list[TaskInstance]:
        place = f"{path}/taskInstances/{segment(row.task_id)}"
        if row.mapped:
            place += f"/{row.map_index}"
        page = self._client.page(f"{place}/tries", "task_instances")
        return read_all(page.items, TaskInstance, refuse)

    def _had_earlier_pass(
        self, path: str, run: DagRun, known: Sequence[TaskInstance], refuse: Refuse
    ) -> bool:
        key = (run.dag_id, run.run_id, run.queued_at)
        if key not in self._again:
            self._again[key] = had_earlier_pass(run, known) or self._look_back(path, run, refuse)
            if len(self._again) > PASSES_KEPT:
                self._again.popitem(last=False)
        return self._again[key]

    def _look_back(self, path: str, run: DagRun, refuse: Refuse) -> bool:
        """Look at the tasks that began first, and at the first tries of retried ones."""
        query: Query = {"order_by": "start_date", "limit": PAGE}
        page = self._client.page(f"{path}/taskInstances", "task_instances", query)
        rows = read_all(page.items, TaskInstance, refuse)
        if had_earlier_pass(run, rows):
            return True
        if any(row.state is None and row.try_number > 0 for row in rows):
            return True  # cleared, and not begun again
        retried = [row for row in rows if row.try_number > 1][:LOOKED_AT]
        return any(had_earlier_pass(run, self._tries(path, row, refuse)) for row in retried)

    def _unheard(self, key: tuple[str, str], refuse: Refuse) -> Unheard:
        query = {"dag_id": key[0], "run_id": key[1], "event": "heartbeat timeout"}
        found: dict[tuple[str, int], set[int]] = {}
        try:
            for page in self._client.pages("eventLogs", "event_logs", query):
                for each in read_all(page, LoggedEvent, refuse):
                    if each.task_id is not None and each.try_number is not None:
                        place = (each.task_id, each.map_index if each.map_index is not None else -1)
                        found.setdefault(place, set()).add(each.try_number)
        except Forbidden:
            return {}  # ``landed doctor`` tells that this cannot be seen
        return {place: frozenset(numbers) for place, numbers in found.items()}

    def _retries_of(self, dag_id: str, now: datetime) -> dict[str, Retries]:
        read_at, known = self._retries.get(dag_id, (None, {}))
        if read_at is None or now - read_at > RETRIES_KEPT:
            tasks = self._client.get_json(f"dags/{segment(dag_id)}/tasks").get("tasks", [])
            known = {
                str(task.get("task_id")): read_retries(task)
                for task in (tasks if isinstance(tasks, list) else [])
                if isinstance(task, dict)
            }
            self._retries[dag_id] = (now, known)
        return known

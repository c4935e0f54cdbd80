"""What ``landed doctor`` says of an Airflow: whether it is heard, and what it won't tell."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from verifier.checks.remark import Level, Remark
from verifier.runs.declaration import Cron
from verifier.signals.airflow.client import AirflowClient, Forbidden, NotFound, segment
from verifier.signals.airflow.jobs import Bound
from verifier.signals.airflow.settings import AirflowModel
from verifier.signals.source import SourceUnavailable

SLACK = timedelta(seconds=30)
"""How far two clocks may differ before it is worth a remark."""

_PARTS = ("metadatabase", "scheduler", "dag_processor")


def examine(
    client: AirflowClient, settings: AirflowModel, jobs: Sequence[Bound], now: datetime
) -> Iterator[Remark]:
    """Remarks, the gravest thing first: where it cannot be asked, nothing else is known."""
    try:
        version = str(client.get_json("version").get("version"))
        yield Remark(level=Level.OK, message=f"Airflow {version[:40]} answers at {settings.url}")
        yield from _clock(client, now)
        yield from _health(client)
        yield from _rights(client, settings.username)
        for dag in sorted({job.binding.dag for job in jobs}):
            yield from _dag(client, dag, [job for job in jobs if job.binding.dag == dag])
    except SourceUnavailable as error:
        yield Remark(level=Level.ERROR, message=str(error), hint=_hint(error))
    yield from _lineage(settings)


def _clock(client: AirflowClient, now: datetime) -> Iterator[Remark]:
    if client.server_time is not None and abs(client.server_time - now) > SLACK:
        ahead = (client.server_time - now).total_seconds()
        yield Remark(
            level=Level.WARNING,
            message=f"the clock of Airflow is {ahead:+.0f} s ahead of the one here",
            hint="synchronise both: a start is bound to its slot by its time",
        )


def _health(client: AirflowClient) -> Iterator[Remark]:
    health = client.get_json("monitor/health")
    for part in _PARTS:
        told = health.get(part)
        status = told.get("status") if isinstance(told, dict) else None
        if status != "healthy":
            yield Remark(
                level=Level.ERROR,
                message=f"Airflow says that its {part} is {str(status)[:40]}",
                hint="slots that pass meanwhile leave no trace in Airflow; landed finds them "
                "missing by the schedule that the job declares",
            )


def _rights(client: AirflowClient, username: str) -> Iterator[Remark]:
    for path, needed in (
        ("dags/~/dagRuns", "nothing of any run is seen"),
        ("dags/~/dagRuns/~/taskInstances", "nothing of jobs that are tasks is seen"),
        (
            "eventLogs",
            "a try that Airflow ended because its heartbeats stopped looks like one that failed",
        ),
    ):
        try:
            client.get(path, {"limit": 1})
        except Forbidden:
            yield Remark(
                level=Level.ERROR if path != "eventLogs" else Level.WARNING,
                message=f"user {username} may not read {path}: {needed}",
                hint="give it the role viewer",
            )


def _dag(client: AirflowClient, dag_id: str, jobs: Sequence[Bound]) -> Iterator[Remark]:
    names = ", ".join(sorted(job.name for job in jobs))
    try:
        dag = client.get_json(f"dags/{segment(dag_id)}/details")
    except NotFound:
        yield Remark(
            level=Level.ERROR,
            message=f"Airflow has no DAG {dag_id!r}, which {names} is bound to",
            hint="`landed discover airflow` lists the DAGs that there are",
        )
        return
    if dag.get("is_paused"):
        yield Remark(
            level=Level.WARNING,
            message=f"DAG {dag_id!r} is paused: every slot of {names} will be missing",
            hint="unpause it, or say that nothing is expected: `landed act mute`",
        )
    if dag.get("has_import_errors"):
        yield Remark(level=Level.ERROR, message=f"DAG {dag_id!r} cannot be imported by Airflow")
    yield from _schedule(dag, dag_id, jobs)
    yield from _tasks(client, dag_id, [job for job in jobs if job.binding.task is not None])


def _schedule(dag: dict[str, Any], dag_id: str, jobs: Sequence[Bound]) -> Iterator[Remark]:
    told, zone = dag.get("timetable_summary"), dag.get("timezone")
    for job in jobs:
        declared = job.history.latest.schedule
        if not isinstance(declared, Cron) or not isinstance(told, str) or len(told.split()) != 5:
            continue
        if declared.expression.split() != told.split():
            yield Remark(
                level=Level.WARNING,
                message=f"{job.name} is declared for {declared.expression!r}, and Airflow runs "
                f"{dag_id!r} at {told[:100]!r}",
                hint="a slot that only one of both has is missing, or answers for nothing",
            )
        elif declared.timezone != zone and isinstance(zone, str):
            yield Remark(
                level=Level.WARNING,
                message=f"{job.name} is declared in the zone {declared.timezone}, and DAG "
                f"{dag_id!r} is in {zone[:60]}",
                hint="declare the zone of the DAG's timetable",
            )


def _tasks(client: AirflowClient, dag_id: str, jobs: Sequence[Bound]) -> Iterator[Remark]:
    if not jobs:
        return
    listed = client.get_json(f"dags/{segment(dag_id)}/tasks").get("tasks")
    tasks = {
        each.get("task_id"): each
        for each in (listed if isinstance(listed, list) else [])
        if isinstance(each, dict)
    }
    for job in jobs:
        task = tasks.get(job.binding.task)
        if task is None:
            yield Remark(
                level=Level.ERROR,
                message=f"DAG {dag_id!r} has no task {job.binding.task!r}, which {job.name} is "
                "bound to",
                hint="a task of a group is called group.task",
            )
        elif task.get("is_mapped"):
            yield Remark(
                level=Level.NOTE,
                message=f"{job.name} is a mapped task: all its parts in one pass are one attempt",
            )


def _lineage(settings: AirflowModel) -> Iterator[Remark]:
    path = settings.lineage_file
    if path is None:
        yield Remark(
            level=Level.NOTE,
            message="a pass of a DAG that is cleared between two polls is not seen",
            hint="name the file of its OpenLineage events as `lineage_file`, which keeps all",
        )
    elif not os.access(path, os.R_OK):
        there = Path(path).exists()
        yield Remark(
            level=Level.WARNING,
            message=f"{path} {'may not be read' if there else 'is not there yet'}: what its "
            "events tell is seen by polling alone",
        )


def _hint(error: SourceUnavailable) -> str | None:
    if isinstance(error, Forbidden):
        return "give the user the role viewer"
    return "is it an Airflow 3 API server, and do `url`, `username` and `password` fit it?"

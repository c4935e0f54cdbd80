"""The DAGs of an Airflow, as jobs for a person to finish."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from verifier.runs.cron import check_expression
from verifier.runs.declaration import Cron
from verifier.runs.duration import format_duration
from verifier.signals.airflow.client import AirflowClient, segment
from verifier.signals.airflow.documents import read_retries
from verifier.signals.source import JobSkeleton

LONGEST_NAME = 100


def discover(client: AirflowClient) -> Iterator[JobSkeleton]:
    """One skeleton a DAG that is not stale; its tasks are named, for who wants one of them."""
    for page in client.pages("dags", "dags", {"exclude_stale": "true"}):
        for raw in page:
            dag = msgspec.json.decode(raw, type=dict[str, Any])
            dag_id = dag.get("dag_id")
            if isinstance(dag_id, str):
                yield _skeleton(client, dag, dag_id)


def _skeleton(client: AirflowClient, dag: dict[str, Any], dag_id: str) -> JobSkeleton:
    details = client.get_json(f"dags/{segment(dag_id)}/details")
    listed = client.get_json(f"dags/{segment(dag_id)}/tasks").get("tasks")
    tasks = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    told, zone = dag.get("timetable_summary"), details.get("timezone")
    schedule, unread = _schedule(told, zone)
    comments = [*unread, *_comments(dag, details, tasks)]
    return JobSkeleton(
        name=job_name(dag_id), scheduler={"dag": dag_id}, schedule=schedule, comments=comments
    )


def job_name(dag_id: str) -> str:
    """A name that a job may have, like that of the DAG."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", dag_id).strip("-._")[:LONGEST_NAME]
    return name or "dag"


def _schedule(told: object, zone: object) -> tuple[dict[str, Any] | None, list[str]]:
    """The schedule as ``landed.yaml`` has it, and why there is none where it can't be told."""
    if not isinstance(told, str):
        return None, ["Airflow runs it only when it is triggered: say when it is due"]
    schedule = Cron(expression=told, timezone=zone if isinstance(zone, str) else "UTC")
    try:
        check_expression(schedule)
    except ValueError:
        return None, [f"its timetable is {_shown(told)!r}: say when it is due"]
    return {"cron": told, "timezone": schedule.timezone}, []


def _comments(
    dag: dict[str, Any], details: dict[str, Any], tasks: list[dict[str, Any]]
) -> Iterator[str]:
    if isinstance(dag.get("description"), str):
        yield _shown(dag["description"])
    if dag.get("is_paused"):
        yield "it is paused: its slots would be missing"
    if details.get("catchup"):
        yield "catchup is on: after a pause Airflow itself makes up for every slot"
    start, end = (
        dag.get("next_dagrun_data_interval_start"),
        dag.get("next_dagrun_data_interval_end"),
    )
    if start is not None and start == end:
        yield "its timetable has no data interval: say in `covers` what a run is to have done"
    names = [str(each.get("task_id")) for each in tasks]
    if names:
        more = f" and {len(names) - 20} more" if len(names) > 20 else ""
        yield f"tasks, any of which may be the job: {_shown(', '.join(names[:20]))}{more}"
    retried = [each for each in tasks if isinstance(each.get("retries"), int | float)]
    most = max((int(each["retries"]) for each in retried), default=0)
    if most:
        delay = max(read_retries(each).delay for each in retried if each["retries"])
        yield f"up to {most} retries a task, {format_duration(delay)} apart"


def _shown(text: str) -> str:
    return " ".join(text.split())[:300]

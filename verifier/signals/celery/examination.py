"""What can be heard of a broker and its workers, and what not."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime

from verifier.checks.remark import Level, Remark
from verifier.runs.declaration import Every
from verifier.signals.celery.broker import connect
from verifier.signals.celery.inspection import Inspection, Setup
from verifier.signals.celery.place import Job
from verifier.signals.celery.settings import CelerySettings
from verifier.signals.source import SourceUnavailable


def examine(settings: CelerySettings, jobs: Sequence[Job], now: datetime) -> Iterator[Remark]:
    """Remarks about the broker, the workers, and the jobs bound to their tasks."""
    try:
        connection = connect(settings)
    except SourceUnavailable as error:
        yield Remark(
            level=Level.ERROR,
            message=str(error),
            hint="check the URL, the password, and that the broker listens",
        )
        return
    kind = connection.transport.driver_type
    where = connection.as_uri()
    connection.release()
    yield Remark(level=Level.OK, message=f"reached {where}")
    yield from _of_broker(kind)
    with closing(Inspection(settings)) as inspection:
        try:
            setups = inspection.setups()
            shared = inspection.shared
            registered = inspection.registered()
        except SourceUnavailable as error:
            yield Remark(level=Level.ERROR, message=str(error))
            return
    yield from of_workers(setups)
    yield from of_names(shared | inspection.shared)
    yield from of_jobs(jobs, registered, now)


def _of_broker(kind: str) -> Iterator[Remark]:
    if kind == "amqp":
        yield Remark(
            level=Level.NOTE,
            message="it keeps events for 24 h while landed is away; a restart of the broker "
            "meanwhile loses them, since Celery sends events that are not persistent",
        )
    elif kind == "redis":
        yield Remark(
            level=Level.WARNING,
            message="it keeps no events: whatever is said while landed is away is a blind window",
            hint="RabbitMQ keeps them; here, a check of the destination decides",
        )
    else:
        yield Remark(
            level=Level.WARNING,
            message=f"brokers of type {kind[:40]} pass on no events, or were never tried",
        )


def of_workers(setups: Mapping[str, Setup]) -> Iterator[Remark]:
    """What the configuration of the workers means for what can be heard."""
    if not setups:
        yield Remark(
            level=Level.WARNING,
            message="no worker answered",
            hint="start one; where worker_enable_remote_control is off, nobody can tell what "
            "became of tasks whose end was not heard",
        )
    for host, setup in sorted(setups.items()):
        if not setup.worker_send_task_events:
            yield Remark(
                level=Level.WARNING,
                message=f"{host} is not set up to send events of tasks",
                hint="set worker_send_task_events = True, unless it was started with -E",
            )
        if not setup.task_send_sent_event:
            yield Remark(
                level=Level.NOTE,
                message=f"{host}: task_send_sent_event is off, so a task is not seen before "
                "a worker takes it",
                hint="set task_send_sent_event = True where tasks are sent, in beat too",
            )


def of_names(shared: Iterable[str]) -> Iterator[Remark]:
    """What it means that several workers answer under one node name."""
    for host in sorted(shared):
        yield Remark(
            level=Level.WARNING,
            message=f"several workers answer as {host}, so nobody can tell a dead one from a "
            "living one: what was at work in one that died is never proven to be lost",
            hint="start each worker with a node name of its own: celery worker -n NAME@%h",
        )


def of_jobs(
    jobs: Sequence[Job], registered: Mapping[str, set[str]], now: datetime
) -> Iterator[Remark]:
    """Whether each job's task is known, and what its schedule means."""
    known = set().union(*registered.values())
    for job in jobs:
        task = job.binding.task
        if registered and task not in known:
            yield Remark(
                level=Level.WARNING,
                message=f"{job.name}: no worker has a task {task}",
                hint="check scheduler.task; workers of other queues may be down",
            )
        if isinstance(job.history.at(now).schedule, Every):
            yield Remark(
                level=Level.NOTE,
                message=f"{job.name}: beat counts an interval from its own last run, so it "
                "drifts past whole multiples, and now and then a slot has no run",
                hint="a crontab in beat, and the same as `cron` here, does not drift",
            )

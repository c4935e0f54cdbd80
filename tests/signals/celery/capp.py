"""A Celery application for tests: its worker runs this file.

``CAPP_BROKER`` is its broker, ``CAPP_EVENTS`` its exchange of events. It writes each
start into the file ``CAPP_TRUTH``: the task, its id, and the process that it is in.
"""

import os
import time
from pathlib import Path

from celery import Celery, Task
from celery.exceptions import Reject
from celery.signals import task_prerun

app = Celery("capp", broker=os.environ.get("CAPP_BROKER", "memory://"))
app.conf.update(
    task_send_sent_event=True,
    worker_send_task_events=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    event_exchange=os.environ.get("CAPP_EVENTS", "celeryev"),
    broker_transport_options={
        "visibility_timeout": float(os.environ.get("CAPP_VISIBLE_AFTER", "3600")),
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "unacked_mutex_expire": 5,  # a worker may be killed that holds it
    }
    if os.environ.get("CAPP_BROKER", "").startswith("redis")
    else {},
)


@task_prerun.connect
def note(task_id: str, task: Task, **_: object) -> None:
    with Path(os.environ["CAPP_TRUTH"]).open("a") as truth:
        truth.write(f"{task.name} {task_id} {os.getpid()}\n")


@app.task(name="capp.ping")
def ping(**_: object) -> str:
    return "pong"


@app.task(bind=True, name="capp.flaky", max_retries=1)
def flaky(self: Task) -> str:
    if not self.request.retries:
        raise self.retry(exc=ValueError("the password is hunter2"), countdown=1)
    return "ok"


@app.task(name="capp.sleeper")
def sleeper(seconds: float) -> str:
    time.sleep(seconds)
    return "rested"


@app.task(bind=True, name="capp.late", acks_late=True)
def late(self: Task, seconds: float) -> str:
    if not self.request.delivery_info.get("redelivered"):
        time.sleep(seconds)
    return "done"


@app.task(bind=True, name="capp.slow", acks_late=True)
def slow(self: Task, again: str, seconds: float) -> str:
    """The first waits for one that came again to have been at work, or for so many seconds."""
    deadline = time.monotonic() + seconds
    if self.request.delivery_info.get("redelivered"):
        Path(again).touch()
    while not Path(again).exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    return "done"


@app.task(name="capp.rejecter")
def rejecter() -> None:
    raise Reject("no thanks", requeue=False)

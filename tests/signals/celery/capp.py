"""A Celery application for tests: its worker runs this file. ``CAPP_BROKER`` is its broker."""

import os
import time

from celery import Celery, Task
from celery.exceptions import Reject

app = Celery("capp", broker=os.environ.get("CAPP_BROKER", "memory://"))
app.conf.update(
    task_send_sent_event=True,
    worker_send_task_events=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": float(os.environ.get("CAPP_VISIBLE_AFTER", "3600")),
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    }
    if os.environ.get("CAPP_BROKER", "").startswith("redis")
    else {},
)


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
    again = self.request.delivery_info.get("redelivered")
    time.sleep(0.5 if again else seconds)
    return "done"


@app.task(bind=True, name="capp.slow", acks_late=True)
def slow(self: Task, seconds: float) -> str:
    again = self.request.delivery_info.get("redelivered")
    time.sleep(0.5 if again else seconds)
    return "done"


@app.task(name="capp.rejecter")
def rejecter() -> None:
    raise Reject("no thanks", requeue=False)

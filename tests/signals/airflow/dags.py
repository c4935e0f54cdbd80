"""The DAGs of the test that runs a real Airflow; Airflow reads this file, no test does."""

import os
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from airflow.sdk import DAG, task
from airflow.timetables.trigger import CronTriggerTimetable

START = datetime(2026, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - as Airflow's own examples
EVERY_30_SECONDS = CronTriggerTimetable("* * * * * 0,30", timezone="UTC")

with DAG("pulse", schedule=EVERY_30_SECONDS, start_date=START, catchup=False):

    @task(retries=1, retry_delay=timedelta(seconds=1))
    def flaky(**context: object) -> None:
        if context["ti"].try_number == 1:
            raise RuntimeError("not the first time")

    @task
    def part(number: int) -> int:
        return number

    flaky() >> part.expand(number=[1, 2])

with DAG("sleepy", schedule=None, start_date=START):

    @task(retries=1, retry_delay=timedelta(seconds=1))
    def sleeper() -> None:
        with Path(os.environ["LANDED_TEST_PIDS"]).open("a") as file:
            file.write(f"{os.getpid()} {os.getppid()}\n")
        time.sleep(120)

    sleeper()

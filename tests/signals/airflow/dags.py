"""The DAGs of the test that runs a real Airflow; Airflow reads this file, no test does."""

import os
import sqlite3
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from airflow.sdk import DAG, get_current_context, task
from airflow.timetables.trigger import CronTriggerTimetable
from landed_guard import ask_landed

START = datetime(2026, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - as Airflow's own examples
EVERY_30_SECONDS = CronTriggerTimetable("* * * * * 0,30", timezone="UTC")
ONCE_MORE = {"retries": 1, "retry_delay": timedelta(seconds=1)}

with DAG("pulse", schedule=EVERY_30_SECONDS, start_date=START, catchup=False):

    @task(**ONCE_MORE)
    def flaky() -> None:
        ask_landed("pulse", when_unsure="open", whole_dag=True)
        if get_current_context()["ti"].try_number == 1:
            raise RuntimeError("not the first time")

    @task
    def part(number: int) -> int:
        return number

    flaky() >> part.expand(number=[1, 2])

with DAG("sleepy", schedule=None, start_date=START):

    @task(**ONCE_MORE)
    def sleeper() -> None:
        run = get_current_context()["dag_run"]
        with Path(os.environ["LANDED_TEST_PIDS"]).open("a") as file:
            file.write(f"{run.run_id} {os.getpid()} {os.getppid()}\n")
        time.sleep(120)

    sleeper()

with DAG("guarded", schedule=None, start_date=START):

    @task(**ONCE_MORE)
    def write() -> None:
        ask_landed("guarded-write", when_unsure="closed")
        run = get_current_context()["dag_run"]
        with sqlite3.connect(os.environ["LANDED_TEST_WAREHOUSE"]) as warehouse:
            due = f"{run.logical_date:%Y-%m-%d %H:%M:%S}"
            warehouse.execute("insert into written values (?)", [due])

    write()

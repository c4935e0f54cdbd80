"""One poll of an Airflow: what changed since the last one, told as signals.

1. Events that wait in the file, if there is one.
2. DAG runs and tries that changed, by Airflow's own ``updated_at``.
3. Each DAG run of a job among them, read whole and told.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from verifier.intake.receipt import Refused, RejectCode
from verifier.runs.instant import format_instant
from verifier.runs.signal import Signal
from verifier.signals.airflow.bundle import Bundle, occasion_of, signals_of
from verifier.signals.airflow.client import AirflowClient
from verifier.signals.airflow.cursor import Cursor, read_cursor
from verifier.signals.airflow.documents import DagRun, TaskInstance
from verifier.signals.airflow.jobs import Jobs
from verifier.signals.airflow.open_attempts import OpenAttempts
from verifier.signals.airflow.reading import Reader
from verifier.signals.airflow.settings import AirflowBinding, AirflowModel
from verifier.signals.openlineage.reading import Listed, signals_in
from verifier.signals.openlineage.spool import Spool
from verifier.signals.source import Feed

OVERLAP = timedelta(seconds=60)
"""How far a poll reads back beyond the last one: a change is seen only when its
transaction ends, and bears the time at which it was made."""

COARSE = timedelta(seconds=2)
"""Its time comes in whole seconds and with an answer, so that less than this is noise."""

LAG = timedelta(seconds=5)
"""What was said this shortly before a poll may not have been seen by it."""

LOOK_BACK = timedelta(days=1)
"""How far the first poll of a job reads back, unless the job is expected for longer."""

AT_ONCE = 500
"""Signals that are handed in together."""


class Poll:
    """Polls one Airflow; what it remembers from one poll to the next is only to be quick."""

    def __init__(self, settings: AirflowModel, client: AirflowClient) -> None:
        self._settings = settings
        self._client = client
        self._reader = Reader(client)

    def turn(self, feed: Feed[AirflowBinding], now: datetime) -> None:
        """Ask once; raises ``SourceUnavailable``."""
        jobs = Jobs(feed.jobs)
        cursor = read_cursor(feed.cursor).of(self._settings.url)
        if self._settings.lineage_file is not None:
            cursor = self._take_lineage(feed, jobs, cursor, Path(self._settings.lineage_file))
        began = self._clock(feed, now)
        since = _since(cursor, jobs, feed, began)
        attempts = OpenAttempts(cursor.open)
        waiting: list[Signal] = []
        for bundle in self._bundles(jobs, since, now, feed):
            for job in jobs.of_dag(bundle.run.dag_id):
                task = job.binding.task
                occasion = occasion_of(bundle, job.name, job.history, task)
                told = list(signals_of(bundle, occasion, task))
                waiting += [*told, *attempts.follow(bundle.run, occasion, told)]
            if len(waiting) >= AT_ONCE:
                feed.take(waiting)
                waiting = []
        if feed.stopping:
            # Not all was read: the next poll begins where this one did.
            feed.take(waiting)
            return
        reached = msgspec.structs.replace(
            cursor, updated=began, jobs=jobs.marks, open=attempts.all()
        )
        feed.take(waiting, cursor=reached.encoded(), heard_until=now - LAG)

    def _clock(self, feed: Feed[AirflowBinding], now: datetime) -> datetime:
        """Airflow's time, by which it says what changed when."""
        self._client.get("version")
        told = self._client.server_time
        if told is None:
            return now
        ahead = told - now
        feed.clock_offset(ahead if abs(ahead) > COARSE else timedelta())
        return told

    def _take_lineage(
        self, feed: Feed[AirflowBinding], jobs: Jobs, cursor: Cursor, path: Path
    ) -> Cursor:
        spool = Spool(path, cursor.lineage)
        listed = [Listed(jobs, self._settings.namespace)]
        try:
            for lines in spool.lines():
                signals: list[Signal] = []
                for line in lines:
                    try:
                        signals += signals_in(line, listed) if line.strip() else []
                    except Refused as refusal:
                        feed.refuse(refusal.code, 1, refusal.detail)
                cursor = msgspec.structs.replace(cursor, lineage=spool.place)
                feed.take(signals, cursor=cursor.encoded())
        except OSError as error:
            # Polling tells the same, only later.
            feed.refuse(RejectCode.UNREADABLE, 1, f"{path}: {error.strerror}")
        return cursor

    def _bundles(
        self, jobs: Jobs, since: datetime, now: datetime, feed: Feed[AirflowBinding]
    ) -> Iterator[Bundle]:
        def refuse(why: str) -> None:
            feed.refuse(RejectCode.UNREADABLE, 1, why)

        query = {"updated_at_gte": format_instant(since)}
        runs: dict[tuple[str, str], DagRun | None] = {
            (run.dag_id, run.run_id): run
            for run in self._reader.listed("dags/~/dagRuns", "dag_runs", DagRun, query, refuse)
            if jobs.of_dag(run.dag_id)
        }
        if any(jobs.tasks(dag) for dag in jobs.dags):
            path = "dags/~/dagRuns/~/taskInstances"
            for row in self._reader.listed(path, "task_instances", TaskInstance, query, refuse):
                if row.task_id in jobs.tasks(row.dag_id):
                    runs.setdefault((row.dag_id, row.run_id), None)
        for key, run in runs.items():
            if feed.stopping:
                return
            bundle = self._reader.bundle(key, run, jobs.tasks(key[0]), now, refuse)
            if bundle is not None:
                yield bundle


def _since(cursor: Cursor, jobs: Jobs, feed: Feed[AirflowBinding], began: datetime) -> datetime:
    """From when on changes are read."""
    if cursor.updated is not None and set(jobs.marks) <= set(cursor.jobs):
        return cursor.updated - OVERLAP
    expected = [job.history.latest.since for job in feed.jobs]
    first = [each for each in expected if each is not None]
    return min([began - LOOK_BACK, *first])

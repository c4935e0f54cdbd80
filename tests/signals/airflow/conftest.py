"""Recordings of a real Airflow 3.3.2 with its OpenLineage provider 2.20.3."""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import pytest

from verifier.intake.receipt import Receipt, RejectCode
from verifier.ledger.errors import LedgerUnavailable
from verifier.runs.attempt import Attempt, fold
from verifier.runs.declaration import (
    Cron,
    Declaration,
    Declared,
    History,
    Surface,
    SurfaceKind,
)
from verifier.runs.signal import Kind, Signal
from verifier.signals.airflow.bundle import Bundle, Unheard, occasion_of, signals_of
from verifier.signals.airflow.documents import DagRun, Retries, TaskInstance
from verifier.signals.airflow.passes import had_earlier_pass
from verifier.signals.airflow.settings import AirflowBinding, AirflowModel
from verifier.signals.openlineage.event import RunEvent, read_event
from verifier.signals.openlineage.mapping import event_signals
from verifier.signals.source import BoundJob

FOLDER = Path(__file__).parents[2] / "data" / "airflow"
DAY = datetime(2026, 11, 24, tzinfo=UTC)


class Recordings:
    """What was recorded, and what it tells; ``recordings.polled(...)`` and so on."""

    folder = FOLDER

    @staticmethod
    def at(text: str) -> datetime:
        """An instant of the day of the recordings, such as ``05:48`` or ``05:48:28.430585``."""
        return datetime.fromisoformat(f"2026-11-24T{text}+00:00")

    @staticmethod
    def recorded(name: str) -> Any:
        """A recording, as JSON."""
        return json.loads((FOLDER / name).read_text())

    @staticmethod
    def dag_runs() -> dict[tuple[str, str], DagRun]:
        """The DAG runs as Airflow told them at the end of the recording."""
        rows = Recordings.recorded("rest_dagruns_incremental.json")["body"]["dag_runs"]
        runs = [msgspec.convert(row, DagRun) for row in rows]
        return {(run.dag_id, run.run_id): run for run in runs}

    @staticmethod
    def tries(name: str) -> list[TaskInstance]:
        """The rows of a recorded list of task instances or tries."""
        rows = Recordings.recorded(name)["body"]["task_instances"]
        return [msgspec.convert(row, TaskInstance) for row in rows]

    @staticmethod
    def stream(name: str) -> list[RunEvent]:
        """The events of a recorded stream, in the order in which they arrived."""
        return [read_event(line) for line in (FOLDER / name).read_bytes().splitlines()]

    @staticmethod
    def event(name: str) -> RunEvent:
        """One recorded event."""
        return read_event(json.dumps(Recordings.recorded(name)["body"]).encode())

    @staticmethod
    def history(job: str = "job", expression: str = "*/3 * * * *") -> History:
        """A job declared from the beginning."""
        declaration = Declaration(
            job=job,
            schedule=Cron(expression=expression),
            surfaces=(Surface(name="effects", kind=SurfaceKind.NONE),),
            finish_within=timedelta(minutes=3),
            verified_within=timedelta(minutes=5),
            zombie_grace=timedelta(minutes=6),
        )
        return History((Declared(valid_from=DAY - timedelta(days=30), declaration=declaration),))

    @staticmethod
    def polled(
        run: DagRun,
        rows: Iterable[TaskInstance] = (),
        task: str | None = None,
        *,
        retries: Retries | None = None,
        unheard: Unheard | None = None,
    ) -> list[Signal]:
        """What polling tells of a DAG run, or of a task of it, whose tries are ``rows``.

        Of the tries of one task the last is its present row, as it is in Airflow.
        """
        rows = list(rows)
        newest = {(row.task_id, row.map_index): row for row in rows}
        bundle = Bundle(
            run=run,
            again=had_earlier_pass(run, rows),
            rows=list(newest.values()),
            earlier=[row for row in rows if row not in newest.values()],
            retries={task: retries} if task and retries else {},
            unheard=unheard or {},
        )
        occasion = occasion_of(bundle, "job", Recordings.history(), task)
        return list(signals_of(bundle, occasion, task))

    @staticmethod
    def heard(events: Iterable[RunEvent], dag: str, task: str | None = None) -> list[Signal]:
        """What events tell of a DAG, or of a task of it."""
        wanted = [e for e in events if e.dag_run and (e.dag_run.dag_id, e.task_id) == (dag, task)]
        told = (event_signals(each, "job", Recordings.history()) for each in wanted)
        return [signal for signals in told for signal in signals]

    @staticmethod
    def folded(signals: Iterable[Signal]) -> dict[str, Attempt]:
        """The attempts of one job, by name."""
        by_attempt: dict[str, list[Signal]] = {}
        for signal in signals:
            if signal.attempt is not None and signal.kind is not Kind.SKIPPED:
                by_attempt.setdefault(signal.attempt, []).append(signal)
        attempts = {name: fold(None, said) for name, said in by_attempt.items()}
        return {name: each for name, each in attempts.items() if each is not None}


@pytest.fixture(scope="session")
def recordings() -> type[Recordings]:
    """What was recorded, and what it tells."""
    return Recordings


class KeptFeed:
    """A feed that keeps what it is given, as the ledger would."""

    source = "airflow"
    stopping = False

    def __init__(self, jobs: Sequence[BoundJob[AirflowBinding]]) -> None:
        self.jobs = jobs
        self.cursor: str | None = None
        self.heard_until: datetime | None = None
        self.signals: dict[tuple[str, str], Signal] = {}
        self.refused: list[tuple[RejectCode, str]] = []
        self.ahead: timedelta | None = None
        self.away = False

    def take(
        self,
        signals: Sequence[Signal],
        *,
        cursor: str | None = None,
        heard_until: datetime | None = None,
    ) -> Receipt:
        if self.away:
            raise LedgerUnavailable("away")
        new = {(each.job, each.id): each for each in signals}
        before = len(self.signals)
        self.signals = new | self.signals
        self.cursor = cursor or self.cursor
        self.heard_until = heard_until or self.heard_until
        return Receipt(accepted=len(self.signals) - before)

    def refuse(self, code: RejectCode, count: int = 1, example: str = "") -> None:
        self.refused.append((code, example))

    def clock_offset(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def attempts(self, job: str) -> dict[str, Attempt]:
        """What is known of a job, by attempt."""
        return Recordings.folded(each for each in self.signals.values() if each.job == job)


def bound(name: str, dag: str, task: str | None = None) -> BoundJob[AirflowBinding]:
    """A job that is a DAG or a task."""
    binding = AirflowBinding(source="airflow", dag=dag, task=task)
    return BoundJob(name=name, binding=binding, history=Recordings.history(name))


class PlayedAirflow:
    """A real HTTP server that answers as Airflow's API does, from recorded documents.

    ``plan`` holds answers to be given first, once each, as (start of path, status,
    headers, body). ``now`` is its clock.
    """

    def __init__(self) -> None:
        rows = Recordings.recorded("rest_dagruns_incremental.json")["body"]["dag_runs"]
        self.runs: dict[tuple[str, str], dict[str, Any]] = {
            (row["dag_id"], row["dag_run_id"]): row for row in rows
        }
        self.instances: list[dict[str, Any]] = []
        self.tries: list[dict[str, Any]] = []
        self.logged: list[dict[str, Any]] = []
        self.updated: dict[tuple[str, str], datetime] = {}
        self.now = Recordings.at("06:10")
        self.page = 100
        self.plan: list[tuple[str, int, dict[str, str], bytes]] = []
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.tokens: list[str] = []
        self.valid: set[str] = set()
        self.password = "right"
        self.lifetime = timedelta(hours=24)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False  # to be waited for
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def settings(self, **more: Any) -> AirflowModel:
        """A source that asks it."""
        return AirflowModel(
            **{"type": "airflow", "url": self.url, "username": "landed", "password": "right"} | more
        )

    def queries(self, path: str) -> list[dict[str, list[str]]]:
        """With what a path was asked."""
        return [query for asked, query in self.asked if asked == path]

    def answer(self, path: str, query: dict[str, list[str]]) -> Any:
        """The answer to a GET; None where there is nothing."""
        parts = [unquote(part) for part in path.split("/")]
        match parts:
            case ["version"]:
                return {"version": "3.3.2"}
            case ["monitor", "health"]:
                return Recordings.recorded("rest_health.json")["body"]
            case ["dags", "~", "dagRuns"]:
                return self._list("dag_runs", list(self.runs.values()), query)
            case ["dags", "~", "dagRuns", "~", "taskInstances"]:
                return self._list("task_instances", self.instances, query)
            case ["dags", dag, "dagRuns", run]:
                return self.runs.get((dag, run))
            case ["dags", dag, "dagRuns", run, "taskInstances"]:
                rows = [r for r in self.instances if (r["dag_id"], r["dag_run_id"]) == (dag, run)]
                wanted = query.get("task_id")
                rows = [r for r in rows if wanted is None or r["task_id"] in wanted]
                return self._list("task_instances", rows, query)
            case ["dags", dag, "dagRuns", run, "taskInstances", task, *_, "tries"]:
                key = (dag, run, task)
                rows = [
                    r for r in self.tries if (r["dag_id"], r["dag_run_id"], r["task_id"]) == key
                ]
                return {"task_instances": rows, "total_entries": len(rows)}
            case ["dags", _, "tasks"]:
                delay = {"__type": "TimeDelta", "days": 0, "seconds": 5, "microseconds": 0}
                return {"tasks": [{"task_id": "flaky", "retries": 2, "retry_delay": delay}]}
            case ["dags", dag, "details"]:
                body = Recordings.recorded("rest_dag_details.json")["body"]
                return body if dag == body["dag_id"] else None
            case ["dags"]:
                body = Recordings.recorded("rest_dag.json")["body"]
                return {"dags": [body], "total_entries": 1}
            case ["eventLogs"]:
                return {"event_logs": self.logged, "total_entries": len(self.logged)}
        return None

    def _list(
        self, field: str, rows: list[dict[str, Any]], query: dict[str, list[str]]
    ) -> dict[str, Any]:
        if since := query.get("updated_at_gte"):
            rows = [
                row
                for row in rows
                if self.updated.get((row["dag_id"], row["dag_run_id"]), self.now)
                >= datetime.fromisoformat(since[0])
            ]
        begin = int(query.get("cursor", [""])[0] or 0)
        end = begin + min(self.page, int(query["limit"][0]))
        more = str(end) if end < len(rows) and "cursor" in query else None
        return {field: rows[begin:end], "next_cursor": more, "total_entries": len(rows)}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        played = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if self._planned("/auth/token"):
                    return
                if body != {"username": "landed", "password": played.password}:
                    self._send(401, {"detail": "Invalid credentials"})
                    return
                token = played.token()
                self._send(201, {"access_token": token})

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                path = parts.path.removeprefix("/api/v2/")
                query = parse_qs(parts.query, keep_blank_values=True)
                played.asked.append((path, query))
                if self._planned(parts.path):
                    return
                if self.headers["authorization"].removeprefix("Bearer ") not in played.valid:
                    self._send(401, {"detail": "Invalid JWT token"})
                    return
                found = played.answer(path, query)
                self._send(404 if found is None else 200, found or {"detail": "Not Found"})

            def date_time_string(self, timestamp: float | None = None) -> str:
                return format_datetime(played.now, usegmt=True)

            def _planned(self, path: str) -> bool:
                if not (played.plan and path.startswith(played.plan[0][0])):
                    return False
                _, status, headers, body = played.plan.pop(0)
                self._send(status, body, headers)
                return True

            def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def token(self) -> str:
        """A new token, of the shape of a JSON web token."""
        claims = {"exp": int((self.now + self.lifetime).timestamp()), "n": len(self.tokens)}
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        self.tokens.append(f"head.{body}.tail")
        self.valid.add(self.tokens[-1])
        return self.tokens[-1]


@pytest.fixture
def played() -> Iterator[PlayedAirflow]:
    """An Airflow that plays what was recorded."""
    server = PlayedAirflow()
    yield server
    server.stop()


@pytest.fixture
def feed() -> KeptFeed:
    """A feed of three jobs: a DAG, a task and a mapped task of it."""
    return KeptFeed(
        (
            bound("dag", "demo_sched"),
            bound("flaky", "demo_sched", "flaky"),
            bound("part", "demo_sched", "part"),
        )
    )

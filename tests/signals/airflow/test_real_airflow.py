"""A real Airflow 3.3.2 and a real ``landed serve``: runs, attempts, lanes, misses, the guard.

``LANDED_TEST_AIRFLOW`` names the folder of an environment that has it; else one is made
under the user's cache, once, of the packages in ``constraints.txt``. All that happens
happens at once, in one Airflow: what a test asserts is what landed says at the end.
"""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from verifier.runs.lifecycle import end_of, state_of
from verifier.signals.airflow.source import AirflowSource

pytestmark = pytest.mark.slow

VERSION = "3.3.2"
PACKAGES = (f"apache-airflow=={VERSION}", "apache-airflow-providers-openlineage==2.20.3")
SLOT = timedelta(seconds=30)
PASSWORDS = {"admin": "admin-of-the-test", "landed": "reader-of-the-test"}
PAGE = Path(__file__).parents[3] / "docs/how-to/airflow.md"

CONFIG = """\
version: 1
ledger: sqlite:///{home}/landed.db
listen: 127.0.0.1:{port}
sources:
  airflow:
    type: airflow
    url: "{url}"
    username: landed
    password: "${{AIRFLOW_PASSWORD}}"
    poll: 3s
    lineage_file: {home}/events.ndjson
stores:
  warehouse: {{type: sql, url: "sqlite:///{home}/warehouse.db"}}
jobs:
  pulse: {{scheduler: {{source: airflow, dag: pulse}}, {pulse}}}
  flaky: {{scheduler: {{source: airflow, dag: pulse, task: flaky}}, {pulse}}}
  parts: {{scheduler: {{source: airflow, dag: pulse, task: part}}, {pulse}}}
  sleepy: {{scheduler: {{source: airflow, dag: sleepy}}, {hourly}}}
  sleeper: {{scheduler: {{source: airflow, dag: sleepy, task: sleeper}}, {hourly}}}
  guarded-write:
    statement: Each day is written once.
    scheduler: {{source: airflow, dag: guarded, task: write}}
    schedule: {{cron: "0 0 * * *"}}
    covers: same-day
    class: one-result
    effects: append
    settle: 0s
    guard: {{enabled: true}}
    checks:
      - {{type: row_count, name: rows, store: warehouse, table: written, where: "at = :due", eq: 1}}
"""
PULSE = "schedule: {every: 30s}, class: best-effort, start_within: 25s, settle: 0s"
HOURLY = 'schedule: {cron: "0 * * * *"}, class: best-effort, finish_within: 1h'


class RealAirflow:
    """The processes of one Airflow on loopback, and its API."""

    def __init__(self, bin_folder: Path, home: Path, landed_port: int) -> None:
        self.home = home
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.pids = home / "pids"
        self._bin = bin_folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._headers: dict[str, str] = {}
        secret = "0123456789" * 5
        (home / "passwords.json").write_text(json.dumps(PASSWORDS))
        transport = {"type": "file", "log_file_path": str(home / "events.ndjson"), "append": True}
        settings = {
            "CORE__DAGS_FOLDER": home / "dags",
            "CORE__LOAD_EXAMPLES": False,
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": 4,
            "CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,landed:viewer",
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": home / "passwords.json",
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "CORE__FERNET_KEY": "",
            "API__HOST": "127.0.0.1",
            "API__PORT": self.port,
            "API__WORKERS": 1,
            "API__BASE_URL": self.url,
            "API__SECRET_KEY": secret,
            "API_AUTH__JWT_SECRET": secret,
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": 10,
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": 2,
            "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": 10,
            "DAG_PROCESSOR__REFRESH_INTERVAL": 5,
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 5,
            "OPENLINEAGE__NAMESPACE": "demo",
            "OPENLINEAGE__TRANSPORT": json.dumps(transport),
            "LOGGING__LOGGING_LEVEL": "WARNING",
        }
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "LANDED"))},
            **{f"AIRFLOW__{name}": str(value) for name, value in settings.items()},
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "AIRFLOW_HOME": str(home),
            "LANDED_URL": f"http://127.0.0.1:{landed_port}",
            "LANDED_TEST_PIDS": str(self.pids),
            "LANDED_TEST_WAREHOUSE": str(home / "warehouse.db"),
        }

    def start(self) -> None:
        with (self.home / "migrate.log").open("wb") as log:
            subprocess.run(
                [self._bin / "airflow", "db", "migrate"],
                env=self._environment, stdout=log, stderr=log, check=True, timeout=180,
            )  # fmt: skip
        for part in ("api-server", "scheduler", "dag-processor"):
            self.begin(part)
        eventually(self._is_up)
        answer = httpx.post(
            f"{self.url}/auth/token",
            json={"username": "admin", "password": PASSWORDS["admin"]},
            trust_env=False,
        )
        self._headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def begin(self, part: str) -> None:
        with (self.home / f"{part}.log").open("ab") as log:
            self._running[part] = subprocess.Popen(
                [self._bin / "airflow", part],
                env=self._environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self, part: str) -> None:
        """End a part and all that it started, at once."""
        process = self._running.pop(part)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for part in list(self._running):
            self.kill(part)

    def _is_up(self) -> bool:
        try:
            health = httpx.get(f"{self.url}/api/v2/monitor/health", trust_env=False).json()
        except (httpx.HTTPError, ValueError):
            return False
        parts = ("scheduler", "dag_processor")
        return all(health[part]["status"] == "healthy" for part in parts)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        for _ in range(30):
            answer = httpx.request(
                method, f"{self.url}/api/v2/{path}",
                json=body, headers=self._headers, trust_env=False, timeout=30,
            )  # fmt: skip
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(1)  # its SQLite is locked by its own scheduler
        assert answer.is_success, answer.text
        return answer.json()

    def has(self, dag: str) -> bool:
        return dag in {each["dag_id"] for each in self.ask("GET", "dags")["dags"]}

    def unpause(self, dag: str) -> None:
        self.ask("PATCH", f"dags/{dag}", {"is_paused": False})

    def trigger(self, dag: str, run_id: str, due: datetime) -> None:
        body = {"dag_run_id": run_id, "logical_date": due.isoformat()}
        self.ask("POST", f"dags/{dag}/dagRuns", body)

    def run(self, dag: str, run_id: str) -> Any:
        return self.ask("GET", f"dags/{dag}/dagRuns/{run_id}")

    def runs(self, dag: str) -> list[Any]:
        return list(self.ask("GET", f"dags/{dag}/dagRuns")["dag_runs"])

    def tries_of(self, run_id: str) -> list[tuple[int, int]]:
        """The (child, supervisor) of each try that began in a run."""
        lines = self.pids.read_text().splitlines() if self.pids.exists() else []
        split = [line.split() for line in lines]
        return [(int(child), int(parent)) for run, child, parent in split if run == run_id]


def eventually(holds: Callable[[], Any], seconds: float = 240) -> Any:
    """What ``holds`` gives once that is true."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.25)
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def airflow_bin() -> Path:
    """The programs of an environment with Airflow; it takes a minute or two to make."""
    given = os.environ.get("LANDED_TEST_AIRFLOW")
    folder = Path(given or Path.home() / ".cache" / "landed-tests" / f"airflow-{VERSION}")
    ready = folder / "installed"
    if given is None and not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        python = folder / "bin" / "python"
        pip = ["python3", "-m", "pip", "--python", python, "install", "--quiet"]
        steps = (
            ["python3", "-m", "venv", "--without-pip", folder],
            [*pip, "--constraint", Path(__file__).with_name("constraints.txt"), *PACKAGES],
        )
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True, timeout=900)
            if done.returncode:
                reason = f"Airflow {VERSION} cannot be installed: {done.stderr[-500:]}"
                if os.environ.get("CI") == "true":
                    pytest.fail(reason)
                pytest.skip(reason)
        ready.touch()
    return folder / "bin"


class Landed:
    """A running ``landed serve``."""

    def __init__(self, config: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LANDED")}
        environment |= {
            "AIRFLOW_PASSWORD": PASSWORDS["landed"],
            "LANDED_SPOOL": str(config.parent / "spool"),
            "LANDED_CONFIG": str(config),
        }
        self.environment = environment
        self._log = (config.parent / "serve.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "verifier.cli.entry", "serve"],
            env=environment, stdout=subprocess.PIPE, stderr=self._log, cwd=config.parent,
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.readline(), (config.parent / "serve.log").read_text()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()

    def runs(self, job: str) -> dict[str, Any]:
        """The runs of a job, by due."""
        answer = httpx.get(f"{self.url}/v1/runs", params={"job": job}, trust_env=False, timeout=30)
        return {run["due"]: run for run in answer.json()["runs"]}

    def hears_airflow(self) -> bool:
        answer = httpx.get(f"{self.url}/v1/sources", trust_env=False, timeout=30)
        return any(
            each["source"] == "airflow" and each["heard_until"] and each["silent_since"] is None
            for each in answer.json()["sources"]
        )

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "verifier.cli.entry", *words],
            env=self.environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip


def due_text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def attempts(run: Any) -> list[tuple[str, str]]:
    """The lane and the state of each attempt, in the order in which they began."""
    begun = [each for each in run["attempts"] if each["started_at"]]
    return [
        (each["lane"], each["state"]) for each in sorted(begun, key=lambda each: each["started_at"])
    ]


class Story:
    """What was made to happen, and what landed says of it."""

    def __init__(self, airflow: RealAirflow, landed: Landed) -> None:
        self.airflow = airflow
        self.landed = landed
        self.hours = [
            datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=back)
            for back in (3, 2)
        ]
        self.days = [
            datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            - timedelta(days=back)
            for back in (3, 2, 1)
        ]

    def play(self) -> None:
        for dag in ("pulse", "sleepy", "guarded"):
            eventually(lambda dag=dag: self.airflow.has(dag))
        for dag in ("pulse", "sleepy", "guarded"):
            self.airflow.unpause(dag)
        # While its source is silent the guard is unsure, and this job is closed then.
        eventually(self.landed.hears_airflow)
        self.airflow.trigger("guarded", "allowed", self.days[0])
        for run_id, due in zip(("child", "both"), self.hours, strict=True):
            self.airflow.trigger("sleepy", run_id, due)
        (child, _), *_ = eventually(lambda: self.airflow.tries_of("child"))
        os.kill(child, signal.SIGKILL)
        (child, supervisor), *_ = eventually(lambda: self.airflow.tries_of("both"))
        # Its heartbeats stop, and nobody tells that it died.
        os.kill(supervisor, signal.SIGKILL)
        os.kill(child, signal.SIGKILL)
        self._guard_skips()
        for run_id in ("child", "both"):
            _, (child, _) = eventually(
                lambda run_id=run_id: (
                    len(self.airflow.tries_of(run_id)) > 1 and self.airflow.tries_of(run_id)
                )
            )
            os.kill(child, signal.SIGKILL)
        self.first = eventually(self._first_pulse)
        self._guard_refuses()
        self._clear_and_backfill()
        for run_id in ("child", "both"):
            eventually(lambda run_id=run_id: self._state("sleepy", run_id) == "failed")
        self._kill_the_scheduler_over_two_slots()

    def _state(self, dag: str, run_id: str) -> str:
        return str(self.airflow.run(dag, run_id)["state"])

    def _first_pulse(self) -> datetime | None:
        """The due of the first slot that succeeded."""
        ended = [
            each
            for each in self.airflow.runs("pulse")
            if each["state"] == "success" and each["run_type"] == "scheduled"
        ]
        dues = sorted(datetime.fromisoformat(each["run_after"]) for each in ended)
        return dues[0] if dues else None

    def _guard_skips(self) -> None:
        """The one before has to be over: two at once are refused, both."""
        eventually(lambda: self._state("guarded", "allowed") == "success")
        with sqlite3.connect(self.airflow.home / "warehouse.db") as warehouse:
            warehouse.execute(
                "insert into written values (?)", [f"{self.days[1]:%Y-%m-%d %H:%M:%S}"]
            )
        warehouse.close()
        eventually(self.landed.hears_airflow)
        self.airflow.trigger("guarded", "skipped", self.days[1])

    def _guard_refuses(self) -> None:
        eventually(lambda: self._state("guarded", "skipped") == "success")
        words = ("--by", "oncall", "--reason", "not now")
        held = self.landed.command("act", "hold", "guarded-write", *words)
        assert held.returncode == 0, held.stderr
        self.airflow.trigger("guarded", "refused", self.days[2])

    def _clear_and_backfill(self) -> None:
        self.cleared = f"scheduled__{self.first.isoformat()}"
        eventually(lambda: self._landed_has_heard(self.first, 1))
        self.airflow.ask("POST", f"dags/pulse/dagRuns/{self.cleared}/clear", {"dry_run": False})
        eventually(lambda: self._landed_has_heard(self.first, 2))
        self.airflow.ask(
            "POST",
            "backfills",
            {
                "dag_id": "pulse",
                "from_date": (self.first - 2 * SLOT).isoformat(),
                "to_date": self.first.isoformat(),
                "reprocess_behavior": "completed",
                "run_on_latest_version": False,
                "max_active_runs": 3,
            },
        )
        eventually(lambda: self._landed_has_heard(self.first, 3))
        eventually(lambda: self._landed_has_heard(self.first - SLOT, 1))
        eventually(lambda: self._landed_has_heard(self.first - 2 * SLOT, 1))

    def _landed_has_heard(self, due: datetime, number: int) -> bool:
        """Whether that many attempts of a slot of each job of the DAG have ended well."""
        found = [self.landed.runs(job).get(due_text(due)) for job in ("pulse", "parts")]
        return all(
            run and sum(state == "succeeded" for _, state in attempts(run)) == number
            for run in found
        )

    def _kill_the_scheduler_over_two_slots(self) -> None:
        # Well after a slot, so that its run is over, and before the next.
        eventually(lambda: 16 < time.time() % 30 < 24)
        eventually(lambda: not [r for r in self.airflow.runs("pulse") if r["end_date"] is None])
        eventually(lambda: time.time() % 30 < 26)
        self.killed_at = datetime.now(UTC)
        self.airflow.kill("scheduler")
        first = datetime.fromtimestamp(time.time() // 30 * 30 + 30, UTC)
        # Airflow makes up for the last slot that passed, and for no other.
        self.dead_over = [first, first + SLOT, first + 2 * SLOT]
        eventually(lambda: time.time() > self.dead_over[-1].timestamp() + 8, 120)
        health = self.airflow.ask("GET", "monitor/health")
        self.health = health["scheduler"]["status"]
        self.doctor = self.landed.command("doctor", "--json")
        self.airflow.begin("scheduler")
        self.after = self.dead_over[-1] + SLOT
        eventually(lambda: self._landed_has_heard(self.after, 1))
        made_up = {each["run_after"] for each in self.airflow.runs("pulse")}
        self.missed = [due for due in self.dead_over if due_text(due) not in made_up]


@pytest.fixture(scope="module")
def story(airflow_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    home = tmp_path_factory.mktemp("airflow")
    (home / "dags").mkdir()
    shutil.copy(Path(__file__).with_name("dags.py"), home / "dags" / "dags.py")
    (home / "dags" / "landed_guard.py").write_text(guard_of_the_page())
    with sqlite3.connect(home / "warehouse.db") as warehouse:
        warehouse.execute("create table written (at text)")
    warehouse.close()
    port = _free_port()
    airflow = RealAirflow(airflow_bin, home, port)
    config = home / "landed.yaml"
    config.write_text(
        CONFIG.format(home=home, port=port, url=airflow.url, pulse=PULSE, hourly=HOURLY)
    )
    try:
        airflow.start()
        landed = Landed(config, port)
        try:
            told = Story(airflow, landed)
            told.play()
            yield told
        finally:
            landed.stop()
    finally:
        airflow.stop()


def guard_of_the_page() -> str:
    """The helper as the how-to has it."""
    (block,) = re.findall(r"```python\n(\"\"\"landed_guard\.py.*?)```", PAGE.read_text(), re.DOTALL)
    return str(block)


def test_each_slot_is_one_run_and_no_other_run_is_there(story: Story) -> None:
    runs = story.landed.runs("pulse")
    backfilled = [story.first - 2 * SLOT, story.first - SLOT]
    slots = []
    slot = story.first
    while slot <= story.after:
        slots.append(slot)
        slot += SLOT
    since = [due for due in runs if due <= due_text(story.after)]
    assert sorted(since) == [due_text(due) for due in (*backfilled, *slots)]
    lived = [due for due in slots if due not in (story.first, *story.missed)]
    for due in lived:
        assert attempts(runs[due_text(due)]) == [("live", "succeeded")], due


def test_a_task_has_an_attempt_for_each_try(story: Story) -> None:
    run = story.landed.runs("flaky")[due_text(story.after)]
    assert attempts(run) == [("live", "failed"), ("live", "succeeded")]
    assert run["reported"] == "succeeded"


def test_a_mapped_task_has_one_attempt_with_the_progress_of_its_parts(story: Story) -> None:
    run = story.landed.runs("parts")[due_text(story.after)]
    assert attempts(run) == [("live", "succeeded")]
    assert run["attempts"][0]["progress"]["done"] == 2


def test_a_clear_and_a_reprocess_are_attempts_of_the_same_run(story: Story) -> None:
    lanes = [("live", "succeeded"), ("rerun", "succeeded"), ("backfill", "succeeded")]
    due = due_text(story.first)
    assert attempts(story.landed.runs("pulse")[due]) == lanes
    assert attempts(story.landed.runs("parts")[due]) == lanes
    assert attempts(story.landed.runs("flaky")[due]) == [("live", "failed"), *lanes]


def test_slots_that_were_backfilled_are_in_that_lane(story: Story) -> None:
    runs = story.landed.runs("pulse")
    for back in (1, 2):
        run = runs[due_text(story.first - back * SLOT)]
        assert attempts(run) == [("backfill", "succeeded")]


def test_slots_over_which_the_scheduler_was_dead_are_missing_and_no_others(story: Story) -> None:
    def missing() -> list[str]:
        runs = story.landed.runs("pulse")
        return sorted(due for due, run in runs.items() if run["verdict"] == "missing")

    wanted = [due_text(due) for due in story.missed]
    eventually(lambda: len(missing()) >= len(wanted))
    assert missing() == wanted
    assert len(wanted) >= 2


def test_discovery_names_what_is_not_declared_yet(story: Story) -> None:
    """With the configuration that the how-to begins with."""
    first, _ = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    config = story.airflow.home / "first.yaml"
    config.write_text(first.replace("http://127.0.0.1:8080", story.airflow.url))
    told = story.landed.command("discover", "airflow", "--config", str(config))
    assert told.returncode == 0, told.stderr
    for dag in ("pulse", "sleepy", "guarded"):
        assert f'dag: "{dag}"' in told.stdout
    # Of `guarded` only a task is declared.
    declared = story.landed.command("discover", "airflow")
    assert "2 of 3 are declared already" in declared.stderr


def test_a_dead_scheduler_is_told_by_the_doctor(story: Story) -> None:
    assert story.health == "unhealthy"
    findings = json.loads(story.doctor.stdout)["findings"]
    assert any("scheduler is unhealthy" in each["message"] for each in findings)


def test_a_child_that_is_killed_fails_with_and_without_a_retry_left(story: Story) -> None:
    due = due_text(story.hours[0])
    run = story.landed.runs("sleeper")[due]
    assert attempts(run) == [("manual", "failed"), ("manual", "failed")]
    assert attempts(story.landed.runs("sleepy")[due]) == [("manual", "failed")]


def test_a_try_that_fell_silent_is_lost_and_may_be_at_work_still(story: Story) -> None:
    run = story.landed.runs("sleeper")[due_text(story.hours[1])]
    assert attempts(run) == [("manual", "lost"), ("manual", "failed")]
    lost, _ = sorted(run["attempts"], key=lambda each: each["started_at"])
    assert lost["end_proof"] == "none"
    assert run["state"] == "settling"


def test_the_guard_lets_a_task_begin_once_and_skips_or_fails_it_else(story: Story) -> None:
    runs = story.landed.runs("guarded-write")
    allowed, skipped, refused = (runs[due_text(day)] for day in story.days)
    decided = [[each["decision"] for each in run["guard"]] for run in (allowed, skipped, refused)]
    assert decided == [["allow"], ["skip"], ["refuse"]]
    assert allowed["verdict"] == "verified"
    assert attempts(allowed) == [("manual", "succeeded")]
    assert skipped["verdict"] == "verified"
    with sqlite3.connect(story.airflow.home / "warehouse.db") as warehouse:
        written = sorted(at for (at,) in warehouse.execute("select at from written"))
    warehouse.close()
    assert written == [f"{day:%Y-%m-%d %H:%M:%S}" for day in story.days[:2]]
    path = "dags/guarded/dagRuns/{}/taskInstances/write"
    states = [
        story.airflow.ask("GET", path.format(run))["state"]
        for run in ("allowed", "skipped", "refused")
    ]
    assert states == ["success", "skipped", "failed"]


def test_a_task_may_ask_for_its_whole_dag_under_the_name_of_the_pass(story: Story) -> None:
    run = story.landed.runs("pulse")[due_text(story.first)]
    asked = {each["attempt"] for each in run["guard"]}
    assert asked == {each["attempt"] for each in run["attempts"] if each["started_at"]}


def test_what_the_guard_turned_away_is_no_attempt(story: Story) -> None:
    runs = story.landed.runs("guarded-write")
    assert [runs[due_text(day)]["attempts"] for day in story.days[1:]] == [[], []]
    assert runs[due_text(story.days[2])]["reported"] == "none"


def test_polling_alone_and_events_alone_tell_the_same(
    story: Story, feed: Any, recordings: Any
) -> None:
    """Of the DAG: what polling still sees, told by events alone."""
    from verifier.signals.openlineage.event import read_event

    jobs = [each for each in feed.jobs if each.binding.task is None]
    binding = jobs[0].binding.model_copy(update={"dag": "pulse"})
    feed.jobs = (type(jobs[0])(name="dag", binding=binding, history=jobs[0].history),)
    settings = {"type": "airflow", "url": story.airflow.url, "username": "landed"}
    model = AirflowSource.model(**settings, password=PASSWORDS["landed"])
    source = AirflowSource(model)
    source.poll(feed, datetime.now(UTC))
    source.close()
    lines = (story.airflow.home / "events.ndjson").read_bytes().splitlines()
    heard = recordings.folded(recordings.heard(map(read_event, lines), "pulse"))
    polled = feed.attempts("dag")
    ended = {name: each for name, each in polled.items() if end_of(each) is not None}
    assert len(ended) >= 5
    for name, each in ended.items():
        other = heard[name]
        assert state_of(other) is state_of(each)
        assert (other.due.value, other.started) == (each.due.value, each.started)
        assert other.lane.value is each.lane.value
        assert end_of(other).at == end_of(each).at
    assert len(heard) > len(polled)  # the passes that were overwritten

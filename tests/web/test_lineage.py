"""``POST /api/v1/lineage``, with events of a real Airflow and with what is none."""

import json
from pathlib import Path

import pytest

from verifier.config.load import load
from verifier.ledger.listing import RunFilter
from verifier.web import lineage

DATA = Path(__file__).parents[1] / "data" / "airflow"

SOURCES = """
sources:
  airflow: {type: airflow, url: "http://127.0.0.1:9", username: landed, password: x}
  other: {type: airflow, url: "http://127.0.0.1:9", username: x, password: x, namespace: elsewhere}
"""
JOBS = """
  pulse:
    schedule: {cron: "*/3 * * * *"}
    class: best-effort
    scheduler: {source: airflow, dag: demo_sched}
    since: 2026-11-24
  flaky:
    schedule: {cron: "*/3 * * * *"}
    class: best-effort
    scheduler: {source: airflow, dag: demo_sched, task: flaky}
    since: 2026-11-24
  strange:
    schedule: {cron: "*/3 * * * *"}
    class: best-effort
    scheduler: {source: other, dag: demo_sched}
    since: 2026-11-24
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    monkeypatch.setattr(lineage, "ANSWER_SECONDS", 30)


@pytest.fixture
def airflow_api(api, service, clock, config):
    """The API of a configuration with an Airflow, at the time of the recordings."""
    file = Path(config.file)
    text = file.read_text()
    file.write_text(text.replace("jobs:\n", f"{SOURCES}jobs:\n", 1) + JOBS)
    service.fleet.config = load(file, {})
    clock.now = clock.now.replace(month=11, day=24, hour=6)
    service.fleet.register(clock.now)
    return api


def events(name):
    return [json.loads(line) for line in (DATA / name).read_text().splitlines()]


def test_events_of_a_dag_run_become_its_attempts(airflow_api, service):
    for event in events("stream_clear_then_reprocess.ndjson"):
        assert airflow_api.post("/api/v1/lineage", event).status_code == 200
    (row,) = service.ledger.runs(RunFilter(job="pulse"))
    run = service.run(row.run_id)
    assert run["due"] == "2026-11-24T05:45:00Z"
    assert [(each["lane"], each["state"]) for each in run["attempts"]] == [
        ("live", "succeeded"),
        ("rerun", "succeeded"),
        ("backfill", "succeeded"),
    ]
    (row,) = service.ledger.runs(RunFilter(job="flaky"))
    assert len(service.run(row.run_id)["attempts"]) == 5


def test_an_event_of_no_job_is_answered_well_and_counted(airflow_api, service):
    (event, *_) = events("stream_killed.ndjson")
    answer = airflow_api.post("/api/v1/lineage", event)
    assert answer.status_code == 200
    (rejection,) = answer.json()["rejected"]
    assert (rejection["code"], rejection["index"]) == ("unbound", 0)
    assert counted(service, "unbound") == 1


def test_an_event_of_another_namespace_is_of_the_airflow_that_declares_it(airflow_api, service):
    (event, *_) = events("stream_manual.ndjson")
    event["job"]["namespace"] = "elsewhere"
    assert airflow_api.post("/api/v1/lineage", event).json()["accepted"] == 2
    assert {row.key.job for row in service.ledger.runs(RunFilter())} >= {"pulse", "strange"}


def test_an_array_is_taken_and_what_is_bad_in_it_is_refused_alone(airflow_api):
    good = events("stream_failed.ndjson")[0]
    good["run"]["facets"]["airflowDagRun"]["dagRun"]["dag_id"] = "demo_sched"
    far = json.loads(json.dumps(good).replace("2026-11-24", "2026-12-24"))
    answer = airflow_api.post("/api/v1/lineage", [{}, far, good, 5]).json()
    assert answer["accepted"] == 1
    assert [(each["index"], each["code"]) for each in answer["rejected"]] == [
        (0, "unreadable"),
        (3, "unreadable"),
        (1, "future_time"),
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 50_000, 400),
        (b"[{]", 400),
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b'{"eventTime": "\xff"}', 200),
        (b'{"run": ' * 5_000 + b"1" + b"}" * 5_000, 400),
        (b"5", 200),
        (b'{"eventType": "START", "run": {"runId": 5, "facets": {"airflow": []}}}', 200),
        (b"[" + b"{}," * 10_000 + b"{}]", 413),
        (b" " * (4 * 1024 * 1024 + 1), 413),
    ],
)
def test_hostile_bodies_are_refused_and_nothing_breaks(airflow_api, body, status):
    answer = airflow_api.post("/api/v1/lineage", body)
    assert answer.status_code == status
    if status == 200:
        assert [each["code"] for each in answer.json()["rejected"]] == ["unreadable"]
    good = events("stream_manual.ndjson")[0]
    assert airflow_api.post("/api/v1/lineage", good).json()["accepted"] == 1


def test_a_body_of_another_type_is_refused(airflow_api):
    answer = airflow_api.post("/api/v1/lineage", b"{}", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


def test_a_task_never_waits_long_for_a_ledger_that_does_not_answer(
    airflow_api, service, monkeypatch
):
    monkeypatch.setattr(lineage, "ANSWER_SECONDS", 0.05)
    event = events("stream_manual.ndjson")[0]
    with service.ledger._database.write() as _:
        answer = airflow_api.post("/api/v1/lineage", event)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:landed:problem:busy")


def test_beyond_loopback_a_token_is_needed(closed_api):
    event = events("stream_manual.ndjson")[0]
    closed_api.headers.pop("Authorization")
    assert closed_api.post("/api/v1/lineage", event).status_code == 401


def test_an_event_twice_and_its_poll_are_one_attempt(airflow_api, service):
    (start, *_) = events("stream_manual.ndjson")
    airflow_api.post("/api/v1/lineage", start)
    answer = airflow_api.post("/api/v1/lineage", start).json()
    assert (answer["accepted"], answer["duplicates"]) == (0, 1)


def counted(service, code):
    rows = service.exposition.meters.rows()["landed_signals_rejected_total"]
    return sum(row.value for row in rows if row.labels == ("openlineage", code))

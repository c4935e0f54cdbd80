"""``GET /metrics`` over the API: its formats, and the time before there is anything to tell."""

from datetime import timedelta

import pytest

from verifier.exporters.exposition import Turns
from verifier.web.problems import ProblemKind

TURNS = {"metrics": Turns(timedelta(seconds=5), None)}


@pytest.fixture
def told(service, clock):
    """The service, with figures taken."""
    service.take_figures(TURNS, clock())
    return service


def test_before_the_first_figures_it_is_503(api):
    answer = api.get("/metrics")
    assert answer.status_code == ProblemKind.UNAVAILABLE.status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "no figures were taken yet" in answer.json()["detail"]


def test_a_browser_gets_text(told, api):
    answer = api.get("/metrics", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# TYPE landed_runs_due_total counter" in answer.text


def test_prometheus_gets_openmetrics(told, api):
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    answer = api.get("/metrics", headers={"Accept": accept})
    assert answer.headers["Content-Type"] == (
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    )
    assert "# TYPE landed_runs_due counter" in answer.text
    assert answer.text.endswith("# EOF\n")


def test_it_tells_what_status_tells(told, api):
    (nightly,) = (job for job in api.get("/v1/jobs").json()["jobs"] if job["job"] == "nightly")
    page = api.get("/metrics").text
    assert nightly["next_due"] == "2026-04-04T02:00:00Z"
    assert 'landed_job_next_due_timestamp_seconds{job_name="nightly"} 1.775268e+09' in page


def test_a_head_has_the_length_and_no_body(told, api):
    answer = api.request("HEAD", "/metrics")
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) > 1000
    assert answer.content == b""

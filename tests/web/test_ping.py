"""The ping protocol as its clients see it."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from verifier.config.file import Address, Tokens
from verifier.intake.writer import Full, Writer
from verifier.ledger.errors import LedgerUnavailable
from verifier.ledger.listing import RunFilter
from verifier.signals.ping import MAX_OUTPUT
from verifier.web.access import Access
from verifier.web.app import build_app
from verifier.web.ping import MAX_READ

ONE = "c0ffee00-0000-4000-8000-000000000001"
TWO = "c0ffee00-0000-4000-8000-000000000002"
UUID = "3f2c1d4e-0000-4000-8000-000000000002"


def runs(service, job="nightly"):
    return service.runs(RunFilter(job=job))


def attempts(service):
    (run,) = runs(service)
    return {each["attempt"]: each for each in run["attempts"]}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_ping_is_answered_as_its_clients_expect(api, service, method):
    answer = api.request(method, "/ping/nightly")
    assert answer.status_code == 200
    assert answer.text == ("" if method == "HEAD" else "OK")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["ping-body-limit"] == str(MAX_OUTPUT)
    (run,) = runs(service)
    assert run["reported"] == "succeeded"


def test_a_ping_is_bound_to_its_slot(api, service):
    api.get("/ping/nightly")
    assert [run["due"] for run in runs(service)] == ["2026-04-03T02:00:00Z"]


def test_a_start_and_an_end_are_one_attempt(api, service, clock):
    api.get("/ping/nightly/start")
    assert runs(service)[0]["reported"] == "running"
    clock.wait(timedelta(minutes=40))
    api.post("/ping/nightly/3", b"no space left")
    (attempt,) = attempts(service).values()
    assert (attempt["state"], attempt["exit_code"]) == ("failed", 3)
    assert attempt["output"] == "no space left"


def test_two_runs_at_once_are_both_watched(api, service):
    api.get(f"/ping/nightly/start?rid={ONE}")
    api.get(f"/ping/nightly/start?rid={TWO}")
    api.get(f"/ping/nightly/fail?rid={ONE}")
    assert {key: each["state"] for key, each in attempts(service).items()} == {
        ONE: "failed",
        TWO: "running",
    }


def test_the_same_run_id_three_times_is_one_attempt_and_one_signal(api, service):
    for _ in range(3):
        assert api.get(f"/ping/nightly?rid={ONE}").text == "OK"
    assert list(attempts(service)) == [ONE]


def test_a_late_start_does_not_undo_the_success_of_its_run_id(api, service, clock):
    api.get(f"/ping/nightly?rid={ONE}")
    api.get(f"/ping/nightly/start?rid={ONE}")
    assert runs(service)[0]["reported"] == "succeeded"


def test_a_log_says_that_something_happened_and_promises_no_heartbeat(api, service):
    api.get(f"/ping/nightly/start?rid={ONE}")
    api.post(f"/ping/nightly/log?rid={ONE}", b"half way")
    attempt = attempts(service)[ONE]
    assert (attempt["state"], attempt["output"]) == ("running", "half way")
    assert attempt["heartbeat_at"] is None


def test_of_a_long_body_the_end_is_kept(api, service):
    body = b"first line\n" + b"x" * MAX_OUTPUT + b"\nlast line"
    assert api.post("/ping/nightly/fail", body).status_code == 200
    (attempt,) = attempts(service).values()
    assert attempt["output"].endswith("last line")
    assert len(attempt["output"]) == MAX_OUTPUT


def test_a_body_without_end_is_not_waited_for(api, service):
    assert api.post("/ping/nightly", b"x" * (MAX_READ + 1)).text == "OK"


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/ping/nobody", 404, "not found"),
        ("/ping/nobody?create=1", 404, "not found"),
        (f"/ping/{UUID}", 404, "not found"),
        ("/ping/nightly/256", 400, "invalid url format"),
        ("/ping/", 400, "invalid url format"),
        ("/ping/nightly?rid=7", 400, "invalid uuid format"),
    ],
)
def test_what_is_no_ping_is_refused_in_words_that_clients_know(api, service, path, status, text):
    answer = api.get(path)
    assert (answer.status_code, answer.text) == (status, text)
    assert not runs(service)
    assert counted(service, "landed_signals_rejected_total") == 1


def counted(service, name):
    rows = service.exposition.meters.rows()[name]
    return sum(row.value for row in rows if row.labels[0] == "ping")


def test_any_key_may_stand_before_the_job_where_no_tokens_are_needed(api, service):
    assert api.get("/ping/my-old-ping-key/nightly").text == "OK"
    assert len(runs(service)) == 1


def test_beyond_loopback_the_key_is_an_ingest_token(closed_api, service):
    token = closed_api.headers.pop("Authorization").removeprefix("Bearer ")
    assert closed_api.get("/ping/nightly").status_code == 404
    assert closed_api.get("/ping/wrong-key-0123456789/nightly").status_code == 404
    assert not runs(service)
    assert closed_api.get(f"/ping/{token}/nightly/start").text == "OK"
    assert closed_api.bearing(token).get("/ping/nightly").text == "OK"


def test_a_uuid_opens_the_pings_of_its_job_and_of_no_other(api, service):
    tokens = Tokens.model_validate({"ping": {"nightly": UUID.upper()}})
    access = Access.of(Address("0.0.0.0", 9877), tokens, None)
    pinged = type(api)(build_app(service, access), "http://10.0.0.1:9877")
    assert pinged.get(f"/ping/{UUID}/start").text == "OK"
    assert attempts(service)
    for path in ("/ping/nightly", f"/ping/{ONE}", f"/ping/{UUID}/beat"):
        assert pinged.get(path).status_code == 404
    assert not runs(service, "beat")


def test_pages_of_other_sites_do_not_ping(api, service):
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://example.com"}):
        assert api.get("/ping/nightly", headers=headers).status_code == 403
    assert not runs(service)


@pytest.mark.parametrize("error", [Full("too much waits"), LedgerUnavailable("the disk is full")])
def test_what_cannot_be_kept_is_not_acknowledged(api, monkeypatch, error):
    def refuse(*_):
        raise error

    monkeypatch.setattr(Writer, "submit", refuse)
    answer = api.get("/ping/nightly")
    assert (answer.status_code, answer.text) == (503, str(error))
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("method", "host", "status"),
    [("PUT", "127.0.0.1", 405), ("GET", "evil.example", 403), ("GET", "127.0.0.1", 500)],
)
def test_a_key_is_in_no_error_and_no_log(api, monkeypatch, method, host, status):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(Writer, "submit", fail)
    with capture_logs() as logs:
        answer = api.request(method, "/ping/my-secret-ping-key/nightly", headers={"Host": host})
    assert (answer.status_code, len(logs)) == (status, status == 500)
    assert "my-secret" not in answer.text + str(logs)

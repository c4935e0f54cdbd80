"""One shape of error, over every route and every way to get there."""

import msgspec
import pytest
from structlog.testing import capture_logs

from verifier.web import ping
from verifier.web.app import ENDPOINTS
from verifier.web.body import JSON, NDJSON
from verifier.web.problems import ProblemKind
from verifier.web.shapes import ProblemDetails

ROUTES = [(each.method, each.public_path) for each in ENDPOINTS if each not in ping.ENDPOINTS]
"""All but pings, which answer in the words of another protocol."""
POSTS = [path for method, path in ROUTES if method == "POST"]
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
NO_BODY: dict[str, str] = {"Content-Type": "application/json"}


def problem(answer, kind):
    """The document, once its shape was checked."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    document = msgspec.json.decode(answer.content, type=ProblemDetails)
    assert set(answer.json()) == {"type", "title", "status", "detail", "instance"}
    assert (document.status, document.title) == (answer.status_code, kind.title)
    assert answer.status_code == kind.status
    assert document.type == f"urn:landed:problem:{kind.code}"
    assert document.instance == answer.request.url.raw_path.decode().partition("?")[0]
    assert document.detail
    return document


@pytest.mark.parametrize("path", sorted({path for _, path in ROUTES}))
def test_another_method_is_405_and_told_which_there_are(api, path):
    taken = {each for each, where in ROUTES if where == path}
    for method in sorted(METHODS - taken):
        answer = api.request(method, path)
        problem(answer, ProblemKind.METHOD_NOT_ALLOWED)
        assert set(answer.headers["Allow"].replace(" ", "").split(",")) - {"HEAD"} == taken


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/signals/", "/v1/nothing", "/v1/jobs/", "/v1//jobs", "/%00"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_no_route_is_404_and_nothing_is_redirected(api, method, path):
    problem(api.request(method, path, headers=NO_BODY), ProblemKind.NOT_FOUND)


@pytest.mark.parametrize("path", POSTS)
def test_a_form_is_415_on_every_route_that_takes_a_body(api, path):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    problem(
        api.as_operator().post(path, b"job=nightly", headers=headers),
        ProblemKind.UNSUPPORTED_MEDIA_TYPE,
    )


@pytest.mark.parametrize("path", POSTS)
def test_no_type_is_415_too(api, path):
    answer = api.as_operator().request("POST", path, content=b"{}")
    problem(answer, ProblemKind.UNSUPPORTED_MEDIA_TYPE)


@pytest.mark.parametrize("path", POSTS)
def test_a_body_that_is_no_json_is_400_on_every_route(api, path):
    problem(api.as_operator().post(path, b"{]"), ProblemKind.UNREADABLE)


@pytest.mark.parametrize("path", POSTS)
def test_a_body_beyond_all_limits_is_413_on_every_route(api, path):
    headers = {"Content-Length": str(10**12)}
    problem(api.as_operator().post(path, b"{}", headers=headers), ProblemKind.TOO_LARGE)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_another_host_is_refused_on_every_route(api, method, path):
    answer = api.request(method, path, headers={"Host": "evil.example", **NO_BODY})
    problem(answer, ProblemKind.WRONG_HOST)


def test_another_host_learns_not_even_which_routes_there_are(api):
    answer = api.get("/nothing", headers={"Host": "evil.example"})
    problem(answer, ProblemKind.WRONG_HOST)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_beyond_loopback_every_route_that_tells_of_jobs_takes_a_token(closed_api, method, path):
    stranger = type(closed_api)(closed_api.app, closed_api.base)
    answer = stranger.request(method, path, headers=NO_BODY)
    if path.startswith(("/v1/", "/api/")) or path == "/metrics":
        problem(answer, ProblemKind.UNAUTHORIZED)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    else:
        assert answer.status_code == 200


def test_a_token_that_opens_less_is_403(closed_api):
    problem(closed_api.post("/v1/actions", {}), ProblemKind.FORBIDDEN)


@pytest.mark.parametrize(
    "path", ["/v1/jobs/x", "/v1/runs/r0", "/v1/runs?job=x", "/v1/actions?job=x"]
)
def test_what_is_not_known_is_404(api, path):
    problem(api.get(path), ProblemKind.NOT_FOUND)


@pytest.mark.parametrize("path", ["/v1/runs?limit=x", "/v1/actions?job=nightly&job=beat"])
def test_a_query_that_makes_no_sense_is_422(api, path):
    problem(api.get(path), ProblemKind.INVALID)


READS = ["/v1/jobs", "/v1/jobs/nightly", "/v1/runs", "/v1/runs/r0", "/v1/actions", "/readyz"]


@pytest.mark.parametrize("path", READS)
def test_a_ledger_that_cannot_be_read_is_503_on_every_route_that_reads(
    api, service, tmp_path, path
):
    service.ledger.close()
    (tmp_path / "landed.db").unlink()
    answer = api.get(path)
    problem(answer, ProblemKind.UNAVAILABLE)
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/signals", {"job": "nightly", "kind": "started", "at": "2026-04-03T02:10:00Z"}),
        ("/v1/guard", {"job": "nightly", "attempt": "a1"}),
        ("/v1/actions", {"job": "nightly", "action": "hold", "by": "anna", "reason": "x"}),
        ("/v1/verify", {"job": "nightly"}),
    ],
)
def test_a_ledger_that_cannot_be_written_is_503_on_every_route_that_writes(lock, api, path, body):
    lock()
    answer = api.as_operator().post(path, body)
    problem(answer, ProblemKind.UNAVAILABLE)
    assert int(answer.headers["Retry-After"]) > 0


def test_a_defect_is_500_with_a_number_under_which_the_log_has_the_rest(api, service, monkeypatch):
    def broken(*_):
        raise RuntimeError("password=hunter2 in /srv/secret")

    monkeypatch.setattr(type(service), "jobs", broken)
    with capture_logs() as logged:
        answer = api.get("/v1/jobs")
    detail = problem(answer, ProblemKind.INTERNAL).detail
    assert "hunter2" not in detail
    assert [line["incident"] for line in logged] == [detail.split()[-1]]


def test_a_key_that_is_missing_in_our_own_code_is_a_defect_and_not_a_404(api, service, monkeypatch):
    def broken(*_):
        return {}["nightly"]

    monkeypatch.setattr(type(service), "job", broken)
    with capture_logs() as logged:
        problem(api.get("/v1/jobs/nightly"), ProblemKind.INTERNAL)
    assert [line["event"] for line in logged] == ["request_failed"]


def test_a_query_is_never_repeated_since_it_may_hold_a_secret(api):
    assert "hunter2" not in api.get("/v1/nothing?token=hunter2").text


def test_what_a_client_sent_is_cut(api):
    answer = api.post("/v1/guard", {"job": "x" * 60_000, "attempt": "a1"})
    assert len(answer.content) < 2_000
    assert len(api.get("/" + "x" * 9_000).content) < 2_000


@pytest.mark.parametrize("media", [JSON, NDJSON])
def test_no_answer_lets_another_site_read_it(api, media):
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answers = [
        api.request("OPTIONS", "/v1/signals", headers=headers),
        api.get("/v1/jobs", headers=headers),
        api.post("/v1/signals", b"", headers=headers | {"Content-Type": media}),
    ]
    assert not [
        name
        for answer in answers
        for name in answer.headers
        if name.lower().startswith("access-control-")
    ]

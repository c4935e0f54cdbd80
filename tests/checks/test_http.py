"""Checks that ask a service; a real one, on loopback."""

import json
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import TypeAdapter, ValidationError

from verifier.checks.reason import UnknownReason
from verifier.checks.registry import Check
from verifier.checks.stores.http import HttpStore
from verifier.checks.stores.service import HttpStoreConfig
from verifier.runs.evaluation import Effect, Result


class Service:
    """Answers with what a test puts there, by path: status, headers, body; a list in turn."""

    def __init__(self):
        self.answers = {}
        self.asked = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                service.asked.append((self.command, self.path, dict(self.headers)))
                answer = service.answers.get(self.path.partition("?")[0], (404, {}, b""))
                if callable(answer):
                    answer = answer(self)
                elif isinstance(answer, list):
                    answer = answer.pop(0) if len(answer) > 1 else answer[0]
                if answer is None:
                    return
                status, headers, body = answer
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def service():
    with closing(Service()) as service:
        yield service


@pytest.fixture
def ask_service(ask, service):
    """Asks one check of a service."""

    def asking(fields, **store):
        partner = {"type": "http", "url": f"{service.url}/api", "timeout": "2s", **store}
        return ask({"name": "it", **fields}, stores={"partner": partner})

    return asking


def check(**fields):
    return {"type": "http", "store": "partner", "path": "payouts/{day}", **fields}


TOTAL = check(value="data.total", ge=1)
WHERE = "/api/payouts/2026-04-02"


def test_a_number_is_found_by_its_path_and_held_against_bounds(ask_service, service):
    service.answers[WHERE] = (200, {}, {"data": {"total": 30}})

    answer = ask_service(TOTAL, headers={"Authorization": "Bearer hunter2"})

    assert (answer.result, answer.effect, answer.measured) == (Result.HOLDS, None, "30")
    assert ask_service(check(value="data.total", eq=31)).result is Result.VIOLATED
    ((method, _, headers), *_) = service.asked
    assert (method, headers["Authorization"]) == ("GET", "Bearer hunter2")
    assert "hunter2" not in json.dumps(answer.evidence)


def test_parameters_are_values_and_never_text(ask_service, service):
    service.answers[WHERE] = (200, {}, {"n": 1})

    ask_service(check(value="n", eq=1, params={"of": "{job}&admin=1", "at": "{due}"}))

    assert parse_qs(urlsplit(service.asked[0][1]).query) == {
        "of": ["daily-revenue&admin=1"],
        "at": ["2026-04-03T00:00:00Z"],
    }


def test_items_are_counted_over_all_pages(ask_service, service):
    first_page = {"items": [1, 2], "next": "?page=2"}
    second_page = {"items": [3], "next": f"{WHERE}/last"}
    service.answers[f"{WHERE}/last"] = (200, {}, {"items": [4, 5], "next": None})

    def second(handler):
        return (200, {}, second_page if "page=2" in handler.path else first_page)

    service.answers[WHERE] = second
    answer = ask_service(check(count="items", next="next", eq=5))

    assert (answer.result, answer.evidence["pages"]) == (Result.HOLDS, 3)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((404, {}, b""), "refused"),
        ((400, {}, b""), "refused"),
        ((401, {}, b""), "permission_denied"),
        ((403, {}, b""), "permission_denied"),
        ((503, {}, b""), "unreachable"),
        ((200, {}, b"<html>"), "wrong_shape"),
        ((200, {}, b""), "wrong_shape"),
        ((200, {}, {"data": {}}), "no_such_value"),
        ((200, {}, {"data": {"total": None}}), "null_result"),
        ((200, {}, {"data": {"total": "many"}}), "not_a_number"),
        ((200, {}, {"data": {"total": True}}), "not_a_number"),
        ((200, {}, b'{"data": {"total": NaN}}'), "wrong_shape"),
        ((200, {}, b"[" + b" " * 5000 + b"]"), "too_large"),
        ((302, {"Location": "http://evil.example/"}, b""), "redirected"),
        ((302, {"Location": "https://127.0.0.1/"}, b""), "redirected"),
        ((302, {"Location": WHERE}, b""), "redirected"),
    ],
)
def test_an_answer_that_tells_no_number_is_unknown(ask_service, service, answer, reason):
    service.answers[WHERE] = answer

    found = ask_service(TOTAL, max_bytes=4000)

    assert (found.result, found.reason) == (Result.UNKNOWN, reason)


def test_a_redirect_on_the_same_host_is_followed(ask_service, service):
    service.answers[WHERE] = (307, {"Location": "/moved"}, b"")
    service.answers["/moved"] = (200, {}, {"data": {"total": 2}})

    assert ask_service(TOTAL).result is Result.HOLDS


def test_a_service_that_is_down_for_a_moment_is_asked_again(ask_service, service):
    service.answers[WHERE] = [(503, {}, b""), (429, {}, b""), (200, {}, {"data": {"total": 2}})]

    assert ask_service(TOTAL).result is Result.HOLDS
    assert len(service.asked) == 3


def test_a_service_that_trickles_or_says_nothing_holds_nobody(ask_service, service):
    stop = threading.Event()

    def trickle(handler):
        handler.send_response(200)
        handler.end_headers()
        while not stop.wait(0.05):
            try:
                handler.wfile.write(b" ")
            except OSError:
                return

    for answer in (trickle, lambda _: stop.wait(5) and None):
        service.answers[WHERE] = answer
        began = monotonic()
        found = ask_service(TOTAL, timeout="500ms")
        assert found.reason == "timed_out"
        assert monotonic() - began < 4
    stop.set()


def test_pages_that_go_in_circles_end(ask_service, service):
    service.answers[WHERE] = (200, {}, {"items": [1], "next": WHERE})

    assert ask_service(check(count="items", next="next", ge=1)).reason == "wrong_shape"


def test_no_proxy_is_taken_from_the_environment(ask_service, service, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    service.answers[WHERE] = (200, {}, {"data": {"total": 2}})

    assert ask_service(TOTAL).result is Result.HOLDS


EXPECTED = {"store": "orders", "sql": "select code from regions where active"}
PAID = {
    "type": "ledger",
    "expected": EXPECTED,
    "api": {"store": "partner", "path": "payouts", "items": "data", "key": ["for.region"]},
}


@pytest.mark.parametrize(
    ("regions", "effect"),
    [
        ("", Effect.NONE),
        ("DE FR IT", Effect.COMPLETE),
        ("DE", Effect.PARTIAL),
        ("DE FR IT DE", Effect.DUPLICATED),
        ("DE DE", Effect.DUPLICATED),
    ],
)
def test_a_partner_is_a_witness_of_payouts(ask_service, service, orders, regions, effect):
    items = [{"for": {"region": each}} for each in regions.split()]
    service.answers["/api/payouts"] = (200, {}, {"data": items})

    answer = ask_service(PAID)

    assert answer.effect is effect
    assert answer.missing == 3 - len(set(regions.split()))


def test_a_partner_that_does_not_answer_is_no_witness(ask_service, orders):
    answer = ask_service(PAID)

    assert (answer.result, answer.reason, answer.effect) == (Result.UNKNOWN, "refused", None)


def test_a_store_says_whether_somebody_answers(service):
    def probe(url):
        store = HttpStore(
            HttpStoreConfig.model_validate({"type": "http", "url": url, "timeout": "1s"})
        )
        with closing(store):
            return store.probe()

    assert probe(service.url) is None
    assert probe("http://127.0.0.1:1") is UnknownReason.UNREACHABLE


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"value": "a"}, "expected a bound"),
        ({"eq": 1}, "either 'value' or 'count'"),
        ({"value": "a", "count": "b", "eq": 1}, "either 'value' or 'count'"),
        ({"value": "a", "next": "n", "eq": 1}, "'count' beside 'next'"),
    ],
)
def test_what_cannot_be_meant_is_an_error(fields, says):
    with pytest.raises(ValidationError, match=says):
        TypeAdapter(Check).validate_python({"name": "it", **check(**fields)})


@pytest.mark.parametrize("url", ["partner", "ftp://hunter2@x/", "http://", "http://x/?key=hunter2"])
def test_an_address_that_cannot_be_is_refused_without_it(url):
    with pytest.raises(ValidationError) as caught:
        HttpStoreConfig.model_validate({"type": "http", "url": url})
    assert "hunter2" not in str(caught.value)

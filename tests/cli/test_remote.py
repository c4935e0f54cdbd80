import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest

from verifier.cli import remote
from verifier.cli.client import Deed
from verifier.cli.exits import CommandFailed, ExitCode
from verifier.cli.remote import RemoteClient
from verifier.ledger.listing import RunFilter
from verifier.runs.action import ActionKind

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """The URL of a server on loopback that answers everything with ``answer``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def sends(status: int, body: bytes, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def problem(status: int, detail: str) -> Answer:
    return sends(status, json.dumps({"detail": detail, "status": status}).encode())


def failure_of(answer: Answer, token: str | None = None) -> CommandFailed:
    with (
        answering(answer) as url,
        RemoteClient(url, token) as client,
        pytest.raises(CommandFailed) as failure,
    ):
        client.jobs()
    return failure.value


def test_nobody_there_is_unreachable() -> None:
    with answering(sends(200, b"{}")) as url:
        pass
    with RemoteClient(url) as client, pytest.raises(CommandFailed, match="be reached") as failure:
        client.jobs()
    assert failure.value.code is ExitCode.UNREACHABLE


@pytest.mark.parametrize(
    "answer",
    [
        sends(200, b"hello"),
        sends(200, b"[1, 2]"),
        sends(200, b"\xff\xfe{}"),
        sends(404, b"<h1>nginx</h1>"),
        sends(302, b"", Location="http://127.0.0.1:1/"),
        sends(500, b'{"error": "none of ours"}'),
        lambda handler: None,
    ],
)
def test_what_is_no_landed_is_unreachable(answer: Answer) -> None:
    assert failure_of(answer).code is ExitCode.UNREACHABLE


def test_a_server_that_never_answers_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "ANSWER_SECONDS", 0.1)
    released = threading.Event()

    def hang(_handler: BaseHTTPRequestHandler) -> None:
        released.wait(10)

    with answering(hang) as url, RemoteClient(url) as client:
        with pytest.raises(CommandFailed, match="does not answer in time") as failure:
            client.jobs()
        released.set()
    assert failure.value.code is ExitCode.UNREACHABLE


def test_a_verifier_that_cannot_use_its_ledger_is_unreachable() -> None:
    failure = failure_of(problem(503, "the ledger is locked"))
    assert failure.code is ExitCode.UNREACHABLE
    assert str(failure).endswith(" cannot answer: the ledger is locked")


def test_a_refused_token_is_a_mistake_and_is_not_repeated() -> None:
    failure = failure_of(problem(401, "expected a token"), token="tell-nobody-0123456789")
    assert failure.code is ExitCode.USAGE
    assert failure.hint is not None
    assert "LANDED_TOKEN" in failure.hint
    assert "tell-nobody" not in f"{failure} {failure.hint}"


def test_a_question_that_makes_no_sense_is_told_in_the_verifiers_words() -> None:
    failure = failure_of(problem(422, "expected an instant that has passed"))
    assert failure.code is ExitCode.USAGE
    assert str(failure) == "expected an instant that has passed"


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://host", "host:9877", "", "http://", "http://user:secret@host", "http://host?x=1"),
        *("http://host#x", "http://host:x", "http://host:0", "http://host:99999", "http://ho st"),
        *("http://[::1", "http://a..b/\x00", "http://ex\u00e4mple"),
    ],
)
def test_an_address_that_is_none_is_a_mistake_and_is_not_repeated(url: str) -> None:
    with pytest.raises(CommandFailed, match="--url: expected") as failure:
        RemoteClient(url)
    assert "secret" not in str(failure.value)


def test_a_token_that_no_header_can_carry_is_a_mistake() -> None:
    with pytest.raises(CommandFailed, match="no HTTP header"):
        RemoteClient("http://127.0.0.1:1", "a\r\nb")


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with answering(sends(200, b'{"jobs": []}')) as url, RemoteClient(url) as client:
        assert client.jobs() == []


def test_runs_are_read_page_by_page_up_to_the_limit() -> None:
    asked: list[str] = []

    def pages(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        limit = int(parse_qs(handler.path.partition("?")[2])["limit"][0])
        page = {"runs": [{}] * limit, "next": f"c{len(asked)}"}
        sends(200, json.dumps(page).encode())(handler)

    with answering(pages) as url, RemoteClient(url) as client:
        assert len(client.runs(RunFilter(job="revenue", limit=1200))) == 1200
    assert [path.partition("?")[2] for path in asked] == [
        "job=revenue&limit=500",
        "job=revenue&limit=500&cursor=c1",
        "job=revenue&limit=200&cursor=c2",
    ]


def test_the_last_page_ends_the_list() -> None:
    body = json.dumps({"runs": [{}], "next": None}).encode()
    with answering(sends(200, body)) as url, RemoteClient(url) as client:
        assert client.runs(RunFilter()) == [{}]


def test_the_token_is_shown_to_the_verifier() -> None:
    seen: list[str | None] = []

    def look(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers["Authorization"])
        sends(200, b"{}")(handler)

    deed = Deed(kind=ActionKind.HOLD, by="me", reason="because", job="revenue")
    with answering(look) as url, RemoteClient(url, "a-token") as client:
        client.act(deed)
    assert seen == ["Bearer a-token"]

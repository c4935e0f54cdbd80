"""Real sockets against the bounds of a connection, with an application that says yes."""

import json
import socket
import threading
import time

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from verifier.web import protocol
from verifier.web.server import Server, listen

LARGE = 64 * 1024 * 1024


async def yes(request: Request) -> Response:
    return Response("yes")


async def large(request: Request) -> Response:
    return Response(b"x" * LARGE)


@pytest.fixture
def connect():
    """Opens connections to a server that runs as long as the test."""
    listener = listen("127.0.0.1", 0)
    app = Starlette(routes=[Route("/", yes, methods=["GET", "POST"]), Route("/large", large)])
    server = Server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener.socket]})
    thread.start()
    opened = []

    def connect() -> socket.socket:
        opened.append(socket.create_connection(("127.0.0.1", listener.port), timeout=5))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def exchange(connection: socket.socket, request: bytes) -> bytes:
    """All that comes back until the server closes."""
    connection.sendall(request)
    return rest(connection)


def rest(connection: socket.socket) -> bytes:
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def problem(answer: bytes) -> tuple[int, dict[str, object]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    return int(head.split()[1]), json.loads(body)


GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "garbage",
    [b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"],
)
def test_what_is_no_http_is_a_problem_document(connect, garbage):
    status, document = problem(exchange(connect(), garbage))
    assert (status, document["status"]) == (400, 400)


def test_a_head_without_an_end_is_cut_off(connect):
    endless = b"GET / HTTP/1.1\r\nX-Long: " + b"x" * (protocol.MAX_HEAD + 1)
    status, document = problem(exchange(connect(), endless))
    assert status == 431
    assert str(protocol.MAX_HEAD) in document["detail"]


def test_a_client_that_never_ends_its_head_is_let_go(connect, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    connection = connect()
    began = time.monotonic()
    closed = False
    while not closed and time.monotonic() - began < 5:
        try:
            connection.sendall(b"G")
            time.sleep(0.05)
        except OSError:
            closed = True
    assert closed


def test_a_client_that_never_speaks_is_let_go(connect, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    assert rest(connect()) == b""


def test_a_body_that_nobody_wanted_does_not_hold_a_connection(connect, monkeypatch):
    monkeypatch.setattr(protocol, "BETWEEN_SECONDS", 0.3)
    connection = connect()
    connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n")
    assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    began = time.monotonic()
    closed = False
    while not closed and time.monotonic() - began < 5:
        try:
            connection.sendall(b"x")
            time.sleep(0.05)
        except OSError:
            closed = True
    assert closed


def test_one_connection_serves_many_requests(connect):
    connection = connect()
    for _ in range(3):
        connection.sendall(GET)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    connection.sendall(GET * 3)
    received = b""
    while received.count(b"HTTP/1.1 200") < 3:
        received += connection.recv(65536)


def test_connections_beyond_the_limit_are_told_to_come_back(connect, monkeypatch):
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", 2)
    held = [connect(), connect()]
    for connection in held:
        connection.sendall(GET)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    answer = rest(connect())
    assert problem(answer)[0] == 503
    assert b"retry-after: " in answer.lower()


def test_a_client_that_does_not_take_its_answer_is_let_go(connect, monkeypatch):
    monkeypatch.setattr(protocol, "BETWEEN_SECONDS", 0.3)
    connection = connect()
    connection.sendall(GET.replace(b"GET /", b"GET /large"))
    time.sleep(0.6)
    try:
        received = rest(connection)
    except ConnectionResetError:
        received = b""
    assert len(received) < LARGE

"""A real ``serve`` and real sockets: clients that are slow, gone, or not in their right mind."""

import json
import signal
import time

import pytest

pytestmark = pytest.mark.slow


def head(path: str, length: int | None) -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"{framing}\r\n\r\n"
    ).encode()


def signal_of(attempt: str) -> dict[str, str]:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"job": "quarter", "kind": "started", "at": at, "attempt": attempt}


def test_many_clients_that_stop_half_way_hold_up_nobody(served):
    stuck = [served.connect(head("/v1/signals", 1000) + b'[{"job":') for _ in range(150)]
    began = time.monotonic()
    assert served.post("/v1/signals", signal_of("quick")).json()["accepted"] == 1
    assert time.monotonic() - began < 5
    for connection in stuck:
        connection.close()
    assert served.post("/v1/signals", signal_of("quick")).json()["duplicates"] <= 1


def test_a_body_without_an_announced_length_is_cut_at_the_limit(served):
    connection = served.connect(head("/v1/signals", None))
    piece = b" " * 65536
    try:
        for _ in range(200):
            connection.sendall(b"10000\r\n" + piece + b"\r\n")
    except OSError:
        pass
    status, document = served.answer(connection)
    connection.close()
    assert (status, document["status"]) == (413, 413)


def test_another_host_and_what_is_no_http_are_told_so(served):
    status, document = served.ask(b"GET /v1/jobs HTTP/1.1\r\nHost: evil.example:9877\r\n\r\n")
    assert (status, document["type"]) == (403, "urn:landed:problem:wrong_host")
    status, _ = served.ask(b"\x00\x01\x02\r\n\r\n")
    assert status == 400


def test_a_client_that_leaves_in_the_middle_of_a_verification_breaks_nothing(served):
    started = {**signal_of("a1"), "job": "hourly"}
    served.post("/v1/signals", [started, {**started, "kind": "succeeded"}])
    body = json.dumps({"job": "hourly"}).encode()
    began = time.monotonic()
    served.connect(head("/v1/verify", len(body)) + body).close()
    answer = served.post("/v1/verify", {"job": "hourly"})
    assert time.monotonic() - began > 0.4, "it did not wait for a second look"
    assert answer.status_code == 200
    assert answer.json()["runs"][0]["checks"][0]["result"] == "violated"


def test_the_token_beside_the_ledger_acts_and_shows_in_no_log(served):
    token = served.token.read_text().strip()
    assert served.token.stat().st_mode & 0o077 == 0
    body = {"action": "hold", "job": "quarter", "by": "anna", "reason": "a test"}
    assert served.post("/v1/actions", body).status_code == 401
    headers = {"Authorization": f"Bearer {token}"}
    assert served.post("/v1/actions", body, headers=headers).status_code == 200
    assert served.post(f"/v1/nothing?token={token}", body).status_code == 404
    assert token not in served.log.read_text()


def test_a_stop_waits_for_nobody_who_has_all_the_time_in_the_world(tmp_path, start_serving):
    server = start_serving(tmp_path)
    idle = server.connect()
    half = server.connect(head("/v1/signals", 1000) + b"[")
    assert server.post("/v1/signals", signal_of("last")).json()["accepted"] == 1
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(15) == 0
    assert time.monotonic() - began < 8
    idle.close()
    half.close()
    server.close()
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert {"listening", "stopping", "stopped"} <= {line["event"] for line in lines}

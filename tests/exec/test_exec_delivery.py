"""Delivery is off the job's path: whatever the verifier does, the job is as it was."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from verifier.exec import landed_exec

pytestmark = pytest.mark.slow


def test_an_attempt_is_told_from_its_start_to_its_end(
    host: Any, verifier: Any, tmp_path: Path, wait: Any
) -> None:
    options = ["--attempt", "a1", "--due", "2026-04-03T02:00:00+02:00", "--partition", "Zürich"]
    command = ["sh", "-c", f"until [ -e {tmp_path}/enough ]; do sleep 0.05; done"]
    job = host.start(*command, options=[*options, "--lane", "rerun", "--heartbeat", "300ms"])
    wait(lambda: "heartbeat" in verifier.kinds())
    (tmp_path / "enough").touch()
    assert job.wait(10) == 0
    wait(lambda: "succeeded" in verifier.kinds())
    signals = list(verifier.signals.values())
    beats = [one["id"] for one in signals if one["kind"] == "heartbeat"]
    assert {one["id"] for one in signals} == {"a1/started", "a1/end", *beats}
    assert set(beats) <= {f"a1/heartbeat/{number}" for number in range(1, 100)}
    for one in signals:
        assert one["job"] == "nightly"
        assert one["attempt"] == "a1"
        assert one["due"] == "2026-04-03T00:00:00Z"
        assert one["partition"] == "Zürich"
        assert one["lane"] == "rerun"
    (started,) = (one for one in signals if one["kind"] == "started")
    machine, pid = started["worker"].split(":")
    assert machine == os.uname().nodename
    assert pid.isdigit()
    wait(lambda: not [path for path in host.spool.iterdir() if "courier" not in path.name])


def test_a_start_is_told_while_the_command_still_runs(host: Any, verifier: Any, wait: Any) -> None:
    host.start("sleep", "60")
    wait(lambda: verifier.kinds() == ["started"])


def test_a_long_job_leaves_one_heartbeat_at_most_in_the_spool(host: Any, wait: Any) -> None:
    host.start("sleep", "60", options=["--heartbeat", "50ms"])

    def beats() -> list[str]:
        return [path.stem for path in host.spool.glob("*.beat")]

    wait(lambda: any(name.endswith(("-8", "-9")) for name in beats()))
    for _ in range(50):
        assert len(beats()) <= 2  # for an instant the new and the old one
        time.sleep(0.002)


def test_no_heartbeat_is_told_where_none_is_wanted(host: Any, verifier: Any, wait: Any) -> None:
    host.run("sleep", "0.3", options=["--heartbeat", "0"])
    wait(lambda: sorted(verifier.kinds()) == ["started", "succeeded"])


def test_the_token_is_sent_and_written_nowhere(host: Any, verifier: Any, wait: Any) -> None:
    host.environment["LANDED_TOKEN"] = "hunter2"
    host.run("true")
    wait(lambda: "succeeded" in verifier.kinds())
    _, headers, _ = verifier.requests[0]
    assert headers["Authorization"] == "Bearer hunter2"
    assert headers["Content-Type"] == "application/json"
    host.environment["LANDED_URL"] = "http://127.0.0.1:1"
    host.run("true")
    assert all(b"hunter2" not in path.read_bytes() for path in host.spool.iterdir())


def test_no_proxy_of_the_environment_is_used(host: Any, verifier: Any, wait: Any) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        host.environment[name] = "http://127.0.0.1:1"
    host.run("true")
    wait(lambda: "succeeded" in verifier.kinds())


def say(*lines: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(b"\r\n".join(lines))


def hang(connection: socket.socket) -> None:
    while connection.recv(65536):  # until the client gives up, or the test ends
        pass


def trickle(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(20):
        connection.sendall(b"X-Wait: a little\r\n")
        time.sleep(0.1)


def never_end(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(64):
        connection.sendall(b" " * 65536)


OK = b"HTTP/1.1 200 OK"
TEMPERS = {
    "hanging": hang,
    "trickling": trickle,
    "endless": never_end,
    "closing at once": lambda connection: connection.close(),
    "not http": say(b"\x00\xff\x00 220 smtp ready\r\n"),
    "garbage": say(OK, b"Content-Length: 4", b"", b"\xff\xfe{["),
    "html": say(OK, b"Content-Type: text/html", b"", b"<html>It works!</html>"),
    "another service": say(OK, b"Content-Length: 15", b"", b'{"status":"ok"}'),
    "half an answer": say(OK, b"Content-Length: 900", b"", b'{"accepted": 2, "dup'),
    "wrong count": say(OK, b"", b'{"accepted": 9, "duplicates": 0, "rejected": []}'),
    "deeply nested": say(OK, b"", b"[" * 100_000),
    "redirecting": say(b"HTTP/1.1 307 Moved", b"Location: http://127.0.0.1:1/", b"", b""),
    "unauthorized": say(b"HTTP/1.1 401 No", b"Content-Length: 0", b"", b""),
    "full": say(b"HTTP/1.1 503 Full", b"Retry-After: 60", b"Content-Length: 0", b"", b""),
    "failing": say(b"HTTP/1.1 500 Oops", b"Content-Length: 0", b"", b""),
    "refusing as somebody else": say(b"HTTP/1.1 400 Bad", b"Content-Length: 2", b"", b"no"),
}


@pytest.mark.parametrize("temper", TEMPERS)
def test_a_verifier_of_any_temper_changes_nothing_and_gets_it_all_later(
    host: Any, raw_verifier: Any, temper: str, wait: Any
) -> None:
    raw = raw_verifier(TEMPERS[temper])
    begun = time.monotonic()
    done = host.run("sh", "-c", "echo out; echo err >&2; exit 3")
    assert time.monotonic() - begun < 1
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    wait(lambda: raw.asked)
    time.sleep(0.1)
    taken: list[dict[str, Any]] = []
    landed_exec.deliver(str(host.spool), lambda batch: taken.extend(batch) or [])
    assert [one["kind"] for one in taken] == ["started", "failed"]
    for courier in host.couriers():
        os.kill(int(courier.name), signal.SIGKILL)


def test_a_verifier_that_is_away_gets_it_all_once_it_is_back(host: Any, wait: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    host.environment["LANDED_URL"] = f"http://127.0.0.1:{port}"
    host.environment["LANDED_DELIVER_FOR"] = "20s"
    host.run("true")
    host.run("false")
    wait(host.couriers)
    told: list[str] = []
    back = socket.create_server(("127.0.0.1", port))

    def serve() -> None:
        while len(told) < 4:
            connection, _ = back.accept()
            with connection:
                head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
                while len(body) < int(head.lower().partition(b"content-length: ")[2].split()[0]):
                    body += connection.recv(65536)
                told.extend(one["kind"] for one in json.loads(body))
                answer = {"accepted": len(json.loads(body)), "duplicates": 0, "rejected": []}
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps(answer).encode())

    thread = threading.Thread(target=serve)
    thread.start()
    thread.join(15)
    back.close()
    assert sorted(told) == ["failed", "started", "started", "succeeded"]


def test_what_an_earlier_run_could_not_deliver_goes_with_the_next(
    host: Any, verifier: Any, wait: Any
) -> None:
    verifier.answer = (503, {}, b"")
    host.run("false")
    wait(lambda: verifier.requests and host.is_quiet())
    assert host.kinds() == ["started", "failed"]
    verifier.answer = None
    host.run("true")
    wait(lambda: sorted(verifier.kinds()) == ["failed", "started", "started", "succeeded"])


def test_a_courier_gives_up_after_its_time_and_leaves_the_spool(host: Any, wait: Any) -> None:
    host.environment["LANDED_DELIVER_FOR"] = "700ms"
    host.run("true")
    wait(host.couriers)
    wait(host.is_quiet, within=4)
    assert host.kinds() == ["started", "succeeded"]


def test_a_courier_waits_as_long_as_a_full_verifier_asks(
    host: Any, verifier: Any, wait: Any
) -> None:
    verifier.answer = (503, {"Retry-After": "60"}, b"")
    host.environment["LANDED_DELIVER_FOR"] = "30s"
    host.run("true")
    wait(lambda: verifier.requests)
    wait(host.is_quiet)  # it may not ask again within its time, so it leaves
    assert len(verifier.requests) == 1
    assert host.kinds() == ["started", "succeeded"]


def test_a_verifier_behind_tls_is_believed_only_with_its_certificate(
    host: Any, verifier: Any, tmp_path: Path, wait: Any
) -> None:
    if shutil.which("openssl") is None:
        assert not os.environ.get("CI"), "openssl is needed to make a certificate"
        pytest.skip("no openssl to make a certificate with")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    verifier.server.socket = context.wrap_socket(verifier.server.socket, server_side=True)
    host.environment["LANDED_URL"] = verifier.url.replace("http:", "https:")
    host.run("true")
    wait(host.is_quiet)
    assert not verifier.requests
    host.environment["SSL_CERT_FILE"] = str(certificate)
    host.run("true")
    wait(lambda: verifier.kinds().count("succeeded") == 2)


def test_what_the_verifier_will_never_take_is_written_down(
    host: Any, verifier: Any, wait: Any
) -> None:
    verifier.rejections["failed"] = {"code": "unknown_job", "retriable": False}
    host.run("false")
    rejected = host.spool / "rejected.ndjson"
    wait(rejected.exists)
    wait(lambda: rejected.read_text().endswith("\n"))
    assert json.loads(rejected.read_text())["signal"]["kind"] == "failed"
    assert verifier.kinds() == ["started"]
    wait(lambda: not host.records())


DETAIL = "expected a declared job, found 'nightly'; declare it \x1b[31min landed.yaml"


def test_a_job_that_the_verifier_does_not_know_says_so_from_then_on_and_runs_as_ever(
    host: Any, verifier: Any, wait: Any
) -> None:
    unknown = {"code": "unknown_job", "detail": DETAIL, "retriable": True}
    verifier.rejections = {"started": unknown, "succeeded": unknown}
    host.run("true")
    wait((host.spool / "nightly.unknown").exists, 60)
    told = host.run("sh", "-c", "echo done; exit 3")
    assert (told.returncode, told.stdout) == (3, "done\n")
    assert told.stderr == (
        "landed-exec: nightly: the verifier does not know this job, so nobody watches it: "
        "expected a declared job, found 'nightly'; declare it ?[31min landed.yaml\n"
    )
    host.environment["LANDED_QUIET"] = "1"
    assert host.run("true").stderr == ""


def test_a_job_that_is_declared_at_last_says_nothing_more_and_has_lost_nothing(
    host: Any, verifier: Any, wait: Any
) -> None:
    unknown = {"code": "unknown_job", "detail": DETAIL, "retriable": True}
    verifier.rejections = {"started": unknown, "succeeded": unknown}
    host.run("true")
    wait((host.spool / "nightly.unknown").exists, 60)
    verifier.rejections = {}
    host.run("true")
    wait(lambda: sorted(verifier.kinds()) == ["started", "started", "succeeded", "succeeded"], 60)
    wait(lambda: not (host.spool / "nightly.unknown").exists(), 60)
    assert host.run("true").stderr == ""


def test_a_long_run_says_at_its_end_what_became_known_meanwhile(host: Any, verifier: Any) -> None:
    unknown = {"code": "unknown_job", "detail": DETAIL, "retriable": True}
    verifier.rejections = {"started": unknown, "succeeded": unknown}
    marker = host.spool / "nightly.unknown"
    job = host.start("sh", "-c", f"while [ ! -e {marker} ]; do sleep 0.05; done")
    _, told = job.communicate(timeout=60)
    assert told.count("does not know this job") == 1


@pytest.mark.parametrize("name", ["../evil", "a/b", "", "x" * 200])
def test_what_is_no_name_of_a_job_makes_no_file(tmp_path: Path, name: str) -> None:
    rejection = {"index": 0, "code": "unknown_job", "detail": "no", "retriable": True}
    signal = {"job": name, "kind": "started", "at": "2026-04-03T02:00:00Z", "id": "1"}
    landed_exec.spool_signal(str(tmp_path / "spool"), "", signal)
    counts = landed_exec.deliver(str(tmp_path / "spool"), lambda _signals: [rejection])
    assert counts["kept"] == 1
    assert landed_exec.unknown_jobs(str(tmp_path / "spool")) == set()
    assert [each.name for each in tmp_path.iterdir()] == ["spool"]


def test_a_signal_that_the_verifier_cannot_read_does_not_hold_up_the_others(
    host: Any, verifier: Any, wait: Any
) -> None:
    respond = verifier.respond
    problem = {"Content-Type": "application/problem+json"}

    def picky(path: str, body: Any) -> tuple[int, dict[str, str], bytes]:
        if any(one["kind"] == "failed" for one in body):
            return 413, problem, b"{}"
        return respond(path, body)

    verifier.respond = picky
    host.environment["LANDED_DELIVER_FOR"] = "5s"
    host.run("false")
    host.run("true")
    wait(lambda: sorted(verifier.kinds()) == ["started", "started", "succeeded"])
    wait(lambda: not host.records())
    assert '"code":"http_413"' in (host.spool / "rejected.ndjson").read_text()


def test_wrappers_at_once_lose_nothing_beside_couriers_and_a_sweep(
    host: Any, verifier: Any, wait: Any
) -> None:
    host.environment["LANDED_DELIVER_FOR"] = "5s"
    swept: set[str] = set()
    done = threading.Event()

    def sweep() -> None:  # as the verifier's own process may, in the same directory
        while not done.is_set():
            landed_exec.prove_deaths(str(host.spool), landed_exec.here())
            landed_exec.deliver(
                str(host.spool), lambda batch: swept.update(one["id"] for one in batch) or []
            )
            time.sleep(0.005)

    thread = threading.Thread(target=sweep)
    thread.start()
    try:
        wrappers = [host.start("true", options=["--attempt", f"a{n}"]) for n in range(12)]
        for wrapper in wrappers:
            assert wrapper.wait(20) == 0
        everything = {f"a{n}/{what}" for n in range(12) for what in ("started", "end")}
        wait(lambda: everything <= swept | {one for _, one in verifier.signals})
    finally:
        done.set()
        thread.join()
    wait(lambda: not list(host.spool.glob("*.run")))
    assert not any(one.endswith("/lost") for one in swept)


def test_one_courier_is_enough_for_many_runs(host: Any, raw_verifier: Any, wait: Any) -> None:
    raw_verifier(hang)
    for _ in range(4):
        host.run("true")
    wait(host.couriers)
    assert len(host.couriers()) == 1


# A wrapper that was killed


def test_the_next_run_proves_the_death_of_an_attempt_whose_wrapper_was_killed(
    host: Any, verifier: Any, wait: Any
) -> None:
    killed = host.start("sleep", "60", options=["--attempt", "a1"])
    wait(lambda: verifier.kinds() == ["started"])
    os.killpg(killed.pid, signal.SIGKILL)  # the wrapper, its witness and its command
    killed.wait()
    host.run("true")
    wait(lambda: ("nightly", "a1/lost") in verifier.signals)
    lost = verifier.signals["nightly", "a1/lost"]
    assert (lost["kind"], lost["end_proof"], lost["attempt"]) == ("lost", "pid_gone", "a1")


def test_a_command_that_outlives_its_wrapper_is_left_alone_and_its_end_is_told(
    host: Any, verifier: Any, wait: Any
) -> None:
    wrapper = host.start("sleep", "60", options=["--attempt", "a1"])
    wait(lambda: verifier.kinds() == ["started"])
    command = int(verifier.signals["nightly", "a1/started"]["worker"].partition(":")[2])
    wrapper.kill()
    wrapper.wait()
    host.run("true")
    wait(lambda: "succeeded" in verifier.kinds())
    assert "lost" not in verifier.kinds()
    assert Path(f"/proc/{command}").exists()
    os.kill(command, signal.SIGKILL)
    wait(lambda: ("nightly", "a1/lost") in verifier.signals)  # by the witness, without a next run
    assert verifier.signals["nightly", "a1/lost"]["end_proof"] == "pid_gone"


ORPHANED_AT_BIRTH = """
import os, sys
from verifier.exec.landed_exec import Attempt, Inherited, Options
attempt = Attempt(Options(["--job", "j", "--", "touch", sys.argv[1]]), Inherited())
go, wrapper = os.pipe()
os.close(wrapper)  # as the kernel does when the wrapper is killed
attempt._become_command(dict(os.environb), go, 2)
"""


def test_a_command_whose_wrapper_died_before_it_ran_does_not_run(host: Any, tmp_path: Path) -> None:
    environment = {**host.environment, "PYTHONPATH": str(Path(landed_exec.__file__).parents[2])}
    command = [sys.executable, "-c", ORPHANED_AT_BIRTH, str(tmp_path / "ran")]
    assert subprocess.run(command, env=environment, check=False).returncode == 127
    assert not (tmp_path / "ran").exists()

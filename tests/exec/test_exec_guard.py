"""The guard: it is asked only where wanted, waited for only so long, and obeyed."""

import os
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

GUARD = ["--guard", "--guard-timeout", "1s"]


def answer(decision: str, **more: object) -> dict[str, object]:
    return {
        "decision": decision,
        "why": "because",
        "due": None,
        "run": "nightly/2026-04-03T00:00:00Z",
        "lease_until": None,
        "when_unsure": "open",
        **more,
    }


def test_an_allowed_attempt_runs_and_knows_its_due(host: Any, verifier: Any, wait: Any) -> None:
    verifier.guard = answer("allow", due="2026-04-03T00:00:00Z")
    done = host.run("sh", "-c", "echo $LANDED_DUE", options=[*GUARD, "--attempt", "a1"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "2026-04-03T00:00:00Z\n", "")
    wait(lambda: "succeeded" in verifier.kinds())
    assert verifier.signals["nightly", "a1/started"]["due"] == "2026-04-03T00:00:00Z"


def test_a_skipped_attempt_does_not_run_and_is_no_attempt(host: Any, verifier: Any) -> None:
    verifier.guard = answer("skip")
    done = host.run("echo", "ran", options=GUARD)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "landed-exec: nightly: skipped: because\n"
    assert not host.records()
    assert not verifier.signals


@pytest.mark.parametrize(("options", "code"), [([], 75), (["--refused-exit", "9"], 9)])
def test_a_refused_attempt_does_not_run_and_says_why(
    host: Any, verifier: Any, options: list[str], code: int
) -> None:
    verifier.guard = answer("refuse", why="two\nlines \x1b[31m of ünicode")
    done = host.run("echo", "ran", options=[*GUARD, *options])
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr == "landed-exec: nightly: refused: two lines  [31m of ünicode\n"
    assert not host.records()


def test_the_question_says_all_that_the_guard_may_need(host: Any, verifier: Any) -> None:
    verifier.guard = answer("allow")
    host.environment["LANDED_TOKEN"] = "hunter2"
    options = [
        *("--attempt", "a1", "--due", "2026-04-03T00:00:00Z", "--partition", "p"),
        *("--lane", "rerun", "--mode", "repair", "--when-unsure", "closed"),
        *("--override-by", "me", "--override-reason", "I know better"),
    ]
    host.run("true", options=[*GUARD, *options])
    path, headers, question = verifier.requests[0]
    assert path == "/v1/guard"
    assert headers["Authorization"] == "Bearer hunter2"
    assert question.pop("worker").startswith(f"{os.uname().nodename}:")
    assert question == {
        "job": "nightly",
        "attempt": "a1",
        "due": "2026-04-03T00:00:00Z",
        "partition": "p",
        "lane": "rerun",
        "mode": "repair",
        "when_unsure": "closed",
        "override": {"by": "me", "reason": "I know better"},
    }


def test_the_guard_is_told_what_the_host_knows_before_it_decides(
    host: Any, verifier: Any, wait: Any
) -> None:
    killed = host.start("sleep", "60", options=["--attempt", "a1"])
    wait(lambda: verifier.kinds() == ["started"])
    wait(host.is_quiet)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    verifier.guard = answer("refuse")
    host.run("true", options=GUARD)
    assert verifier.signals["nightly", "a1/lost"]["end_proof"] == "pid_gone"
    assert [path for path, _, _ in verifier.requests][-2:] == ["/v1/signals", "/v1/guard"]


def hang(connection: socket.socket) -> None:
    while connection.recv(65536):  # until the client gives up, or the test ends
        pass


def reply(content: bytes, status: bytes = b"200 OK") -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(b"HTTP/1.1 " + status + b"\r\n\r\n" + content)


UNSURE = {
    "hanging": hang,
    "garbage": reply(b"<html>"),
    "failing": reply(b"{}", b"500 Oops"),
    "no such job": reply(b"{}", b"404 Not Found"),
    "without a token": reply(b"{}", b"401 Unauthorized"),
    "another service": reply(b'{"status": "ok"}'),
    "an unknown decision": reply(b'{"decision": "maybe", "when_unsure": "open", "why": ""}'),
    "a due that is none": reply(b'{"decision": "allow", "when_unsure": "open", "due": "soon"}'),
}


@pytest.mark.parametrize("temper", UNSURE)
def test_where_the_guard_cannot_tell_the_job_runs_if_open_and_not_if_closed(
    host: Any, raw_verifier: Any, temper: str
) -> None:
    raw_verifier(UNSURE[temper])
    options = ["--guard", "--guard-timeout", "300ms"]
    begun = time.monotonic()
    ran = host.run("sh", "-c", "exit 3", options=options)
    assert ran.returncode == 3
    assert ran.stderr.startswith("landed-exec: nightly: runs without the guard's word at ")
    assert time.monotonic() - begun < 1.5
    refused = host.run("echo", "ran", options=[*options, "--when-unsure", "closed"])
    assert (refused.returncode, refused.stdout) == (75, "")
    assert refused.stderr.count("\n") == 1
    assert "refused: the guard cannot tell, and closed when unsure: " in refused.stderr


def test_whoever_overrides_without_a_token_is_told_where_to_give_it(
    host: Any, raw_verifier: Any
) -> None:
    raw_verifier(UNSURE["without a token"])
    override = ["--override-by", "ann", "--override-reason", "it was repaired"]
    told = host.run("true", options=[*GUARD, *override, "--when-unsure", "closed"])
    assert told.returncode == 75
    assert told.stderr.rstrip().endswith("it answered HTTP 401; give it in LANDED_TOKEN")


def test_the_guards_last_word_on_being_unsure_is_remembered(host: Any, verifier: Any) -> None:
    verifier.guard = answer("allow", when_unsure="closed")
    assert host.run("true", options=GUARD).returncode == 0
    verifier.answer = (503, {}, b"")
    assert host.run("true", options=GUARD).returncode == 75
    assert host.run("true", options=[*GUARD, "--when-unsure", "open"]).returncode == 0
    verifier.answer = None
    verifier.guard = answer("allow", when_unsure="open")
    assert host.run("true", options=GUARD).returncode == 0
    verifier.answer = (503, {}, b"")
    assert host.run("true", options=GUARD).returncode == 0


def test_a_signal_ends_the_waiting_for_the_guard(host: Any, raw_verifier: Any, wait: Any) -> None:
    raw = raw_verifier(hang)
    wrapper = host.start("echo", "ran", options=["--guard", "--guard-timeout", "10s"])
    wait(lambda: raw.asked)
    wrapper.terminate()
    assert wrapper.communicate(timeout=5)[0] == ""
    assert wrapper.returncode == -signal.SIGTERM
    assert not host.records()


def test_an_ignored_signal_does_not_end_the_waiting_for_the_guard(
    host: Any, raw_verifier: Any, wait: Any
) -> None:
    raw = raw_verifier(hang)
    wrapper = host.start(
        *("echo", "ran"),
        options=["--guard", "--guard-timeout", "500ms"],
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    wait(lambda: raw.asked)
    os.kill(wrapper.pid, signal.SIGHUP)
    assert wrapper.communicate(timeout=5)[0] == "ran\n"


def test_the_guard_is_heard_where_stdin_stdout_and_stderr_are_closed(
    host: Any, verifier: Any
) -> None:
    verifier.guard = answer("refuse")
    done = host.run("true", options=GUARD, preexec_fn=lambda: os.closerange(0, 3))
    assert done.returncode == 75


def test_without_a_guard_nobody_is_asked(host: Any, verifier: Any, wait: Any) -> None:
    host.run("true")
    wait(lambda: "succeeded" in verifier.kinds())
    assert {path for path, _, _ in verifier.requests} == {"/v1/signals"}

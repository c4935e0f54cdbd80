import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from verifier.engine.clock import system_clock
from verifier.exec.landed_exec import spool_signal
from verifier.runs.instant import format_instant

Landed = Callable[..., Any]

SERVE = [sys.executable, "-m", "verifier.cli.entry", "serve", "--json", "--tick", "100ms"]


@contextmanager
def serving(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A real ``landed serve`` in ``home``, and its URL."""
    with (home / "serve.log").open("a") as log:
        process = subprocess.Popen(
            [*SERVE, "--listen", "127.0.0.1:0"],
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        head = ""
        while not head.endswith("}\n"):
            line = process.stdout.readline()
            assert line, (home / "serve.log").read_text()
            head += line
        yield process, json.loads(head)["url"]
    finally:
        process.terminate()
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_serve_hears_judges_reloads_and_stops(home: Any, landed: Landed) -> None:
    config = home.path / "landed.yaml"
    log = home.path / "serve.log"
    with serving(home.path) as (process, url):
        assert httpx.get(f"{url}/readyz", trust_env=False).status_code == 200

        # A second one is told where the first one is.
        refused = landed("serve")
        assert (refused.code, refused.out) == (2, "")
        assert f"is served at {url} already" in refused.err

        # Commands find it by its ledger, and its token with it.
        told = landed("act", "hold", "revenue", "--by", "mia", "--reason", "why", "--json")
        assert told.code == 0

        # What wrappers of this host wrote down is heard.
        told_by_wrapper = {
            "job": "unproved",
            "kind": "succeeded",
            "at": format_instant(system_clock()),
            "id": "s1",
            "due": home.missing,
            "attempt": "spooled",
        }
        spool_signal(str(home.path / "spool"), url, told_by_wrapper)
        run = f"unproved/{home.missing}"
        eventually(lambda: landed("explain", run, "--json").json["reported"] == "succeeded")

        # A bad configuration changes nothing and is told.
        good = config.read_text()
        config.write_text(good.replace("effects: append", "effects: sometimes"))
        process.send_signal(signal.SIGHUP)
        eventually(lambda: "LND104" in log.read_text())
        assert {job["job"] for job in landed("status", "--url", url, "--json").json["jobs"]} == {
            "revenue",
            "unproved",
            home.long,
        }

        told = landed("status", "--url", url)
        assert "is refused, and the one from before is in use:" in told.err
        assert "LND104" in told.err
        assert "warning" not in told.err

        # A good one is taken.
        more = "  later: {schedule: {every: 1h}, class: best-effort}\n"
        config.write_text(f"{good}{more}".replace("listen: 127.0.0.1:0", "listen: 127.0.0.1:1"))
        process.send_signal(signal.SIGHUP)
        eventually(
            lambda: "later" in {job["job"] for job in landed("status", "--json").json["jobs"]}
        )
        assert '"setting": "listen"' in log.read_text()
        eventually(lambda: landed("status", "--json").json["configuration_refused"] is None)

        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert landed("status", "--json").code == 0
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert "stopped" in events
    assert "loop_failed" not in events


@pytest.mark.slow
def test_a_job_that_lied_is_caught_by_a_running_serve(home: Any, landed: Landed) -> None:
    due = system_clock().replace(minute=0, second=0, microsecond=0)
    with serving(home.path) as (_, url):
        for kind in ("started", "succeeded"):
            signal_ = {
                "job": "revenue",
                "kind": kind,
                "at": format_instant(system_clock()),
                "due": format_instant(due),
                "attempt": "lies",
            }
            answer = httpx.post(f"{url}/v1/signals", json=signal_, trust_env=False)
            assert answer.status_code == 200
        run = f"revenue/{format_instant(due)}"
        eventually(lambda: landed("explain", run, "--json").json["verdict"] == "absent")
        told = landed("explain", run)
        assert "a false success" in told.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--listen", "nonsense"], "expected a host and a port"),
        (["--listen", "127.0.0.1:99999"], "expected a host and a port"),
        (["--listen", "0.0.0.0:0"], "beyond loopback"),
        (["--tick", "soon"], "expected a duration"),
        (["--tick", "1ms"], "expected 50ms to 60s"),
        (["--tick", "1h"], "expected 50ms to 60s"),
        (["--ledger", "sqlite:///nowhere/landed.db"], "nowhere/landed.db cannot be served"),
    ],
)
def test_what_cannot_be_served_is_a_mistake(
    home: Any, landed: Landed, words: list[str], told: str
) -> None:
    refused = landed("serve", *words)
    assert (refused.code, refused.out) == (2, "")
    assert told in refused.err


def test_an_address_that_is_taken_is_a_mistake(home: Any, landed: Landed) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        refused = landed("serve", "--listen", f"127.0.0.1:{other.getsockname()[1]}")
    assert (refused.code, refused.out) == (2, "")
    assert "cannot listen" in refused.err


def test_a_ledger_on_a_network_file_system_is_warned_of(
    home: Any, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = home.path / "mountinfo"
    mounts.write_text(f"30 22 0:26 / {home.path} rw - nfs4 nas:/export rw\n")
    monkeypatch.setattr("verifier.ledger.filesystem.MOUNTS", mounts)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        told = landed("serve", "--listen", taken).err
    assert "lies on a network file system (nfs4)" in told
    assert "nfs4" not in landed("status").err


def test_a_serve_that_could_not_start_leaves_the_ledger_to_others(
    home: Any, landed: Landed
) -> None:
    assert landed("serve", "--listen", "0.0.0.0:0").code == 2
    assert not (home.path / "landed.db.serve").exists()
    assert landed("status", "--json").code == 0
    assert os.environ.get("LANDED_URL") is None

"""Tasks that ask before they start: real workers, and a real verifier that answers."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from celery import Celery
from celery.exceptions import Reject

from verifier.runs.instant import parse_instant
from verifier.signals.celery.guard import check

SHOP = """
from celery import Celery
from verifier.signals.celery.guard import guarded

app = Celery("shop", broker={broker!r})
app.conf.update(worker_send_task_events=True, task_send_sent_event=True)

@app.task(bind=True, name="shop.load")
@guarded("load", url={url!r})
def load(self, path):
    with open(path, "a") as out:
        out.write(self.request.id + "\\n")
"""
CONFIG = """
version: 1
ledger: sqlite:///landed.db
listen: {address}
tokens: {{operate: {{oncall: "token-of-the-test"}}}}
sources: {{celery: {{type: celery, broker: "{broker}"}}}}
jobs:
  load:
    statement: The table is loaded.
    scheduler: {{source: celery, task: shop.load}}
    schedule: {{cron: "0 0 1 * *"}}
    class: one-result
    effects: replace
    guard: {{enabled: true}}
"""


class Shop:
    """A verifier, a worker whose task asks it, and what the task did."""

    def __init__(self, broker: str, home: Path, queue: str) -> None:
        self.queue = queue
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"http://{address}"
        self.done = home / "done"
        self.app = Celery("sender", broker=broker, set_as_current=False)
        (home / "shop.py").write_text(SHOP.format(broker=broker, url=self.url))
        (home / "landed.yaml").write_text(CONFIG.format(address=address, broker=broker))
        landed = str(Path(sys.executable).with_name("landed"))
        worker = (
            sys.executable,
            "-m",
            "celery",
            "-A",
            "shop",
            "worker",
            "-c",
            "1",
            "-Q",
            queue,
        )
        self._processes = [
            subprocess.Popen(
                command, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=os.environ,
            )
            for command in ((landed, "serve"), worker)
        ]  # fmt: skip

    def close(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(60)
        self.app.close()

    def load(self) -> str:
        return str(self.app.send_task("shop.load", [str(self.done)], queue=self.queue).id)

    def act(self, kind: str) -> None:
        told = {"action": kind, "job": "load", "by": "oncall", "reason": "a test"}
        headers = {"Authorization": "Bearer token-of-the-test"}
        httpx.post(f"{self.url}/v1/actions", json=told, headers=headers).raise_for_status()

    def runs(self) -> list[dict[str, Any]]:
        try:
            answer = httpx.get(f"{self.url}/v1/runs", params={"job": "load"})
        except httpx.TransportError:
            return []
        found: list[dict[str, Any]] = answer.json().get("runs", [])
        return found

    def hear_of_one(self, kind: str) -> None:
        """Wait until a worker's word of that kind is in the ledger."""
        line = f'landed_signals_total{{kind="{kind}",source="celery"}} 1.0'
        deadline = time.monotonic() + 120
        while line not in httpx.get(f"{self.url}/metrics").text:
            assert time.monotonic() < deadline
            time.sleep(0.5)

    def attempt(self, uuid: str) -> dict[str, Any]:
        """The attempt of that id, as soon as it has ended."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            for run in self.runs():
                for each in run["attempts"]:
                    if each["attempt"] == uuid and each["ended_at"]:
                        return dict(each)
            time.sleep(0.2)
        raise AssertionError(f"{uuid} did not end: {self.runs()}")


def _await_hearing(url: str) -> None:
    """Wait until all that is said from now on is heard; Redis keeps nothing."""
    began, deadline = None, time.monotonic() + 120
    while time.monotonic() < deadline:
        until = _heard_until(url)
        if began is None and until is not None:
            # The first that is told is when it began to try.
            began = datetime.now(UTC)
        elif began is not None and until is not None and until > began:
            return
        time.sleep(0.2)
    raise AssertionError("it does not hear")


def _heard_until(url: str) -> datetime | None:
    try:
        sources = httpx.get(f"{url}/v1/sources").json()["sources"]
    except httpx.TransportError:
        return None
    heard = [each["heard_until"] for each in sources if each["source"] == "celery"]
    return parse_instant(heard[0]) if heard and heard[0] else None


@pytest.fixture
def shop(broker_url: str, tmp_path: Path, own_name: str) -> Iterator[Shop]:
    made = Shop(broker_url, tmp_path, own_name)
    try:
        _await_hearing(made.url)
        yield made
    finally:
        made.close()


@pytest.mark.slow
@pytest.mark.parametrize("broker_url", ["redis"], indirect=True)
def test_a_task_starts_only_where_the_guard_lets_it(shop: Shop) -> None:
    allowed = shop.load()
    assert shop.attempt(allowed)["state"] == "succeeded"
    assert shop.done.read_text().split() == [allowed]
    shop.act("hold")
    held = shop.load()
    shop.hear_of_one("cancelled")
    assert shop.done.read_text().split() == [allowed]
    (run,) = shop.runs()
    decisions = {each["attempt"]: each["decision"] for each in run["guard"]}
    assert decisions == {allowed: "allow", held: "refuse"}
    # What was turned away is no attempt, though its worker told of a start and an end.
    assert [each["attempt"] for each in run["attempts"]] == [allowed]
    assert run["reported"] == "succeeded"


def asker(**more: Any) -> Any:
    told = {"id": "u1", "hostname": "w1@here", "headers": None, "retries": 0, "delivery_info": {}}
    return SimpleNamespace(**(told | more))


def test_without_an_answer_the_declared_word_decides() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        check(asker(), "load", url=url, when_unsure="open")
        with pytest.raises(Reject, match="landed: refuse: landed did not answer"):
            check(asker(), "load", url=url, when_unsure="closed")


def test_a_slip_in_the_word_is_told() -> None:
    with pytest.raises(ValueError, match="expected when_unsure open or closed, found 'ajar'"):
        check(asker(), "load", when_unsure="ajar")

"""Beat itself with landed's scheduler: what it sends is marked, and is all else as it was."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.beat import ScheduleEntry
from kombu import Connection

from verifier.signals.celery.beat import BeatScheduler
from verifier.signals.celery.marker import DUE_HEADER, ENTRY_HEADER, read_shadow, task_id

HERE = Path(__file__).parent
SCHEDULE = """
from celery import Celery
app = Celery("shop", broker={url!r})
app.conf.beat_schedule = {{
    "tick": {{
        "task": "capp.ping", "schedule": 1.0, "args": (1,),
        "options": {{"queue": {queue!r}, "headers": {{"mine": 1}}}},
    }},
}}
"""


@contextmanager
def running(*command: str, cwd: Path) -> Iterator[None]:
    started = subprocess.Popen(
        [sys.executable, *command], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        yield
    finally:
        started.kill()
        _, told = started.communicate(timeout=60)
        assert b"Traceback" not in told, told.decode()


def messages(url: str, queue: str, count: int) -> list[Any]:
    """So many messages of a queue, as they come."""
    found: list[Any] = []
    deadline = time.monotonic() + 120
    with Connection(url) as connection, connection.SimpleQueue(queue) as waiting:
        while len(found) < count and time.monotonic() < deadline:
            try:
                message = waiting.get(timeout=1)
            except waiting.Empty:
                continue
            message.ack()
            found.append(message)
    assert len(found) == count
    return found


def is_marked(message: Any, entry: str) -> datetime:
    """The due instant that a message carries; each place says the same."""
    headers = message.headers
    task, marker = read_shadow(headers["shadow"], headers["id"])
    assert marker is not None
    assert (task, marker.entry) == ("capp.ping", entry)
    assert headers["id"] == task_id(entry, marker.due)
    assert headers[ENTRY_HEADER] == entry
    assert datetime.fromisoformat(headers[DUE_HEADER]) == marker.due
    return marker.due


@pytest.mark.slow
@pytest.mark.parametrize("broker_url", ["redis"], indirect=True)
def test_beat_marks_what_it_sends(broker_url: str, tmp_path: Path, own_name: str) -> None:
    (tmp_path / "shop.py").write_text(SCHEDULE.format(url=broker_url, queue=own_name))
    with running("-m", "celery", "-A", "shop", "beat", "-S", "landed", "-l", "ERROR", cwd=tmp_path):
        first, second = messages(broker_url, own_name, 2)
    # A beat that is late is due again a second after it was.
    assert is_marked(second, "tick") - is_marked(first, "tick") >= timedelta(seconds=0.9)
    assert first.headers["mine"] == 1
    assert first.headers["celery_beat_task"] is True
    assert first.payload[0] == [1]


@pytest.mark.slow
@pytest.mark.parametrize("broker_url", ["redis"], indirect=True)
def test_beat_of_django_marks_what_it_sends(broker_url: str, tmp_path: Path, own_name: str) -> None:
    program = str(HERE / "beat_django.py")
    with running(program, str(tmp_path / "db"), broker_url, own_name, cwd=tmp_path):
        first, second = messages(broker_url, own_name, 2)
    assert is_marked(first, "tick") < is_marked(second, "tick")
    assert first.headers["periodic_task_name"] == "tick"


def test_the_class_for_beat_imports_nothing_of_ours_but_what_it_needs() -> None:
    program = (
        "import sys; import verifier.signals.celery.beat; "
        "print(*sorted(n for n in sys.modules if n.startswith('verifier') or n in "
        "('sqlalchemy', 'pydantic', 'msgspec', 'structlog')))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ
    )
    assert told.stdout.split() == [
        "verifier", "verifier.signals", "verifier.signals.celery", "verifier.signals.celery.beat",
        "verifier.signals.celery.due", "verifier.signals.celery.marker",
    ]  # fmt: skip


class Kept(BeatScheduler):
    """Beat's scheduler with its schedule in memory, on the broker in this process."""

    def __init__(self, **conf: Any) -> None:
        app = Celery("shop", broker="memory://", set_as_current=False)
        app.conf.update(conf)
        self.sent: list[dict[str, Any]] = []
        super().__init__(app, lazy=True)
        self.app.send_task = lambda *args, **options: self.sent.append(options)
        self._store = {"entries": {}}

    def sync(self) -> None:
        """Nothing is on the disk."""

    def close(self) -> None:
        """Nothing is open."""

    def entry(self, **options: Any) -> ScheduleEntry:
        return ScheduleEntry(
            name="tick", task="shop.load", schedule=timedelta(seconds=1), options=options,
            last_run_at=self.app.now() - timedelta(seconds=1), app=self.app,
        )  # fmt: skip


def test_what_the_entry_says_itself_is_left_as_it_is() -> None:
    beat = Kept()
    beat.apply_async(beat.entry(task_id="own", shadow="name", queue="q"), advance=False)
    (sent,) = beat.sent
    assert (sent["task_id"], sent["shadow"], sent["queue"]) == ("own", "name", "q")


def test_marks_do_not_stay_in_the_schedule() -> None:
    beat = Kept()
    entry = beat.entry(queue="q", headers={"mine": 1})
    beat.apply_async(entry)
    assert entry.options == {"queue": "q", "headers": {"mine": 1}}
    assert beat.schedule["tick"].options == entry.options


def test_the_name_can_be_left_as_it_is() -> None:
    beat = Kept(landed_shadow=False)
    beat.apply_async(beat.entry(), advance=False)
    assert "shadow" not in beat.sent[0]
    assert beat.sent[0]["task_id"]


def test_what_cannot_be_marked_is_sent_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    beat = Kept()
    entry = beat.entry(queue="q")
    entry.last_run_at = "yesterday"
    beat.apply_async(entry, advance=False)
    assert beat.sent[0]["queue"] == "q"
    assert "task_id" not in beat.sent[0]
    assert "tick is sent unmarked" in caplog.text

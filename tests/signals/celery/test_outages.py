"""Brokers and ledgers that go away for a while: nothing that is kept is lost."""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from celery import Celery

from verifier.catalogue.process import SIGNALS_REJECTED
from verifier.engine.feed import SourceFeed
from verifier.engine.hearing import Hearing
from verifier.exporters.meters import Meters
from verifier.ledger.errors import LedgerUnavailable
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.signals.celery.settings import CeleryBinding, CelerySettings
from verifier.signals.celery.source import CelerySource
from verifier.signals.source import BoundJob

pytestmark = pytest.mark.slow


def now() -> datetime:
    return datetime.now(UTC)


class Ear:
    """A real ledger that hears a real broker; events are sent by Celery's own dispatcher."""

    def __init__(self, url: str, home: Path, build: Any, queue: str) -> None:
        self.ledger = Ledger.open(f"sqlite:///{home}/landed.db", now())
        self.ledger.declare("ping", build.declaration("ping", source="celery"), {}, now())
        job = BoundJob(
            name="ping",
            binding=CeleryBinding(source="celery", task="capp.ping"),
            history=self.ledger.histories()["ping"],
        )
        self.meters = Meters()
        events = f"{queue}.events"
        settings = CelerySettings(type="celery", broker=url, queue=queue, exchange=events)
        source = CelerySource(settings)
        stopping = Event()
        self.feed = SourceFeed(
            self.ledger, "celery", [job], source.contact_within, clock=now, stopping=stopping,
            watch=self.meters,
        )  # fmt: skip
        self.hearing = Hearing(source, self.feed, stopping)
        self.hearing.start()
        self.app = Celery("sender", broker=url, set_as_current=False)
        self.app.conf.event_exchange = events

    def tell(self, first: int, count: int) -> None:
        """Have so many tasks run, as far as anyone can hear."""
        with self.app.connection_for_write() as connection:
            events = self.app.events.Dispatcher(connection, hostname="w1@here")
            for number in range(first, first + count):
                for kind in ("task-received", "task-started"):
                    events.send(kind, uuid=f"u{number}", name="capp.ping")
                events.send("task-succeeded", uuid=f"u{number}", runtime=0.0, result="")

    def ended(self) -> set[str]:
        """The attempts that succeeded."""
        runs = self.ledger.runs(RunFilter())
        tried = [each for run in runs for each in self.ledger.attempts(run.key)]
        return {each.attempt for each in tried if [end.kind for end in each.ends] == ["succeeded"]}

    def trouble(self) -> str | None:
        return self.ledger.sources()["celery"].trouble if self.ledger.sources() else None

    def refused(self) -> dict[str, float]:
        """How much was kept out, by reason."""
        rows = self.meters.rows()[SIGNALS_REJECTED.name]
        return {row.labels[1]: row.value for row in rows if row.value}

    def close(self) -> None:
        self.hearing.stop()
        self.app.close()
        self.ledger.close()


def wait_for(holds: Callable[[], bool], within: float = 120) -> None:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline and not holds():
        time.sleep(0.1)
    assert holds()


@pytest.mark.parametrize("broker_url", ["rabbitmq"], indirect=True)
def test_what_the_ledger_could_not_take_comes_again(
    broker_url: str, tmp_path: Path, build: Any, own_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Ear(broker_url, tmp_path, build, own_name)) as ear:
        wait_for(lambda: ear.feed.cursor is not None)
        taken = ear.ledger.append_group
        refused = []

        def away(*args: Any, **more: Any) -> Any:
            if len(refused) < 3:
                refused.append(args)
                raise LedgerUnavailable("the disk is full")
            return taken(*args, **more)

        monkeypatch.setattr(ear.ledger, "append_group", away)
        ear.tell(0, 50)
        wanted = {f"u{number}" for number in range(50)}
        wait_for(lambda: ear.ended() == wanted)
        assert len(refused) == 3


def test_a_broker_that_vanishes_is_told_and_heard_again(
    tmp_path: Path, build: Any, brokers: Any, own_name: str
) -> None:
    home = tmp_path / "redis"
    home.mkdir()
    port = brokers.free_port()
    with ExitStack() as closes:
        with brokers.redis(home, port) as url:
            ear = closes.enter_context(closing(Ear(url, tmp_path, build, own_name)))
            wait_for(lambda: ear.feed.cursor is not None)
        wait_for(lambda: ear.trouble() is not None)
        assert ear.trouble().startswith(("lost redis://", "cannot reach redis://"))
        gone = now()
        with brokers.redis(home, port):
            wait_for(lambda: ear.feed.heard_until > gone and ear.trouble() is None)
            ear.tell(0, 3)
            wait_for(lambda: ear.ended() == {"u0", "u1", "u2"})
        lost = [each for each in ear.ledger.windows("celery") if each.until and each.until > gone]
        assert [each.caught_up_at for each in lost] == [None]


@pytest.mark.parametrize("broker_url", ["rabbitmq", "redis"], indirect=True)
def test_hostile_events_stop_nothing(
    broker_url: str, tmp_path: Path, build: Any, own_name: str
) -> None:
    with closing(Ear(broker_url, tmp_path, build, own_name)) as ear:
        wait_for(lambda: ear.feed.cursor is not None)
        with ear.app.connection_for_write() as connection:
            events = ear.app.events.Dispatcher(connection, hostname="w1@here")
            events.send("task-started", uuid=["not", "a", "text"])
            events.send("task-received", uuid="u" * 100_000, name="capp.ping")
            events.send("task-received", uuid="x", name="capp.ping", kwargs="k" * 2_000_000)
            events.send("task-received", uuid="y", name="other.task")
            for body, kind in (
                (b"{", "application/json"),
                (b"\x80\x04N.", "application/x-python-serialize"),
            ):
                events.producer.publish(
                    body, exchange=events.exchange.name, routing_key="task.started",
                    content_type=kind, content_encoding="binary", serializer=None,
                )  # fmt: skip
        ear.tell(0, 2)
        wait_for(lambda: ear.ended() == {"u0", "u1"})
        wait_for(lambda: ear.refused() == {"unreadable": 4, "too_large": 1, "unbound": 1})

"""What workers answer when they are asked: what is at work, and how they are set up.

To ask is a broadcast that changes nothing. A worker may be set up to answer nobody, and
two may answer under one node name. Celery's own ``inspect`` keeps one of those answers
and warns of the other, so the answers are gathered here.
"""

from collections import defaultdict
from typing import Any

import msgspec
from celery import Celery

from verifier.signals.celery.broker import CONNECT_WITHIN, trouble_of
from verifier.signals.celery.settings import CelerySettings

ANSWER_WITHIN = 1.0
"""Seconds that workers are waited for."""


class Active(msgspec.Struct, frozen=True):
    """A task that a worker has at work; ``started`` is seconds since 1970, by its clock."""

    id: str
    name: str
    time_start: float | None = None


class Setup(msgspec.Struct, frozen=True):
    """What matters here of a worker's configuration."""

    worker_send_task_events: bool = False
    task_send_sent_event: bool = False
    broker_transport_options: dict[str, Any] = {}
    task_acks_late: bool = False
    timezone: str | None = None
    beat_schedule: dict[str, Any] = {}


class Inspection:
    """Asks the workers of one broker; raises ``SourceUnavailable``.

    ``shared``: the node names under which more than one worker answered the last question.
    """

    def __init__(self, settings: CelerySettings) -> None:
        self.shared: set[str] = set()
        self._app = Celery(
            "landed", broker=settings.broker.get_secret_value(), set_as_current=False
        )
        self._app.conf.update(
            broker_connection_timeout=CONNECT_WITHIN,
            broker_connection_retry=False,
            broker_transport_options={
                "socket_connect_timeout": CONNECT_WITHIN,
                "socket_timeout": CONNECT_WITHIN,
            },
        )

    def close(self) -> None:
        """Let go of connections."""
        self._app.close()

    def active(self) -> dict[str, list[Active]]:
        """By worker, what it has at work; workers that do not answer are left out."""
        return {
            host: [task for told in answers for task in _each(told, Active)]
            for host, answers in self._ask("active").items()
        }

    def setups(self) -> dict[str, Setup]:
        """By worker, how it is set up."""
        return {
            host: setup
            for host, answers in self._ask("conf", with_defaults=False).items()
            for setup in _each(answers, Setup)
        }

    def registered(self) -> dict[str, set[str]]:
        """By worker, the names of the tasks that it can run."""
        found: dict[str, set[str]] = defaultdict(set)
        for host, answers in self._ask("registered").items():
            for told in answers:
                if isinstance(told, list):
                    names = (name for name in told if isinstance(name, str))
                    found[host].update(name.partition(" ")[0] for name in names)
        return found

    def _ask(self, what: str, **arguments: Any) -> dict[str, list[Any]]:
        """By node name, what was answered under it."""
        with self._app.connection_for_read() as connection, trouble_of(connection):
            told = self._app.control.broadcast(
                what, arguments, reply=True, timeout=ANSWER_WITHIN, connection=connection
            )
        found: dict[str, list[Any]] = defaultdict(list)
        for answer in told or ():
            for host, each in answer.items():
                found[host].append(each)
        self.shared = {host for host, answers in found.items() if len(answers) > 1}
        return found


def _each(told: Any, shape: type[Any]) -> list[Any]:
    """What of ``told`` has that shape; a worker of another version may answer otherwise."""
    found = []
    for each in told if isinstance(told, list) else []:
        try:
            found.append(msgspec.convert(each, shape, strict=False))
        except msgspec.ValidationError:
            continue
    return found

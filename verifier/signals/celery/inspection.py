"""What workers answer when they are asked: what is at work, and how they are set up.

To ask is a broadcast that changes nothing. A worker may be set up to answer nobody.
"""

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
    """Asks the workers of one broker; raises ``SourceUnavailable``."""

    def __init__(self, settings: CelerySettings) -> None:
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
        return {host: _each(told, Active) for host, told in self._ask("active").items()}

    def setups(self) -> dict[str, Setup]:
        """By worker, how it is set up."""
        return {
            host: setup
            for host, told in self._ask("conf").items()
            for setup in _each([told], Setup)
        }

    def registered(self) -> dict[str, set[str]]:
        """By worker, the names of the tasks that it can run."""
        return {
            host: {str(name).partition(" ")[0] for name in told if isinstance(name, str)}
            for host, told in self._ask("registered").items()
            if isinstance(told, list)
        }

    def _ask(self, what: str) -> dict[str, Any]:
        with self._app.connection_for_read() as connection, trouble_of(connection):
            inspect = self._app.control.inspect(timeout=ANSWER_WITHIN, connection=connection)
            found = getattr(inspect, what)()
        return found if isinstance(found, dict) else {}


def _each(told: Any, shape: type[Any]) -> list[Any]:
    """What of ``told`` has that shape; a worker of another version may answer otherwise."""
    found = []
    for each in told if isinstance(told, list) else []:
        try:
            found.append(msgspec.convert(each, shape, strict=False))
        except msgspec.ValidationError:
            continue
    return found

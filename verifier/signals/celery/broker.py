"""The broker: events as they come, and our own echo among them.

RabbitMQ keeps events for us in a queue of our own while nobody listens; they are
acknowledged when they are durable here. Redis and its like only pass on to who listens.
A message that we send to ourselves shows that the line is alive, and that all that was
said before it has been heard.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from amqp.exceptions import AMQPError, NotFound, PreconditionFailed
from kombu import Connection, Consumer, Exchange, Message, Producer, Queue
from kombu.exceptions import KombuError, OperationalError

from verifier.runs.instant import format_instant, parse_instant
from verifier.signals.celery.event import MAX_BODY
from verifier.signals.celery.settings import CelerySettings
from verifier.signals.source import SourceUnavailable

KEEPS = timedelta(hours=24)
"""How long RabbitMQ keeps an event for us."""

MOST_KEPT = 2_000_000
"""Events that it keeps; then the oldest go, so that we never fill a user's broker."""

QUEUE_EXPIRES = timedelta(days=7)
"""After how long without us it drops the queue."""

UNACKNOWLEDGED = 10_000
"""Messages that may be on their way to the ledger."""

CONNECT_WITHIN = 5.0
HEARTBEAT = 10
ECHO = "echo"
ECHO_HEADER = "landed_echo"


@dataclass(frozen=True)
class Arrival:
    """One message: events as JSON, or our own echo with when we sent it."""

    body: bytes
    echo: datetime | None = None
    readable: bool = True


class Line:
    """An open line to the broker; ``close`` it in the end. All raise ``SourceUnavailable``.

    ``keeps``: whether the broker keeps what it says while nobody listens. ``fresh``: it
    has only begun to. ``overflowed``: it may have thrown away what it kept.
    """

    def __init__(self, settings: CelerySettings) -> None:
        self._settings = settings
        self._connection = connect(settings)
        self._me = uuid4().hex
        self._arrived: list[Arrival] = []
        self._last: Message | None = None
        self._drained: Message | None = None
        kind = self._connection.transport.driver_type
        self.keeps = kind == "amqp"
        self._passes_on = kind == "redis"  # only to who listens: there is no queue
        self.fresh = True
        self.overflowed = False
        with trouble_of(self._connection):
            self._channel: Any = self._connection.channel()
            self._consumer = self._consume()
            self._producer = Producer(self._connection.channel())

    def close(self) -> None:
        """Hang up."""
        with suppress(Exception):
            self._connection.release()

    def drain(self, most: int, timeout: float) -> list[Arrival]:
        """What has come, at most so many messages; waits for the first one."""
        with trouble_of(self._connection):
            while len(self._arrived) < most:
                try:
                    self._connection.drain_events(timeout=timeout)
                except TimeoutError:
                    break
                timeout = 0.001
        # Some may have come while something else was asked of the broker.
        arrived, self._arrived = self._arrived, []
        self._drained = self._last
        return arrived

    def acknowledge(self) -> None:
        """Have the broker drop all that was drained."""
        if self._drained is not None and self.keeps:
            with trouble_of(self._connection):
                self._channel.basic_ack(self._drained.delivery_tag, multiple=True)
        if self._last is self._drained:
            self._last = None
        self._drained = None

    def beat(self) -> None:
        """Keep the connection alive; call it every few seconds."""
        if self.keeps:
            with trouble_of(self._connection):
                self._connection.heartbeat_check(rate=2)

    def send_echo(self, now: datetime) -> None:
        """Send ourselves a message that tells ``now``."""
        target = {"routing_key": self._settings.queue, "exchange": ""}
        if self._passes_on:
            target = {"routing_key": ECHO, "exchange": self._echoes}
        with trouble_of(self._connection):
            self._producer.publish(
                b"{}",
                content_type="application/json",
                content_encoding="utf-8",
                headers={ECHO_HEADER: f"{self._me} {format_instant(now)}"},
                delivery_mode=1,
                **target,
            )

    @property
    def _echoes(self) -> str:
        return f"{self._settings.queue}.{ECHO}"

    def _consume(self) -> Consumer:
        events = Exchange(self._settings.exchange, type="fanout" if self._passes_on else "topic")
        if self.keeps:
            queues = [self._kept_queue(events)]
        elif not self._passes_on:
            queues = [Queue(self._settings.queue, events, routing_key="#")]
        else:
            # Of two exchanges, but on one subscription, so that they come in order.
            name, echoes = self._settings.queue, Exchange(self._echoes, type="fanout")
            queues = [
                Queue(f"{name}.events", events, routing_key="#", auto_delete=True),
                Queue(f"{name}.echoes", echoes, routing_key=ECHO, auto_delete=True),
            ]
        consumer = Consumer(
            self._channel,
            queues=queues,
            on_message=self._take,
            no_ack=not self.keeps,
            prefetch_count=UNACKNOWLEDGED if self.keeps else None,
        )
        consumer.consume()
        return consumer

    def _kept_queue(self, events: Exchange) -> Queue:
        name = self._settings.queue
        try:
            found = self._connection.channel().queue_declare(name, passive=True)
        except NotFound:
            self.fresh = True
        else:
            self.fresh = False
            self.overflowed = found.message_count >= MOST_KEPT
        return Queue(
            name,
            events,
            routing_key="#",
            durable=True,
            message_ttl=KEEPS.total_seconds(),
            expires=QUEUE_EXPIRES.total_seconds(),
            max_length=MOST_KEPT,
        )

    def _take(self, message: Message) -> None:
        self._last = message
        echo = (message.headers or {}).get(ECHO_HEADER)
        if echo is not None:
            who, _, sent = str(echo).partition(" ")
            if who == self._me:
                self._arrived.append(Arrival(b"", parse_instant(sent)))
            return
        body = message.body
        body = body.encode() if isinstance(body, str) else bytes(body[: MAX_BODY + 1])
        readable = message.content_type == "application/json"
        self._arrived.append(Arrival(body, readable=readable))


@contextmanager
def trouble_of(connection: Connection) -> Iterator[None]:
    """What the broker's library raises, as ``SourceUnavailable`` without a secret."""
    errors = (*connection.connection_errors, *connection.channel_errors, KombuError)
    try:
        yield
    except PreconditionFailed:
        raise SourceUnavailable(
            "the broker has a queue of that name with other properties; delete it there, "
            "or give the source another `queue`"
        ) from None
    except errors as error:
        raise SourceUnavailable(f"lost {connection.as_uri()}: {type(error).__name__}") from None


def connect(settings: CelerySettings) -> Connection:
    """A connection to the broker; raises ``SourceUnavailable``."""
    connection = Connection(
        settings.broker.get_secret_value(),
        heartbeat=HEARTBEAT,
        connect_timeout=CONNECT_WITHIN,
        transport_options={
            "socket_connect_timeout": CONNECT_WITHIN,
            "socket_timeout": CONNECT_WITHIN,
        },
    )
    try:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=CONNECT_WITHIN)
    except (OSError, OperationalError, AMQPError, KombuError) as error:
        connection.release()
        raise SourceUnavailable(
            f"cannot reach {connection.as_uri()}: {type(error).__name__}"
        ) from None
    return connection

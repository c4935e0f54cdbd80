"""A source of type ``celery`` as it is written, and the key ``scheduler`` of its jobs."""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr

from verifier.config.source import BindingModel, SourceModel

TaskName = Annotated[str, Field(pattern=r"^[^\x00-\x20\x7f-\x9f@]{1,200}$")]
EntryName = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]{1,200}$")]
QueueName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")]


class CelerySettings(SourceModel):
    """Celery, heard through the events of its workers."""

    type: Literal["celery"]
    broker: SecretStr
    """The broker's URL, as Celery has it: `amqp://…`, `redis://…`. It may hold a password."""
    queue: QueueName = "landed"
    """On RabbitMQ, the queue that keeps events while landed is away; one for each ledger."""
    exchange: QueueName = "celeryev"
    """The exchange of events: Celery's `event_exchange`."""


class CeleryBinding(BindingModel):
    """The task that is a job, and what of it may be kept."""

    task: TaskName
    """The task's name, such as `shop.revenue`."""
    beat_entry: EntryName | None = None
    """The entry of the beat schedule, where several send the same task. Needs beat's class
    from landed; before it is heard, every run of the task counts."""
    arguments: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_]\w{0,99}$")], ...] = ()
    """Keyword arguments that are kept with the run; no others are."""
    result: bool = False
    """Whether the task's result is kept with the run."""

    def clashes(self, other: Self) -> bool:
        """Whether a run could be of either job."""
        return self.task == other.task and self.beat_entry == other.beat_entry

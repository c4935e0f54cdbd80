"""From what came, by HTTP or in a file, to the signals of the jobs that it is about."""

from collections.abc import Sequence

import msgspec

from verifier.intake.receipt import Refused, RejectCode
from verifier.runs.signal import Signal
from verifier.signals.airflow.jobs import Bound, Jobs
from verifier.signals.openlineage.event import RunEvent, read_event
from verifier.signals.openlineage.mapping import event_signals

MAX_EVENT = 1024 * 1024
"""Bytes of one event; Airflow's have some kilobytes, those of large DAGs some hundred."""


MAX_EVENTS = 1_000
"""Events in one body."""


class TooManyEvents(ValueError):
    """More events in one body than are taken at a time."""


class Listed(msgspec.Struct, frozen=True):
    """The jobs of one Airflow, and the namespace of its events where that is declared."""

    jobs: Jobs
    namespace: str | None


def split_events(body: bytes) -> list[bytes | msgspec.Raw]:
    """The events of a body, which is one or an array of them.

    Raises ``ValueError`` where an array cannot be read, and ``TooManyEvents``.
    """
    if body.lstrip()[:1] != b"[":
        return [body]
    try:
        items = list(msgspec.json.decode(body, type=list[msgspec.Raw]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"expected a JSON array of events: {error}") from None
    if len(items) > MAX_EVENTS:
        raise TooManyEvents(f"expected at most {MAX_EVENTS} events, found {len(items)}")
    return [*items]


def signals_in(item: bytes | msgspec.Raw, listed: Sequence[Listed]) -> list[Signal]:
    """The signals in one event; none where it leaves the telling to polling.

    Raises ``Refused`` for what is no event, and for one that is of no declared job.
    """
    if len(bytes(item)) > MAX_EVENT:
        raise Refused(RejectCode.TOO_LARGE, f"expected an event of at most {MAX_EVENT} bytes")
    event = read_event(item)
    bound = _bound_to(event, listed)
    if not bound:
        raise Refused(
            RejectCode.UNBOUND, f"no job is bound to {event.job.name[:100]!r}", retriable=True
        )
    return [signal for job in bound for signal in event_signals(event, job.name, job.history)]


def _bound_to(event: RunEvent, listed: Sequence[Listed]) -> list[Bound]:
    """The jobs that are what the event is about.

    An event that a person's mark makes names its DAG and task only in the job's name.
    """
    jobs = [each.jobs for each in listed if each.namespace in (None, event.job.namespace)]
    run = event.dag_run
    if run is not None:
        return [job for each in jobs for job in each.of(run.dag_id, event.task_id)]
    return [job for each in jobs for job in each.named(event.job.name)]

"""How a run that beat sends carries its entry and its due instant.

The beat classes write it and the receiver reads it, so this is imported by a user's
own process: the standard library is all it needs.
"""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

NAMESPACE = uuid5(NAMESPACE_URL, "landed:celery-beat")
"""Of the ids of all runs that beat sends."""

DUE_HEADER = "landed_due"
ENTRY_HEADER = "landed_entry"
"""Headers of the message, for the task itself to read."""


class Marker(NamedTuple):
    """A beat entry and the instant at which it was due."""

    entry: str
    due: datetime


def task_id(entry: str, due: datetime) -> str:
    """The id of the run of ``entry`` due at ``due``: the same wherever it is made."""
    return str(uuid5(NAMESPACE, f"{_text(due)} {entry}"))


def shadow(task: str, marker: Marker) -> str:
    """The name under which workers announce a run: ``TASK@ENTRY@DUE``."""
    return f"{task}@{marker.entry}@{_text(marker.due)}"


def headers(marker: Marker) -> dict[str, str]:
    """The same for the message's headers."""
    return {ENTRY_HEADER: marker.entry, DUE_HEADER: _text(marker.due)}


def read_shadow(name: str, uuid: str) -> tuple[str, Marker | None]:
    """The task that ``name`` is of, and the marker where it carries one.

    Anyone may name a task so; only an id made of entry and due instant proves that beat
    did. Any other name is the task's own.
    """
    task, _, rest = name.partition("@")
    entry, _, text = rest.rpartition("@")
    if task and entry:
        try:
            due = datetime.fromisoformat(text)
        except ValueError:
            return name, None
        if due.tzinfo is not None and task_id(entry, due) == uuid:
            return task, Marker(entry, due.astimezone(UTC))
    return name, None


def is_beat_id(uuid: str) -> bool:
    """Whether an id can be one of ours: version 5, where Celery's own are random."""
    try:
        return UUID(uuid).version == 5
    except ValueError:
        return False


def _text(due: datetime) -> str:
    return due.astimezone(UTC).isoformat()

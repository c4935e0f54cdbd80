"""Which job a task is of, and which run of it."""

import ast
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from verifier.runs.signal import Lane
from verifier.runs.slots import bind, is_slot, previous_slot
from verifier.signals.celery.event import Event
from verifier.signals.celery.marker import Marker, is_beat_id, read_shadow, task_id
from verifier.signals.celery.settings import CeleryBinding
from verifier.signals.source import BoundJob

AHEAD = timedelta(hours=20)
"""A run due later than this is not named yet: the door takes nothing far ahead."""

EARLY = timedelta(seconds=2)
"""By how much a worker's clock may be behind beat's."""

LATE_SLOTS = 4
"""How many slots back a run is looked for whose name does not tell which it is."""

Job = BoundJob[CeleryBinding]


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where all tries of one task id belong."""

    job: str
    due: datetime | None = None
    lane: Lane | None = None


class Jobs:
    """The jobs bound to one source, by the name of their task."""

    def __init__(self, bound: Sequence[Job]) -> None:
        self._by_task: dict[str, list[Job]] = defaultdict(list)
        self.by_name = {job.name: job for job in bound}
        for job in bound:
            self._by_task[job.binding.task].append(job)

    def find(self, event: Event) -> tuple[Job, Marker | None] | None:
        """The job that an event which names its task is of; None where it is of none."""
        if event.name is None or event.uuid is None:
            return None
        task, marker = read_shadow(event.name, event.uuid)
        found = self._by_task.get(task)
        if found is None:
            return None
        if marker is None and is_beat_id(event.uuid):
            marker = _marker_of_id(found, event)
        if marker is not None:
            for job in found:
                if job.binding.beat_entry == marker.entry:
                    return job, marker
        for job in found:
            if job.binding.beat_entry is None:
                return job, marker
        # Sent by hand, or by a beat that marks nothing: only one job can be meant.
        return (found[0], None) if marker is None and len(found) == 1 else None


def _marker_of_id(jobs: Sequence[Job], event: Event) -> Marker | None:
    """The marker that the id is made of, where the name does not tell it; of late slots only."""
    uuid = str(event.uuid)
    for job in jobs:
        entry, schedule = job.binding.beat_entry, job.history.at(event.at).schedule
        due = event.at + EARLY
        for _ in range(LATE_SLOTS if entry else 0):
            try:
                due = previous_slot(schedule, due)
            except ValueError:
                break
            if task_id(str(entry), due) == uuid:
                return Marker(str(entry), due)
    return None


def place(job: Job, marker: Marker | None, anchor: datetime, *, by_hand: bool) -> Place:
    """The run of a task that was sent for ``anchor``, or that ``marker`` names.

    All tries of it get the same due instant, whenever they start. ``by_hand``: nobody's
    schedule asked for it, so it is a run of its own.
    """
    if by_hand:
        return Place(job.name, None, Lane.MANUAL)
    moment = marker.due if marker else anchor
    schedule = job.history.at(moment).schedule
    due: datetime | None
    try:
        # An interval of beat counts from its own last run, so it may be due between slots.
        due = moment if is_slot(schedule, moment) else bind(schedule, moment)
    except ValueError:
        due = None
    lane = Lane.LIVE if marker else None
    return Place(job.name, due, lane)


def asked_arguments(kwargs: str | None, names: Sequence[str]) -> Mapping[str, str]:
    """The keyword arguments of ``names``, as texts; those that cannot be read are left out.

    Celery tells them as Python text, cut where it is long.
    """
    if not names or kwargs is None or len(kwargs) > 10_000:
        return {}
    try:
        told = ast.literal_eval(kwargs)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return {}
    if not isinstance(told, dict):
        return {}
    return {name: str(told[name])[:500] for name in names if name in told}

"""A scheduler for ``celery beat`` that marks what it sends, and changes nothing else.

``celery -A shop beat -S landed``. Each run gets a task id made of its entry and its due
instant, so that landed knows which run it is whenever it starts, and two beats by
mistake make two attempts of one run. What cannot be marked is sent as it is. Imports
Celery and the standard library alone: it runs in a user's own process.
"""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from celery.beat import PersistentScheduler
from celery.utils.log import get_logger
from celery.utils.time import maybe_make_aware

from verifier.signals.celery.due import due_at
from verifier.signals.celery.marker import Marker, headers, shadow, task_id

log = get_logger(__name__)


class Marking:
    """Mixed into a scheduler: entries are marked when they are sent.

    The name that workers show is ``TASK@ENTRY@DUE``; where that is not wanted (a metric
    by name, say), ``app.conf.landed_shadow = False`` leaves it as it is.
    """

    app: Any

    def apply_async(
        self, entry: Any, producer: Any = None, advance: bool = True, **kwargs: Any
    ) -> Any:
        """Send ``entry``, marked."""
        marked = self._marked(entry)
        if advance:
            self.reserve(entry)  # type: ignore[attr-defined] # of the scheduler
        return super().apply_async(  # type: ignore[misc] # of the scheduler
            marked, producer=producer, advance=False, **kwargs
        )

    def _marked(self, entry: Any) -> Any:
        try:
            marker = Marker(entry.name, self._due(entry))
            options = dict(entry.options)
            options.setdefault("task_id", task_id(*marker))
            options["headers"] = {**(options.get("headers") or {}), **headers(marker)}
            if self.app.conf.get("landed_shadow", True):
                options.setdefault("shadow", shadow(entry.task, marker))
            # An entry of a database cannot be copied; this is all of it that is sent.
            marked = SimpleNamespace(
                name=entry.name,
                task=entry.task,
                args=entry.args,
                kwargs=entry.kwargs,
                options=options,
            )
        except Exception:
            # The job comes first.
            log.exception("landed: %s is sent unmarked", getattr(entry, "name", entry))
            return entry
        return marked

    def _due(self, entry: Any) -> datetime:
        timing = entry.schedule
        last: datetime = maybe_make_aware(entry.last_run_at)
        now: datetime = maybe_make_aware(timing.now())
        return due_at(timing, last.astimezone(UTC), now.astimezone(UTC))


class BeatScheduler(Marking, PersistentScheduler):  # type: ignore[misc] # Celery has no types
    """Beat's own scheduler, marking."""

"""Celery as a source: the door by which the rest of landed comes in."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from verifier.checks.remark import Level, Remark
from verifier.signals.celery.settings import CeleryBinding, CelerySettings
from verifier.signals.source import (
    BoundJob,
    Feed,
    JobSkeleton,
    SourceUnavailable,
    StreamingSource,
)

MISSING = "Celery's own libraries are not installed: pip install 'landed[celery]'"


class CelerySource(StreamingSource[CelerySettings, CeleryBinding]):
    """Hears the events of Celery's workers. Celery is imported only where it is needed."""

    scheduler = "celery"
    discovers = "celery"
    model = CelerySettings
    binding = CeleryBinding

    def listen(self, feed: Feed[CeleryBinding]) -> None:
        """Listen until the feed is to end or the broker is lost."""
        try:
            from verifier.signals.celery.listener import listen
        except ImportError:
            raise SourceUnavailable(MISSING) from None
        listen(self.settings, feed)

    def examine(self, jobs: Sequence[BoundJob[CeleryBinding]], now: datetime) -> Iterator[Remark]:
        """What can be heard of it, and what not."""
        try:
            from verifier.signals.celery.examination import examine
        except ImportError:
            yield Remark(level=Level.ERROR, message=MISSING)
            return
        yield from examine(self.settings, jobs, now)

    @classmethod
    def discover(cls, settings: CelerySettings | None) -> Iterator[JobSkeleton]:
        """The entries of the beat schedule that the workers know of."""
        if settings is None:
            raise SourceUnavailable(
                "workers are asked for the beat schedule: declare a source of type celery first"
            )
        try:
            from verifier.signals.celery.discovery import discover
        except ImportError:
            raise SourceUnavailable(MISSING) from None
        yield from discover(settings)

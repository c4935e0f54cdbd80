"""The same for django-celery-beat: ``celery -A shop beat -S landed-django``."""

from django_celery_beat.schedulers import DatabaseScheduler

from verifier.signals.celery.beat import Marking


class DjangoScheduler(Marking, DatabaseScheduler):  # type: ignore[misc] # no types
    """The scheduler of entries in a database, marking."""

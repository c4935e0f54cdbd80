"""A Django project in one file, with one entry that is due every second, and its beat."""

import sys

import django
from celery import Celery
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django_celery_beat"],
    USE_TZ=True,
    TIME_ZONE="UTC",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.core.management import call_command  # noqa: E402 - needs the settings
from django_celery_beat.models import IntervalSchedule, PeriodicTask  # noqa: E402

call_command("migrate", verbosity=0)
every, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.SECONDS)
PeriodicTask.objects.create(name="tick", task="capp.ping", interval=every, queue=sys.argv[3])
app = Celery("shop", broker=sys.argv[2])
app.Beat(scheduler="landed-django", max_interval=1, loglevel="ERROR").run()

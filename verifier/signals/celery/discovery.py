"""What beat schedules, as the workers know it: jobs ready for a person to finish.

Workers and beat share an application, so a worker that is asked for its configuration
tells the beat schedule; nobody's code is imported here. Entries in a database
(django-celery-beat) are not part of it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from verifier.signals.celery.inspection import Inspection, Setup
from verifier.signals.celery.settings import CelerySettings
from verifier.signals.source import JobSkeleton, SourceUnavailable

_CRON = re.compile(r"^<crontab: (\S+) (\S+) (\S+) (\S+) (\S+) \(m/h/dM/MY/d\)>$")
_FREQ = re.compile(r"^<freq: ([0-9.]+) (second|minute|hour|day)s?>$")
_UNITS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def discover(settings: CelerySettings) -> Iterator[JobSkeleton]:
    """A job for each entry of the beat schedule; raises ``SourceUnavailable``."""
    inspection = Inspection(settings)
    try:
        setups = inspection.setups()
    finally:
        inspection.close()
    if not setups:
        raise SourceUnavailable(
            "no worker answered; start one, and leave worker_enable_remote_control on"
        )
    yield from skeletons(setups)


def skeletons(setups: Mapping[str, Setup]) -> Iterator[JobSkeleton]:
    """A job for each entry that any of the workers tells, by name."""
    entries: dict[str, tuple[dict[str, Any], Setup]] = {}
    for _, setup in sorted(setups.items()):
        for name, entry in setup.beat_schedule.items():
            if isinstance(entry, dict) and isinstance(entry.get("task"), str):
                entries.setdefault(name, (entry, setup))
    tasks = [entry["task"] for entry, _ in entries.values()]
    for name, (entry, setup) in sorted(entries.items()):
        schedule, comments = _schedule(entry.get("schedule"), setup.timezone or "UTC")
        scheduler = {"task": entry["task"]}
        if tasks.count(entry["task"]) > 1:
            scheduler["beat_entry"] = name
            comments.append("several entries send this task: run beat with -S landed")
        yield JobSkeleton(
            name=_job_name(name), scheduler=scheduler, schedule=schedule, comments=comments
        )


def _job_name(entry: str) -> str:
    return _NAME.sub("-", entry).strip("-._")[:100] or "job"


def _schedule(told: Any, timezone: str) -> tuple[dict[str, Any] | None, list[str]]:
    """The schedule as in ``landed.yaml``, and what a person must know of it."""
    cron = _CRON.match(told) if isinstance(told, str) else None
    if cron:
        comments = []
        if cron[3] != "*" and cron[5] != "*":
            comments.append(
                "beat wants both the day of the month and the weekday to match, cron either: "
                "check this schedule"
            )
        return {"cron": " ".join(cron.groups()), "timezone": timezone}, comments
    freq = _FREQ.match(told) if isinstance(told, str) else None
    seconds = float(freq[1]) * _UNITS[freq[2]] if freq else told
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0:
        comments = [
            "beat counts an interval from its own last run, so it drifts past whole "
            "multiples, and some slot goes without a run; a crontab does not"
        ]
        return {"every": _duration(float(seconds))}, comments
    return None, [f"beat's schedule: {str(told)[:100]}"]


def _duration(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds % length == 0:
            return f"{milliseconds // length}{unit}"
    return f"{milliseconds}ms"

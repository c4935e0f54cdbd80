"""A job as written becomes a declaration: every default filled in, nothing left to guess."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise

from verifier.config.file import Defaults
from verifier.config.job import CoversModel, JobModel, On, ScheduleModel
from verifier.config.preset import PRESETS
from verifier.runs.declaration import (
    AutoRetry,
    Covers,
    CoversOffset,
    Cron,
    Declaration,
    Every,
    Guard,
    Overlap,
    Retry,
    Schedule,
    Surface,
    SurfaceKind,
    WhenUnsure,
    Worse,
)
from verifier.runs.slots import slots
from verifier.runs.wallclock import midnight, zone

ONE_SURFACE = "effects"
"""The name of the only surface of a job that declares ``effects`` in one word."""

WRAPPER_BEAT = timedelta(seconds=30)
"""How often the wrapper sends a heartbeat."""

START_WITHIN = timedelta(minutes=5)
SETTLE = timedelta(seconds=10)
LEASE = 3 * WRAPPER_BEAT
VERIFIED_AFTER_FINISH = timedelta(minutes=10)
LONGEST_FINISH = timedelta(hours=24)

SEASONS = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
"""From when on a schedule is tried out: in winter and in summer, so that a zone's offset of
one half of the year is not taken for that of the other. Fixed, so that a file means the
same on every day it is read."""

_SLOTS_TRIED = 12


DIALECT = "debian"
"""By whose rules a cron expression is read where neither the job nor its source says."""


def compile_schedule(model: ScheduleModel, defaults: Defaults) -> Schedule:
    """The schedule; ``model`` has one of ``cron`` and ``every``."""
    timezone = model.timezone or defaults.timezone
    calendar = model.calendar
    if model.every is not None:
        return Every(
            period=model.every,
            timezone=timezone,
            country=calendar.country,
            subdivision=calendar.subdivision,
            holidays=tuple(calendar.holidays),
        )
    return Cron(
        expression=model.cron or "",
        timezone=timezone,
        dialect=model.dialect or DIALECT,
        business_days=model.on is On.BUSINESS_DAYS,
        country=calendar.country,
        subdivision=calendar.subdivision,
        holidays=tuple(calendar.holidays),
    )


def compile_covers(model: Covers | CoversModel) -> Covers | CoversOffset:
    """The rule for business intervals."""
    if isinstance(model, CoversModel):
        return CoversOffset(start=model.start, end=model.end)
    return model


def compile_surfaces(model: JobModel) -> tuple[Surface, ...]:
    """The job's surfaces, each with the names of its checks.

    Checks belong to the surface that lists them and to the one they name; those that
    belong to none belong to the only surface, where there is one.
    """
    names = [check.name for check in model.checks]
    if model.surfaces is None:
        return (
            Surface(name=ONE_SURFACE, kind=model.effects or SurfaceKind.NONE, checks=tuple(names)),
        )
    only = len(model.surfaces) == 1
    named = {check.name: check.surface for check in model.checks}
    return tuple(
        Surface(
            name=surface.name,
            kind=surface.kind,
            checks=tuple(
                name
                for name in names
                if only or name in surface.checks or named[name] == surface.name
            ),
        )
        for surface in model.surfaces
    )


@lru_cache(maxsize=1024)
def trial_slots(schedule: Schedule) -> tuple[tuple[datetime, ...], ...]:
    """Some slots of each season, in order.

    Raises ``ValueError`` where the schedule has none.
    """
    horizon = datetime.max.replace(tzinfo=UTC)
    return tuple(tuple(islice(slots(schedule, start, horizon), _SLOTS_TRIED)) for start in SEASONS)


def smallest_gap(schedule: Schedule) -> timedelta:
    """The shortest time from one slot to the next, as far as some slots tell."""
    gaps = [
        after - before for season in trial_slots(schedule) for before, after in pairwise(season)
    ]
    return min(gaps, default=LONGEST_FINISH)


def compile_job(
    name: str, model: JobModel, defaults: Defaults, scheduler: str | None = None
) -> Declaration:
    """The declaration of a job that broke no rule; ``scheduler`` is what its source is.

    Raises ``ValueError`` where the schedule cannot be computed.
    """
    schedule = compile_schedule(model.schedule, defaults)
    preset = PRESETS[model.job_class] if model.job_class is not None else None
    surfaces = compile_surfaces(model)
    repeats_harm = any(surface.kind.repeats_harm for surface in surfaces)
    settle = SETTLE if model.settle is None else model.settle
    finish_within = model.finish_within or min(smallest_gap(schedule), LONGEST_FINISH)
    return Declaration(
        job=name,
        statement=model.statement or "",
        schedule=schedule,
        source=model.scheduler.source if model.scheduler else None,
        scheduler=scheduler,
        covers=compile_covers(model.covers),
        job_class=model.job_class,
        overlap=model.overlap or (preset.overlap if preset else Overlap.ALLOW),
        surfaces=surfaces,
        checks=tuple(check.traits() for check in model.checks),
        retry=Retry(max_attempts=model.retry.max_attempts, auto=auto_retry(model)),
        worse=model.worse or (Worse.DUPLICATE if repeats_harm else Worse.MISSED),
        resumable=model.resumable,
        start_within=model.start_within or START_WITHIN,
        finish_within=finish_within,
        runtime_within=model.runtime_within,
        verified_within=model.verified_within or finish_within + settle + VERIFIED_AFTER_FINISH,
        heartbeat_within=model.heartbeat_within,
        progress_within=model.progress_within,
        lease=lease(model),
        zombie_grace=model.zombie_grace or 2 * finish_within,
        settle=settle,
        recheck=tuple(sorted(model.recheck)),
        since=_instant(model.since, schedule.timezone),
        severity=model.severity or defaults.severity,
        owner=model.owner,
        runbook=model.runbook,
        consumers=model.consumers,
        guard=Guard(
            enabled=model.guard.enabled,
            when_unsure=model.guard.when_unsure
            or (WhenUnsure.CLOSED if repeats_harm else WhenUnsure.OPEN),
        ),
        complete_when_pct=model.complete_when or 100.0,
        partition_name=model.partitions.name if model.partitions else None,
    )


def auto_retry(model: JobModel) -> AutoRetry:
    """When the scheduler may retry: as declared, else by class.

    Retries that are counted but not explained are taken to be those that harm nothing.
    """
    if model.retry.auto is not None:
        return model.retry.auto
    if model.job_class is not None:
        return PRESETS[model.job_class].auto_retry
    return AutoRetry.BEFORE_EFFECTS if model.retry.max_attempts > 1 else AutoRetry.NEVER


def lease(model: JobModel) -> timedelta:
    """How long a silence may last: as declared, else by what heartbeats are expected."""
    if model.lease is not None:
        return model.lease
    return 3 * model.heartbeat_within if model.heartbeat_within is not None else LEASE


def _instant(since: date | datetime | None, timezone: str) -> datetime | None:
    """A date begins at its local midnight."""
    if since is None or isinstance(since, datetime):
        return since
    return midnight(since, zone(timezone))

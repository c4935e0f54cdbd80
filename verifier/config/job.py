"""A job of ``landed.yaml``, as it is written: field by field, before any default."""

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Discriminator, Field, PlainValidator, Tag, WithJsonSchema

from verifier.checks.evidence import Detail
from verifier.checks.model import Name
from verifier.checks.partitions import Partitions
from verifier.checks.registry import Check
from verifier.config.model import Label, Limit, Link, Model, Offset, Since, Text, Wait
from verifier.config.source import SchedulerModel
from verifier.runs.declaration import (
    AutoRetry,
    Covers,
    JobClass,
    Overlap,
    Severity,
    SurfaceKind,
    WhenUnsure,
    Worse,
)


class On(StrEnum):
    """The days on which a cron expression counts."""

    EVERY_DAY = "every-day"
    BUSINESS_DAYS = "business-days"


class Calendar(Model):
    """Which days are business days."""

    country: str | None = None
    """ISO 3166 code, such as `DE`: its public holidays and its weekend are no business days.
    Without one, Saturday and Sunday are none."""
    subdivision: str | None = None
    """The state or region of `country`, such as `BY`, for its own public holidays."""
    holidays: tuple[date, ...] = ()
    """Further days that are no business days."""


class ScheduleModel(Model):
    """When a job is due: `cron` or `every`, one of them."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["cron"]}, {"required": ["every"]}]}
    )

    cron: str | None = None
    """A cron expression of five fields, read by the rules of `dialect`."""
    every: Limit | None = None
    """A period, such as `15m`: due at its whole multiples since 1970-01-01T00:00:00Z."""
    timezone: str | None = None
    """IANA name, such as `Europe/Berlin`. Default: `defaults.timezone`."""
    dialect: str | None = None
    """Whose rules `cron` is read by. Default: those of the job's source, else `debian`."""
    on: On = On.EVERY_DAY
    """Whether only business days count; for `cron`."""
    calendar: Calendar = Calendar()
    """Which days are business days; for `on` and for `covers: previous-business-day`."""


class CoversModel(Model):
    """A business interval by its distance from due; whole days are days of the zone."""

    start: Offset
    """From due to the interval's start, such as `-1d`."""
    end: Offset
    """From due to the interval's end, such as `0d`."""


class SurfaceModel(Model):
    """One place where a run takes effect."""

    name: Name
    """What the surface is called."""
    kind: SurfaceKind
    """How it takes effect."""
    checks: tuple[Name, ...] = ()
    """The checks that look there. A check may name its `surface` instead."""


class RetryModel(Model):
    """What the scheduler does by itself after a failure."""

    max_attempts: Annotated[int, Field(ge=1, le=1000)] = 1
    """How often the scheduler tries, the first time counted."""
    auto: AutoRetry | None = None
    """When it may try again by itself. Default: by `class`."""


class GuardModel(Model):
    """Whether attempts ask before they start."""

    enabled: bool = False
    """Whether the job's attempts are expected to ask."""
    when_unsure: WhenUnsure | None = None
    """Whether an attempt may start where nobody can tell. Default: `closed` for `append` and
    `external`, `open` otherwise."""


def _share(value: Any) -> float:
    found = _SHARE.fullmatch(value) if isinstance(value, str) else None
    share = float(found[1]) if found else 0.0
    if not 0 < share <= 100:
        raise ValueError("expected a share above 0% and up to 100%, such as 99.9%")
    return share


_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%")

Share = Annotated[
    float,
    PlainValidator(_share),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,6})?%$"}),
]
"""A part of all, in percent: ``99.9%``."""


def _word_or_mapping(value: Any) -> str:
    return "<mapping>" if isinstance(value, dict | CoversModel) else "<word>"


CoversField = Annotated[
    Annotated[Covers, Tag("<word>")] | Annotated[CoversModel, Tag("<mapping>")],
    Discriminator(_word_or_mapping),
]


_UNLESS_BEST_EFFORT: dict[str, Any] = {
    "if": {"properties": {"class": {"const": "best-effort"}}, "required": ["class"]},
    "else": {
        "required": ["statement"],
        "allOf": [
            {"anyOf": [{"required": ["class"]}, {"required": ["overlap"]}]},
            {"oneOf": [{"required": ["effects"]}, {"required": ["surfaces"]}]},
        ],
    },
}


class JobModel(Model):
    """A recurring piece of work, and what is promised of it."""

    model_config = ConfigDict(json_schema_extra=_UNLESS_BEST_EFFORT)

    statement: Text | None = None
    """What a verified run means, in one sentence for people. Required unless best effort."""
    scheduler: SchedulerModel | None = None
    """What starts the job, where a source tells of it. Without one, the job reports by itself:
    through the wrapper, pings or the API."""
    schedule: ScheduleModel
    """When the job is due."""
    covers: CoversField = Covers.PREVIOUS_INTERVAL
    """The business interval of a run: the stretch of time whose work it is to do."""
    job_class: Annotated[JobClass | None, Field(alias="class")] = None
    """A preset of `overlap`, `retry` and `effects`. Required unless `overlap` is there."""
    overlap: Overlap | None = None
    """What may happen while another attempt of the job is under way. Default: by `class`."""
    effects: SurfaceKind | None = None
    """How a run takes effect. Required unless `surfaces` is there or the job is best effort."""
    surfaces: Annotated[tuple[SurfaceModel, ...], Field(min_length=1)] | None = None
    """In place of `effects`, where one run takes effect in several ways."""
    retry: RetryModel = RetryModel()
    """What the scheduler does by itself after a failure."""
    worse: Worse | None = None
    """Which harm is graver. Default: `duplicate` for `append` and `external`, else `missed`."""
    resumable: bool = False
    """Whether an attempt can go on from the last checkpoint that was reported."""
    start_within: Limit | None = None
    """From due to the start; later is late. Default: 5m."""
    finish_within: Limit | None = None
    """From due to the end; later is overdue. Default: the time to the next slot, at most 24h."""
    runtime_within: Limit | None = None
    """From the start to the end. Default: no limit."""
    verified_within: Limit | None = None
    """From due to a verified run; later is stale. Default: finish_within + settle + 10m."""
    heartbeat_within: Limit | None = None
    """How old the last heartbeat of a running attempt may be. Default: none are expected but
    those of the wrapper, which beats every 30s."""
    progress_within: Limit | None = None
    """How long a running attempt may report no progress. Default: no limit."""
    lease: Limit | None = None
    """After how long a silence an attempt counts as lost. Default: three times heartbeat_within, or
    90s where only the wrapper beats."""
    zombie_grace: Limit | None = None
    """How long a lost attempt may still write. Default: twice finish_within."""
    settle: Wait | None = None
    """How long to wait after the end before judging. Default: 10s."""
    recheck: tuple[Limit, ...] = ()
    """When to judge again, from the run's end: for late writers and late data."""
    since: Since | None = None
    """From when on runs are expected. Default: from when the job is first declared."""
    severity: Severity | None = None
    """How loudly a stale job asks for a person. Default: `defaults.severity`."""
    owner: Label | None = None
    """Who looks after the job."""
    runbook: Link | None = None
    """Where people read what to do."""
    consumers: tuple[Label, ...] = ()
    """Jobs, or names of others, that read what this job makes."""
    guard: GuardModel = GuardModel()
    """Whether attempts ask before they start."""
    partitions: Partitions | None = None
    """By what business key each run is split, where it is: one verdict for each partition."""
    complete_when: Share | None = None
    """Which part of the partitions must be verified for a run to count as a useful
    completion. Default: 100%."""
    evidence: Detail = Detail.KEYS
    """How much is kept of what checks see: statements and a sample of keys, only counts beside
    the statements, or nothing but the counts of each answer."""
    checks: tuple[Check, ...] = ()
    """What is asked of the destination after each run."""

    @property
    def best_effort(self) -> bool:
        """Whether the job promises nothing."""
        return self.job_class is JobClass.BEST_EFFORT

    def kinds(self) -> set[SurfaceKind]:
        """The kinds of all its surfaces; none for a best-effort job that declares nothing."""
        if self.surfaces is not None:
            return {surface.kind for surface in self.surfaces}
        return {self.effects or SurfaceKind.NONE}

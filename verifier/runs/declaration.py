"""What a job is declared to be: its schedule, its promise, its bounds.

A declaration is plain data. It is made from ``landed.yaml`` by ``verifier.config``
and kept by the ledger with a valid-from; nothing here knows of either.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum

import msgspec


class Cron(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="cron"):
    """Due at the times of a cron expression, read in a zone by a dialect's rules.

    ``business_days`` keeps only business days (see ``calendar.is_business_day``):
    those of ``country`` (ISO 3166, with an optional ``subdivision``), without
    ``holidays``.
    """

    expression: str
    timezone: str = "UTC"
    dialect: str = "debian"
    business_days: bool = False
    country: str | None = None
    subdivision: str | None = None
    holidays: tuple[date, ...] = ()


class Every(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="every"):
    """Due at whole multiples of ``period`` since 1970-01-01T00:00:00Z.

    ``timezone`` is only for the business interval and what people read.
    """

    period: timedelta
    timezone: str = "UTC"
    country: str | None = None
    subdivision: str | None = None
    holidays: tuple[date, ...] = ()


Schedule = Cron | Every


class Covers(StrEnum):
    """Which business interval belongs to a due instant, in the job's zone."""

    PREVIOUS_INTERVAL = "previous-interval"
    SAME_DAY = "same-day"
    PREVIOUS_DAY = "previous-day"
    PREVIOUS_WEEK = "previous-week"
    PREVIOUS_MONTH = "previous-month"
    PREVIOUS_QUARTER = "previous-quarter"
    PREVIOUS_BUSINESS_DAY = "previous-business-day"


class CoversOffset(msgspec.Struct, frozen=True, kw_only=True):
    """From due plus ``start`` to due plus ``end``; whole days are days of the zone's clock."""

    start: timedelta
    end: timedelta


class JobClass(StrEnum):
    """Presets of overlap, retry and effects."""

    BEST_EFFORT = "best-effort"
    ONE_RESULT = "one-result"
    COALESCING = "coalescing"
    SERIALIZED = "serialized"
    NO_AUTO_RETRY = "no-auto-retry"


class Overlap(StrEnum):
    """What may happen while another attempt of the job is under way."""

    ALLOW = "allow"
    FORBID = "forbid"
    QUEUE = "queue"
    SKIP = "skip"
    COALESCE = "coalesce"
    REPLACE = "replace"
    SERIALIZE = "serialize"


class AutoRetry(StrEnum):
    """When the scheduler may retry by itself."""

    ALWAYS = "always"
    BEFORE_EFFECTS = "before_effects"
    NEVER = "never"


class Worse(StrEnum):
    """Which harm is graver for this job."""

    DUPLICATE = "duplicate"
    MISSED = "missed"


class Severity(StrEnum):
    """How loudly a stale job asks for a person."""

    PAGE = "page"
    TICKET = "ticket"
    NONE = "none"


class WhenUnsure(StrEnum):
    """What the guard does where it cannot tell."""

    OPEN = "open"
    CLOSED = "closed"


class SurfaceKind(StrEnum):
    """How a surface takes its effect; in order of gravity, mildest first."""

    NONE = "none"
    REPLACE = "replace"
    UPSERT = "upsert"
    APPEND = "append"
    EXTERNAL = "external"

    @property
    def gravity(self) -> int:
        """0 for ``none`` up to 4 for ``external``."""
        return list(SurfaceKind).index(self)

    @property
    def repeats_harm(self) -> bool:
        """Whether doing the work twice leaves two effects: append and external."""
        return self in (SurfaceKind.APPEND, SurfaceKind.EXTERNAL)


class Surface(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One place where a run takes effect, and the names of the checks that look there."""

    name: str
    kind: SurfaceKind
    checks: tuple[str, ...] = ()


class CheckTraits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What judging needs to know of a check; its query is no business of the core.

    ``says_effect``: its answer speaks of the effect (none, partial, complete, duplicated).
    ``proves_complete``: quality only, but its holding proves its surface complete.
    ``only_warns``: a violation is shown and changes no verdict.
    ``apart``: it answers for each partition by itself.
    """

    name: str
    type: str
    required: bool = True
    says_effect: bool = False
    proves_complete: bool = False
    only_warns: bool = False
    apart: bool = False

    @property
    def decides(self) -> bool:
        """Whether a run cannot be verified unless this check holds."""
        return self.required and not self.only_warns

    @property
    def can_prove(self) -> bool:
        """Whether this check can prove that a run is complete."""
        return self.proves_complete or (self.says_effect and self.type != "exactly_once")


class Retry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The scheduler's own retries; ``max_attempts`` counts the first one."""

    max_attempts: int = 1
    auto: AutoRetry = AutoRetry.NEVER


class Guard(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether attempts ask before they start, and what happens where nobody can tell."""

    enabled: bool = False
    when_unsure: WhenUnsure = WhenUnsure.OPEN


class Declaration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One job as declared, every default filled in.

    ``source`` is what tells of its runs, and ``scheduler`` the word for what that is;
    None for a job that reports by itself.
    ``start_within``, ``finish_within`` and ``verified_within`` count from due,
    ``runtime_within`` from the start.
    """

    job: str
    statement: str = ""
    schedule: Schedule
    source: str | None = None
    scheduler: str | None = None
    covers: Covers | CoversOffset = Covers.PREVIOUS_INTERVAL
    job_class: JobClass | None = None
    overlap: Overlap = Overlap.ALLOW
    surfaces: tuple[Surface, ...]
    checks: tuple[CheckTraits, ...] = ()
    retry: Retry = Retry()
    worse: Worse = Worse.MISSED
    resumable: bool = False
    start_within: timedelta = timedelta(minutes=5)
    finish_within: timedelta
    runtime_within: timedelta | None = None
    verified_within: timedelta
    heartbeat_within: timedelta | None = None
    progress_within: timedelta | None = None
    lease: timedelta = timedelta(seconds=90)
    zombie_grace: timedelta
    settle: timedelta = timedelta(seconds=10)
    recheck: tuple[timedelta, ...] = ()
    since: datetime | None = None
    severity: Severity = Severity.TICKET
    owner: str | None = None
    runbook: str | None = None
    consumers: tuple[str, ...] = ()
    guard: Guard = Guard()
    complete_when_pct: float = 100.0
    partition_name: str | None = None

    def of_partition(self) -> "Declaration":
        """What is declared of one partition: the checks that tell partitions apart.

        A check of the whole run says nothing of one partition, and neither does a
        surface that only such checks look at.
        """
        checks = tuple(check for check in self.checks if check.apart)
        if not checks:
            return self
        names = {check.name for check in checks}
        surfaces = tuple(
            msgspec.structs.replace(
                surface, checks=tuple(name for name in surface.checks if name in names)
            )
            for surface in self.surfaces
            if not surface.checks or names & set(surface.checks)
        )
        return msgspec.structs.replace(self, checks=checks, surfaces=surfaces)

    @property
    def repeats_harm(self) -> bool:
        """Whether any surface is append or external."""
        return any(surface.kind.repeats_harm for surface in self.surfaces)

    @property
    def effects_none(self) -> bool:
        """Whether the job is declared to take no effect anywhere."""
        return all(surface.kind is SurfaceKind.NONE for surface in self.surfaces)

    @property
    def provable(self) -> bool:
        """Whether any required check can prove completion.

        Without one no run can become useful, so no limit of staleness applies.
        """
        required = [check for check in self.checks if check.required]
        if self.effects_none:
            return bool(required)
        return any(check.can_prove for check in required)


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration and the UTC instant from which it holds."""

    valid_from: datetime
    declaration: Declaration


class History(msgspec.Struct, frozen=True):
    """Everything that one job was ever declared to be, oldest first; never empty."""

    entries: tuple[Declared, ...]

    def at(self, instant: datetime) -> Declaration:
        """What was declared at ``instant``; before the first one, the first one."""
        return self.entry_at(instant).declaration

    def entry_at(self, instant: datetime) -> Declared:
        """The same, with since when it holds."""
        for entry in reversed(self.entries):
            if entry.valid_from <= instant:
                return entry
        return self.entries[0]

    @property
    def latest(self) -> Declaration:
        """What is declared now."""
        return self.entries[-1].declaration

    @property
    def registered(self) -> datetime:
        """When the job was first declared."""
        return self.entries[0].valid_from

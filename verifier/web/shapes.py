"""The documents that the API answers with, as ``/openapi.json`` publishes them.

They are made by ``verifier.runs.view`` and ``verifier.engine.documents``; what is
here says what is in them, word for word, and tests hold the two together. Instants
are RFC 3339 in UTC with ``Z``.
"""

from typing import Annotated, Any, Literal

import msgspec

from verifier.runs.action import ActionKind
from verifier.runs.advice import AdviceAction
from verifier.runs.conditions import ConditionName
from verifier.runs.declaration import SurfaceKind, WhenUnsure
from verifier.runs.evaluation import Effect, Result
from verifier.runs.guard import Decision
from verifier.runs.lifecycle import AttemptState
from verifier.runs.reported import Link, Reported
from verifier.runs.signal import EndProof, Lane
from verifier.runs.verdict import RunState, Verdict

Instant = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]


class Shape(msgspec.Struct, forbid_unknown_fields=True):
    """A document with these fields; a later version may have more."""


class BusinessInterval(Shape):
    """The half-open interval whose work a run is to do."""

    start: Instant
    end: Instant


class DeclaredAt(Shape):
    """Which declaration a run is judged by: the one that holds from ``valid_from`` on.

    ``corrected_at``: since when other checks are declared, null where they are the same.
    """

    valid_from: Instant | None
    corrected_at: Instant | None


class SurfaceState(Shape):
    """A surface, and what the destination shows of it."""

    name: str
    kind: SurfaceKind
    effect: Effect


class HeldCondition(Shape):
    """Something noteworthy about a run right now."""

    condition: ConditionName
    since: Instant
    until: Instant | None


class Advice(Shape):
    """The safest next action, what it rests on, and what must not be done."""

    action: AdviceAction
    because: list[str]
    do_not: list[str]
    commands: list[str]
    partitions: list[str]
    valid_until: Instant | None


class OpenPartition(Shape):
    """A partition that somebody should look at."""

    partition: str
    verdict: Verdict


class OccurrenceState(Shape):
    """All partitions of one due instant: the gravest verdict, how many of each, and who.

    ``gravest`` are the first of those that are open, at most 10.
    """

    verdict: Verdict | None
    counts: dict[str, int]
    gravest: list[OpenPartition]


class GuardDecision(Shape):
    """A decision of the guard, kept."""

    decision: Decision
    at: Instant
    why: str
    attempt: str
    override_by: str | None


class AttemptProgress(Shape):
    """How far the work got, in the job's own unit."""

    done: float | None
    total: float | None
    checkpoint: str | None


class Attempt(Shape):
    """One execution try. ``ends_disagree``: different ends were told of it."""

    attempt: str
    lane: Lane
    state: AttemptState
    end_proof: EndProof | None
    created_at: Instant | None
    claimed_at: Instant | None
    started_at: Instant | None
    heartbeat_at: Instant | None
    progress: AttemptProgress | None
    ended_at: Instant | None
    exit_code: int | None
    reason: str | None
    worker: str | None
    output: str | None
    ends_disagree: bool


class Check(Shape):
    """A check and its last answer; ``reason`` says why a result is unknown.

    ``summary`` is the answer in a sentence. The counts are there once it was asked:
    keys expected, found, missing and unexpected, and rows beyond one a key.
    """

    name: str
    type: str
    required: bool
    result: Result
    reason: str | None
    summary: str
    effect: Effect | None
    evidence: dict[str, Any]
    evaluated_at: Instant | None
    duration_seconds: float | None
    expected: int | None = None
    done: int | None = None
    missing: int = 0
    surplus: int = 0
    unexpected: int = 0


class Revision(Shape, rename={"was": "from", "became": "to"}):
    """A change of the verdict; null while the run is open."""

    at: Instant
    was: Verdict | None
    became: Verdict | None
    evaluation: str | None


class Action(Shape):
    """What an operator did."""

    action: ActionKind
    at: Instant
    by: str
    reason: str
    job: str
    run_id: str | None
    attempt: str | None
    until: Instant | None
    counts_as_useful: bool


class Run(Shape):
    """A logical run: job, occurrence and partition; what was reported, and what is true."""

    run_id: str
    run: str
    job: str
    due: Instant | None
    partition: str | None
    lane: Literal["live", "other"]
    interval: BusinessInterval | None
    statement: str
    owner: str | None
    runbook: str | None
    declaration: DeclaredAt
    surfaces: list[SurfaceState]
    state: RunState
    verdict: Verdict | None
    effect: Effect
    effect_now: Effect
    provisional: bool
    reported: Reported
    chain_broke_at: Link | None
    false_success: bool
    conditions: list[HeldCondition]
    advice: Advice
    judged_at: Instant | None
    guard: list[GuardDecision]
    attempts: list[Attempt]
    checks: list[Check]
    revisions: list[Revision]
    actions: list[Action]
    occurrence: OccurrenceState | None = None


class Runs(Shape):
    """A page of runs; ``next`` is the cursor of the page after it, null on the last."""

    runs: list[Run]
    next: str | None


class Verified(Shape):
    """The runs that were asked about, as they stand afterwards."""

    runs: list[Run]


class Job(Shape):
    """How a job stands; ``open`` counts the runs that wait for a person, by verdict."""

    job: str
    next_due: Instant | None
    last_due: Instant | None
    last_started: Instant | None
    last_success: Instant | None
    last_useful_completion: Instant | None
    useful_completion_due: Instant | None
    active_attempts: int
    open: dict[str, int]
    held: bool
    muted_until: Instant | None


class Jobs(Shape):
    """Every declared job, by name."""

    jobs: list[Job]


class BlindTime(Shape):
    """A time in which nobody could hear a source; ``until`` is None while that goes on.

    Silence in it counts from ``caught_up_at`` on, and never where that is None.
    ``pings_lost``: nor ever for jobs that are pinged, of which there are some.
    """

    since: Instant
    until: Instant | None
    caught_up_at: Instant | None
    pings_lost: bool


class Source(Shape):
    """How a source stands; ``native`` is what reports by itself.

    ``silent_since``: it was not heard when it should have been; ``trouble`` says why.
    ``blind`` holds the windows in which silence proves nothing, or proved nothing lately.
    """

    source: str
    heard_until: Instant | None
    contact_due: Instant | None
    silent_since: Instant | None
    trouble: str | None
    last_signal: Instant | None
    clock_offset_seconds: float | None
    blind: list[BlindTime]


class UnknownJob(Shape):
    """A job whose signals were kept out, as nobody declared it, since the process began.

    ``signals``: how many, up to 100. ``did_you_mean``: the declared job whose name is most
    like it.
    """

    job: str
    signals: int
    last_at: Instant
    did_you_mean: str | None


class ConfigurationRefused(Shape):
    """A configuration that was read again and cannot be used; that from before is in use.

    ``problems`` are sentences, as ``landed validate`` gives them.
    """

    at: Instant
    problems: list[str]


class Sources(Shape):
    """Every source, the jobs that nobody declared, and a configuration that was refused."""

    sources: list[Source]
    unknown_jobs: list[UnknownJob]
    configuration_refused: ConfigurationRefused | None


class Actions(Shape):
    """Operator actions, newest first."""

    actions: list[Action]


class GuardRuling(Shape):
    """The guard's answer; an allowance that nobody used is void after ``lease_until``."""

    decision: Decision
    why: str
    due: Instant | None
    run: str
    lease_until: Instant | None
    when_unsure: WhenUnsure


class Health(Shape):
    """``live``: the process answers. ``ready``: its ledger and configuration are there."""

    status: Literal["live", "ready"]


class ProblemDetails(Shape):
    """An error (RFC 9457); ``type`` names its kind for programs."""

    type: str
    title: str
    status: int
    detail: str
    instance: str

"""The guard at work: a fresh probe, a ruling, and an atomic grant."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import datetime, timedelta

import msgspec

from verifier.engine.assess import assess
from verifier.engine.clock import Clock, Stopping
from verifier.engine.fleet import Fleet
from verifier.ledger.errors import LedgerUnavailable
from verifier.ledger.ledger import Ledger
from verifier.runs.action import ActionKind, is_held
from verifier.runs.advice import action
from verifier.runs.attempt import Attempt
from verifier.runs.binding import RunKey
from verifier.runs.contact import is_silent
from verifier.runs.declaration import Declaration, Overlap, WhenUnsure
from verifier.runs.effect import findings
from verifier.runs.evaluation import Cause, Effect, Evaluation, is_unlisted
from verifier.runs.guard import Ask, Decision, Mode, Ruling, forbids_beside, rule
from verifier.runs.instant import format_instant, to_microseconds
from verifier.runs.lifecycle import is_alive, is_at_large, is_pending
from verifier.runs.reported import counting
from verifier.runs.signal import Kind, Lane, Signal
from verifier.runs.slots import bind
from verifier.runs.standing import Facts, advised_of, case_of, standing
from verifier.runs.verdict import RunState, verdict

PROBE_WITHIN = timedelta(seconds=1.5)
"""How long a probe may take; the wrapper itself waits for two seconds in all."""


class GuardRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that asks whether it may start."""

    job: str
    attempt: str
    due: datetime | None = None
    partition: str | None = None
    lane: Lane | None = None
    worker: str | None = None
    mode: Mode | None = None
    when_unsure: WhenUnsure | None = None
    override_by: str | None = None
    override_reason: str | None = None


class GuardAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the asker is told; ``lease_until`` is when an unused grant is void."""

    decision: Decision
    why: str
    key: RunKey
    lease_until: datetime | None
    when_unsure: WhenUnsure


class Gatekeeper:
    """Answers askers; probes run on threads of their own, so that none waits for another."""

    def __init__(self, ledger: Ledger, fleet: Fleet, clock: Clock, workers: int = 4) -> None:
        self._ledger = ledger
        self._fleet = fleet
        self._clock = clock
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="probe")

    def close(self) -> None:
        """Probe no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def ask(self, request: GuardRequest) -> GuardAnswer:
        """Whether the attempt may start; an allowance is recorded before it is told.

        Raises ``KeyError`` for a job that is not declared, ``ValueError`` where no
        run can be told, and ``LedgerUnavailable``.
        """
        now = self._clock()
        key, declaration = run_asked_for(self._ledger, request, now)
        probe = self._probe(key) if declaration.checks else None
        now = self._clock()
        unsure = request.when_unsure or declaration.guard.when_unsure
        lease_until = now + declaration.lease

        def ruling(facts: Facts) -> Ruling:
            if request.override_by is not None:
                why = f"overridden by {request.override_by}: {request.override_reason}"
                return Ruling(Decision.ALLOW, why)
            return rule(ask_of(facts, request, probe, unsure, now))

        given = self._ledger.grant(
            key,
            ruling,
            _claim(request, key, lease_until, now),
            override_by=request.override_by,
            now=now,
        )
        return GuardAnswer(
            decision=given.decision,
            why=given.why,
            key=key,
            lease_until=lease_until if given.decision is Decision.ALLOW else None,
            when_unsure=unsure,
        )

    def _probe(self, key: RunKey) -> Evaluation | None:
        """What the destination shows now; None where it did not answer in time."""
        future: Future[Evaluation] = self._pool.submit(
            assess, self._ledger, self._fleet, key, Cause.GUARD, self._clock
        )
        try:
            return future.result(PROBE_WITHIN.total_seconds())
        except (FutureTimeout, LedgerUnavailable, Stopping):
            return None


def run_asked_for(
    ledger: Ledger, request: GuardRequest, now: datetime
) -> tuple[RunKey, Declaration]:
    """The run that the asker would be an attempt of, and what is declared of it."""
    history = ledger.histories()[request.job]
    partition = request.partition or ""
    if request.due is not None:
        key = RunKey(request.job, format_instant(request.due), partition)
        return key, history.at(request.due)
    if request.lane is Lane.MANUAL:
        return RunKey(request.job, f"~{request.attempt}", partition), history.at(now)
    if request.lane in (Lane.BACKFILL, Lane.RERUN):
        raise ValueError(f"expected due: a {request.lane} is of a known run")
    due = bind(history.at(now).schedule, now)
    return RunKey(request.job, format_instant(due), partition), history.at(due)


def _claim(request: GuardRequest, key: RunKey, lease_until: datetime, now: datetime) -> Signal:
    return Signal(
        job=request.job,
        kind=Kind.CLAIMED,
        at=now,
        id=f"grant/{request.attempt}/{to_microseconds(now):x}",
        due=key.due,
        partition=request.partition,
        lane=request.lane,
        attempt=request.attempt,
        worker=request.worker,
        lease_until=lease_until,
    )


def ask_of(
    facts: Facts,
    request: GuardRequest,
    probe: Evaluation | None,
    unsure: WhenUnsure,
    now: datetime,
) -> Ask:
    """The row of facts that the guard's table reads, without the asker and its mutes."""
    declaration = facts.declaration
    facts = without_asker(facts, request.attempt)
    writers = counting([*facts.attempts, *facts.whole_job], declaration, now)
    stood = standing(facts, now)
    finding = findings(declaration, probe.results) if probe else None
    settling = stood.state is RunState.SETTLING and bool(writers)
    judged, chosen = stood.verdict, stood.action
    if settling and finding is not None:
        case = case_of(facts, writers, stood.reported, finding, None, now)
        judged = verdict(case)
        chosen = action(
            advised_of(facts, writers, judged, RunState.JUDGED, finding, stood.conditions, now)
        )
    held = is_held(each for each in facts.actions if each.run_id is None)
    loose = [a for a in writers if is_at_large(a, declaration, now)]
    return Ask(
        attempts_known=bool(writers),
        verdict=judged,
        advice=chosen,
        probe=finding.effect if finding else Effect.UNKNOWN,
        settling=settling,
        asked=probe is not None or not declaration.checks,
        unlisted=request.partition if probe and is_unlisted([probe]) else None,
        clean=finding is not None
        and not (finding.violated or finding.unexpected or finding.unknown),
        repeats_harm=declaration.repeats_harm,
        active=_active(facts, request.partition, now),
        at_large=loose[0].attempt if loose else None,
        held=f"{held.reason} ({held.by})" if held else None,
        blind=facts.deaf
        or (facts.miss_after is not None and now < facts.miss_after)
        or is_silent(facts.contact, now),
        mode=request.mode,
        when_unsure=unsure,
    )


def without_asker(facts: Facts, asker: str) -> Facts:
    """The facts as they would be had nobody asked, retried, or muted the job."""

    def others(known: Sequence[Attempt]) -> list[Attempt]:
        return [
            msgspec.structs.replace(each, retry=None) for each in known if each.attempt != asker
        ]

    unmuted = [
        each for each in facts.actions if each.kind not in (ActionKind.MUTE, ActionKind.UNMUTE)
    ]
    return msgspec.structs.replace(
        facts,
        attempts=others(facts.attempts),
        whole_job=others(facts.whole_job),
        others=others(facts.others),
        actions=unmuted,
    )


def _active(facts: Facts, partition: str | None, now: datetime) -> str | None:
    """An attempt that overlap forbids to run beside; None where there is none."""
    declaration = facts.declaration
    if not forbids_beside(declaration.overlap):
        return None
    rivals: Sequence[Attempt] = [*facts.attempts, *facts.whole_job, *facts.others]
    if declaration.overlap is Overlap.SERIALIZE and partition is not None:
        rivals = [a for a in rivals if a.partition is None or a.partition.value == partition]
    active = [a for a in rivals if is_alive(a) or is_pending(a, declaration, now)]
    return active[0].attempt if active else None

"""The Run document: one run as programs and people read it."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec

from verifier.runs.action import Action
from verifier.runs.advice_words import advise, check_sentence
from verifier.runs.attempt import Attempt
from verifier.runs.covers import business_interval
from verifier.runs.declaration import CheckTraits, Declaration, SurfaceKind
from verifier.runs.evaluation import CheckResult, Evaluation
from verifier.runs.guard import Decision
from verifier.runs.instant import format_instant
from verifier.runs.interval import Interval
from verifier.runs.lifecycle import (
    end_of,
    ends_disagree,
    proof_of,
    state_of,
)
from verifier.runs.occurrence import Occurrence
from verifier.runs.signal import Lane
from verifier.runs.standing import Facts, Standing
from verifier.runs.verdict import Verdict


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a run's verdict; ``was`` and ``became`` are None while it is open."""

    at: datetime
    was: Verdict | None
    became: Verdict | None
    evaluation_id: str | None = None


class GuardRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A decision of the guard, kept."""

    at: datetime
    attempt: str
    decision: Decision
    why: str
    override_by: str | None = None


class Keepsakes(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger keeps of a run beside the facts that judge it.

    ``corrected_at``: since when other checks are declared than those that judge it, None
    where they are the same.
    """

    corrected_at: datetime | None = None
    judged_at: datetime | None = None
    revisions: Sequence[Revision] = ()
    guard: Sequence[GuardRecord] = ()
    occurrence: Occurrence | None = None


def interval_of(facts: Facts) -> Interval | None:
    """The business interval of a run; None where it has no slot, or its slot no interval."""
    due = facts.key.due
    if due is None:
        return None
    with suppress(ValueError):
        return business_interval(facts.declaration.schedule, facts.declaration.covers, due)
    return None


def run_document(facts: Facts, stood: Standing, kept: Keepsakes, now: datetime) -> dict[str, Any]:
    """The Run document, JSON-ready: instants as RFC 3339 in UTC, durations in seconds."""
    declaration, key = facts.declaration, facts.key
    advice = advise(facts, stood, now)
    interval = interval_of(facts)
    shown = stood.judged_by or (facts.evaluations[-1] if facts.evaluations else None)
    document: dict[str, Any] = {
        "run_id": key.run_id,
        "run": key.path,
        "job": key.job,
        "due": instant(key.due),
        "partition": key.partition or None,
        "lane": Lane.LIVE if facts.expected else "other",
        "interval": None
        if interval is None
        else {"start": instant(interval.start), "end": instant(interval.end)},
        "statement": declaration.statement,
        "owner": declaration.owner,
        "runbook": declaration.runbook,
        "declaration": {
            "valid_from": instant(facts.declared_at),
            "corrected_at": instant(kept.corrected_at),
        },
        "surfaces": surfaces_document(declaration, stood),
        "state": stood.state,
        "verdict": stood.verdict,
        "effect": stood.effect,
        "effect_now": stood.effect_now,
        "provisional": stood.provisional,
        "reported": stood.reported,
        "chain_broke_at": stood.chain_broke_at,
        "false_success": stood.false_success,
        "conditions": [
            {
                "condition": each.condition,
                "since": instant(each.since),
                "until": instant(each.until),
            }
            for each in stood.conditions
        ],
        "advice": {
            "action": advice.action,
            "because": list(advice.because),
            "do_not": list(advice.do_not),
            "commands": list(advice.commands),
            "partitions": list(advice.partitions),
            "valid_until": instant(advice.valid_until),
        },
        "judged_at": instant(kept.judged_at) if stood.verdict is not None else None,
        "guard": [guard_document(each) for each in kept.guard],
        "attempts": [attempt_document(each) for each in _by_start(facts.attempts)],
        "checks": checks_document(declaration, shown),
        "revisions": [
            {
                "at": instant(each.at),
                "from": each.was,
                "to": each.became,
                "evaluation": each.evaluation_id,
            }
            for each in kept.revisions
        ],
        "actions": [action_document(each) for each in facts.actions],
    }
    if kept.occurrence is not None:
        document["occurrence"] = {
            "verdict": kept.occurrence.verdict,
            "counts": kept.occurrence.counts,
            "gravest": [
                {"partition": name, "verdict": word} for name, word in kept.occurrence.gravest
            ],
        }
    return document


def instant(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, or None."""
    return None if moment is None else format_instant(moment)


def surfaces_document(declaration: Declaration, stood: Standing) -> list[dict[str, Any]]:
    """Each surface with what the destination shows of it."""
    known = (
        {each.surface.name: each.effect for each in stood.finding.surfaces}
        if (stood.finding is not None)
        else {}
    )
    return [
        {"name": each.name, "kind": each.kind, "effect": known.get(each.name, "unknown")}
        for each in declaration.surfaces
        if each.kind is not SurfaceKind.NONE or len(declaration.surfaces) == 1
    ]


def _by_start(attempts: Iterable[Attempt]) -> list[Attempt]:
    far = datetime.max.replace(tzinfo=UTC)
    return sorted(attempts, key=lambda each: (each.first_said or far, each.attempt))


def attempt_document(attempt: Attempt) -> dict[str, Any]:
    """One attempt, with the end that counts and how it is proven."""
    end = end_of(attempt)
    progress = attempt.progress.value if attempt.progress else None
    return {
        "attempt": attempt.attempt,
        "lane": attempt.lane.value if attempt.lane else Lane.LIVE,
        "state": state_of(attempt),
        "end_proof": proof_of(attempt),
        "created_at": instant(attempt.created),
        "claimed_at": instant(attempt.claimed),
        "started_at": instant(attempt.started),
        "heartbeat_at": instant(attempt.heartbeat.at) if attempt.heartbeat else None,
        "progress": None
        if progress is None
        else {
            "done": progress.done,
            "total": progress.total,
            "checkpoint": progress.checkpoint,
        },
        "ended_at": instant(end.at) if end else None,
        "exit_code": end.exit_code if end else None,
        "reason": end.reason if end else None,
        "worker": attempt.worker.value if attempt.worker else None,
        "output": attempt.output.value if attempt.output else None,
        "ends_disagree": ends_disagree(attempt),
    }


def checks_document(declaration: Declaration, shown: Evaluation | None) -> list[dict[str, Any]]:
    """Each declared check with its answer in ``shown``."""
    answers = {result.name: result for result in shown.results} if shown else {}
    return [_check(check, answers.get(check.name)) for check in declaration.checks]


def evaluation_document(declaration: Declaration, evaluation: Evaluation) -> dict[str, Any]:
    """One evaluation, with the answer of each check that is declared."""
    return {
        "evaluation": evaluation.evaluation_id,
        "cause": evaluation.cause,
        "started_at": instant(evaluation.started_at),
        "finished_at": instant(evaluation.finished_at),
        "checks": checks_document(declaration, evaluation),
    }


def _check(check: CheckTraits, answer: CheckResult | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": check.name,
        "type": check.type,
        "required": check.required,
        "result": "unknown",
        "reason": "not_asked",
        "summary": f"check {check.name} has not been asked",
        "effect": None,
        "evidence": {},
        "evaluated_at": None,
        "duration_seconds": None,
    }
    if answer is not None:
        document |= {
            "result": answer.result,
            "reason": answer.reason,
            "summary": check_sentence(answer),
            "effect": answer.effect,
            "expected": answer.expected,
            "done": answer.done,
            "missing": answer.missing,
            "surplus": answer.surplus,
            "unexpected": answer.unexpected,
            "evidence": answer.evidence,
            "evaluated_at": instant(answer.evaluated_at),
            "duration_seconds": answer.duration_seconds,
        }
    return document


def guard_document(record: GuardRecord) -> dict[str, Any]:
    """One decision of the guard."""
    return {
        "decision": record.decision,
        "at": instant(record.at),
        "why": record.why,
        "attempt": record.attempt,
        "override_by": record.override_by,
    }


def action_document(action: Action) -> dict[str, Any]:
    """One operator action."""
    return {
        "action": action.kind,
        "at": instant(action.at),
        "by": action.by,
        "reason": action.reason,
        "job": action.job,
        "run_id": action.run_id,
        "attempt": action.attempt,
        "until": instant(action.until),
        "counts_as_useful": action.counts_as_useful,
    }

"""Operator actions at work: recorded with who, when and why."""

from datetime import datetime
from uuid import uuid4

import msgspec

from verifier.ledger.ledger import Ledger
from verifier.runs.action import Action, ActionKind, is_held, is_muted
from verifier.runs.binding import RunKey
from verifier.runs.instant import format_instant
from verifier.runs.interval import Interval
from verifier.runs.lifecycle import end_of
from verifier.runs.signal import EndProof, Kind, Signal
from verifier.runs.standing import standing
from verifier.runs.view import interval_of

ON_RUNS = frozenset({ActionKind.FENCE, ActionKind.SKIP, ActionKind.RECONCILE, ActionKind.REJUDGE})
"""Actions on one run; the others are on a job."""


PLACEHOLDERS = frozenset({"", "YOU", "WHY"})
"""What stands in pasted advice where a person has to put something."""


class ActionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator asks for; ``action_id`` makes a repeated request the same one."""

    kind: ActionKind
    by: str
    reason: str
    job: str
    key: RunKey | None = None
    attempt: str | None = None
    until: datetime | None = None
    counts_as_useful: bool = False
    action_id: str | None = None


class ActionRefused(ValueError):
    """An action that makes no sense as asked; its text says what was expected."""


def act(ledger: Ledger, request: ActionRequest, now: datetime) -> Action:
    """Record the action, and where it is a fact about an attempt, tell that too.

    An ``action_id`` that is kept already is the action that it was then. Raises
    ``ActionRefused``, ``KeyError`` for a job that is not declared, and
    ``LedgerUnavailable``.
    """
    ledger.histories()[request.job]
    _check_signed(request)
    if request.kind in ON_RUNS and request.key is None:
        raise ActionRefused(f"expected a run: {request.kind} is of one run")
    if request.kind not in ON_RUNS and request.key is not None:
        raise ActionRefused(f"expected a job: {request.kind} is of a whole job")
    _check_in_force(ledger, request, now)
    action = Action(
        action_id=request.action_id or uuid4().hex,
        kind=request.kind,
        at=now,
        by=request.by,
        reason=request.reason,
        job=request.job,
        run_id=request.key.run_id if request.key else None,
        attempt=request.attempt,
        until=request.until,
        counts_as_useful=request.counts_as_useful,
        evidence=_evidence(ledger, request.key, now) if request.key else None,
    )
    if request.kind is ActionKind.MUTE and (request.until is None or request.until <= now):
        raise ActionRefused("expected --until, an instant that has not passed")
    if request.kind is ActionKind.REJUDGE and request.key is not None:
        _check_rejudged(ledger, request.key, now)
    if request.kind is ActionKind.FENCE and request.key is not None:
        _fence(ledger, request.key, action, now)
    if not ledger.act(action, also=_on_partitions(ledger, request, action)):
        return next(
            each for each in ledger.actions(job=action.job) if each.action_id == action.action_id
        )
    return action


def _on_partitions(ledger: Ledger, request: ActionRequest, action: Action) -> list[Action]:
    """Who closes a run of all partitions closes each that is open, by what was seen of that."""
    key = request.key
    if key is None or key.partition or request.kind is not ActionKind.RECONCILE:
        return []
    parts = sorted(ledger.partitions_of(key))
    stood = {
        story.facts.key: standing(story.facts, action.at)
        for story in ledger.stories(parts, action.at)
    }
    return [
        msgspec.structs.replace(
            action,
            action_id=f"{action.action_id}/{part.run_id}",
            run_id=part.run_id,
            evidence=None if each.finding is None else each.finding.digest,
        )
        for part, each in stood.items()
        if each.verdict is None or not each.verdict.closed
    ]


def _check_signed(request: ActionRequest) -> None:
    """Who and why are read by others later, so what advice puts in their place won't do."""
    if request.by.strip() in PLACEHOLDERS or request.reason.strip() in PLACEHOLDERS:
        raise ActionRefused(
            f"expected who does it and why, found {request.by!r} and {request.reason!r}"
        )


def _check_in_force(ledger: Ledger, request: ActionRequest, now: datetime) -> None:
    """Only what is in force can be ended."""
    known = [each for each in ledger.actions(job=request.job) if each.run_id is None]
    if request.kind is ActionKind.RELEASE and is_held(known) is None:
        raise ActionRefused(f"{request.job} is not on hold: there is nothing to release")
    if request.kind is ActionKind.UNMUTE and not is_muted(known, now):
        raise ActionRefused(f"{request.job} is not muted: there is nothing to end")


def _check_rejudged(ledger: Ledger, key: RunKey, now: datetime) -> None:
    """Only a run that is judged by what is declared no more can be judged anew, and as a whole."""
    latest = ledger.histories()[key.job].entries[-1]
    if key.partition and latest.declaration.partition_name is not None:
        whole = msgspec.structs.replace(key, partition="")
        raise ActionRefused(f"expected {whole.path}: all partitions are judged at once")
    facts = ledger.facts(key, now)
    if facts.declared_at == latest.valid_from:
        raise ActionRefused(
            f"{key.path} is judged already by what is declared now, since "
            f"{format_instant(latest.valid_from)}; a changed landed.yaml counts once `landed "
            "serve` has read it: send it SIGHUP"
        )
    anew = msgspec.structs.replace(facts, declaration=latest.declaration)
    covered, would = interval_of(facts), interval_of(anew)
    if covered != would:
        # Another interval is other work: that it was done proves nothing of this run's.
        raise ActionRefused(
            f"{key.path} covers {_told(covered)}, and by what is declared now it would cover "
            f"{_told(would)}: a run keeps what it covers. Where its work was looked at by hand, "
            f"close it with `landed act reconcile {key.path}`"
        )


def _told(interval: Interval | None) -> str:
    if interval is None:
        return "no interval"
    return f"{format_instant(interval.start)} to {format_instant(interval.end)}"


def _evidence(ledger: Ledger, key: RunKey, now: datetime) -> str | None:
    if ledger.row(key) is None:
        raise ActionRefused(f"expected a run that is known, found {key.path}")
    finding = standing(ledger.facts(key, now), now).finding
    return None if finding is None else finding.digest


def _fence(ledger: Ledger, key: RunKey, action: Action, now: datetime) -> None:
    """Tell that an attempt is dead; the operator's word is its proof."""
    facts = ledger.facts(key, now)
    known = {attempt.attempt: attempt for attempt in facts.attempts}
    if action.attempt is None or action.attempt not in known:
        names = ", ".join(sorted(known)) or "none"
        raise ActionRefused(
            f"expected --attempt, one of the run's attempts ({names}), "
            f"found {action.attempt or 'nothing'}"
        )
    end = end_of(known[action.attempt])
    if end is not None and end.kind in (Kind.SUCCEEDED, Kind.FAILED) and not end.survived:
        raise ActionRefused(f"attempt {action.attempt} has {end.kind} already: nothing to fence")
    signal = Signal(
        job=key.job,
        kind=Kind.LOST,
        at=now,
        id=f"fence/{action.action_id}",
        attempt=action.attempt,
        end_proof=EndProof.OPERATOR,
        reason=f"fenced by {action.by}: {action.reason}"[:2000],
    )
    ledger.append([signal], source="operator", received_at=now)

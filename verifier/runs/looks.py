"""Which evaluation of a run counts, and when the next one is due.

The destination is asked once nobody writes any more and a ``settle`` has passed,
or where nobody came, once somebody should have. A complaint is believed after a
second look one ``settle`` later. What could not be asked is asked again.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from verifier.runs.attempt import Attempt
from verifier.runs.declaration import Declaration
from verifier.runs.effect import Finding, findings
from verifier.runs.evaluation import Cause, CheckResult, Evaluation
from verifier.runs.lifecycle import is_at_large, is_void, quiet_since

ASK_AGAIN = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
)
"""How long after an answer of unknown the next try is; then it is left to a person."""


class Look(msgspec.Struct, frozen=True):
    """When to evaluate next, and why."""

    at: datetime
    cause: Cause


class Counted(msgspec.Struct, frozen=True):
    """An evaluation that counts, with what it found."""

    evaluation: Evaluation
    finding: Finding


class Looks(msgspec.Struct, frozen=True, kw_only=True):
    """``judged`` is the answer that the verdict rests on, None while there is none.

    ``latest`` is what was seen last, whatever it is worth; ``provisional`` says
    that somebody could still write then, or that a second look is owed. ``doubted`` is the
    complaint that waits for its second look.
    """

    judged: Counted | None = None
    doubted: Counted | None = None
    latest: Counted | None = None
    provisional: bool = False
    next: Look | None = None


def asks_nothing(declaration: Declaration) -> bool:
    """Whether the job has no checks, so that the destination is never asked."""
    return not declaration.checks


def looks(
    declaration: Declaration,
    attempts: Sequence[Attempt],
    evaluations: Sequence[Evaluation],
    *,
    expected_by: datetime | None,
    unheard_until: datetime | None = None,
    newer_verified_at: datetime | None = None,
    now: datetime,
) -> Looks:
    """What the ``evaluations`` of a run, oldest first, are worth at ``now``.

    ``expected_by`` is when an attempt should have started at the latest, or None
    where nobody expects one. ``unheard_until``: when a run that nobody could hear should be
    done, if it ran; only the destination can tell. ``newer_verified_at``: when a later run
    was verified that may have done the work of this one, which is then asked once more.
    Nothing is due while an attempt may still write, but for one provisional look after
    silence.
    """
    if asks_nothing(declaration):
        return Looks()
    seen = [Counted(each, findings(declaration, each.results)) for each in evaluations]
    latest = seen[-1] if seen else None
    counted = [attempt for attempt in attempts if not is_void(attempt, declaration, now)]
    quiet = [quiet_since(attempt, declaration) for attempt in counted]
    writing = any(moment is None for moment in quiet)
    at_large = [a for a in counted if is_at_large(a, declaration, now)]
    if writing:
        return Looks(latest=latest, provisional=latest is not None)
    ends = [moment for moment in quiet if moment is not None]
    first: Look | None
    if ends:
        ready = max(ends) + declaration.settle
        first = Look(ready, Cause.SILENCE if at_large else Cause.END)
    elif expected_by is not None:
        ready = expected_by
        first = Look(ready, Cause.MISS)
    else:
        # Silence says nothing, so whatever was asked counts.
        ready = datetime.min.replace(tzinfo=UTC)
        first = None if unheard_until is None else Look(unheard_until, Cause.MISS)
    valid = [each for each in seen if each.evaluation.started_at >= ready]
    judged, doubted = _judge(
        valid, declaration.settle, _second_by_itself(seen, ready, declaration.settle)
    )
    if at_large:
        return Looks(
            latest=latest,
            provisional=latest is not None,
            next=_first_look_after_silence(at_large, seen, now) or first,
        )
    return Looks(
        judged=judged,
        doubted=doubted,
        latest=latest,
        provisional=latest is not None and (latest not in valid or doubted is not None),
        next=_next(declaration, valid, judged, doubted, first, ends, newer_verified_at),
    )


def _second_by_itself(
    seen: Sequence[Counted], ready: datetime, settle: timedelta
) -> Counted | None:
    """The second look at a partition whose first one is kept with the run of all alone.

    That the first one counts too is known only where there is a settle before the second.
    """
    if not seen or seen[0].evaluation.cause is not Cause.CONFIRM:
        return None
    return seen[0] if seen[0].evaluation.started_at - settle >= ready else None


def _judge(
    valid: Sequence[Counted], settle: timedelta, confirmed: Counted | None
) -> tuple[Counted | None, Counted | None]:
    """The answer that stands, and the complaint that waits for its second look.

    ``confirmed`` waits for none. An answer that knows less than the one before it does not
    replace it, unless it shows graver harm; nor does one that complains only because the
    source moved.
    """
    judged: Counted | None = None
    doubted: Counted | None = None
    for each in valid:
        if judged is not None and (
            _adds_nothing(each.finding, judged.finding)
            or (each.finding.complaint and source_moved(judged.evaluation, each.evaluation))
        ):
            continue
        known = judged is not None and judged.finding.digest == each.finding.digest
        waited = each is confirmed or (
            doubted is not None
            and each.evaluation.started_at >= doubted.evaluation.finished_at + settle
        )
        if not each.finding.complaint or known or waited:
            judged, doubted = each, None
        elif doubted is None:
            doubted = each
    return judged, doubted


def _adds_nothing(finding: Finding, known: Finding) -> bool:
    """Whether it knows less than what is known, and shows no graver harm."""
    missing = {name for name, _ in finding.unknown} - {name for name, _ in known.unknown}
    return bool(missing) and finding.harm <= known.harm


def source_moved(before: Evaluation, after: Evaluation) -> bool:
    """Whether the source side changed and the destination did not.

    True only if that alone explains every check that answers otherwise than before.
    """
    known = {result.name: result for result in before.results}
    moved = False
    for result in after.results:
        was = known.get(result.name)
        if was is not None and _only_source_differs(was, result):
            moved = True
        elif was is None or (result.result, result.effect) != (was.result, was.effect):
            return False
    return moved


def _only_source_differs(was: CheckResult, now: CheckResult) -> bool:
    if None in (was.source_sketch, now.source_sketch, now.destination_sketch):
        return False
    return (
        was.source_sketch != now.source_sketch and was.destination_sketch == now.destination_sketch
    )


def _first_look_after_silence(
    at_large: Sequence[Attempt], seen: Sequence[Counted], now: datetime
) -> Look | None:
    """A look at once when an attempt fell silent, to show what is there now."""
    silent = max(attempt.heard or attempt.first_said or now for attempt in at_large)
    # Heard in the future, by a clock that is ahead: no look can come after that yet.
    if silent > now or any(each.evaluation.started_at > silent for each in seen):
        return None
    return Look(now, Cause.SILENCE)


def _next(
    declaration: Declaration,
    valid: Sequence[Counted],
    judged: Counted | None,
    doubted: Counted | None,
    first: Look | None,
    ends: Sequence[datetime],
    newer_verified_at: datetime | None,
) -> Look | None:
    if doubted is not None:
        return Look(doubted.evaluation.finished_at + declaration.settle, Cause.CONFIRM)
    if judged is None:
        return first
    last = valid[-1].evaluation.started_at
    since = max(ends) if ends else valid[0].evaluation.finished_at
    due = [since + wait for wait in declaration.recheck if since + wait > last]
    candidates = [Look(min(due), Cause.RECHECK)] if due else []
    if newer_verified_at is not None and not judged.finding.required_hold:
        candidates += [Look(newer_verified_at, Cause.RECHECK)] if newer_verified_at > last else []
    if first is not None and last < first.at:
        candidates.append(first)  # asked earlier than it was due
    again = _again(valid)
    if again is not None:
        candidates.append(again)
    return min(candidates, key=lambda look: look.at) if candidates else None


def _again(valid: Sequence[Counted]) -> Look | None:
    """When to ask again what the last answers did not know."""
    tries = 0
    for each in reversed(valid):
        if not each.finding.unknown:
            break
        tries += 1
    if tries == 0 or tries > len(ASK_AGAIN):
        return None
    return Look(valid[-1].evaluation.finished_at + ASK_AGAIN[tries - 1], Cause.ASK_AGAIN)

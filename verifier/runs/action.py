"""Operator actions: who did what, when and why; appended, never edited."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec


class ActionKind(StrEnum):
    """What an operator may do."""

    MUTE = "mute"
    UNMUTE = "unmute"
    HOLD = "hold"
    RELEASE = "release"
    FENCE = "fence"
    SKIP = "skip"
    RECONCILE = "reconcile"
    REJUDGE = "rejudge"
    OVERRIDE = "override"


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One action. ``run_id`` is None where it is on the whole job.

    ``until`` bounds a mute. A ``rejudge`` has the run judged by what was declared at
    ``at``. ``evidence`` is the digest of what the run's checks had answered when a person
    closed it: other evidence opens it again.
    """

    action_id: str
    kind: ActionKind
    at: datetime
    by: str
    reason: str
    job: str
    run_id: str | None = None
    attempt: str | None = None
    until: datetime | None = None
    counts_as_useful: bool = False
    evidence: str | None = None


def is_held(actions: Iterable[Action]) -> Action | None:
    """The hold in force among a job's actions, or None."""
    held = None
    for action in sorted(actions, key=_order):
        if action.kind is ActionKind.HOLD:
            held = action
        elif action.kind is ActionKind.RELEASE:
            held = None
    return held


def is_muted(actions: Iterable[Action], instant: datetime) -> bool:
    """Whether a job's actions tell to expect nothing at ``instant``."""
    return muted_until(actions, instant) is not None


def muted_until(actions: Iterable[Action], instant: datetime) -> datetime | None:
    """The end of the mute that covers ``instant``, or None.

    A mute begins when it was said; a later ``unmute`` ends it at once.
    """
    until = None
    for action in sorted(actions, key=_order):
        if action.at > instant:
            break
        if action.kind is ActionKind.MUTE:
            until = action.until
        elif action.kind is ActionKind.UNMUTE:
            until = None
    return until if until is not None and instant < until else None


def rejudged_at(actions: Iterable[Action]) -> datetime | None:
    """By the declarations of when a run is judged that a person had judged anew, or None."""
    return max((each.at for each in actions if each.kind is ActionKind.REJUDGE), default=None)


def closing(actions: Iterable[Action], kind: ActionKind) -> Action | None:
    """The last ``skip`` or ``reconcile`` of a run, or None."""
    found = [action for action in actions if action.kind is kind]
    return max(found, key=_order) if found else None


def _order(action: Action) -> tuple[datetime, str]:
    return action.at, action.action_id

"""The guard, which says whether an attempt may start.

The asker counts neither as an attempt nor as the retry that pends, and mutes
change nothing here. Allowing is only half of a grant: the ledger records it, and
of two askers one gets it.
"""

from enum import StrEnum

import msgspec

from verifier.runs.advice import AdviceAction
from verifier.runs.declaration import Overlap, WhenUnsure
from verifier.runs.evaluation import Effect
from verifier.runs.verdict import Verdict


class Decision(StrEnum):
    """What the guard answers."""

    ALLOW = "allow"
    SKIP = "skip"
    REFUSE = "refuse"


class Mode(StrEnum):
    """What kind of replay the asker says that it is."""

    REPAIR = "repair"
    RESUME = "resume"


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the decision rests on, without the asker.

    ``attempts_known``: the run has had an attempt. ``active``: an attempt of the
    job that overlap forbids to run beside is alive or pending, as its id.
    ``at_large``: one of this run may still write. ``probe``: what the destination
    shows now, clean of unexpected keys and violations where it is complete.
    ``asked``: the probe came back in time. ``unlisted``: the partition that is asked for,
    where it is none of those that the job lists. ``blind``: we were not listening at the
    slot and have not caught up.
    """

    attempts_known: bool
    verdict: Verdict | None
    advice: AdviceAction
    probe: Effect
    settling: bool = False
    asked: bool = True
    unlisted: str | None = None
    clean: bool = True
    repeats_harm: bool = False
    active: str | None = None
    at_large: str | None = None
    held: str | None = None
    blind: bool = False
    mode: Mode | None = None
    when_unsure: WhenUnsure = WhenUnsure.OPEN


class Ruling(msgspec.Struct, frozen=True):
    """A decision and the sentence that says why."""

    decision: Decision
    why: str


def rule(ask: Ask) -> Ruling:
    """The first row of the guard's table that applies."""
    if ask.settling and ask.verdict is Verdict.VERIFIED:
        # It is not yet: a second look is to come, once the attempt has settled.
        return Ruling(Decision.SKIP, "the destination shows it done, and every check holds")
    if ask.verdict is not None and ask.verdict.closed:
        return Ruling(Decision.SKIP, f"the run is {ask.verdict}")
    if ask.held is not None:
        return Ruling(Decision.REFUSE, f"the job is on hold: {ask.held}")
    if ask.active is not None:
        return Ruling(Decision.REFUSE, f"attempt {ask.active} is under way")
    if ask.at_large is not None:
        return Ruling(Decision.REFUSE, f"attempt {ask.at_large} may still write: fence it first")
    if ask.probe is Effect.COMPLETE and ask.clean:
        return Ruling(Decision.SKIP, "the destination shows it complete")
    if _would_repeat(ask):
        hint = ": only with --mode resume" if ask.advice is AdviceAction.RESUME else ""
        return Ruling(Decision.REFUSE, f"the destination shows it {ask.probe} already{hint}")
    return _first(ask) if not ask.attempts_known else _again(ask)


def _would_repeat(ask: Ask) -> bool:
    """Whether a new attempt would repeat what is there; one that resumes would not."""
    resumes = ask.advice is AdviceAction.RESUME and ask.mode is Mode.RESUME
    if ask.probe is Effect.PARTIAL and resumes:
        return False
    return ask.repeats_harm and ask.probe not in (Effect.NONE, Effect.UNKNOWN)


def _first(ask: Ask) -> Ruling:
    if ask.blind:
        return _unsure(ask, "nobody was listening at its slot, so it may have run")
    return Ruling(Decision.ALLOW, "no earlier attempt is known")


def _again(ask: Ask) -> Ruling:
    match ask.advice:
        case (
            AdviceAction.RECONCILE_FIRST
            | AdviceAction.STOP_FIRST
            | AdviceAction.FENCE_FIRST
            | AdviceAction.STOP_RETRIES
        ):
            return Ruling(Decision.REFUSE, f"{_finding(ask)}: {ask.advice}")
        case _ if ask.settling or not ask.asked:
            return _unsure(ask, "the last attempt has only just ended")
        case AdviceAction.RUN | AdviceAction.RETRY:
            return Ruling(Decision.ALLOW, f"{_finding(ask)}: {ask.advice}")
        case AdviceAction.REPAIR_RERUN:
            if ask.verdict is Verdict.WRONG and ask.mode is not Mode.REPAIR:
                return Ruling(
                    Decision.REFUSE, "the run is wrong: find the cause, then use --mode repair"
                )
            return Ruling(Decision.ALLOW, f"{_finding(ask)}: {ask.advice}")
        case AdviceAction.RESUME:
            if ask.mode is Mode.RESUME:
                return Ruling(Decision.ALLOW, f"{_finding(ask)}: resume")
            return Ruling(Decision.REFUSE, f"{_finding(ask)}: only with --mode resume")
        case _ if ask.unlisted is not None:
            return _unsure(ask, f"{ask.unlisted} is not listed as a partition of this run")
        case _:
            return _unsure(ask, "its effect is not known")


def _finding(ask: Ask) -> str:
    return f"the run is {ask.verdict}" if ask.verdict else f"the effect is {ask.probe}"


def _unsure(ask: Ask, why: str) -> Ruling:
    if not ask.asked:
        why = "the destination did not answer in time"
    decision = Decision.ALLOW if ask.when_unsure is WhenUnsure.OPEN else Decision.REFUSE
    return Ruling(decision, f"{why}; when_unsure is {ask.when_unsure}")


def forbids_beside(overlap: Overlap) -> bool:
    """Whether an attempt must not start while another of the job is under way.

    ``serialize`` forbids it within a partition; which attempts those are is for
    the caller to pick.
    """
    return overlap is not Overlap.ALLOW

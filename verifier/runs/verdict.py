"""The verdict table: what is true of a run, whatever was reported of it."""

from enum import StrEnum

import msgspec

from verifier.runs.evaluation import Effect
from verifier.runs.reported import Reported


class Verdict(StrEnum):
    """What is true of a run; gravest first, as a partitioned job adds them up."""

    DUPLICATED = "duplicated"
    PARTIAL = "partial"
    WRONG = "wrong"
    AMBIGUOUS = "ambiguous"
    MISSING = "missing"
    ABSENT = "absent"
    UNPROVEN = "unproven"
    EXCUSED = "excused"
    RECONCILED = "reconciled"
    VERIFIED = "verified"

    @property
    def gravity(self) -> int:
        """10 for ``duplicated`` down to 1 for ``verified``."""
        order = list(Verdict)
        return len(order) - order.index(self)

    @property
    def closed(self) -> bool:
        """Whether nobody has to do anything more."""
        return self in (Verdict.EXCUSED, Verdict.RECONCILED, Verdict.VERIFIED)


class RunState(StrEnum):
    """How far judging has come; there is a verdict only where it is ``judged``."""

    WAITING = "waiting"
    RUNNING = "running"
    SETTLING = "settling"
    JUDGED = "judged"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the verdict rests on.

    ``reconciled`` and ``excused``: a person closed it, or an excuse stands. ``answered``:
    a later run did its work, which excuses it unless it is verified by itself.
    ``open_state``: why there can be no verdict yet, or None. ``parts``: what a run of all
    partitions is where each that was an exception is closed by itself. ``violated`` and
    ``unknown`` speak of required checks, ``required_hold`` says that there is at
    least one and all hold. ``all_said_no_effect``: each attempt told that none had
    begun. ``unresolved_beside_success``: beside one that succeeded, an attempt
    ended otherwise and did not tell so. ``deaf``: nobody could hear the run and never will,
    so that silence says nothing. ``checked``: the job has checks.
    """

    reported: Reported
    effect: Effect
    reconciled: bool = False
    excused: bool = False
    answered: bool = False
    muted: bool = False
    open_state: RunState | None = None
    parts: Verdict | None = None
    unexpected: bool = False
    violated: bool = False
    unknown: bool = False
    required_hold: bool = False
    effects_none: bool = False
    repeats_harm: bool = False
    all_said_no_effect: bool = False
    unresolved_beside_success: bool = False
    deaf: bool = False
    checked: bool = True


def verdict(case: Case) -> Verdict | None:
    """The first row of the table that applies; None while the state is not judged."""
    if case.reconciled:
        return Verdict.RECONCILED
    if case.excused:
        return Verdict.EXCUSED
    own = _by_itself(case)
    if case.answered and own is not Verdict.VERIFIED:
        return Verdict.EXCUSED
    return own


def _by_itself(case: Case) -> Verdict | None:
    if case.open_state is not None:
        return None
    if case.parts is not None:
        return case.parts
    match case.effect:
        case Effect.DUPLICATED:
            return Verdict.DUPLICATED
        case Effect.PARTIAL:
            return Verdict.PARTIAL
        case Effect.COMPLETE:
            return _of_complete(case)
        case Effect.NONE:
            if case.reported is Reported.NONE:
                return _of_silence(case)
            return Verdict.ABSENT
        case _:
            return _of_unknown(case)


def _of_complete(case: Case) -> Verdict:
    if case.unexpected or case.violated:
        return Verdict.WRONG
    if case.unknown:
        succeeded = case.reported is Reported.SUCCEEDED
        return Verdict.UNPROVEN if succeeded else Verdict.AMBIGUOUS
    return Verdict.VERIFIED


def _of_unknown(case: Case) -> Verdict:
    if case.violated:
        return Verdict.WRONG
    if case.reported is Reported.NONE:
        return _of_silence(case)
    succeeded = case.reported is Reported.SUCCEEDED
    if case.effects_none:
        if not succeeded:
            return Verdict.ABSENT
        return Verdict.VERIFIED if case.required_hold else Verdict.UNPROVEN
    if not succeeded:
        return Verdict.ABSENT if case.all_said_no_effect else Verdict.AMBIGUOUS
    if case.repeats_harm and case.unresolved_beside_success:
        return Verdict.AMBIGUOUS
    return Verdict.UNPROVEN


def _of_silence(case: Case) -> Verdict:
    """A mute expects nothing, so nothing is missing; it excuses nothing else.

    A run that nobody could hear may have run: of a job without checks nobody asked for more.
    """
    if case.muted:
        return Verdict.EXCUSED
    if case.deaf:
        return Verdict.AMBIGUOUS if case.checked else Verdict.UNPROVEN
    return Verdict.MISSING


def is_false_success(reported: Reported, judged: Verdict | None) -> bool:
    """Whether success was reported and the destination shows otherwise."""
    return reported is Reported.SUCCEEDED and judged in (
        Verdict.ABSENT,
        Verdict.PARTIAL,
        Verdict.DUPLICATED,
        Verdict.WRONG,
    )

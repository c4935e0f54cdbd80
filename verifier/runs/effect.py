"""What the checks of a run say together about its effect."""

from collections.abc import Sequence

import msgspec

from verifier.runs.declaration import CheckTraits, Declaration, Surface, SurfaceKind
from verifier.runs.evaluation import BY_CORRECTION, LEARNING, CheckResult, Effect, Result


class SurfaceEffect(msgspec.Struct, frozen=True):
    """What the destination shows of one surface."""

    surface: Surface
    effect: Effect


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of one evaluation, reduced to what the verdict asks for.

    ``unknown`` lists the required checks that could not be asked, each with its
    reason. ``required_hold`` is true where at least one check is required and all
    required ones hold. A check that still learns what is usual requires nothing.
    """

    surfaces: tuple[SurfaceEffect, ...]
    effect: Effect
    unexpected: int = 0
    violated: tuple[str, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    required_hold: bool = False

    @property
    def incorrect(self) -> tuple[str, ...]:
        """The required checks that no time lets answer: they have to be corrected first."""
        return tuple(name for name, reason in self.unknown if reason in BY_CORRECTION)

    @property
    def complaint(self) -> bool:
        """Whether anything but a clean or an unknown answer was found.

        Such an answer is believed only after a second look.
        """
        return self.harm > 0

    @property
    def harm(self) -> int:
        """How bad what was seen is: 0 where nothing bad was, 4 where it is duplicated."""
        if self.effect is Effect.DUPLICATED:
            return 4
        if self.effect is Effect.PARTIAL:
            return 3
        if self.violated or self.unexpected:
            return 2
        return 1 if self.effect is Effect.NONE else 0

    @property
    def digest(self) -> str:
        """A text that changes when what was found changes in kind."""
        surfaces = ",".join(f"{each.surface.name}={each.effect}" for each in self.surfaces)
        return f"{self.effect} {surfaces} {self.unexpected > 0} {','.join(self.violated)}"


def findings(declaration: Declaration, results: Sequence[CheckResult]) -> Finding:
    """What ``results``, the answers of one evaluation, show.

    A declared check without an answer counts as one that could not be asked.
    """
    answers = {result.name: result for result in results}
    traits = {check.name: check for check in declaration.checks}
    surfaces = tuple(
        SurfaceEffect(surface, _surface_effect(surface, traits, answers))
        for surface in declaration.surfaces
    )
    required = [
        check
        for check in declaration.checks
        if check.required and not check.only_warns and not _learns(answers.get(check.name))
    ]
    asked = [(check, answers.get(check.name)) for check in required]
    return Finding(
        surfaces=surfaces,
        effect=combine(surfaces),
        unexpected=sum(answer.unexpected for _, answer in asked if answer is not None),
        violated=tuple(
            check.name
            for check, answer in asked
            if answer is not None and _violates_quality(answer)
        ),
        unknown=tuple(
            (check.name, "not_asked" if answer is None else answer.reason or "unknown")
            for check, answer in asked
            if answer is None or answer.result is Result.UNKNOWN
        ),
        required_hold=bool(asked)
        and all(answer is not None and answer.result is Result.HOLDS for _, answer in asked),
    )


def _learns(answer: CheckResult | None) -> bool:
    return answer is not None and answer.reason == LEARNING


def _violates_quality(answer: CheckResult) -> bool:
    """Whether it is violated by something that its effect and its keys don't tell already."""
    if answer.result is not Result.VIOLATED:
        return False
    told = answer.effect not in (None, Effect.COMPLETE) or answer.unexpected > 0
    return not told


def _surface_effect(
    surface: Surface, traits: dict[str, CheckTraits], answers: dict[str, CheckResult]
) -> Effect:
    """What the checks of one surface say of it.

    Any duplicated or partial answer tells; none and complete need every required
    check of effect to say so. A check that ``proves: complete`` and holds proves
    the surface, unless another found nothing there.
    """
    checks = [traits[name] for name in surface.checks if not traits[name].only_warns]
    said = [
        answer.effect
        for check in checks
        if (answer := answers.get(check.name)) is not None and answer.effect is not None
    ]
    if Effect.DUPLICATED in said:
        return Effect.DUPLICATED
    if Effect.PARTIAL in said:
        return Effect.PARTIAL
    proven = any(
        check.proves_complete
        and (answer := answers.get(check.name)) is not None
        and answer.result is Result.HOLDS
        for check in checks
    )
    if proven:
        return Effect.UNKNOWN if Effect.NONE in said else Effect.COMPLETE
    required = _required_words([check for check in checks if check.required], answers)
    if required == {Effect.NONE}:
        return Effect.NONE
    if required == {Effect.COMPLETE}:
        return Effect.COMPLETE
    return Effect.UNKNOWN


def _required_words(checks: Sequence[CheckTraits], answers: dict[str, CheckResult]) -> set[Effect]:
    words = set()
    for check in checks:
        if not check.says_effect:
            continue
        answer = answers.get(check.name)
        if answer is None or answer.result is Result.UNKNOWN:
            words.add(Effect.UNKNOWN)
        elif answer.effect is not None:
            words.add(answer.effect)
    return words


def combine(surfaces: Sequence[SurfaceEffect]) -> Effect:
    """What all surfaces of a job show together.

    Surfaces of kind ``none`` have nothing to show, unless there are no others.
    """
    real = [each for each in surfaces if each.surface.kind is not SurfaceKind.NONE]
    effects = {each.effect for each in (real or surfaces)}
    if Effect.DUPLICATED in effects:
        return Effect.DUPLICATED
    if Effect.PARTIAL in effects or {Effect.COMPLETE, Effect.NONE} <= effects:
        return Effect.PARTIAL
    if effects == {Effect.NONE}:
        return Effect.NONE
    if effects == {Effect.COMPLETE}:
        return Effect.COMPLETE
    return Effect.UNKNOWN

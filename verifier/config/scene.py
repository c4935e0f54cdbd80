"""What there may be to see at a destination, and what each kind of check says of it."""

from datetime import datetime
from enum import Enum

from verifier.runs.declaration import CheckTraits
from verifier.runs.evaluation import CheckResult, Effect, Result


class Scene(Enum):
    """What there is to be seen at a surface."""

    NOTHING = "nothing"
    HALF = "half"
    ALL = "all"
    TWICE = "twice"
    STRANGE = "strange"
    DARK = "dark"


def answer(check: CheckTraits, scene: Scene, at: datetime) -> CheckResult:
    """What a check of that type answers to what there is to be seen."""
    result, effect = _says(check, scene)
    return CheckResult(
        name=check.name,
        type=check.type,
        result=result,
        reason="unreachable" if result is Result.UNKNOWN else None,
        effect=effect,
        unexpected=int(effect is Effect.COMPLETE and result is Result.VIOLATED),
        evaluated_at=at,
    )


def _says(check: CheckTraits, scene: Scene) -> tuple[Result, Effect | None]:
    if scene is Scene.DARK:
        return Result.UNKNOWN, None
    if scene is Scene.ALL:
        return Result.HOLDS, Effect.COMPLETE if _counts_keys_or_rows(check) else None
    if not _counts_keys_or_rows(check):
        return _compares(check, scene)
    if scene is Scene.STRANGE:
        keys = check.type == "scope"
        return Result.VIOLATED if keys else Result.HOLDS, Effect.COMPLETE
    if scene is Scene.TWICE:
        # A count cannot know whether rows are there twice, so it says nothing of the effect.
        return Result.VIOLATED, Effect.DUPLICATED if check.type == "scope" else None
    return Result.VIOLATED, Effect.NONE if scene is Scene.NOTHING else Effect.PARTIAL


def _counts_keys_or_rows(check: CheckTraits) -> bool:
    return check.says_effect and check.type != "exactly_once"


def _compares(check: CheckTraits, scene: Scene) -> tuple[Result, Effect | None]:
    """``exactly_once``, which only knows copies, and the checks of quality."""
    if check.type == "exactly_once":
        twice = scene is Scene.TWICE
        return (Result.VIOLATED, Effect.DUPLICATED) if twice else (Result.HOLDS, None)
    # A total over no rows is NULL, which proves nothing.
    return (Result.UNKNOWN if scene is Scene.NOTHING else Result.VIOLATED), None

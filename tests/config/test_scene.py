from datetime import UTC, datetime

import pytest

from verifier.config.scene import Scene, answer
from verifier.runs.declaration import CheckTraits
from verifier.runs.evaluation import CheckResult, Effect, Result

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SCOPE = CheckTraits(name="c", type="scope", says_effect=True)
COUNT = CheckTraits(name="c", type="row_count", says_effect=True)
ONCE = CheckTraits(name="c", type="exactly_once", says_effect=True)
TOTALS = CheckTraits(name="c", type="reconcile")


def seen(check: CheckTraits, scene: Scene) -> CheckResult:
    return answer(check, scene, NOON)


@pytest.mark.parametrize("check", [SCOPE, COUNT, ONCE, TOTALS], ids=lambda check: check.type)
def test_in_the_dark_no_check_knows_anything(check: CheckTraits) -> None:
    found = seen(check, Scene.DARK)
    assert (found.result, found.effect, found.reason) == (Result.UNKNOWN, None, "unreachable")


@pytest.mark.parametrize(
    ("scene", "scope", "count", "once", "totals"),
    [
        (Scene.NOTHING, Effect.NONE, Effect.NONE, None, None),
        (Scene.HALF, Effect.PARTIAL, Effect.PARTIAL, None, None),
        (Scene.ALL, Effect.COMPLETE, Effect.COMPLETE, None, None),
        (Scene.TWICE, Effect.DUPLICATED, None, Effect.DUPLICATED, None),
        (Scene.STRANGE, Effect.COMPLETE, Effect.COMPLETE, None, None),
    ],
)
def test_each_type_says_of_the_effect_what_it_can_see(
    scene: Scene,
    scope: Effect | None,
    count: Effect | None,
    once: Effect | None,
    totals: Effect | None,
) -> None:
    found = [seen(check, scene).effect for check in (SCOPE, COUNT, ONCE, TOTALS)]
    assert found == [scope, count, once, totals]


@pytest.mark.parametrize(
    ("scene", "results"),
    [
        (Scene.NOTHING, "violated violated holds unknown"),
        (Scene.HALF, "violated violated holds violated"),
        (Scene.ALL, "holds holds holds holds"),
        (Scene.TWICE, "violated violated violated violated"),
        (Scene.STRANGE, "violated holds holds violated"),
    ],
)
def test_each_type_holds_or_not_as_the_real_one_does(scene: Scene, results: str) -> None:
    found = [str(seen(check, scene).result) for check in (SCOPE, COUNT, ONCE, TOTALS)]
    assert found == results.split()


def test_strange_keys_are_told_apart() -> None:
    assert seen(SCOPE, Scene.STRANGE).unexpected == 1
    assert seen(COUNT, Scene.STRANGE).unexpected == 0
    assert seen(SCOPE, Scene.HALF).unexpected == 0

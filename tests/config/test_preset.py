from verifier.config.preset import PRESETS
from verifier.runs.declaration import AutoRetry, JobClass, SurfaceKind


def test_every_class_has_a_preset() -> None:
    assert set(PRESETS) == set(JobClass)


def test_only_best_effort_says_how_it_takes_effect() -> None:
    told = {name for name, preset in PRESETS.items() if preset.effects is not None}
    assert told == {JobClass.BEST_EFFORT}
    assert PRESETS[JobClass.BEST_EFFORT].effects is SurfaceKind.NONE


def test_only_best_effort_retries_whatever_happened() -> None:
    always = {name for name, each in PRESETS.items() if each.auto_retry is AutoRetry.ALWAYS}
    assert always == {JobClass.BEST_EFFORT}

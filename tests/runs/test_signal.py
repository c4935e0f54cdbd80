"""Signals, and what we said ourselves."""

from verifier.runs.attempt import inferred_id
from verifier.runs.signal import ENDS, Kind


def test_only_what_follows_from_silence_is_inferred(build):
    assert build.signal("lost", "02:02", id=inferred_id("a1", build.due)).inferred
    assert not build.signal("lost", "02:02").inferred


def test_the_kinds_that_end_an_attempt_are_those_of_its_last_states():
    assert {kind.value for kind in ENDS} == {
        "succeeded",
        "failed",
        "cancelled",
        "timed_out",
        "lost",
    }
    assert Kind.SKIPPED not in ENDS

"""What a check found; ``evaluate`` makes the full result of it."""

import msgspec

from verifier.runs.evaluation import Effect, Result


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A check's answer; the words are those of ``CheckResult``."""

    result: Result
    effect: Effect | None = None
    expected: int | None = None
    done: int | None = None
    missing: int = 0
    surplus: int = 0
    unexpected: int = 0
    source_sketch: str | None = None
    destination_sketch: str | None = None

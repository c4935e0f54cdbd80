"""What a check found; ``evaluate`` makes the full result of it."""

from decimal import Decimal

import msgspec

from verifier.checks.reason import UnknownReason
from verifier.runs.evaluation import Effect, Result


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A check's answer; the words are those of ``CheckResult``."""

    result: Result
    reason: UnknownReason | None = None
    effect: Effect | None = None
    expected: int | None = None
    done: int | None = None
    missing: int = 0
    surplus: int = 0
    unexpected: int = 0
    measured: Decimal | None = None
    source_sketch: str | None = None
    destination_sketch: str | None = None

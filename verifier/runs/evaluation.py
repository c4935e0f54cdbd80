"""An evaluation: what the checks of one run answered at one time."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class Result(StrEnum):
    """What a check answers; ``unknown`` always has a reason."""

    HOLDS = "holds"
    VIOLATED = "violated"
    UNKNOWN = "unknown"


LEARNING = "not_enough_history"
"""The reason of a check that has too few earlier verified runs to compare with.

It asks nothing of a run yet: were it to keep runs from being verified, there would never
be any to learn from.
"""


NO_PARTITION = "no_partition"
"""The reason of a check of a partition that the run does not have: nobody listed it."""


BY_CORRECTION = frozenset(
    {
        "no_such_table",
        "no_such_column",
        "not_read_only",
        "bad_query",
        "too_many_keys",
        "out_of_reach",
        "not_one_day",
    }
)
"""The reasons that no time takes away: the check has to be corrected, or what it names.

All others may pass without a change to ``landed.yaml``, as a store that is down does, or
a row that is not written yet.
"""


class Effect(StrEnum):
    """What the destination shows of a run."""

    NONE = "none"
    PARTIAL = "partial"
    COMPLETE = "complete"
    DUPLICATED = "duplicated"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why an evaluation was made."""

    END = "end"
    SILENCE = "silence"
    MISS = "miss"
    CONFIRM = "confirm"
    RECHECK = "recheck"
    ASK_AGAIN = "ask_again"
    ASKED = "asked"
    GUARD = "guard"


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """One check's answer.

    ``effect`` is None where the check says nothing of the effect. ``reason`` is a
    snake_case word where ``result`` is unknown (``unreachable``, ``timed_out``,
    ``no_such_table``, ``expected_empty``, …) and None elsewhere. The counts are
    of business keys: ``done`` are expected keys found, ``surplus`` rows beyond one
    a key, ``unexpected`` keys that nobody expected. ``measured`` is the number that
    was found, as text without an exponent, where the check measures one; later runs
    are compared with it. ``evidence`` is JSON-ready:
    the statement with its bound values, counts, a bounded sample of keys.
    ``source_sketch`` names the state of the source side (expected set, left
    total), ``destination_sketch`` that of the destination; equal sketches mean
    that nothing was seen to change.
    """

    name: str
    type: str
    result: Result
    reason: str | None = None
    effect: Effect | None = None
    expected: int | None = None
    done: int | None = None
    missing: int = 0
    surplus: int = 0
    unexpected: int = 0
    measured: str | None = None
    evidence: dict[str, Any] = {}
    source_sketch: str | None = None
    destination_sketch: str | None = None
    evaluated_at: datetime
    duration_seconds: float = 0.0


class PartitionCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many partitions an evaluation was about, and of how many every check held.

    ``by_class`` gives both, the latter first, by the class of the partitions, and
    ``unknown`` of how many of each class nobody could tell: they do not hold, and nothing
    was found amiss.
    ``exceptions`` names those of which not every check held, the gravest first; where
    there are very many, not all of them. ``strange`` are partitions that nobody listed of
    which something is there or expected, and rows of none.
    """

    total: int
    holding: int
    by_class: dict[str, tuple[int, int]] = {}
    unknown: dict[str, int] = {}
    exceptions: tuple[str, ...] = ()
    strange: int = 0

    def doubted(self) -> "PartitionCount":
        """The same partitions, of none of which anybody can tell."""
        totals = {name: total for name, (_, total) in self.by_class.items()}
        return PartitionCount(
            total=self.total,
            holding=0,
            by_class={name: (0, total) for name, total in totals.items()},
            unknown=totals,
        )


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All checks of one run, asked together; ``results`` are in declared order.

    ``partitions`` is there for a run of all partitions, where they could be listed.

    Whether it was provisional is no part of it: that follows from when the
    attempts of the run ended, and they may be heard of later.
    """

    evaluation_id: str
    run_id: str
    cause: Cause
    started_at: datetime
    finished_at: datetime
    results: tuple[CheckResult, ...] = ()
    partitions: PartitionCount | None = None


def is_unlisted(evaluations: Sequence[Evaluation]) -> bool:
    """Whether the run of a partition is of one that nobody ever listed, as far as was asked."""
    answers = [answer for each in evaluations for answer in each.results]
    return bool(answers) and all(answer.reason == NO_PARTITION for answer in answers)

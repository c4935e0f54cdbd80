from collections.abc import Callable

import pytest

from verifier.config.codes import Code
from verifier.config.load import Reading
from verifier.config.problem import Level, Problem

With = Callable[..., str]
Only = Callable[..., Problem]


@pytest.mark.parametrize(
    ("limits", "path", "code", "level"),
    [
        (
            {"start_within": "2h", "finish_within": "1h"},
            "start_within",
            Code.LIMITS_CONTRADICT,
            Level.ERROR,
        ),
        (
            {"verified_within": "30m", "finish_within": "1h"},
            "verified_within",
            Code.LIMITS_CONTRADICT,
            Level.WARNING,
        ),
        (
            {"runtime_within": "2h", "finish_within": "1h"},
            "runtime_within",
            Code.LIMITS_CONTRADICT,
            Level.WARNING,
        ),
        ({"recheck": "[1h, 60m]"}, "recheck[1]", Code.BAD_VALUE, Level.ERROR),
        ({"heartbeat_within": "30s"}, "heartbeat_within", Code.BEAT_TOO_SHORT, Level.WARNING),
        (
            {"heartbeat_within": "2m", "lease": "1m"},
            "lease",
            Code.BEAT_TOO_SHORT,
            Level.ERROR,
        ),
        ({"lease": "30s"}, "lease", Code.BEAT_TOO_SHORT, Level.WARNING),
    ],
)
def test_limits_that_cannot_both_be_meant_are_told(
    limits: dict[str, str], path: str, code: Code, level: Level, with_job: With, only: Only
) -> None:
    problem = only(with_job(**limits))
    assert (problem.code, problem.path, problem.level) == (code, f"jobs.daily.{path}", level)


@pytest.mark.parametrize(
    "limits",
    [
        {"start_within": "1h", "finish_within": "1h"},
        {"runtime_within": "1h", "finish_within": "1h", "verified_within": "1h"},
        {"heartbeat_within": "31s", "lease": "31s"},
        {"lease": "31s"},
        {"recheck": "[6h, 15m]"},
        {"finish_within": "1m"},
    ],
)
def test_limits_that_leave_room_are_fine(
    limits: dict[str, str], with_job: With, read: Callable[..., Reading]
) -> None:
    assert read(with_job(**limits)).problems == ()

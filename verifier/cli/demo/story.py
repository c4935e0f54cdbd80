"""The eight nights: what happens in each, and what must come out."""

import shlex
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from verifier.cli.demo.stage import LANDED, NIGHT, REGIONS, Stage, StageFailed
from verifier.engine.clock import Clock, Wait

ALL = str(REGIONS)
PART = str(REGIONS * 78 // 100)

Believed = list[str]
"""What the scheduler saw of a night, one entry an attempt."""


@dataclass(frozen=True)
class Night:
    """One night of the story. ``play`` does it and tells what the scheduler saw."""

    title: str
    play: Callable[[Stage, datetime], Believed]
    state: str
    verdict: str | None
    action: str
    condition: str | None = None
    false_success: bool = False

    def came_out(self, run: dict[str, Any]) -> bool:
        """Whether the verifier says of ``run`` what it must."""
        conditions = [each["condition"] for each in run.get("conditions", [])]
        return (
            bool(run)
            and run["state"] == self.state
            and run["verdict"] == self.verdict
            and run["advice"]["action"] == self.action
            and run["false_success"] == self.false_success
            and (self.condition is None or self.condition in conditions)
        )


@dataclass(frozen=True)
class Told:
    """A night that was played: what the scheduler believed, and what is true."""

    number: int
    night: Night
    believed: Believed
    run: dict[str, Any]

    @property
    def as_it_must(self) -> bool:
        """Whether what came out is what had to."""
        return self.night.came_out(self.run)


def clean(stage: Stage, due: datetime) -> Believed:
    """All is well."""
    return [_exit(stage.wait_for(stage.execute(due, [])))]


def killed_when_done_then_guarded(stage: Stage, due: datetime) -> Believed:
    """Every row is there, but the job dies before it can say so; its rerun asks first."""
    first = _kill(stage, due, ALL)
    rerun = stage.execute(due, [], "--lane", "rerun", "--guard", "--guard-timeout", "5s")
    return [first, f"rerun {_exit(stage.wait_for(rerun))}, skipped by the guard"]


def killed_when_done_then_rerun(stage: Stage, due: datetime) -> Believed:
    """The same, and the rerun asks nobody."""
    first = _kill(stage, due, ALL)
    rerun = stage.execute(due, [], "--lane", "rerun")
    return [first, f"rerun {_exit(stage.wait_for(rerun))}"]


def killed_at_78_percent(stage: Stage, due: datetime) -> Believed:
    """Half done, and the guard refuses the rerun."""
    first = _kill(stage, due, PART)
    rerun = stage.execute(due, [], "--lane", "rerun", "--guard", "--guard-timeout", "5s")
    return [first, f"rerun {_exit(stage.wait_for(rerun))}, refused by the guard"]


def wrong_day(stage: Stage, due: datetime) -> Believed:
    """Green, with half of the rows under another day."""
    job = stage.execute(due, ["--wrong-day-after", str(REGIONS // 2)])
    return [_exit(stage.wait_for(job))]


def never_started(_stage: Stage, _due: datetime) -> Believed:
    """Nobody starts it, and no scheduler says so."""
    return ["nothing"]


def breathing_not_moving(stage: Stage, due: datetime) -> Believed:
    """It beats, and gets nowhere. It is left as it is until the story ends."""
    stage.execute(due, ["--hang-after", "39", "--tell", shlex.join([*LANDED, "signal"])])
    _wait_for_marker(stage)
    return ["running"]


def killed_and_cannot_be_asked(stage: Stage, due: datetime) -> Believed:
    """Killed, and the warehouse is away: nobody can tell what it left."""
    job = stage.execute(due, ["--hang-after", ALL])
    _wait_for_marker(stage, remove=False)
    stage.hide_warehouse()
    stage.kill_job(job)
    return [_exit(stage.wait_for(job))]


STORY = (
    Night("a clean night", clean, "judged", "verified", "accept"),
    Night(
        "killed when all was written; the rerun asks the guard",
        killed_when_done_then_guarded,
        "judged",
        "verified",
        "accept",
    ),
    Night(
        "the same, and the rerun asks nobody",
        killed_when_done_then_rerun,
        "judged",
        "duplicated",
        "reconcile_first",
        false_success=True,
    ),
    Night(
        "killed at 78 %; the rerun asks the guard",
        killed_at_78_percent,
        "judged",
        "partial",
        "reconcile_first",
    ),
    Night(
        "exit 0, half of the regions under the wrong day",
        wrong_day,
        "judged",
        "partial",
        "reconcile_first",
        false_success=True,
    ),
    Night("never started", never_started, "judged", "missing", "run"),
    Night(
        "breathing, not moving",
        breathing_not_moving,
        "running",
        None,
        "stop_first",
        condition="stalled",
    ),
    Night(
        "killed, and the warehouse cannot be asked",
        killed_and_cannot_be_asked,
        "judged",
        "ambiguous",
        "reconcile_first",
    ),
)


def play(stage: Stage, nights: list[datetime], clock: Clock, wait: Wait) -> Iterator[Told]:
    """Play each night at its due instant; each is told when its time is over."""
    for number, (night, due) in enumerate(zip(STORY, nights, strict=True), start=1):
        wait(due - clock())
        believed = night.play(stage, due)
        wait(due + NIGHT - timedelta(milliseconds=200) - clock())
        yield Told(number, night, believed, _judged(stage, night, due))


def _judged(stage: Stage, night: Night, due: datetime) -> dict[str, Any]:
    """The night's document, once it is judged; a little late on a busy machine."""
    deadline = time.monotonic() + 5
    while True:
        run = stage.run_document(due)
        if run and (night.came_out(run) or time.monotonic() > deadline):
            return run
        if time.monotonic() > deadline:
            raise StageFailed(f"the verifier knows nothing of the night due at {due}")
        time.sleep(0.1)


def _kill(stage: Stage, due: datetime, written: str) -> str:
    job = stage.execute(due, ["--hang-after", written])
    stage.kill_job(job)
    saw = _exit(stage.wait_for(job))
    # A person or a scheduler tries again minutes later: by then the end has been heard.
    stage.wait_until_heard(due)
    return saw


def _wait_for_marker(stage: Stage, *, remove: bool = True) -> None:
    marker = stage.home / "hanging"
    deadline = time.monotonic() + 15
    while not marker.exists():
        if time.monotonic() > deadline:
            raise StageFailed("the demo's job did not come to the point where it hangs")
        time.sleep(0.02)
    if remove:
        marker.unlink()


def _exit(code: int) -> str:
    return "exit 137 (killed)" if code == 128 + signal.SIGKILL else f"exit {code}"

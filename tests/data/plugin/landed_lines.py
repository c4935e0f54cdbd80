"""A fourth scheduler, as somebody else would add it: it writes one JSON object a line.

``{"task": "load", "run": "r1", "event": "started", "at": "2026-04-03T02:00:00Z"}``
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from verifier.checks.remark import Level, Remark
from verifier.config.model import Limit
from verifier.config.source import BindingModel, BindingText, SourceModel
from verifier.intake.receipt import RejectCode
from verifier.runs.instant import parse_instant
from verifier.runs.signal import Kind, Signal
from verifier.signals.source import (
    BoundJob,
    Feed,
    JobSkeleton,
    PolledSource,
    SourceUnavailable,
)


class LinesModel(SourceModel):
    """A file of lines."""

    type: Literal["lines"]
    path: str
    """Where it is."""
    every: Limit = timedelta(seconds=1)
    """How often it is read."""


class LinesBinding(BindingModel):
    """A task in the file."""

    task: BindingText
    """What the file calls it."""


class LinesSource(PolledSource[LinesModel, LinesBinding]):
    """Reads the file from where it was left; the cursor is a count of bytes."""

    scheduler = "lines"
    discovers = "lines"
    model = LinesModel
    binding = LinesBinding

    @property
    def every(self) -> timedelta:
        return self.settings.every

    def poll(self, feed: Feed[LinesBinding], now: datetime) -> None:
        offset = int(feed.cursor or 0)
        names = {job.binding.task: job.name for job in feed.jobs}
        with self._open() as file:
            file.seek(offset)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        signals = []
        for line in whole.splitlines():
            try:
                told = json.loads(line)
                job = names[told["task"]]
                kind, at = Kind(told["event"]), parse_instant(told["at"])
            except KeyError:
                feed.refuse(RejectCode.UNBOUND, example=repr(line))
            except (ValueError, TypeError):
                feed.refuse(RejectCode.UNREADABLE, example=repr(line))
            else:
                run = str(told["run"])
                signals.append(Signal(job=job, kind=kind, at=at, id=f"{run}/{kind}", attempt=run))
        feed.take(signals, cursor=str(offset + len(whole)), heard_until=now)

    def examine(self, jobs: Sequence[BoundJob[LinesBinding]], now: datetime) -> Iterator[Remark]:
        try:
            self._open().close()
        except SourceUnavailable as error:
            yield Remark(level=Level.ERROR, message=str(error), hint="write it")
        else:
            yield Remark(level=Level.OK, message=f"{len(jobs)} jobs are read from it")

    @classmethod
    def discover(cls, settings: LinesModel | None) -> Iterator[JobSkeleton | Remark]:
        if settings is None:
            raise SourceUnavailable("no source of type lines is declared")
        with cls(settings)._open() as file:
            tasks = {json.loads(line).get("task") for line in file}
        if None in tasks:
            yield Remark(level=Level.NOTE, message="one line speaks of no task")
        for task in sorted(tasks - {None}):
            yield JobSkeleton(
                name=task,
                scheduler={"task": task},
                schedule={"cron": "0 2 * * *", "timezone": "Europe/Berlin"},
                comments=("found in the file",),
                further={"retry": {"max_attempts": 2}},
            )

    def _open(self):
        try:
            return Path(self.settings.path).open("rb")
        except OSError as error:
            raise SourceUnavailable(f"{self.settings.path}: {error.strerror}") from None


class Modelless:
    """What is no source at all."""

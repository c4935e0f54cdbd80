"""The tasks under way: events go in, signals come out.

Events wait for a moment, since those of several processes come as they like; then all
that is known of a task id is told anew, and what was not said before is said. What is
kept here is bounded, and can be saved and read again.
"""

from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec

from verifier.intake.receipt import RejectCode
from verifier.runs.signal import EndProof, Signal
from verifier.signals.celery.event import Event, Refuse, instant
from verifier.signals.celery.marker import Marker
from verifier.signals.celery.place import AHEAD, Jobs, Place, asked_arguments, place
from verifier.signals.celery.saying import Names, Telling, micros, name_tries
from verifier.signals.celery.story import RECEIVED, SENT, SUCCEEDED, Step, Try, step, tries

SETTLES = timedelta(seconds=1)
"""How long an event waits for those that were told before it and come after it."""

NAMELESS = timedelta(minutes=1)
"""How long events of a task wait for the one that names it."""

RESTS = timedelta(seconds=10)
"""How long the events of a task that has ended are kept, for what comes late."""

MAX_OPEN = 100_000
MAX_ENDED = 20_000
MAX_FOREIGN = 20_000
"""How many task ids are remembered, by what they are; the oldest are forgotten."""

SAVED_RESTING = 200
"""How many of those that have just ended are saved with their events."""

SAVED_ENDED = 2_000
"""How many others that have ended are saved."""

MAX_STEPS = 100
"""Events of one task id that are kept."""


class Task(msgspec.Struct, array_like=True, gc=False):
    """A task id of a job: where it belongs, and what was told of it.

    ``told``: the ids of what was said. ``lost``: the starts that were said to be lost.
    ``beaten``: when each start was last seen at work. ``loose``: the steps that are ends
    of starts that were not heard. Some time after it has ended no other steps are kept,
    nor ``told`` and what follows.
    """

    place: Place
    touched: datetime
    names: Names = {}
    steps: list[Step] = []
    told: set[str] = set()
    lost: set[int] = set()
    beaten: dict[int, float] = {}
    absent: dict[int, int] = {}
    loose: list[Step] = []


class Waiting(msgspec.Struct, array_like=True, gc=False):
    """Events of one task id that are to settle or to be named."""

    since: datetime
    steps: list[Step] = []
    job: str | None = None
    marker: Marker | None = None
    labels: dict[str, str] = {}
    result: str = ""
    named: bool = False


class Running(msgspec.Struct, frozen=True):
    """A start that has not ended, as far as is known.

    ``beaten``: when it was last said to be at work, in seconds since 1970, 0 for never.
    ``touched``: when an event of the task last came.
    """

    uuid: str
    attempt: str
    start: Step
    beaten: float
    touched: datetime


class Saved(msgspec.Struct, frozen=True, array_like=True):
    """All of it, as it is kept: at each commit, so no more of it than may be needed.

    ``resting``: those that have just ended, with their events. ``ended``: all that have,
    each as JSON, since none of them changes.
    """

    open: dict[str, Task]
    ended: dict[str, msgspec.Raw]
    waiting: dict[str, Waiting]
    marked: list[str]
    resting: dict[str, Task] = {}


class Tasks:
    """The tasks of one source."""

    def __init__(self, refuse: Refuse) -> None:
        self.jobs = Jobs(())
        self._refuse = refuse
        self._open: OrderedDict[str, Task] = OrderedDict()
        self._resting: OrderedDict[str, Task] = OrderedDict()
        self._ended: OrderedDict[str, msgspec.Raw] = OrderedDict()
        self._waiting: OrderedDict[str, Waiting] = OrderedDict()
        self._foreign: OrderedDict[str, None] = OrderedDict()
        self._marked: set[str] = set()

    def save(self) -> Saved:
        """What must outlast this process."""
        resting = islice(reversed(self._resting.items()), SAVED_RESTING)
        ended = islice(reversed(self._ended.items()), SAVED_ENDED)
        return Saved(
            open=dict(self._open),
            resting=dict(reversed(list(resting))),
            ended=dict(reversed(list(ended))),
            waiting=dict(self._waiting),
            marked=sorted(self._marked),
        )

    def restore(self, saved: Saved) -> None:
        """Go on from what was saved."""
        self._open.update(saved.open)
        self._resting.update(saved.resting)
        self._ended.update((uuid, told.copy()) for uuid, told in saved.ended.items())
        self._waiting.update(saved.waiting)
        self._marked.update(saved.marked)

    def hear(self, event: Event, now: datetime) -> None:
        """Take in an event of a task; it is told of when it has settled."""
        told, uuid = step(event), event.uuid
        if told is None or uuid is None:
            return
        found = self.jobs.find(event)
        if found is None and uuid in self._foreign:
            return
        waiting = self._waiting.get(uuid)
        if waiting is None:
            waiting = self._waiting[uuid] = Waiting(since=now)
            self._bound(self._waiting, MAX_OPEN)
        if len(waiting.steps) >= MAX_STEPS:
            self._refuse(RejectCode.TOO_LARGE, f"more than {MAX_STEPS} events of one task")
            return
        waiting.steps.append(told)
        waiting.named = waiting.named or event.name is not None
        if found is not None:
            job, marker = found
            waiting.job = job.name
            waiting.marker = waiting.marker or marker
            waiting.labels |= asked_arguments(event.kwargs, job.binding.arguments)
        if event.type == SUCCEEDED and event.result and self._asks_result(uuid, waiting):
            waiting.result = event.result[:500]

    def release(self, now: datetime) -> list[Signal]:
        """What is to be said by now, of all that has settled."""
        said: list[Signal] = []
        settled = [
            uuid for uuid, waiting in self._waiting.items() if waiting.since + SETTLES <= now
        ]
        for uuid in settled:
            waiting = self._waiting[uuid]
            task = self._task(uuid, waiting, now)
            if task is not None:
                said += self._tell(uuid, task, waiting, now)
            elif waiting.named:
                self._foreign[uuid] = None
                self._bound(self._foreign, MAX_FOREIGN)
                self._refuse(RejectCode.UNBOUND, "")
            elif waiting.since + NAMELESS <= now:
                self._refuse(RejectCode.UNBOUND, f"events of {uuid} that do not name its task")
            else:
                continue
            del self._waiting[uuid]
        self._rest(now)
        return said

    def running(self) -> Iterator[Running]:
        """Every start that has not ended."""
        for uuid, task in self._open.items():
            found = tries(task.steps)
            for each, name in zip(found, name_tries(uuid, task.names, found), strict=True):
                start = each.start
                if start is None or each.ends or micros(start.at) in task.lost:
                    continue
                beaten = task.beaten.get(micros(start.at), 0.0)
                yield Running(uuid, name, start, beaten, task.touched)

    def beat(self, running: Running, at: float) -> Signal:
        """What is said of a start that was seen at work at ``at``."""
        task = self._open[running.uuid]
        task.beaten[micros(running.start.at)] = at
        task.absent.pop(micros(running.start.at), None)
        return Telling(running.uuid, task.place).beat(running.start, running.attempt, at)

    def miss(self, running: Running) -> int:
        """Count that its worker did not know of a start; how often in a row."""
        absent = self._open[running.uuid].absent
        began = micros(running.start.at)
        absent[began] = absent.get(began, 0) + 1
        return absent[began]

    def lose(self, running: Running, at: float, proof: EndProof, why: str) -> Signal:
        """What is said of a start that can do no more, though it told of no end."""
        task = self._open[running.uuid]
        task.lost.add(micros(running.start.at))
        return Telling(running.uuid, task.place).lost(
            running.start, running.attempt, at, proof, why
        )

    def has_begun(self, uuid: str) -> bool:
        """Whether a start of that task id was heard, or may have been."""
        if any(uuid in kept for kept in (self._waiting, self._ended, self._foreign)):
            return True
        task = self._open.get(uuid) or self._resting.get(uuid)
        return task is not None and bool(task.names)

    def _asks_result(self, uuid: str, waiting: Waiting) -> bool:
        task = self._open.get(uuid)
        job = self.jobs.by_name.get(task.place.job if task else str(waiting.job))
        return job is not None and job.binding.result

    def _task(self, uuid: str, waiting: Waiting, now: datetime) -> Task | None:
        """The task that ``waiting`` is of, made where it is new; None where it is of none."""
        task = self._take(uuid)
        job = waiting.job if task is None else task.place.job
        if job is None or job not in self.jobs.by_name:
            return None
        if task is None:
            task = Task(place=self._place(waiting, now), touched=now)
            self._foreign.pop(uuid, None)
        self._open[uuid] = task
        self._bound(self._open, MAX_OPEN)
        return task

    def _take(self, uuid: str) -> Task | None:
        """The task of that id, with all that is still known of it; None for an unknown one."""
        task = self._open.pop(uuid, None) or self._resting.pop(uuid, None)
        ended = self._ended.pop(uuid, None)
        return _decode(ended) if task is None and ended is not None else task

    def _place(self, waiting: Waiting, now: datetime) -> Place:
        job = self.jobs.by_name[str(waiting.job)]
        if waiting.marker is not None:
            self._marked.add(job.name)
        by_hand = (
            job.binding.beat_entry is not None
            and waiting.marker is None
            and job.name in self._marked
        )
        steps = sorted(waiting.steps)
        announced = [each for each in steps if each.kind in (SENT, RECEIVED)]
        first = (announced or steps)[0]
        found = place(job, waiting.marker, instant(first.eta or first.at), by_hand=by_hand)
        if found.due is not None and found.due > now + AHEAD:
            return msgspec.structs.replace(found, due=None)
        return found

    def _tell(self, uuid: str, task: Task, waiting: Waiting, now: datetime) -> list[Signal]:
        """What is new of a task, now that it is known to have taken the steps waiting."""
        task.touched = now
        new = [each for each in waiting.steps if each not in task.steps]
        task.steps = sorted([*task.steps, *set(new)])[-MAX_STEPS:]
        found = tries(task.steps)
        names = name_tries(uuid, task.names, found)
        task.loose = [end for each in found if each.start is None for end in each.ends]
        telling = Telling(uuid, task.place)
        history = self.jobs.by_name[task.place.job].history
        finish_within = history.latest.finish_within
        said = list(telling.announced(task.steps, waiting.labels, finish_within))
        for each, name in zip(found, names, strict=True):
            said += telling.tried(each, name, waiting.result)
        fresh = [signal for signal in said if signal.id not in task.told]
        task.told.update(signal.id for signal in fresh)
        # One whose retry is to come is still under way.
        if found and found[-1].retry_at is None and all(_is_over(each, task) for each in found):
            self._resting[uuid] = self._open.pop(uuid)
            self._ended[uuid] = _at_rest(task)
            self._bound(self._ended, MAX_ENDED)
        return fresh

    def _rest(self, now: datetime) -> None:
        """Keep of tasks that ended a while ago only where they belong."""
        while self._resting:
            uuid, task = next(iter(self._resting.items()))
            if task.touched + RESTS > now:
                return
            del self._resting[uuid]

    def _bound(self, kept: OrderedDict[str, Any], most: int) -> None:
        if len(kept) > most:
            kept.popitem(last=False)
            if most == MAX_OPEN:
                self._refuse(RejectCode.TOO_LARGE, f"more than {most} tasks under way")


def _at_rest(task: Task) -> msgspec.Raw:
    """A task that ended a while ago: where it belongs, and what a late start may be that of."""
    kept = Task(
        place=task.place,
        touched=task.touched,
        names=task.names,
        loose=task.loose,
        steps=task.loose,
    )
    return msgspec.Raw(_encode(kept))


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Task).decode


def _is_over(each: Try, task: Task) -> bool:
    return bool(each.ends) or (each.start is not None and micros(each.start.at) in task.lost)

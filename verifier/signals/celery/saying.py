"""What is said of a task: its tries, each as an attempt, in signals.

Ids follow from the events, so the same event told again is the same signal, whoever
tells it. They begin with the task's, so that all of one task lie side by side in the
ledger's index. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from verifier.runs.signal import EffectNote, EndProof, Kind, Signal
from verifier.signals.celery.event import instant
from verifier.signals.celery.place import Place
from verifier.signals.celery.story import (
    CANCELLED,
    FAILED,
    GUARDED,
    LOST_PROCESS,
    NEAR,
    OVER_TIME,
    RECEIVED,
    REJECTED,
    RETRIED,
    REVOKED,
    SENT,
    SUCCEEDED,
    Step,
    Try,
)

Names = dict[str, int]
"""The attempts of a task id: of each the start, in microseconds since 1970."""

_EXIT = re.compile(r"(signal|exitcode) (\d+)")
_ENDS = {
    SUCCEEDED: Kind.SUCCEEDED,
    FAILED: Kind.FAILED,
    RETRIED: Kind.FAILED,
    REJECTED: Kind.FAILED,
    REVOKED: Kind.CANCELLED,
    CANCELLED: Kind.CANCELLED,
}


def micros(at: float) -> int:
    """Whole microseconds of seconds since 1970."""
    return round(at * 1e6)


def name_tries(uuid: str, names: Names, found: Sequence[Try]) -> list[str]:
    """The attempt that each try is; new ones are added to ``names``.

    The first is called by the task id, which is what was announced; the first of the
    n-th retry ``ID/n``; any other is a redelivery, and called by its start. Once named
    it keeps its name, whatever turns up later.
    """
    called = {at: name for name, at in names.items()}
    given: list[str] = []
    for each in found:
        began = micros(_began(each))
        # Its end may have come before its start, and been named alone.
        alone = (micros(_told_began(end)) for end in each.ends)
        name = next((called[at] for at in (began, *alone) if at in called), None)
        if name is None and names and _is_loose(each) and not _is_apart(each, names):
            name = max(names, key=lambda known: names[known])
        elif name is None:
            name = _new_name(uuid, names, each, began)
        if name not in names or name == called.get(began) or each.start is not None:
            names[name] = began
            called[began] = name
        given.append(name)
    return given


def _new_name(uuid: str, names: Names, each: Try, began: int) -> str:
    retry = f"{uuid}/{each.retries}"
    if uuid not in names:
        return uuid
    return retry if each.retries and retry not in names else f"{uuid}/{began:x}"


def _began(each: Try) -> float:
    """When a try began; where its start was not heard, as far as its end tells."""
    return each.start.at if each.start is not None else _told_began(each.ends[0])


def _told_began(end: Step) -> float:
    return end.at - max(0.0, end.runtime)


def _is_loose(each: Try) -> bool:
    return each.start is None and not each.withdrawn


def _is_apart(each: Try, names: Names) -> bool:
    """Whether a runtime proves that its start is none of those known."""
    if each.ends[0].runtime < 0:
        return False
    began = _began(each)
    return all(abs(at / 1e6 - began) > NEAR for at in names.values())


class Telling:
    """Makes the signals of one task id."""

    def __init__(self, uuid: str, place: Place) -> None:
        self.uuid = uuid
        self.place = place

    def announced(
        self, steps: Iterable[Step], labels: dict[str, str], finish_within: timedelta
    ) -> Iterator[Signal]:
        """That it was sent and received, before any retry."""
        first: dict[str, Step] = {}
        for step in sorted(steps):
            if step.kind in (SENT, RECEIVED) and not step.retries:
                first.setdefault(step.kind, step)
        for kind, word, said in (
            (SENT, "sent", Kind.DISPATCHED),
            (RECEIVED, "received", Kind.CLAIMED),
        ):
            if kind not in first:
                continue
            step = first[kind]
            lease = instant(step.expires) if step.expires else None
            if step.eta and lease is None:
                # It may start long after it was sent, and still be in time.
                lease = instant(step.eta) + finish_within
            yield self._signal(
                said,
                step.at,
                f"{self.uuid}/{word}",
                self.uuid,
                worker=step.host if kind == RECEIVED else None,
                lease_until=lease,
                labels=labels or None,
            )

    def tried(self, each: Try, name: str, result: str) -> Iterator[Signal]:
        """That a try began and ended."""
        timed = each.start is None and not each.withdrawn and each.ends[0].runtime >= 0
        if each.start is not None or timed:
            host = each.start.host if each.start else each.ends[0].host
            at = _began(each)
            yield self._signal(
                Kind.STARTED, at, f"{self.uuid}/started/{micros(at):x}", name, worker=host
            )
        kinds = {end.kind for end in each.ends}
        for end in each.ends:
            if end.kind == REJECTED and FAILED in kinds:
                continue
            yield self._ended(each, end, name, result)

    def beat(self, each: Step, name: str, at: float) -> Signal:
        """That the worker had the try at work at ``at``."""
        at = max(at, each.at)
        return self._signal(
            Kind.HEARTBEAT, at, f"{self.uuid}/beat/{micros(at):x}", name, worker=each.host
        )

    def lost(self, each: Step, name: str, at: float, proof: EndProof, why: str) -> Signal:
        """That the try can do no more, though it told of no end."""
        return self._signal(
            Kind.LOST,
            max(at, each.at),
            f"{self.uuid}/lost/{micros(each.at):x}",
            name,
            worker=each.host,
            reason=why,
            end_proof=proof,
        )

    def _ended(self, each: Try, end: Step, name: str, result: str) -> Signal:
        kind = _ENDS[end.kind]
        exited = _EXIT.search(end.error) if end.error.startswith(LOST_PROCESS) else None
        proof, effect, labels = None, None, None
        if end.error.startswith(GUARDED):
            kind, effect = Kind.CANCELLED, EffectNote(begun=False)
        elif end.error == OVER_TIME:
            kind = Kind.TIMED_OUT
        if exited or end.error == OVER_TIME or (end.kind == REVOKED and end.flag):
            proof = EndProof.EXIT  # the pool saw its process die
        elif end.kind == CANCELLED:
            proof = EndProof.NONE  # its process was told to die, and nobody waited for it
        elif each.withdrawn:
            effect = EffectNote(begun=False)
        if end.kind == SUCCEEDED and result:
            labels = {"result": result}
        retry = each.retry_at if end.kind in (RETRIED, REJECTED) else None
        return self._signal(
            kind,
            end.at,
            f"{self.uuid}/{end.kind.removeprefix('task-')}/{micros(end.at):x}",
            name,
            worker=end.host,
            reason=_reason(end, each),
            exit_code=_exit_code(*exited.groups()) if exited else None,
            end_proof=proof,
            effect=effect,
            labels=labels,
            next_retry_at=None if retry is None else instant(retry),
        )

    def _signal(
        self,
        kind: Kind,
        at: float,
        id: str,  # noqa: A002 - the field's own name
        attempt: str,
        *,
        worker: str | None,
        reason: str | None = None,
        exit_code: int | None = None,
        end_proof: EndProof | None = None,
        effect: EffectNote | None = None,
        labels: dict[str, str] | None = None,
        lease_until: datetime | None = None,
        next_retry_at: datetime | None = None,
    ) -> Signal:
        return Signal(
            job=self.place.job,
            kind=kind,
            at=instant(at),
            id=id,
            due=self.place.due,
            lane=self.place.lane,
            attempt=attempt,
            worker=worker or None,
            reason=reason,
            exit_code=exit_code,
            end_proof=end_proof,
            effect=effect,
            labels=labels,
            lease_until=lease_until,
            next_retry_at=next_retry_at,
        )


def _exit_code(how: str, number: str) -> int | None:
    """As a shell tells it; the pool says 0 where it does not know."""
    return (128 if how == "signal" else 0) + int(number) or None


def _reason(end: Step, each: Try) -> str | None:
    if end.kind == SUCCEEDED:
        return None
    word = end.kind.removeprefix("task-")
    if end.kind == REJECTED:
        word = "rejected, back to the queue" if end.flag else "rejected"
    elif each.withdrawn:
        word = "revoked or expired before it started"
    elif end.kind == FAILED:
        return end.error or word
    return f"{word}: {end.error}" if end.error else word

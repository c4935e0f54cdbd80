"""What cron said of the processes it started, made into signals of attempts.

An attempt is a process that cron started: its id is made of host, pid and start, all of
them logged, so that whoever reads the same lines says the same thing. It gets no due
time, since cron logs none: it is bound to its slot by its start.
"""

from collections.abc import Callable, Iterable
from signal import Signals

import msgspec

from verifier.runs.instant import format_instant
from verifier.runs.signal import EndProof, Kind, Lane, Signal
from verifier.signals.cron.message import Event, Failed, Started
from verifier.signals.cron.syslog import Line

OPEN_OF_A_JOB = 100
"""Attempts of one job whose end is waited for; of more, the ends of the oldest are not heard."""

_HIGHEST_SIGNAL = 64

Find = Callable[[str, str, str], str | None]
"""The job that host, user and command belong to."""

Survivors = Callable[[str, int], bool]
"""Whether of the session of that host and pid anything may live on."""

FailuresTold = Callable[[str], bool]
"""Whether the cron of that host logs failures; without, an end says nothing of success."""


class Open(msgspec.Struct, frozen=True, array_like=True):
    """An attempt that has not ended; ``failed`` once its failure was told."""

    host: str
    pid: int
    job: str
    attempt: str
    failed: bool = False


class Pairing:
    """Pairs starts and ends by pid.

    ``survivors`` is asked of a process that was killed, ``failures_told`` of one that
    ended without a word of failure. ``open_`` is what was open before.
    """

    def __init__(
        self,
        find: Find,
        survivors: Survivors,
        failures_told: FailuresTold,
        open_: Iterable[Open] = (),
    ) -> None:
        self._find = find
        self._survivors = survivors
        self._failures_told = failures_told
        self._open = {(each.host, each.pid): each for each in open_}

    @property
    def open(self) -> tuple[Open, ...]:
        """The attempts whose end is waited for, oldest first: all that has to be kept."""
        return tuple(self._open.values())

    def hear(self, line: Line, event: Event) -> Signal | None:
        """What ``event`` says of an attempt of a declared job, if anything.

        Raises ``LookupError`` for the start of a command that belongs to no job.
        """
        if isinstance(event, Started):
            return self._start(line, event)
        known = None if event.pid is None else self._open.get((line.host, event.pid))
        if known is None:
            return None
        if isinstance(event, Failed):
            self._open[known.host, known.pid] = msgspec.structs.replace(known, failed=True)
            return self._failure(line, event, known)
        del self._open[known.host, known.pid]
        if known.failed or self._find(line.host, event.user, event.command) != known.job:
            # Told already, or the end of another process that got the same pid later.
            return None
        if self._failures_told(line.host):
            return _signal(line, known, Kind.SUCCEEDED, exit_code=0, end_proof=EndProof.EXIT)
        reason = "it ended, and cron does not log whether it failed"
        return _signal(line, known, Kind.LOST, reason=reason, end_proof=EndProof.EXIT)

    def _start(self, line: Line, event: Started) -> Signal:
        # Without pids, as cron logs by default, the process that became the command wrote the line.
        pid = line.pid if event.pid is None else event.pid
        # A pid that starts again has ended before, unheard.
        self._open.pop((line.host, pid), None)
        job = self._find(line.host, event.user, event.command)
        if job is None:
            raise LookupError(event.command)
        attempt = f"cron:{line.host}:{pid}:{format_instant(line.at)}"
        started = Open(line.host, pid, job, attempt)
        if event.pid is not None:
            self._open[line.host, pid] = started
            self._bound(job)
        return _signal(line, started, Kind.STARTED)

    def _bound(self, job: str) -> None:
        of_job = [key for key, each in self._open.items() if each.job == job]
        for key in of_job[:-OPEN_OF_A_JOB]:
            del self._open[key]

    def _failure(self, line: Line, event: Failed, known: Open) -> Signal:
        number = event.signal
        if number is None and event.exit_code is not None:
            # A shell says so of a command that was killed: its status is 128 and the signal.
            above = event.exit_code - 128
            number = above if 0 < above <= _HIGHEST_SIGNAL else None
        code = event.exit_code if event.exit_code is not None else 128 + (number or 0)
        if number is None:
            reason, proof = f"exit status {code}", EndProof.EXIT
        elif self._survivors(known.host, known.pid):
            # What a killed script had started may write on.
            reason, proof = f"{_name(number)}; what it had started may live on", EndProof.NONE
        else:
            reason, proof = _name(number), EndProof.EXIT
        return _signal(line, known, Kind.FAILED, exit_code=code, reason=reason, end_proof=proof)


def _name(number: int) -> str:
    try:
        return f"signal {Signals(number).name}"
    except ValueError:
        return f"signal {number}"


def _signal(
    line: Line,
    of: Open,
    kind: Kind,
    *,
    exit_code: int | None = None,
    reason: str | None = None,
    end_proof: EndProof | None = None,
) -> Signal:
    return Signal(
        job=of.job,
        kind=kind,
        at=line.at,
        id=f"{of.attempt}:{kind}",
        attempt=of.attempt,
        lane=Lane.LIVE,
        worker=f"{of.host}:{of.pid}",
        exit_code=exit_code,
        reason=reason,
        end_proof=end_proof,
    )

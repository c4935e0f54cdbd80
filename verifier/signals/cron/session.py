"""The processes of this host: whether anything is left of a job, and how cron was started.

Cron starts each job as the leader of a session of its own, so what the job started and
left behind is known by that session, unless it made itself another one.
"""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

STARTS, ENDS, FAILURES, PIDS = 1, 2, 4, 8
"""What ``cron -L`` is the sum of."""

_STATE, _SESSION = 0, 3
"""Where they stand in ``/proc/PID/stat``, counted after the name of the program."""

_DEAD = (b"Z", b"X")


class Daemon(msgspec.Struct, frozen=True):
    """A cron daemon that runs: its pid, and what it logs (``-L``; 1 where nothing is said)."""

    pid: int
    log_level: int


class Host:
    """What can be seen of the host whose name is ``name``; ``proc`` is where."""

    def __init__(self, name: str | None = None, proc: Path = Path("/proc")) -> None:
        self.name = name or socket.gethostname()
        self._proc = proc

    def is_here(self, host: str) -> bool:
        """Whether a log means this host by ``host``; it may leave out the domain."""
        return host in (self.name, self.name.partition(".")[0])

    def daemon(self) -> Daemon | None:
        """The cron daemon; None where none is to be seen from here."""
        for pid, arguments in self._commands():
            name = arguments[0].rpartition("/")[2]
            if name in ("cron", "crond"):
                return Daemon(pid, log_level(arguments[1:]))
        return None

    def may_live_on(self, host: str, session: int) -> bool:
        """Whether anything of ``session`` on ``host`` may be at work still.

        Nothing is ruled out where its processes cannot be seen from here: on another
        host, or in a container without cron.
        """
        if not self.is_here(host) or self.daemon() is None:
            return True
        return any(self._session(pid) == session for pid in self._pids())

    def _commands(self) -> Iterator[tuple[int, list[str]]]:
        for pid in self._pids():
            try:
                line = (self._proc / str(pid) / "cmdline").read_bytes()
            except OSError:  # it has ended, or is not ours to see
                continue
            arguments = [os.fsdecode(each) for each in line.rstrip(b"\0").split(b"\0")]
            if arguments[0]:
                yield pid, arguments

    def _pids(self) -> Iterator[int]:
        try:
            names = [path.name for path in self._proc.iterdir()]
        except OSError:
            return
        yield from (int(name) for name in names if name.isdecimal())

    def _session(self, pid: int) -> int | None:
        try:
            state = (self._proc / str(pid) / "stat").read_bytes()
        except OSError:
            return None
        # The name of the program is in brackets and may hold any character.
        fields = state.rpartition(b")")[2].split()
        if len(fields) <= _SESSION or fields[_STATE] in _DEAD:
            return None
        return int(fields[_SESSION])


def log_level(arguments: list[str]) -> int:
    """What ``cron`` with these arguments logs of jobs."""
    for index, argument in enumerate(arguments):
        if argument.startswith("-") and "L" in argument:
            value = argument.partition("L")[2] or "".join(arguments[index + 1 : index + 2])
            digits = "".join(each for each in value if each.isdecimal())
            return int(digits[:4]) if digits else 0
    return 1

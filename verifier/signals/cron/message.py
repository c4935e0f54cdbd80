"""What cron says of a job: that it starts it, how it failed, that it has ended.

Written after recordings of Debian's cron 3.0pl1. How much is said depends on ``cron -L``,
a sum of 1 (starts), 2 (ends), 4 (failures) and 8 (pids).
"""

import re

import msgspec

_ABOUT = re.compile(
    r"\((?P<user>[^()]{1,256})\) (?P<what>CMD|END) \((?:\[(?P<pid>\d{1,10})\] )?(?P<command>.*)\)",
    re.ASCII | re.DOTALL,
)
_FAILED = re.compile(
    r"\(CRON\) error \(grandchild #(?P<pid>\d{1,10}) "
    r"(?:failed with exit status (?P<status>\d{1,3})"
    r"|terminated by signal (?P<signal>\d{1,3})(?:, dumped core)?)\)",
    re.ASCII,
)
_WHOLE = re.compile(r"\([^()]{1,256}\) (?:CMD|END) \(", re.ASCII)


class Started(msgspec.Struct, frozen=True):
    """A command was started, as process ``pid``; None where cron does not say."""

    user: str
    command: str
    pid: int | None


class Failed(msgspec.Struct, frozen=True):
    """Process ``pid`` ended with an exit status above 0, or by a signal."""

    pid: int
    exit_code: int | None
    signal: int | None


class Ended(msgspec.Struct, frozen=True):
    """A command has ended, somehow; ``pid`` is None where cron does not say."""

    user: str
    command: str
    pid: int | None


Event = Started | Failed | Ended


class CutOff(ValueError):
    """A message that begins as one of cron's and has lost its end."""


def read_message(message: str) -> Event | None:
    """The event that ``message`` tells; None where it tells of none.

    Raises ``CutOff``: a command that lost its end may look like another one.
    """
    if match := _ABOUT.fullmatch(message):
        kind = Started if match["what"] == "CMD" else Ended
        pid = match["pid"]
        return kind(match["user"], match["command"].strip(), None if pid is None else int(pid))
    if match := _FAILED.fullmatch(message):
        status, signal = match["status"], match["signal"]
        return Failed(
            int(match["pid"]),
            None if status is None else int(status),
            None if signal is None else int(signal),
        )
    if _WHOLE.match(message):
        raise CutOff("expected a command that ends")
    return None

"""Lines in, signals out; what is not understood is counted by reason and left out."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from verifier.intake.receipt import RejectCode
from verifier.runs.signal import Signal
from verifier.signals.cron.command import is_wrapped
from verifier.signals.cron.message import CutOff, Started, read_message
from verifier.signals.cron.pairing import Pairing
from verifier.signals.cron.syslog import (
    BadStamp,
    Line,
    Stamps,
    Unreadable,
    read_line,
    read_stamp,
)


class Hearing:
    """What is heard of the jobs of a source, and what was refused meanwhile.

    ``refused`` and ``examples`` are by reason. ``first_at`` is when the first line was
    logged, whoever wrote it: as far as that the log reaches back.
    """

    def __init__(self, pairing: Pairing, stamps: Stamps) -> None:
        self._pairing = pairing
        self._stamps = stamps
        self.refused: Counter[RejectCode] = Counter()
        self.examples: dict[RejectCode, str] = {}
        self.first_at: datetime | None = None

    def hear(self, lines: Iterable[bytes]) -> Iterator[Signal]:
        """The signals in lines of a syslog file, in their order."""
        for raw in lines:
            if self.first_at is None:
                self.first_at = read_stamp(raw, self._stamps)
            try:
                line = read_line(raw, self._stamps)
            except Unreadable as error:
                self.refuse(RejectCode.UNREADABLE, str(error))
            except BadStamp as error:
                self.refuse(RejectCode.BAD_TIME, str(error))
            else:
                if line is not None:
                    yield from self.hear_line(line)

    def hear_line(self, line: Line) -> Iterator[Signal]:
        """The signal in one line, if there is one."""
        self.first_at = self.first_at or line.at
        try:
            event = read_message(line.message)
            signal = None if event is None else self._pairing.hear(line, event)
        except CutOff as error:
            self.refuse(RejectCode.UNREADABLE, str(error))
        except LookupError:
            if isinstance(event, Started) and not is_wrapped(event.command):
                # A command may hold a password: it is counted, and not shown.
                self.refuse(RejectCode.UNBOUND, f"a command of {event.user} on {line.host}")
        else:
            if signal is not None:
                yield signal

    def refuse(self, code: RejectCode, example: str, count: int = 1) -> None:
        """Count what was left out."""
        if not count:
            return
        self.refused[code] += count
        self.examples.setdefault(code, example)

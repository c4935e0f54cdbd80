"""The log of cron as a source: what cron says of the jobs it starts, and nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import ClassVar

import msgspec

from verifier.checks.remark import Remark
from verifier.intake.receipt import RejectCode
from verifier.runs.signal import Signal
from verifier.signals.cron import journal, tail
from verifier.signals.cron.binding import Commands, CronBinding
from verifier.signals.cron.discover import discover
from verifier.signals.cron.examine import examine
from verifier.signals.cron.hearing import Hearing
from verifier.signals.cron.pairing import Open, Pairing
from verifier.signals.cron.session import FAILURES, Host
from verifier.signals.cron.settings import CronLogSettings
from verifier.signals.cron.syslog import Stamps
from verifier.signals.source import (
    BoundJob,
    Feed,
    JobSkeleton,
    PolledSource,
    SourceUnavailable,
)

DELAY = timedelta(seconds=5)
"""How long a line may take from cron into the log."""

BEFORE = timedelta(days=1)
"""How much more of a journal is read at the very first start, for jobs that run by then."""


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far the log was read, and which attempts had not ended there."""

    file: tail.Position | None = None
    journal: str | None = None
    open: tuple[Open, ...] = ()


class Piece(msgspec.Struct, frozen=True):
    """The signals in a piece of the log, and where it ends; ``lost``: some before it are gone."""

    signals: list[Signal]
    cursor: Cursor
    lost: bool


class CronLogSource(PolledSource[CronLogSettings, CronBinding]):
    """Reads on in the log where it stopped, also across rotation and its own restarts."""

    scheduler = "cron"
    discovers = "crontab"
    model = CronLogSettings
    binding = CronBinding
    dialect = "debian"
    example: ClassVar[Mapping[str, str]] = {"path": "/var/log/syslog"}
    of_host = True

    def __init__(self, settings: CronLogSettings, host: Host | None = None) -> None:
        super().__init__(settings)
        self._host = host or Host()

    @property
    def every(self) -> timedelta:
        """As declared."""
        return self.settings.poll

    def poll(self, feed: Feed[CronBinding], now: datetime) -> None:
        """Take in what was logged since the cursor."""
        cursor = _read_cursor(feed.cursor)
        is_new = (cursor.journal if self.settings.journal else cursor.file) is None
        heard_until = feed.heard_until or now
        pairing = Pairing(
            Commands(feed.jobs).find,
            self._host.may_live_on,
            cache(self._tells_failures),
            cursor.open,
        )
        hearing = Hearing(pairing, Stamps(self.settings.zone, now, None if is_new else heard_until))
        # Jobs may be expected from a time on that the log does not reach back to.
        lost_since = heard_until if is_new and heard_until < now - self.contact_within else None
        try:
            for piece in self._pieces(cursor, heard_until, hearing, pairing):
                cursor = piece.cursor
                if piece.lost and lost_since is None:
                    lost_since = heard_until
                if lost_since is not None and hearing.first_at is not None:
                    if hearing.first_at > lost_since:
                        feed.lost(lost_since, hearing.first_at)
                    lost_since = None
                if lost_since is None:
                    feed.take(piece.signals, cursor=_write_cursor(cursor))
                if feed.stopping:
                    return  # a long log is read on next time
        except OSError as error:
            raise SourceUnavailable(_why(error, self.settings.path)) from None
        finally:
            for code, count in hearing.refused.items():
                feed.refuse(code, count, hearing.examples[code])
        if lost_since is not None:
            feed.lost(lost_since, now)
            feed.take((), cursor=_write_cursor(cursor))
        feed.heard(now - DELAY)

    def examine(self, jobs: Sequence[BoundJob[CronBinding]], now: datetime) -> Iterator[Remark]:
        """Whether the log can be read, and what cron does not say in it."""
        return examine(self.settings, jobs, now, self._host)

    @classmethod
    def discover(cls, settings: CronLogSettings | None) -> Iterator[JobSkeleton | Remark]:  # noqa: ARG003 - crontabs are where they are
        """The jobs of the crontabs of this host."""
        return discover(Path("/"))

    def _pieces(
        self,
        cursor: Cursor,
        heard_until: datetime,
        hearing: Hearing,
        pairing: Pairing,
    ) -> Iterator[Piece]:
        path = self.settings.file
        if path is None:
            for entries in journal.pages(cursor.journal, heard_until - BEFORE):
                if entries.lost:
                    hearing.first_at = None
                hearing.refuse(RejectCode.UNREADABLE, "an entry of the journal", entries.unreadable)
                hearing.refuse(RejectCode.TOO_LARGE, "an entry of the journal", entries.too_long)
                signals = [each for line in entries.lines for each in hearing.hear_line(line)]
                after = Cursor(journal=entries.cursor, open=pairing.open)
                yield Piece(signals, after, entries.lost)
            return
        for page in tail.pages(path, cursor.file, heard_until):
            if page.lost:
                hearing.first_at = None
            hearing.refuse(RejectCode.TOO_LARGE, f"a line of {path}", page.too_long)
            hearing.refuse(RejectCode.UNREADABLE, f"the last line of a log {path}", page.cut_off)
            signals = list(hearing.hear(page.lines))
            after = Cursor(file=page.position, open=pairing.open)
            yield Piece(signals, after, page.lost)

    def _tells_failures(self, host: str) -> bool:
        """Whether an end without a word of failure is a success."""
        daemon = self._host.daemon() if self._host.is_here(host) else None
        return daemon is None or bool(daemon.log_level & FAILURES)


def _read_cursor(text: str | None) -> Cursor:
    """The cursor that was kept; the beginning where there is none that can be read."""
    if text is None:
        return Cursor()
    try:
        return msgspec.json.decode(text, type=Cursor)
    except msgspec.DecodeError:
        return Cursor()


def _write_cursor(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()


def _why(error: OSError, path: str | None) -> str:
    if isinstance(error, PermissionError):
        return f"{path} may not be read: put the user of landed into the group that owns it (adm)"
    return f"{path} cannot be read: {error.strerror or error}"

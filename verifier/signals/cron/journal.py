"""The journal of systemd, read through ``journalctl``, from a cursor on.

Only what root's processes wrote under the name of CRON is asked for: unlike the stamp and
name in a syslog file, who wrote an entry is what the journal itself saw.
"""

import subprocess
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import chain
from tempfile import TemporaryFile
from threading import Timer
from typing import IO, cast

import msgspec

from verifier.runs.instant import from_microseconds
from verifier.signals.cron.syslog import Line
from verifier.signals.source import SourceUnavailable

ENTRIES = 2_000
"""Entries that are handed on at a time."""

ENTRY = 65_536
"""Bytes of an entry; a longer one is left out."""

_TIMEOUT_SECONDS = 60.0
_SHOW = ("--output=json", "--output-fields=MESSAGE,_HOSTNAME,SYSLOG_PID,_PID", "--no-pager")
_BY_ROOT = "_UID=0"
_BY_CRON = "SYSLOG_IDENTIFIER=CRON"


class _Entry(msgspec.Struct):
    cursor: str = msgspec.field(name="__CURSOR")
    microseconds: int = msgspec.field(name="__REALTIME_TIMESTAMP")
    message: str | list[int] | None = msgspec.field(name="MESSAGE", default=None)
    host: str = msgspec.field(name="_HOSTNAME", default="")
    said_pid: int | None = msgspec.field(name="SYSLOG_PID", default=None)
    pid: int | None = msgspec.field(name="_PID", default=None)


class Page(msgspec.Struct, frozen=True):
    """Some lines, and the cursor after them; ``lost``: some before these are gone."""

    lines: list[Line]
    cursor: str | None
    unreadable: int = 0
    too_long: int = 0
    lost: bool = False


_DECODER = msgspec.json.Decoder(_Entry, strict=False)  # it writes numbers as texts


def read_entry(entry: bytes) -> tuple[str, Line | None]:
    """The cursor and the line of an entry as JSON; None for one that is no text.

    Raises ``ValueError`` where it is no entry.
    """
    found = _DECODER.decode(entry)
    pid = found.said_pid if found.said_pid is not None else found.pid
    # A message that is no UTF-8 is told as numbers, one that is too long as null.
    if not isinstance(found.message, str) or pid is None:
        return found.cursor, None
    at = from_microseconds(found.microseconds)
    return found.cursor, Line(at, found.host, pid, found.message)


def pages(
    cursor: str | None, since: datetime | None, arguments: Sequence[str] = ()
) -> Iterator[Page]:
    """What is new after ``cursor``; where that is None, from ``since`` on, or all.

    ``arguments`` are further ones for journalctl. Raises ``SourceUnavailable``.
    """
    command = ["journalctl", *_SHOW, _BY_CRON, _BY_ROOT, *arguments]
    if cursor is not None:
        # With the entry itself, so as to see whether it is still there.
        command.append(f"--cursor={cursor}")
    elif since is not None:
        command.append(f"--since=@{since.timestamp():.0f}")
    entries = _output(command)
    first = next(entries, None)
    if first is None:
        _check_visible(arguments)
        return
    yield from _paged(chain((first,), entries), cursor)


def _check_visible(arguments: Sequence[str]) -> None:
    """Raise ``SourceUnavailable`` where journalctl shows nothing at all of the system.

    Where there is no journal, or it may not be read, it prints nothing and exits 0.
    """
    with closing(_output(["journalctl", *_SHOW, _BY_ROOT, "--lines=1", *arguments])) as any_entry:
        if next(any_entry, None) is None:
            raise SourceUnavailable(
                "journalctl shows nothing: there is no journal, or the user of landed is not "
                "in the group systemd-journal"
            )


def _output(command: Sequence[str]) -> Generator[bytes, None, None]:
    """The lines that ``command`` prints; raises ``SourceUnavailable`` where it fails."""
    with TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(  # noqa: S603 - a fixed program with its own options
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints
            )
        except OSError as error:
            raise SourceUnavailable(f"journalctl cannot be run: {error.strerror}") from None
        timer = Timer(_TIMEOUT_SECONDS, process.kill)
        timer.start()
        output = cast("IO[bytes]", process.stdout)
        with process:
            try:
                while line := output.readline(ENTRY + 1):
                    yield line
                code = process.wait()
            finally:
                timer.cancel()
                process.kill()
        if code:
            complaints.seek(0)
            said = complaints.read(300).decode(errors="replace").strip()
            raise SourceUnavailable(f"journalctl ended with {code}: {said}")


def _paged(entries: Iterable[bytes], cursor: str | None) -> Iterator[Page]:
    lines: list[Line] = []
    unreadable = too_long = 0
    resumed = lost = False
    skipping = False
    after = cursor
    for entry in entries:
        whole = entry.endswith(b"\n")
        if skipping or not whole:
            too_long += not skipping
            skipping = not whole
            continue
        try:
            after, line = read_entry(entry)
        except ValueError:
            unreadable += 1
            continue
        if cursor is not None and not resumed:
            resumed = True
            if after == cursor:
                continue
            lost = True
        if line is None:
            unreadable += 1
        else:
            lines.append(line)
        if len(lines) >= ENTRIES:
            yield Page(lines, after, unreadable, too_long, lost)
            lines, unreadable, too_long, lost = [], 0, 0, False
    if lines or unreadable or too_long:
        yield Page(lines, after, unreadable, too_long, lost)

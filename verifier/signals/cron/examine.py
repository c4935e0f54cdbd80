"""What ``landed doctor`` says of cron: can the log be read, and what is not in it."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from verifier.checks.remark import Level, Remark
from verifier.runs.instant import format_instant
from verifier.signals.cron import journal
from verifier.signals.cron.binding import CronBinding
from verifier.signals.cron.command import as_logged, is_wrapped
from verifier.signals.cron.message import Ended, Event, Failed, Started, read_message
from verifier.signals.cron.session import ENDS, FAILURES, PIDS, STARTS, Host
from verifier.signals.cron.settings import CronLogSettings
from verifier.signals.cron.syslog import Stamps, read_line
from verifier.signals.cron.tail import split
from verifier.signals.source import BoundJob, SourceUnavailable

LATEST = 4 << 20
"""Bytes at the end of the log that are looked at."""

QUIET = timedelta(hours=3)
"""A log that says nothing for longer is suspicious: Debian's cron starts something each hour."""

_SWITCH_ON = 'set EXTRA_OPTS="-L 15" in /etc/default/cron, then: systemctl restart cron'


def examine(
    settings: CronLogSettings, jobs: Sequence[BoundJob[CronBinding]], now: datetime, host: Host
) -> Iterator[Remark]:
    """Remarks on the log, the daemon and the jobs bound to it."""
    try:
        path = settings.file
        events = _journal_events(now) if path is None else _file_events(path, settings.zone, now)
    except SourceUnavailable as error:
        yield Remark(level=Level.ERROR, message=str(error))
        events = []
    except OSError as error:
        message = f"{settings.path} cannot be read: {error.strerror or error}"
        yield Remark(level=Level.ERROR, message=message, hint=_right(error))
        events = []
    else:
        where = settings.path or "the journal"
        yield Remark(level=Level.OK, message=f"{where} can be read")
        if path is not None:
            yield from _freshness(path, now)
    yield from _daemon(host, events)
    yield from _jobs(jobs, events)


def _right(error: OSError) -> str | None:
    if isinstance(error, PermissionError):
        return "put the user of landed into the group that may read it: usermod -a -G adm USER"
    return None


def _file_events(path: Path, zone: ZoneInfo, now: datetime) -> list[Event]:
    stamps = Stamps(zone, now)
    with path.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - LATEST))
        found = split(opened.read(LATEST), skipping=size > LATEST)
    events = []
    for raw in found.lines:
        try:
            line = read_line(raw, stamps)
            event = None if line is None else read_message(line.message)
        except ValueError:
            continue
        if event is not None:
            events.append(event)
    return events


def _journal_events(now: datetime) -> list[Event]:
    events = []
    for page in journal.pages(None, now - timedelta(days=1)):
        for line in page.lines:
            try:
                event = read_message(line.message)
            except ValueError:
                continue
            if event is not None:
                events.append(event)
    return events


def _freshness(path: Path, now: datetime) -> Iterator[Remark]:
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    if now - written > QUIET:
        yield Remark(
            level=Level.WARNING,
            message=f"nothing was written to {path} since {format_instant(written)}",
            hint="see whether the syslog daemon runs, and writes to this file; while it does "
            "not, jobs look as if they had not been started",
        )


def _daemon(host: Host, events: Sequence[Event]) -> Iterator[Remark]:
    daemon = host.daemon()
    if daemon is not None:
        level = daemon.log_level
        if level & 15 == 15:
            message = f"cron runs (pid {daemon.pid}) and logs starts, ends and failures (-L 15)"
            yield Remark(level=Level.OK, message=message)
        else:
            message = f"cron runs (pid {daemon.pid}) with -L {level}: {_unseen(level)}"
            yield Remark(level=Level.WARNING, message=message, hint=_SWITCH_ON)
        return
    yield Remark(
        level=Level.WARNING,
        message="no cron daemon is to be seen from here",
        hint="start it, unless the log is of another host or cron is in another container",
    )
    told = Counter(type(event) for event in events)
    if told[Started] and not told[Ended]:
        message = f"of {told[Started]} starts in the log none has an end: {_unseen(STARTS)}"
        yield Remark(level=Level.WARNING, message=message, hint=_SWITCH_ON)
    elif told[Ended]:
        message = f"the log has starts ({told[Started]}), ends ({told[Ended]})"
        yield Remark(level=Level.OK, message=f"{message} and failures ({told[Failed]})")


def _unseen(level: int) -> str:
    """What a log of that level does not show."""
    if not level & STARTS:
        return "no start is logged, so nothing is heard of any job"
    if not level & ENDS or not level & PIDS:
        return (
            "only starts can be told; how a job ended cannot, so it counts as running until "
            "finish_within has passed, then as timed out"
        )
    if not level & FAILURES:
        return "ends are told and failures are not, so no end counts as a success"
    return "everything is told"


def _jobs(jobs: Sequence[BoundJob[CronBinding]], events: Sequence[Event]) -> Iterator[Remark]:
    started = {(event.user, event.command) for event in events if isinstance(event, Started)}
    commands = {command for _, command in started}
    for job in jobs:
        command, user = as_logged(job.binding.command), job.binding.user
        if is_wrapped(job.binding.command):
            yield Remark(
                level=Level.WARNING,
                message=f"{job.name} runs under landed exec, which tells of it by itself",
                hint="remove its scheduler from landed.yaml",
            )
        elif command in commands and user is not None and (user, command) not in started:
            yield Remark(
                level=Level.WARNING,
                message=f"the command of {job.name} is started by another user than {user}",
                hint="correct user, or remove it",
            )
        elif started and command not in commands:
            yield Remark(
                level=Level.NOTE,
                message=f"none of the {len(started)} commands in the log lately is that of "
                f"{job.name}",
                hint="right for a rare job; else compare it with the crontab, character by "
                "character: landed discover crontab",
            )

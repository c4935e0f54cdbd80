"""The jobs that the crontabs of a host have, as skeletons for a person to finish."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from verifier.checks.remark import Level, Remark
from verifier.signals.cron.binding import WORD_PATTERN
from verifier.signals.cron.command import is_wrapped
from verifier.signals.cron.crontab import LONGEST, Entry, NotRead, read_crontab
from verifier.signals.cron.settings import host_zone
from verifier.signals.source import JobSkeleton, SourceUnavailable

_DAEMONS = ("usr/sbin/cron", "usr/sbin/crond")
_TABLE = "etc/crontab"
_TABLES = "etc/cron.d"
_OF_USERS = "var/spool/cron/crontabs"

_READ = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
"""The names in ``/etc/cron.d`` that cron reads; others (``x.dpkg-old``) it leaves out."""

_ZONE = "CRON_TZ"
_BETWEEN = re.compile(r"&&|\|\||[;|&(){}]")
_PREPARING = frozenset({"cd", "test", "[", "[[", ".", "source", "export", "sleep", "umask", "set"})
_STARTERS = frozenset(
    {"bash", "chronic", "dash", "env", "flock", "ionice", "java", "nice", "node", "nohup", "perl"}
    | {"php", "python", "python3", "ruby", "setsid", "sh", "sudo", "test", "time", "timeout", "zsh"}
)
"""Programs that start another one, so that a job is not called after them."""


class Table(msgspec.Struct, frozen=True):
    """A crontab: where it is, and whose; ``user`` is None where each entry names its own."""

    path: Path
    user: str | None


def discover(root: Path) -> Iterator[JobSkeleton | Remark]:
    """A job for each entry of the crontabs below ``root``, and a remark where there is none.

    Raises ``SourceUnavailable`` where there is no crontab to be read.
    """
    tables = list(_tables(root))
    if not tables:
        raise SourceUnavailable(f"no crontab was found under {root}")
    honours_zone = reads_zone(root)
    for table in tables:
        try:
            with table.path.open("rb") as opened:
                text = opened.read(LONGEST).decode(errors="replace")
        except OSError as error:
            hint = "run it as root to see the crontabs of other users"
            yield _skipped(f"{table.path} cannot be read: {error.strerror}", hint)
            continue
        for entry in read_crontab(text, with_user=table.user is None):
            yield _discovered(table, entry, honours_zone=honours_zone)


def reads_zone(root: Path) -> bool:
    """Whether the cron that is installed runs entries by ``CRON_TZ``; Debian's does not."""
    for name in _DAEMONS:
        try:
            if _ZONE.encode() in (root / name).read_bytes():
                return True
        except OSError:
            continue
    return False


def _tables(root: Path) -> Iterator[Table]:
    if (root / _TABLE).is_file():
        yield Table(root / _TABLE, None)
    for path in _files(root / _TABLES):
        if _READ.fullmatch(path.name):
            yield Table(path, None)
    for path in _files(root / _OF_USERS):
        if re.fullmatch(WORD_PATTERN, path.name):
            yield Table(path, path.name)


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file())
    except PermissionError:
        # Shown as a table that cannot be read.
        return [folder]
    except OSError:
        return []


def _discovered(
    table: Table, entry: Entry | NotRead, *, honours_zone: bool
) -> JobSkeleton | Remark:
    where = f"{table.path}:{entry.line}"
    if isinstance(entry, NotRead):
        return _skipped(f"{where} is left out: {entry.why}")
    user = entry.user or table.user or ""
    if entry.expression is None:
        return _skipped(f"{where} is left out, since @reboot is never due: {_shown(entry)}")
    if is_wrapped(entry.command):
        return _skipped(f"{where} runs under landed exec, which tells of it: {_shown(entry)}")
    zone = host_zone().key
    comments = [*entry.comments, f"from {where}"]
    wanted = entry.environment.get(_ZONE)
    if wanted and honours_zone:
        zone = wanted
    elif wanted:
        comments.append(f"{_ZONE}={wanted} stands above it, which the cron of this host ignores")
    return JobSkeleton(
        name=_name(entry.command),
        scheduler={"command": entry.command, "user": user},
        schedule={"cron": entry.expression, "timezone": zone},
        comments=tuple(comments),
    )


def _skipped(message: str, hint: str | None = None) -> Remark:
    return Remark(level=Level.NOTE, message=message, hint=hint)


def _shown(entry: Entry) -> str:
    # The first word only: what follows may hold a password.
    return entry.command.split()[0]


def _name(command: str) -> str:
    """A name after the program, the first that is there for the work itself."""
    steps = [words for step in _BETWEEN.split(command) if (words := step.split())]
    words = next((each for each in steps if each[0] not in _PREPARING), command.split())
    programs = [word.strip("\"'").rstrip("/").rpartition("/")[2] for word in words if "/" in word]
    candidates = [each for each in programs if each and each not in _STARTERS] or words
    return re.sub(r"\.(sh|py|pl|rb|php)$", "", candidates[0])

#!/usr/bin/env python3
"""``landed-exec``: runs a scheduled command unchanged and tells the verifier about it.

One file, standard library only, Linux, Python 3.9 or newer: copy it to a host as it is.

What holds, in this order:

1. The job comes first. Exit code, death by signal, argv, stdin, stdout, stderr,
   environment, directory, umask, process group and terminal are those of the bare
   command. A verifier that is away, slow or broken changes nothing, and neither does
   a spool that cannot be written. Only ``--guard`` waits, ``--guard-timeout`` at most.
2. What was seen is kept. A start is on disk before the command runs and an end
   before we exit; a detached courier delivers them, now or on a later run.
3. A dead attempt is proven dead. Its pid, start time and boot are on disk, so the
   next run on this host (or the verifier itself, which may sweep the same directory)
   can say ``pid_gone`` or ``rebooted`` for an attempt whose wrapper was killed.

While a job runs there are the wrapper, its command, a *witness* (see there) and, for
moments, a courier. Sections: options · words · processes · spool · delivery · courier ·
guard · signals · running.
"""

# pathlib, enum (behind signal), re (behind json), contextlib and argparse cost up to 9 ms
# each, at every start of every job. What the command need not wait for is imported late.
# ruff: noqa: PTH100, PTH103, PTH105, PTH108, PTH110, PTH111, PTH115, PTH118, PTH120
# ruff: noqa: PTH123, PTH208, SIM105
# Becoming the command is our purpose: S606.
# ruff: noqa: S606

from __future__ import annotations

import errno
import fcntl
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, NoReturn

    Signal = dict[str, Any]
    Folder = str | os.PathLike[str]
    Parsers = Mapping[str, Callable[[str], Any] | None]
    Send = Callable[[list[Signal]], list[dict[str, Any]]]
else:
    import _signal as signal  # the same functions, without 5 ms of enums

USAGE = """\
usage: landed-exec --job JOB [options] -- COMMAND [ARGUMENT...]

Runs COMMAND unchanged and tells the verifier that it started, lives and ended.

  --job JOB                the job's declared name
  --partition P            the partition this attempt covers (default: all)
  --due INSTANT            the occurrence it answers, RFC 3339 with an offset
  --lane LANE              live, backfill, rerun or manual
  --attempt ID             the attempt's id (default: a new one)
  --url URL                the verifier (default: $LANDED_URL or
                           http://127.0.0.1:9877)
  --spool DIR              where signals wait for delivery (default:
                           $LANDED_SPOOL, /var/spool/landed or
                           ~/.local/state/landed/spool)
  --heartbeat DURATION     time between heartbeats, 0 for none (default: 30s)
  --guard                  ask whether this attempt may run; with it:
  --mode MODE              repair or resume, what this attempt is meant to do
  --when-unsure WORD       open or closed: run or not where nobody can tell
  --guard-timeout DURATION how long to wait for an answer (default: 2s)
  --refused-exit N         exit code of a refusal (default: 75)
  --override-by WHO        run against the guard's advice, with
  --override-reason WHY    the reason that is kept

From the environment: LANDED_URL, LANDED_SPOOL, LANDED_TOKEN (a bearer token),
LANDED_DELIVER_FOR (how long delivery is tried after the last news, default
15m), LANDED_QUIET (no line on stderr about a spool that cannot be written).

Exits as COMMAND does; 127 or 126 where it is not found or cannot be run, 2 on a
usage error, 75 where the guard refuses, 0 where it skips.
"""

DEFAULT_URL = "http://127.0.0.1:9877"
ENDS = ("succeeded", "failed", "cancelled", "timed_out", "lost")
PASSING = ("heartbeat", "progress")
WAITING = (".run", ".sig", ".beat")
UNKNOWN = ".unknown"
BATCH = 500
ANSWER_LIMIT = 1 << 20
SPOOL_LIMIT = 64 << 20
REJECTED_LIMIT = 1 << 20
POST_SECONDS = 10.0
GATHER_SECONDS = 0.1
LEAST_PAUSE, MOST_PAUSE = 0.5, 30.0
DAY_SECONDS = 86_400
ONE_KEY_SECONDS = 0.5
KEYS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)
INITIAL_PID_NAMESPACE = "pid:[4026531836]"


# --- options -------------------------------------------------------------------------------


class UsageError(Exception):
    """The command line is wrong; the text says where, and what was expected."""


def read_options(argv: Sequence[str], parsers: Parsers) -> tuple[dict[str, Any], list[str]]:
    """The options at the front of ``argv``, by name, and the words after them.

    ``parsers`` has for each option what reads its value (``ValueError`` with what was
    expected), or None for a flag. Options end at ``--`` or at the first other word.
    """
    values: dict[str, Any] = {}
    rest = list(argv)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        name, equals, text = rest.pop(0).partition("=")
        if name == "--":
            break
        if name not in parsers:
            raise UsageError(f"unknown option {name}")
        parse = parsers[name]
        if parse is None:
            values[name] = True
            continue
        if not equals:
            if not rest:
                raise UsageError(f"{name} needs a value")
            text = rest.pop(0)
        try:
            text.encode()
            values[name] = parse(text)
        except UnicodeEncodeError:
            raise UsageError(f"{name}: expected UTF-8 text") from None
        except ValueError as error:
            raise UsageError(f"{name}: expected {error}, found {text[:60]!r}") from None
    return values, rest


def job_name(text: str) -> str:
    """A job's name; it becomes part of a file name, so nothing else may pass."""
    letters = text.replace(".", "").replace("_", "").replace("-", "")
    if not (text.isascii() and letters.isalnum() and text[0].isalnum() and len(text) <= 100):
        raise ValueError("1 to 100 of A-Z a-z 0-9 . _ - beginning with a letter or digit")
    return text


def printable(text: str) -> str:
    """One line of text that is not empty."""
    if not text.isprintable() or not 1 <= len(text) <= 500:
        raise ValueError("1 to 500 printable characters")
    return text


def attempt_id(text: str) -> str:
    """An attempt's id; ``~`` begins those that the verifier makes."""
    if text.startswith("~"):
        raise ValueError("an id that does not begin with ~")
    return printable(text)


def one_of(*words: str) -> Callable[[str], str]:
    """A parser that takes only these words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(" or ".join(words))
        return text

    return parse


def seconds(text: str) -> float:
    """A duration in seconds: ``500ms``, ``30s``, ``15m``, ``1h``, or a bare number of seconds."""
    number, factor = text, 1.0
    for unit, size in (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)):
        if text.endswith(unit):
            number, factor = text[: -len(unit)], size
            break
    if not (number.isascii() and number.replace(".", "", 1).isdigit() and len(number) <= 9):
        raise ValueError("a duration such as 30s or 15m")
    return float(number) * factor


def exit_code(text: str) -> int:
    """A process's exit code."""
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 255):
        raise ValueError("0 to 255")
    return int(text)


def instant(text: str) -> str:
    """An instant in UTC with ``Z``. Without an offset it would be several, so it is refused."""
    from datetime import datetime, timezone

    try:
        moment = datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in "Zz" else text)
        utc = moment.astimezone(timezone.utc)  # noqa: UP017 (Python 3.9 has no datetime.UTC)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("an instant with an offset such as 2026-04-03T02:00:00Z")
    return utc.isoformat().replace("+00:00", "Z")


def split_url(url: str) -> tuple[str, str, int | None, str]:
    """Scheme, host, port and path of an ``http`` or ``https`` URL.

    Raises ``UsageError``, which does not repeat the text: it may hold a password.
    """
    scheme, _, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    host, colon, port = place.rpartition(":")
    if not colon or "]" in port:
        host, port = place, ""
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if (
        scheme not in ("http", "https")
        or not bare
        or (bare == host and ":" in host)
        or not (url.isascii() and url.isprintable())
        or set(url) & set(" @?#\\")
        or (port and not (port.isdigit() and int(port[:6]) < 65536))
    ):
        raise UsageError("the URL: expected http[s]://HOST[:PORT][/PATH], without user or query")
    return scheme, bare, int(port) if port else None, (slash + path).rstrip("/")


class Verifier:
    """Where the verifier is, the token it asks for, and where signals wait until it has them.

    What the options leave open comes from the environment. A slip there is told and
    left aside, since one line of a crontab would stop every job below it. Raises
    ``UsageError`` for a slip in an option.
    """

    def __init__(self, url: str | None, spool: str | None) -> None:
        environment = os.environ
        self.url = (url or environment.get("LANDED_URL") or DEFAULT_URL).rstrip("/")
        try:
            split_url(self.url)
        except UsageError as error:
            if url:
                raise
            say(f"LANDED_URL is left aside: {error}")
            self.url = DEFAULT_URL
        self.token = environment.get("LANDED_TOKEN", "").strip()
        if not (self.token.isascii() and self.token.isprintable()):
            say("LANDED_TOKEN is left aside: it holds a character that no HTTP header can carry")
            self.token = ""
        try:
            self.deliver_for = seconds(environment.get("LANDED_DELIVER_FOR") or "15m")
        except ValueError as error:
            say(f"LANDED_DELIVER_FOR is left aside: expected {error}")
            self.deliver_for = 900.0
        self.spool = spool or environment.get("LANDED_SPOOL") or default_spool()
        try:
            self.spool = os.path.abspath(self.spool)
        except OSError:
            raise UsageError("--spool: no current directory, so expected a full path") from None


PARSERS: Parsers = {
    "--job": job_name,
    "--partition": printable,
    "--due": instant,
    "--lane": one_of("live", "backfill", "rerun", "manual"),
    "--attempt": attempt_id,
    "--url": str,
    "--spool": printable,
    "--heartbeat": seconds,
    "--help": None,
    "-h": None,
    "--guard": None,
}
GUARD_PARSERS: Parsers = {
    "--mode": one_of("repair", "resume"),
    "--when-unsure": one_of("open", "closed"),
    "--guard-timeout": seconds,
    "--refused-exit": exit_code,
    "--override-by": printable,
    "--override-reason": printable,
}


class Options:
    """The command line of ``landed-exec``. Raises ``UsageError``."""

    def __init__(self, argv: Sequence[str]) -> None:
        values, self.command = read_options(argv, {**PARSERS, **GUARD_PARSERS})
        self.help = "--help" in values or "-h" in values
        if self.help:
            return
        for option in GUARD_PARSERS:
            if option in values and "--guard" not in values:
                raise UsageError(f"{option} needs --guard")
        if ("--override-by" in values) != ("--override-reason" in values):
            raise UsageError("an override needs both --override-by and --override-reason")
        if values.get("--lane") in ("backfill", "rerun") and "--due" not in values:
            raise UsageError(f"--lane {values['--lane']} needs --due, the occurrence it answers")
        if "--job" not in values:
            raise UsageError("--job is missing")
        if not self.command:
            raise UsageError("the command is missing: landed-exec --job JOB -- COMMAND")
        self.job: str = values["--job"]
        self.attempt: str = values.get("--attempt") or new_id()
        about = {name: values.get(f"--{name}") for name in ("due", "partition", "lane")}
        self.about: Signal = {name: value for name, value in about.items() if value}
        self.heartbeat: float = values.get("--heartbeat", 30.0)
        self.guard = "--guard" in values
        self.guard_seconds: float = values.get("--guard-timeout", 2.0)
        self.refused_exit: int = values.get("--refused-exit", 75)
        self.when_unsure: str | None = values.get("--when-unsure")
        asked = {"mode": values.get("--mode"), "when_unsure": self.when_unsure}
        self.question: Signal = {name: value for name, value in asked.items() if value}
        if "--override-by" in values:
            by, reason = values["--override-by"], values["--override-reason"]
            self.question["override"] = {"by": by, "reason": reason}
        self.verifier = Verifier(values.get("--url"), values.get("--spool"))


# --- words ---------------------------------------------------------------------------------


def new_id() -> str:
    """32 hexadecimal digits that sort by the time they were made (milliseconds)."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"


def now_text() -> str:
    """Now, in RFC 3339 and UTC, with microseconds."""
    whole, rest = divmod(time.time_ns(), 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{rest // 1000:06}Z"


def to_json(value: object) -> str:
    """``value`` as one line of ASCII JSON; plain values do without the cost of ``json``."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{to_json(k)}:{to_json(v)}" for k, v in value.items()) + "}"
    if type(value) is int:
        return str(value)
    plain = isinstance(value, str) and value.isascii() and value.isprintable()
    if plain and not set(str(value)) & {'"', "\\"}:
        return f'"{value}"'
    import json

    return json.dumps(value)


def try_write(fd: int, data: bytes) -> bool:
    """Writes ``data``; False where nobody can take it."""
    try:
        os.write(fd, data)
    except OSError:
        return False
    return True


def say(line: str, program: str = "landed-exec") -> None:
    """One line on stderr; a stderr that is closed or full is no reason to fail a job."""
    try_write(2, f"{program}: {line}\n".encode(errors="replace"))


def read_bytes(path: str) -> bytes:
    """The file's content; empty where it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


def read_text(path: str) -> str:
    """The file's content without surrounding space; empty where it cannot be read."""
    return read_bytes(path).decode(errors="replace").strip()


# --- processes: is an earlier attempt dead? ------------------------------------------------


def here() -> dict[str, str]:
    """What tells this machine, this boot and this pid namespace from others; "" if unknown."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return {
        "machine": f"{os.uname().nodename}/{read_text('/etc/machine-id')}",
        "boot": read_text("/proc/sys/kernel/random/boot_id"),
        "pid_namespace": namespace,
    }


def process_fields(pid: int) -> list[str]:
    """Fields 3 and on of ``/proc/PID/stat`` (proc(5)); none where it cannot be read."""
    fields = read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields if len(fields) > 19 else []


def start_ticks(pid: int) -> int:
    """When the process started, in clock ticks since boot; -1 where it cannot be read."""
    fields = process_fields(pid)
    return int(fields[19]) if fields else -1


def is_gone(pid: int, ticks: int) -> bool:
    """Whether the process that had ``pid`` and started at ``ticks`` has certainly ended.

    The pid alone proves nothing: another process may have it by now. And one that may
    not be looked at (hidepid) may be the one.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it exists, and is another user's
    fields = process_fields(pid)
    if not fields or ticks < 0:
        return False
    if int(fields[19]) != ticks:
        return True
    # A zombie is dead, unless only its first thread has ended.
    return fields[0] in "ZX" and int(fields[17]) <= 1


def survivors(attempt: str) -> list[tuple[int, int]]:
    """(pid, start time) of the processes that an attempt's command started and left behind.

    They are known by the attempt's id in their environment, which children inherit.
    Those that are just dying, as the rest of a pipeline does, get a moment for it.
    """
    left = _started_by(attempt)
    if left:
        time.sleep(0.05)
        left = [one for one in _started_by(attempt) if one in left and not is_gone(*one)]
    return left


def _started_by(attempt: str) -> list[tuple[int, int]]:
    mark = b"LANDED_ATTEMPT=" + attempt.encode()
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    return [
        (pid, start_ticks(pid))
        for pid in pids
        if pid != os.getpid()
        and mark in read_bytes(f"/proc/{pid}/environ").split(b"\0")
        # Couriers and witnesses of what ran inside the job do none of its work.
        and not read_bytes(f"/proc/{pid}/cmdline").startswith(b"landed-")
    ]


def death_proof(process: dict[str, Any], place: dict[str, str]) -> str | None:
    """``pid_gone`` or ``rebooted`` if the recorded process is proven dead, seen from ``place``.

    A pid speaks only within its namespace (whose number is used again only after all
    in it have died). Another boot is a proof only outside of containers: a spool may
    move with its container, name and all, to another host.
    """
    for part in ("machine", "pid_namespace"):
        if not place[part] or process.get(part) != place[part]:
            return None
    if not place["boot"] or not process.get("boot"):
        return None
    if process["boot"] != place["boot"]:
        return "rebooted" if place["pid_namespace"] == INITIAL_PID_NAMESPACE else None
    pid, ticks = process.get("pid"), process.get("ticks")
    if isinstance(pid, int) and isinstance(ticks, int) and pid > 0 and is_gone(pid, ticks):
        return "pid_gone"
    return None


# --- spool: what is known and not yet delivered --------------------------------------------
#
# One directory, mode 0700. Each file holds lines of {"url": …, "signal": {…}}:
#   ID.run    an attempt: its start, with "process", and its end. Its wrapper keeps it
#             locked (flock) while it lives
#   ID.sig    one signal, from ``landed signal``
#   *.beat    one heartbeat or progress; a newer one makes it worthless
# Beside them: NAME.sent (how many bytes of NAME are delivered), rejected.ndjson (what
# the verifier will never take), JOB.unsure (the guard's last word on being unsure),
# JOB.unknown (what the verifier said of a job that it does not know) and courier.URL (the
# lock of the courier for that URL).
# File names are made here, never from a partition or an attempt. Several may deliver at
# once: a signal that arrives twice is the same signal, by its id. A file is removed only
# when all of it is delivered, no more can come, and nobody holds its lock.


def default_spool() -> str:
    """The host's spool if we may write there (root makes it), else the user's own."""
    shared = "/var/spool/landed"
    if os.access(shared, os.W_OK) or (os.geteuid() == 0 and not os.path.exists(shared)):
        return shared
    own = os.path.expanduser("~/.local/state/landed/spool")
    return own if own.startswith("/") else "/nonexistent"  # a user without a home


def spool_open(spool: Folder, name: str, flags: int) -> int:
    """A descriptor of one file of the spool; links are not followed, new files are 0600."""
    return os.open(os.path.join(spool, name), flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)


def spool_create(spool: Folder, name: str) -> int:
    """A new file of the spool, open for appending and locked until it is closed."""
    os.makedirs(spool, 0o700, exist_ok=True)
    fd = spool_open(spool, name, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND)
    os.fchmod(fd, 0o600)  # whatever the umask
    try_lock(fd)
    return fd


def try_lock(fd: int) -> bool:
    """Whether we now hold the file's exclusive lock; forked processes share it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def spool_append(fd: int, record: dict[str, Any], sync: bool = True) -> None:
    """Adds a line, on a new one even where an earlier write was cut off."""
    line = f"\n{to_json(record)}\n".encode("ascii")
    if os.write(fd, line) != len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if sync:
        os.fsync(fd)


def sync_directory(spool: Folder) -> None:
    """Makes the names of new files durable."""
    fd = os.open(spool, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def spool_signal(spool: Folder, url: str, signal_: Signal, name: str | None = None) -> None:
    """Keeps one signal until it is delivered; raises ``OSError`` where that cannot be done.

    Heartbeats and progress are not worth a sync: the next one says the same, later.
    """
    passing = signal_["kind"] in PASSING
    fd = spool_create(spool, name or f"{new_id()}.{'beat' if passing else 'sig'}")
    try:
        spool_append(fd, {"url": url, "signal": signal_}, sync=not passing)
    finally:
        os.close(fd)
    if not passing:
        sync_directory(spool)


def spool_remove(spool: Folder, name: str) -> None:
    """Removes a file of the spool, and what is noted beside it, if they are there."""
    for one in (name, f"{name}.sent"):
        try:
            os.unlink(os.path.join(spool, one))
        except OSError:
            pass


class SpoolFile:
    """One file of the spool as it is now: its records, each with the offset of its end.

    ``torn`` counts lines that are no record, left by a crash amid a write or by a full
    disk. An unfinished last line is no line yet. Raises ``OSError``.
    """

    def __init__(self, spool: Folder, name: str) -> None:
        import json

        self.spool, self.name, self.torn = spool, name, 0
        self.records: list[tuple[int, dict[str, Any]]] = []
        with os.fdopen(spool_open(spool, name, os.O_RDONLY), "rb") as file:
            content = file.read()
        self.size = len(content)
        sent = read_text(os.path.join(spool, f"{name}.sent"))
        self.sent = int(sent) if sent.isdigit() else 0
        end = 0
        for line in content.splitlines(keepends=True):
            end += len(line)
            if line.isspace() or not line.endswith(b"\n"):
                continue
            try:
                record = json.loads(line)
                if isinstance(record["signal"], dict):
                    self.records.append((end, record))
                    continue
            except (ValueError, RecursionError, TypeError, KeyError):
                pass
            self.torn += 1

    @property
    def complete(self) -> bool:
        """Whether nothing more will be written once the writer's lock is gone."""
        if self.name.endswith(".run"):
            return any(record["signal"].get("kind") in ENDS for _, record in self.records)
        return bool(self.records)

    def pending(self, url: str | None) -> list[tuple[int, Signal]]:
        """Offset and signal of what is not delivered and meant for ``url`` (None: for any)."""
        waiting = [(end, record) for end, record in self.records if end > self.sent]
        return [(end, one["signal"]) for end, one in waiting if url in (None, one.get("url"))]

    def mark_sent(self, end: int) -> None:
        """Remembers that all up to ``end`` is delivered, or removes the file if that was all."""
        self.sent = end
        if not self.remove_if_done():
            flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC
            with os.fdopen(spool_open(self.spool, f"{self.name}.sent", flags), "wb") as file:
                file.write(b"%d\n" % end)  # not synced: losing it only repeats a delivery

    def remove_if_done(self) -> bool:
        """Removes the file if all of it is delivered, no more can come and nobody holds it.

        A file that a crash left without any record goes after a day. True if it is gone.
        """
        if self.records and not (self.complete and self.sent >= self.records[-1][0]):
            return False
        try:
            fd = spool_open(self.spool, self.name, os.O_RDONLY)
        except OSError:
            return True  # removed meanwhile
        with os.fdopen(fd, "rb"):
            stat = os.fstat(fd)
            done = bool(self.records) or time.time() - stat.st_mtime > DAY_SECONDS
            if not (done and try_lock(fd) and stat.st_size == self.size):
                return False
            spool_remove(self.spool, self.name)
        return True


def spool_entries(spool: Folder) -> list[tuple[int, int, str]]:
    """(modified, in nanoseconds; bytes on disk; name) of each file of the spool, oldest first."""
    entries = []
    try:
        for entry in os.scandir(spool):
            stat = entry.stat(follow_symlinks=False)
            entries.append((stat.st_mtime_ns, stat.st_blocks * 512, entry.name))
    except OSError:
        pass  # removed meanwhile: the next round sees the rest
    return sorted(entries)


def spool_files(spool: Folder, suffixes: tuple[str, ...] = WAITING) -> Iterator[SpoolFile]:
    """The readable files of the spool with these endings, oldest first."""
    for _, _, name in spool_entries(spool):
        if name.endswith(suffixes):
            try:
                yield SpoolFile(spool, name)
            except OSError:
                continue


def trim(spool: Folder, limit: int = SPOOL_LIMIT) -> None:
    """Drops the oldest heartbeats and progress of a spool larger than ``limit`` bytes.

    Starts and ends are never dropped, however large the spool is. Notes whose file is gone
    go in any case.
    """
    entries = spool_entries(spool)
    names = {name for _, _, name in entries}
    excess = sum(size for _, size, _ in entries) - limit
    for _, size, name in entries:
        if excess > 0 and name.endswith(".beat"):
            spool_remove(spool, name)
            excess -= size
        elif name.endswith(".sent") and name[: -len(".sent")] not in names:
            spool_remove(spool, name)


def prove_deaths(spool: Folder, place: dict[str, str]) -> int:
    """Adds ``lost`` to each attempt without an end whose process is proven dead; how many.

    An attempt whose wrapper lives is left to it, and a process that runs on without its
    wrapper is left alone. ``place`` is what ``here()`` says on this host. Safe beside
    others: the file is read and written under its lock.
    """
    proven = 0
    for seen in spool_files(spool, (".run",)):
        if seen.complete or not seen.records:
            continue
        try:
            fd = spool_open(spool, seen.name, os.O_RDWR | os.O_APPEND)
        except OSError:
            continue
        try:
            if try_lock(fd):
                proven += _prove_death(SpoolFile(spool, seen.name), fd, place)
        except OSError:
            continue
        finally:
            os.close(fd)
    return proven


def _prove_death(file: SpoolFile, fd: int, place: dict[str, str]) -> bool:
    first = file.records[0][1]
    process, started = first.get("process"), first["signal"]
    proof = death_proof(process, place) if isinstance(process, dict) else None
    if proof is None or file.complete:
        return False
    about = ("job", "attempt", "due", "partition", "lane", "worker")
    lost = {key: started[key] for key in about if key in started}
    lost.update(kind="lost", at=now_text(), id=f"{started.get('attempt')}/lost")
    lost.update(end_proof=proof, reason="ended unseen: its wrapper was gone")
    spool_append(fd, {"url": first.get("url"), "signal": lost})
    return True


# --- delivery ------------------------------------------------------------------------------


class NotDelivered(Exception):
    """The verifier did not take the batch: try again, after ``retry_after`` seconds or more."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


def deliver(spool: Folder, send: Send, url: str | None = None) -> dict[str, int]:
    """Hands all undelivered signals of the spool to ``send``; returns counts.

    ``send`` takes up to 500 signals and returns the rejected ones as the answer of
    ``POST /v1/signals`` has them: ``{"index", "code", "detail", "retriable"}``; all
    others were taken. Retriable ones stay, the rest goes to ``rejected.ndjson``. ``url``
    limits it to signals meant for that verifier. Counts: ``taken``, ``rejected``,
    ``kept``, ``torn``. What ``send`` raises is passed on, and so is ``OSError`` of a spool
    that cannot be written; what was taken before stays taken.
    """
    counts = {"taken": 0, "rejected": 0, "kept": 0, "torn": 0}
    unknown = unknown_jobs(spool)
    batch: list[tuple[SpoolFile, int, Signal]] = []
    held: set[str] = set()  # files with a line that stays: no line after it counts as sent

    def flush() -> None:
        rejections = {one["index"]: one for one in send([signal_ for _, _, signal_ in batch])}
        touched: dict[str, tuple[SpoolFile, int]] = {}
        for index, (file, end, signal_) in enumerate(batch):
            rejection = rejections.get(index)
            note_unknown(spool, unknown, signal_, rejection)
            if rejection is not None and rejection["retriable"]:
                counts["kept"] += 1
                held.add(file.name)
                continue
            counts["taken" if rejection is None else "rejected"] += 1
            if rejection is not None:
                keep_rejected(spool, signal_, rejection)
            if file.name not in held:
                touched[file.name] = file, end
        for file, end in touched.values():
            file.mark_sent(end)
        batch.clear()

    for file in spool_files(spool):
        counts["torn"] += file.torn
        waiting = file.pending(url)
        if not waiting:
            file.remove_if_done()
        for end, signal_ in waiting:
            batch.append((file, end, signal_))
            if len(batch) == BATCH:
                flush()
    if batch:
        flush()
    return counts


def unknown_jobs(spool: Folder) -> set[str]:
    """The jobs whose signals wait because the verifier did not know them when it was last asked."""
    names = (name for _, _, name in spool_entries(spool))
    return {name[: -len(UNKNOWN)] for name in names if name.endswith(UNKNOWN)}


def note_unknown(
    spool: Folder, unknown: set[str], signal_: Signal, rejection: dict[str, Any] | None
) -> None:
    """Notes what became of a signal, where that tells whether the verifier knows its job."""
    job = str(signal_.get("job"))
    if rejection is None:
        if job in unknown:
            unknown.discard(job)
            spool_remove(spool, f"{job}{UNKNOWN}")
    elif rejection.get("code") == "unknown_job" and job not in unknown:
        try:
            job_name(job)
        except ValueError:
            return  # no name of ours, so none for a file
        unknown.add(job)
        detail = str(rejection.get("detail"))[:500]
        remember(spool, f"{job}{UNKNOWN}", "".join(c if c.isprintable() else "?" for c in detail))


def tell_unknown(spool: Folder, job: str, program: str = "landed-exec") -> bool:
    """Says it where the verifier does not know the job; whether that had to be said."""
    why = read_text(os.path.join(spool, f"{job}{UNKNOWN}"))
    if not why or os.environ.get("LANDED_QUIET"):
        return False
    say(f"{job}: the verifier does not know this job, so nobody watches it: {why}", program)
    return True


def keep_rejected(spool: Folder, signal_: Signal, rejection: dict[str, Any]) -> None:
    """Writes down a signal that the verifier will never take, in a file of bounded size."""
    name = "rejected.ndjson"
    record: Signal = {"at": now_text()}
    record.update({key: str(rejection.get(key))[:1000] for key in ("code", "detail")})
    record["signal"] = signal_
    fd = spool_open(spool, name, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    with os.fdopen(fd, "ab") as file:
        file.write(f"{to_json(record)}\n".encode("ascii"))
        if file.tell() > REJECTED_LIMIT:
            path = os.path.join(spool, name)
            os.replace(path, f"{path}.1")


def post(verifier: Verifier, path: str, body: object, limit: float) -> tuple[int, Any, bytes]:
    """Status, headers and content of one POST, within ``limit`` seconds in all.

    No proxy, no redirect, at most 1 MiB of answer. Raises ``NotDelivered``. It uses
    SIGALRM, so it belongs in a process of its own.
    """
    import http.client

    def too_late(*_: object) -> None:
        raise TimeoutError("no answer in time")

    scheme, host, port, prefix = split_url(verifier.url)
    headers = {"Content-Type": "application/json", "User-Agent": "landed-exec"}
    if verifier.token:
        headers["Authorization"] = f"Bearer {verifier.token}"
    connect = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    connection = connect(host, port, timeout=limit)
    signal.signal(signal.SIGALRM, too_late)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        connection.request("POST", prefix + path, to_json(body).encode("ascii"), headers)
        answer = connection.getresponse()
        content = answer.read(ANSWER_LIMIT + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise NotDelivered(why) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        connection.close()
    if len(content) > ANSWER_LIMIT:
        raise NotDelivered("an answer of more than 1 MiB")
    return answer.status, answer.headers, content


def post_signals(
    verifier: Verifier, signals: list[Signal], limit: float = POST_SECONDS
) -> list[dict[str, Any]]:
    """The rejections that ``POST /v1/signals`` answers; raises ``NotDelivered``.

    Only the documented answer counts as delivered. A batch that the verifier cannot read
    is halved until the signal at fault is alone; then that one is rejected for good.
    """
    status, headers, content = post(verifier, "/v1/signals", signals, limit)
    if status == 200:
        return _read_rejections(content, len(signals))
    if status in (400, 413) and headers.get_content_type() == "application/problem+json":
        if len(signals) == 1:
            detail = content.decode(errors="replace")
            return [{"index": 0, "code": f"http_{status}", "detail": detail, "retriable": False}]
        half = len(signals) // 2
        later = post_signals(verifier, signals[half:], limit)
        return post_signals(verifier, signals[:half], limit) + [
            {**rejection, "index": rejection["index"] + half} for rejection in later
        ]
    wait = headers.get("Retry-After", "")
    raise NotDelivered(f"HTTP {status}", min(float(wait), 300.0) if wait.isdigit() else 0.0)


def _read_rejections(content: bytes, count: int) -> list[dict[str, Any]]:
    answer = _read_object(content)
    rejected, accepted, duplicates = map(answer.get, ("rejected", "accepted", "duplicates"))
    if (
        isinstance(rejected, list)
        and all(isinstance(one, dict) and "retriable" in one for one in rejected)
        and {one.get("index") for one in rejected} <= set(range(count))
        and type(accepted) is type(duplicates) is int
        and accepted + duplicates + len(rejected) == count
    ):
        return rejected
    raise NotDelivered("an answer that is not the verifier's")


def _read_object(content: bytes) -> dict[str, Any]:
    import json

    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise NotDelivered("an answer that is not the verifier's")
    return answer


# --- courier: delivers off the job's path --------------------------------------------------


def hand_over(verifier: Verifier, loose: Sequence[Signal] = ()) -> None:
    """Starts a courier for the spool unless one is at work; never waits, never fails.

    ``loose`` are signals that could not be spooled: a courier of their own tries them.
    """
    lock = -1
    try:
        if not loose:
            name = "".join(c if c.isalnum() else f"%{ord(c):02X}" for c in verifier.url)
            lock = spool_open(verifier.spool, f"courier.{name[-200:]}", os.O_CREAT | os.O_RDWR)
            if not try_lock(lock):
                return  # the one at work looks once more after it gives the lock back
        if os.fork() == 0:
            in_background(lambda: _become_courier(verifier, lock, list(loose)), lock)
    except OSError:
        pass  # it stays in the spool
    finally:
        if lock >= 0:
            os.close(lock)


def in_background(work: Callable[[], None], *keep: int) -> NoReturn:
    """Does ``work`` in a process that shares nothing with the job but ``keep``, and ends.

    Who waits for the job (cron for its mail, a pipe, a lock held on a descriptor, a
    session) must not wait for us.
    """
    try:
        os.setsid()
        if os.fork() == 0:
            close_all_but(*keep)
            os.chdir("/")
            os.nice(10)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            work()
    except BaseException:  # noqa: S110 (nobody is there to hear, and the spool has it all)
        pass
    finally:
        os._exit(0)


def _become_courier(verifier: Verifier, lock: int, loose: list[Signal]) -> None:
    """Starts this file anew: whoever looks for the job by its command line must not find us.

    It waits a moment first: a short job has the machine to itself, and its start and end
    go together.
    """
    rename("landed-courier")
    time.sleep(GATHER_SECONDS)
    reader, writer = os.pipe()
    os.write(writer, to_json(loose).encode("ascii"))
    os.close(writer)
    os.dup2(reader, 0)
    if lock >= 0:
        os.set_inheritable(lock, True)
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in ("LANDED_TOKEN", "LANDED_DELIVER_FOR", "SSL_CERT_FILE", "SSL_CERT_DIR")
    }
    environment.update(LANDED_URL=verifier.url, LANDED_SPOOL=verifier.spool)
    python = [sys.executable, "-I", "-S", __file__]
    os.execve(python[0], [*python, "--courier", str(lock)], environment)


def close_all_but(*keep: int) -> None:
    """Closes all descriptors but ``keep``; 0, 1 and 2 lead to ``/dev/null``."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd > 2 and fd not in keep:
            os.closerange(fd, fd + 1)  # as close, but forgiving: the listing's own is gone


def rename(title: str) -> None:
    """Gives this process another command line, as setproctitle(3) does; best effort."""
    fields = read_text("/proc/self/stat").rpartition(")")[2].split()
    try:
        start, end = int(fields[45]), int(fields[46])
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            memory.seek(start)
            memory.write(title.encode()[: end - start - 1].ljust(end - start, b"\0"))
    except (OSError, IndexError):
        pass  # then it is found along with the wrapper


def courier(lock: int) -> None:
    """Delivers until nothing waits, or until no news came for ``deliver_for`` seconds.

    ``lock`` is the descriptor of the held courier lock; without one (-1) it delivers
    the loose signals on stdin.
    """
    import json

    verifier, loose = Verifier(None, None), json.loads(os.read(0, 1 << 16))

    def send(signals: list[Signal]) -> list[dict[str, Any]]:
        return post_signals(verifier, signals)

    pause, newest, last_news = LEAST_PAUSE, 0, time.monotonic()
    while True:
        wait = 0.0
        try:
            if lock < 0:
                send(loose)
                return
            prove_deaths(verifier.spool, here())
            trim(verifier.spool)
            counts = deliver(verifier.spool, send, verifier.url)
            if not counts["kept"]:
                if gave_back(verifier, lock):
                    return
                time.sleep(GATHER_SECONDS)
                continue
        except NotDelivered as refusal:
            wait = refusal.retry_after
        changes = [at for at, _, name in spool_entries(verifier.spool) if name.endswith(WAITING)]
        if changes and changes[-1] > newest:
            newest, last_news = changes[-1], time.monotonic()
        pause_now = max(pause * (0.5 + os.urandom(1)[0] / 255), wait)
        if time.monotonic() + pause_now - last_news > verifier.deliver_for:
            return
        time.sleep(pause_now)
        pause = min(pause * 2, MOST_PAUSE)


def gave_back(verifier: Verifier, lock: int) -> bool:
    """Gives the lock back; False if something came in between and the lock is ours again."""
    fcntl.flock(lock, fcntl.LOCK_UN)
    late = any(file.pending(verifier.url) for file in spool_files(verifier.spool))
    return not (late and try_lock(lock))


# --- guard: may this attempt run? ----------------------------------------------------------


def may_run(options: Options) -> int | None:
    """None if the command may run, else the exit code; says why on stderr.

    The guard's word on ``when_unsure`` is kept for a time when nobody answers.
    """
    spool, name = options.verifier.spool, f"{options.job}.unsure"
    remembered = read_text(os.path.join(spool, name))
    try:
        decision, when_unsure, due, why = ask_guard(options)
    except OSError as error:  # no process or descriptor to ask with
        decision, when_unsure, due, why = "unsure", "", "", str(error.strerror)
    if decision == "unsure":
        when_unsure = options.when_unsure or remembered or "open"
        if when_unsure == "open":
            say(f"{options.job}: runs without the guard's word at {options.verifier.url}: {why}")
            return None
        say(f"{options.job}: refused: the guard cannot tell, and closed when unsure: {why}")
        return options.refused_exit
    if when_unsure != remembered:
        remember(spool, name, when_unsure)
    if decision == "allow":
        if due:
            options.about["due"] = due
        return None
    say(f"{options.job}: {'skipped' if decision == 'skip' else 'refused'}: {why}")
    return 0 if decision == "skip" else options.refused_exit


def remember(spool: Folder, name: str, word: str) -> None:
    """Keeps a word in a file of the spool, if that can be done."""
    try:
        os.makedirs(spool, 0o700, exist_ok=True)
        fd = spool_open(spool, f"{name}.new", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        with os.fdopen(fd, "w") as file:
            file.write(word)
            file.flush()
            os.fsync(fd)
        os.replace(os.path.join(spool, f"{name}.new"), os.path.join(spool, name))
    except OSError:
        pass  # the next answer is as good


def ask_guard(options: Options) -> tuple[str, str, str, str]:
    """(decision, when_unsure, due, why) within ``guard_seconds``; the decision may be ``unsure``.

    A process of its own asks, so that nothing (name resolution, a trickling answer) can
    hold us longer. A signal that would have ended the command ends the waiting.
    """
    deadline = time.monotonic() + options.guard_seconds
    read_end, write_end = os.pipe()
    asker = os.fork()
    if asker == 0:
        _answer_through(write_end, options)
    os.close(write_end)
    answered = False
    while not answered and (left := deadline - time.monotonic()) > 0:
        event = signal.sigtimedwait(WATCHED, left)
        if event is None:
            continue
        if event.si_signo == signal.SIGCHLD:
            answered = os.waitpid(asker, os.WNOHANG)[0] == asker
        elif signal.getsignal(event.si_signo) != signal.SIG_IGN:
            if event.si_signo not in SURVIVED:
                os.kill(asker, signal.SIGKILL)
            take_signal(event.si_signo)
    if not answered:
        os.kill(asker, signal.SIGKILL)
        os.waitpid(asker, 0)
    with os.fdopen(read_end, "rb") as pipe:
        lines = pipe.read().decode(errors="replace").split("\n") if answered else []
    if len(lines) != 4:
        return "unsure", "", "", f"no answer within {options.guard_seconds:g} s"
    return lines[0], lines[1], lines[2], lines[3]


def _answer_through(pipe: int, options: Options) -> NoReturn:
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        close_all_but(pipe)
        decision, when_unsure, due, why = _ask(options)
    except BaseException as error:  # whatever it is, nobody can tell
        decision, when_unsure, due = "unsure", "", ""
        why = str(error) if isinstance(error, NotDelivered) else type(error).__name__
    why = "".join(c if c.isprintable() else " " for c in why)[:500]
    try_write(pipe, "\n".join((decision, when_unsure, due, why)).encode(errors="replace"))
    os._exit(0)


def _ask(options: Options) -> tuple[str, str, str, str]:
    """Asks, after telling what this host knows of the job: the guard must not decide on less."""
    verifier, limit = options.verifier, options.guard_seconds
    prove_deaths(verifier.spool, here())
    known = [
        signal_
        for file in spool_files(verifier.spool)
        for _, signal_ in file.pending(None)  # whoever it was meant for
        if signal_.get("job") == options.job
    ]
    if known:
        try:
            post_signals(verifier, known[-BATCH:], limit / 2)
        except NotDelivered:
            pass  # the courier goes on trying; whether the guard can tell, it will say
    question = {"job": options.job, "attempt": options.attempt}
    question.update({"worker": f"{os.uname().nodename}:{os.getppid()}"})
    question.update({**options.about, **options.question})
    status, _, content = post(verifier, "/v1/guard", question, limit)
    if status != 200:
        try:
            detail = str(_read_object(content).get("detail", ""))[:200]
        except NotDelivered:
            detail = ""
        hint = "; give it in LANDED_TOKEN" if status in (401, 403) else ""
        raise NotDelivered(f"it answered HTTP {status} {detail}".strip() + hint)
    told = _read_object(content)
    decision, when_unsure, due = map(told.get, ("decision", "when_unsure", "due"))
    if decision not in ("allow", "skip", "refuse") or when_unsure not in ("open", "closed"):
        raise NotDelivered("an answer that is not the guard's")
    try:
        due = "" if due is None else instant(str(due))
    except ValueError:
        raise NotDelivered("an answer that is not the guard's") from None
    return decision, when_unsure, due, str(told.get("why") or "no reason given")


# --- signals -------------------------------------------------------------------------------

# All that can be caught is for the job, but what the kernel sends for our own writes and time.
OWN = {signal.SIGPIPE, signal.SIGXFSZ, signal.SIGXCPU}
WATCHED = signal.valid_signals() - OWN - {signal.SIGKILL, signal.SIGSTOP}
DUMPS = {signal.SIGQUIT, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
DUMPS |= {signal.SIGABRT, signal.SIGSYS, signal.SIGTRAP, signal.SIGXCPU, signal.SIGXFSZ}
STOPS = {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
SURVIVED = STOPS | {signal.SIGCONT, signal.SIGWINCH, signal.SIGURG}


class Inherited:
    """Blocks what we watch, and keeps the state that the command must find."""

    def __init__(self) -> None:
        self.mask = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        self.children_ignored = signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would cost us exit codes
        if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.SIG_DFL)

    def restore(self) -> None:
        """Undoes it, in the child. SIGPIPE and SIGXFSZ were ignored by Python itself."""
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        if self.children_ignored:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, self.mask)


def take_signal(number: int) -> None:
    """Does what the signal does to a program that handles none: dies, stops, or goes on."""
    if number in DUMPS:
        import resource

        # 1, not 0: no core is that small, and to a core_pattern pipe it means "none".
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (1 if hard else 0, hard))
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def signal_name(number: int) -> str:
    """``SIGTERM`` for 15."""
    import signal as named  # with its enums: nothing is in a hurry where a job died

    try:
        return named.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - named.SIGRTMIN}"


class Witness:
    """A process that only receives the signals of the job's process group.

    Ctrl-C, a closing terminal, ``kill -- -PGID`` or ``timeout`` reach every process of
    the group: the command has got them too, and must not get them from us again. A
    signal to the wrapper alone must be passed on. To us the two look alike; but what
    the witness got as well went to all. (The kernel signals a group newest member
    first: before we learn of it, the witness has it.) It has a name of its own, so that
    ``pkill -f JOB`` finds the wrapper alone.

    If the wrapper is killed, it waits for the command's end and has the death told.
    """

    def __init__(self, verifier: Verifier, process: dict[str, Any]) -> None:
        read_question, self.question = os.pipe()
        self.answer, write_answer = os.pipe()
        if os.fork() == 0:
            try:
                close_all_but(read_question, write_answer)
                rename("landed-witness")
                self._serve(read_question, write_answer)
                in_background(lambda: self._watch(verifier, process))
            finally:
                os._exit(0)
        os.close(read_question)
        os.close(write_answer)

    @staticmethod
    def _serve(question: int, answer: int) -> None:
        while number := os.read(question, 1):
            if number == b"\0":
                os._exit(0)
            got = signal.sigtimedwait(number, 0)
            try_write(answer, b"n" if got is None else b"y")

    @staticmethod
    def _watch(verifier: Verifier, process: dict[str, Any]) -> None:
        while not is_gone(process["pid"], process["ticks"]):
            time.sleep(1)
        prove_deaths(verifier.spool, here())
        hand_over(verifier)

    def got(self, number: int) -> bool:
        """Whether the signal came to the witness as well."""
        return try_write(self.question, bytes([number])) and os.read(self.answer, 1) == b"y"

    def dismiss(self) -> None:
        """Ends the witness."""
        try_write(self.question, b"\0")


# --- running -------------------------------------------------------------------------------


def environment_of(options: Options) -> dict[bytes, bytes]:
    """The command's environment: ours as inherited, and the four."""
    environment = dict(os.environb)
    if b"LC_CTYPE" in environment:
        # In the C locale Python sets LC_CTYPE for itself (PEP 538); the job must not see it.
        inherited = read_bytes("/proc/self/environ").split(b"\0")
        if any(inherited) and not any(entry.startswith(b"LC_CTYPE=") for entry in inherited):
            del environment[b"LC_CTYPE"]
    environment.pop(b"LANDED_DUE", None)  # an outer job's
    environment[b"LANDED_JOB"] = options.job.encode()
    environment[b"LANDED_ATTEMPT"] = options.attempt.encode()
    environment[b"LANDED_URL"] = options.verifier.url.encode()
    if "due" in options.about:
        environment[b"LANDED_DUE"] = options.about["due"].encode()
    return environment


def execute(command: Sequence[str], environment: dict[bytes, bytes]) -> int:
    """Becomes the command, found as execvp(3) finds it; returns the errno that says why not."""
    argv = [os.fsencode(word) for word in command]
    candidates = [argv[0]]
    if b"/" not in argv[0]:
        path = environment.get(b"PATH", os.defpath.encode())
        candidates = [os.path.join(folder, argv[0]) for folder in path.split(b":")]
    failure = errno.ENOENT
    for candidate in candidates:
        try:
            try:
                os.execve(candidate, argv, environment)
            except OSError as error:
                if error.errno != errno.ENOEXEC:
                    raise
                # A script without #! is the shell's.
                os.execve(b"/bin/sh", [b"sh", candidate, *argv[1:]], environment)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                failure = error.errno or errno.EINVAL
    return failure


class Attempt:
    """One attempt, from its start to its end, and what the verifier is told of it."""

    def __init__(self, options: Options, inherited: Inherited) -> None:
        self.options, self.inherited = options, inherited
        self.verifier = options.verifier
        self.name = new_id()
        self.pid = os.getpid()
        self.file = -1
        self.beats = 0
        self.loose: list[Signal] = []
        self.complained = False
        self.told_unknown = False
        self.witness: Witness | None = None
        self.to_group: dict[int, float] = {}

    def run(self) -> NoReturn:
        """Runs the command and ends as it does."""
        self.told_unknown = tell_unknown(self.verifier.spool, self.options.job)
        environment = environment_of(self.options)
        try:
            go_read, go_write = os.pipe()
            failure_read, failure_write = os.pipe()
            self.pid = os.fork()
        except OSError:  # too many files or processes: what is left is for the job
            self._start()
            self.inherited.restore()
            self._end_unrun(execute(self.options.command, environment))
        if self.pid == 0:
            os.close(go_write)
            self._become_command(environment, go_read, failure_write)
        os.close(failure_write)
        process = self._start()
        try:
            self.witness = Witness(self.verifier, process)
        except OSError:
            pass  # then every signal is passed on
        try_write(go_write, b"g")
        self._hand_over()
        status = self._supervise()
        failure = os.read(failure_read, 16)
        if failure:
            self._end_unrun(int(failure))
        self._end(status)

    def _become_command(self, environment: dict[bytes, bytes], go: int, failure: int) -> NoReturn:
        try:
            if os.read(go, 1) == b"g":  # else the wrapper has died, and nothing may run
                self.inherited.restore()
                number = execute(self.options.command, environment)
                os.write(failure, b"%d" % number)
        finally:
            os._exit(127)

    def _supervise(self) -> int:
        """Waits for the command's end, beating and passing signals on; its wait status."""
        every = self.options.heartbeat or 3600.0
        next_beat = time.monotonic() + every
        while True:
            event = signal.sigtimedwait(WATCHED, max(next_beat - time.monotonic(), 0.0))
            if event is None:
                next_beat = time.monotonic() + every
                if self.options.heartbeat:
                    self._beat()
            elif event.si_signo == signal.SIGCHLD:
                status = self._reap()
                if status is not None:
                    return status
            else:
                self._pass_on(event.si_signo)

    def _reap(self) -> int | None:
        """Collects ended children; the command's wait status if it is among them."""
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            if pid == 0:
                return None
            if pid != self.pid:
                continue
            if not os.WIFSTOPPED(status):
                return status
            if os.WSTOPSIG(status) in STOPS:
                # Stopped from its terminal, whose shell waits for us to stop too. (After
                # SIGSTOP we go on: who continues the command would not think of us.)
                take_signal(os.WSTOPSIG(status))

    def _pass_on(self, number: int) -> None:
        """Gives the command a signal that was meant for it through us.

        A key of the terminal pressed twice at once reaches the witness as one where it
        had no time between them. So what follows a key at once is the key again: the
        command gets nothing twice.
        """
        now = time.monotonic()
        if self.witness is not None and self.witness.got(number):
            self.to_group[number] = now
            return
        last = self.to_group.get(number)
        if number in KEYS and last is not None and now - last < ONE_KEY_SECONDS:
            return
        try:
            os.kill(self.pid, number)
        except OSError:
            pass  # it is another user's by now (sudo)

    # What the verifier is told

    def _start(self) -> dict[str, Any]:
        """Spools the start; what is recorded of the process, by which its death can be proven."""
        process = {"pid": self.pid, "ticks": start_ticks(self.pid), **here()}
        signal_ = self._signal("started", "started")
        spool = self.verifier.spool
        try:
            self.file = spool_create(spool, f"{self.name}.run")
            record = {"url": self.verifier.url, "signal": signal_, "process": process}
            spool_append(self.file, record)
            sync_directory(spool)
        except OSError as error:
            self._keep(signal_, error)
        return process

    def _tell_end(self, kind: str, code: int, **more: object) -> None:
        """Spools the end, lets go of the file and the witness, and hands over."""
        signal_ = self._signal(kind, "end", **{"exit_code": code, "end_proof": "exit", **more})
        try:
            spool_append(self.file, {"url": self.verifier.url, "signal": signal_})
            os.close(self.file)
        except OSError as error:
            self._keep(signal_, error)
        spool_remove(self.verifier.spool, f"{self.name}-{self.beats}.beat")
        if self.witness is not None:
            self.witness.dismiss()
        self._hand_over()

    def _beat(self) -> None:
        """Spools a heartbeat in place of the last one."""
        self.beats += 1
        signal_ = self._signal("heartbeat", f"heartbeat/{self.beats}")
        spool, name = self.verifier.spool, f"{self.name}-{self.beats}.beat"
        try:
            spool_signal(spool, self.verifier.url, signal_, name)
            spool_remove(spool, f"{self.name}-{self.beats - 1}.beat")
        except OSError as error:
            self._keep(signal_, error)
        self._hand_over()

    def _signal(self, kind: str, suffix: str, **more: object) -> Signal:
        options = self.options
        return {
            "job": options.job,
            "kind": kind,
            "at": now_text(),
            "id": f"{options.attempt}/{suffix}",
            "attempt": options.attempt,
            "worker": f"{os.uname().nodename}:{self.pid}",
            **options.about,
            **more,
        }

    def _keep(self, signal_: Signal, error: OSError) -> None:
        """Keeps what cannot be spooled for the courier, and complains once."""
        self.loose.append(signal_)
        if not self.complained and not os.environ.get("LANDED_QUIET"):
            say(f"cannot spool to {self.verifier.spool}: {error.strerror}; the job goes on")
        self.complained = True

    def _hand_over(self) -> None:
        hand_over(self.verifier)
        if self.loose:
            hand_over(self.verifier, self.loose)
            self.loose = []

    # How it ends

    def _end(self, status: int) -> NoReturn:
        if not self.told_unknown:
            # Meanwhile its start may have come there.
            tell_unknown(self.verifier.spool, self.options.job)
        if not os.WIFSIGNALED(status):
            code = os.WEXITSTATUS(status)
            self._tell_end("failed" if code else "succeeded", code)
            os._exit(code)
        number = os.WTERMSIG(status)
        reason = f"signal {signal_name(number)}"
        left = survivors(self.options.attempt)
        if left:
            # Killed was a shell, say, and the program that it had started writes on.
            pids = ", ".join(str(pid) for pid, _ in left[:5])
            reason += f"; {len(left)} of its processes live on (pid {pids})"
            self._tell_end("failed", 128 + number, end_proof="none", reason=reason)
            self._tell_when_gone(left)
        else:
            self._tell_end("failed", 128 + number, reason=reason)
        take_signal(number)
        os._exit(128 + number)  # we are a container's init, which nothing kills from within

    def _tell_when_gone(self, left: list[tuple[int, int]]) -> None:
        """Has it told, by a process in the background, when the last of them has ended."""

        def watch() -> None:
            while not all(is_gone(pid, ticks) for pid, ticks in left):
                time.sleep(1)
            about = {"end_proof": "pid_gone", "reason": "the last of its processes has ended"}
            spool_signal(
                self.verifier.spool, self.verifier.url, self._signal("lost", "gone", **about)
            )
            hand_over(self.verifier)

        try:
            if os.fork() == 0:
                in_background(watch)
        except OSError:
            pass  # then it counts as at large for its zombie_grace

    def _end_unrun(self, number: int) -> NoReturn:
        """Ends where the command could not be run: nothing of it has begun."""
        code = 127 if number in (errno.ENOENT, errno.ENOTDIR) else 126
        reason = f"{os.strerror(number)}: {self.options.command[0]}"
        say(reason)
        shown = reason.encode(errors="replace").decode()[:200]
        self._tell_end("failed", code, reason=shown, effect={"begun": False})
        os._exit(code)


def fill_standard_descriptors() -> None:
    """Keeps 0, 1 and 2 from becoming files of ours where they were closed.

    Opened close-on-exec, so the command finds them closed, as we did.
    """
    try:
        while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(fd)
    except OSError:
        pass


def forget_foreign_modules() -> None:
    """Imports only the standard library from here on, whatever the job's PYTHONPATH has."""
    foreign = [*os.environ.get("PYTHONPATH", "").split(":"), os.path.dirname(__file__)]
    sys.path[:] = [entry for entry in sys.path if entry not in foreign]


def main(argv: list[str] | None = None) -> int:
    """Runs the command of ``argv`` (default: this process's own) and ends as it ends.

    Returns an exit code only where no command ran: usage error, help, skipped, refused.
    """
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["--courier"]:
        courier(int(argv[1]))
        return 0
    inherited = Inherited()
    forget_foreign_modules()
    fill_standard_descriptors()
    try:
        options = Options(argv)
    except UsageError as error:
        say(f"{error} (see landed-exec --help)")
        return 2
    if options.help:
        try_write(1, USAGE.encode())
        return 0
    code = may_run(options) if options.guard else None
    if code is not None:
        return code
    return Attempt(options, inherited).run()


if __name__ == "__main__":
    sys.exit(main())

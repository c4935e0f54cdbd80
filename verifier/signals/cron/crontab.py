"""A crontab, as Debian's cron reads it: entries, with what stands above them."""

import re
from collections.abc import Iterator

import msgspec

from verifier.runs.cron import check_expression
from verifier.runs.declaration import Cron
from verifier.signals.cron.binding import COMMAND_PATTERN

LONGEST = 1 << 20
"""Bytes of a crontab; cron itself reads far less."""

_ENVIRONMENT = re.compile(r"""("[^"]*"|'[^']*'|[^\s=#"'][^\s=]*)\s*=\s*(.*)""", re.DOTALL)
_FIELDS = re.compile(r"(\S+(?:[ \t]+\S+){4})[ \t]+(.*)", re.DOTALL)
_USER = re.compile(r"([^\s()]{1,100})[ \t]+(.*)", re.DOTALL)
_HEADING = re.compile(r"m\s+h\s+dom\s+mon\s+dow\b|[|*]\s|\.---", re.IGNORECASE)
"""What the crontabs of Debian explain their columns with."""

_COMMENTS = 5

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
REBOOT = "@reboot"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A command and when it is started; ``expression`` is None for ``@reboot``.

    ``comments`` are the lines right above it, ``environment`` what was set before it.
    """

    line: int
    expression: str | None
    user: str | None
    command: str
    comments: tuple[str, ...] = ()
    environment: dict[str, str] = {}


class NotRead(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is neither an entry nor a setting; cron would refuse the file."""

    line: int
    why: str


def read_crontab(text: str, *, with_user: bool) -> Iterator[Entry | NotRead]:
    """The entries of a crontab; ``with_user``: each names its user, as in ``/etc/crontab``."""
    comments: list[str] = []
    environment: dict[str, str] = {}
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if not line:
            comments.clear()
        elif line.startswith("#"):
            comment = line.lstrip("#").strip()
            if _HEADING.match(comment):
                comments.clear()
            elif comment:
                comments.append(comment)
        elif setting := _ENVIRONMENT.fullmatch(line):
            environment[_unquoted(setting[1])] = _unquoted(setting[2])
            comments.clear()
        else:
            entry = _entry(number, raw.lstrip(), with_user=with_user)
            if isinstance(entry, Entry):
                entry = msgspec.structs.replace(
                    entry, comments=tuple(comments[-_COMMENTS:]), environment=dict(environment)
                )
            comments.clear()
            yield entry


def _entry(number: int, line: str, *, with_user: bool) -> Entry | NotRead:
    expression: str | None
    if line.startswith("@"):
        nickname, _, rest = line.replace("\t", " ").partition(" ")
        if nickname not in NICKNAMES and nickname != REBOOT:
            return NotRead(line=number, why=f"{nickname[:40]!r} is no time that cron knows")
        rest = line[len(nickname) :].lstrip()
        expression = NICKNAMES.get(nickname)
    else:
        match = _FIELDS.fullmatch(line)
        if match is None:
            return NotRead(line=number, why="expected five fields of time and a command")
        expression, rest = " ".join(match[1].split()), match[2]
        try:
            check_expression(Cron(expression=expression))
        except ValueError as error:
            return NotRead(line=number, why=str(error))
    user = None
    if with_user:
        match = _USER.fullmatch(rest)
        if match is None:
            return NotRead(line=number, why="expected a user and a command")
        user, rest = match[1], match[2]
    command = rest.strip()
    if not command:
        return NotRead(line=number, why="expected a command")
    if not re.fullmatch(COMMAND_PATTERN, command):
        return NotRead(line=number, why="expected a command of 1000 printable characters at most")
    return Entry(line=number, expression=expression, user=user, command=command)


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text

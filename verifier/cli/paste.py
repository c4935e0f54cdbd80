"""The block that ``explain`` ends in: what a person can paste at three in the morning."""

import re
from collections.abc import Iterator, Mapping, Sequence
from shlex import quote
from textwrap import wrap
from typing import Any

from verifier.checks.sqltext import for_sqlalchemy
from verifier.cli.text import plain, plain_lines, seconds
from verifier.runs.advice import STARTS_WORK, AdviceAction
from verifier.runs.verdict import Verdict

WIDTH = 80

_BOUND = re.compile(r"\\:|:([^\W\d]\w*)")
_SHELL_WORD = re.compile(r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+""")


def sql_block(run: Mapping[str, Any]) -> list[str]:
    """Every statement that a run's checks asked, with its values, each once."""
    lines: list[str] = []
    told: set[tuple[str, str]] = set()
    for check in run["checks"]:
        for store, sql, parameters in _statements(check["evidence"]):
            statement = with_values(sql, parameters)
            if (store, statement) not in told:
                told.add((store, statement))
                when = _snapshot(check["evidence"], store)
                lines.append(f"-- check {plain(check['name'])} asks store {plain(store)}{when}")
                lines += plain_lines(statement).rstrip("; \n").split("\n")
                # On a line of its own, so that a comment at the end does not swallow it.
                lines.append(";")
    return lines


def _snapshot(evidence: Mapping[str, Any], store: str) -> str:
    """As of when the store was read, where that is known."""
    asked = (evidence.get("asked") or {}).get(store) or {}
    return f", as of {plain(asked['snapshot'])}" if asked.get("snapshot") else ""


def _statements(evidence: object) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The statements in a check's evidence, however deep: store, SQL, values."""
    if not isinstance(evidence, dict):
        return
    if isinstance(evidence.get("statement"), str):
        yield str(evidence.get("store")), evidence["statement"], evidence.get("parameters") or {}
    for part in evidence.values():
        yield from _statements(part)


def with_values(sql: str, parameters: Mapping[str, Any]) -> str:
    """``sql`` with its values written out, to be run in any SQL client.

    A value that clients read in different ways stays a parameter, told in a comment.
    """
    kept: dict[str, Any] = {}

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return ":"
        if name not in parameters:
            return match[0]
        literal = _literal(parameters[name])
        if literal is None:
            kept[name] = parameters[name]
            return match[0]
        return literal

    # Escaped this way, every colon that is left alone binds something.
    written = _BOUND.sub(value, for_sqlalchemy(sql))
    return "\n".join([*(f"-- :{name} is {plain(text)}" for name, text in kept.items()), written])


def _literal(value: object) -> str | None:
    if value is None:
        return "NULL"
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    if "\\" in text or not text.isprintable():
        return None
    return "'" + text.replace("'", "''") + "'"


def shell_block(run: Mapping[str, Any]) -> list[str]:
    """The safe commands of a run's advice, then, as comments, what must not be run."""
    advice, anew = run["advice"], rejudge_block(run)
    if advice["action"] == AdviceAction.CORRECT_CHECK and anew:
        return anew  # it was corrected since
    lines: list[str] = []
    if advice["commands"]:
        lines.append("# in this order:")
        for command in advice["commands"]:
            lines += folded(plain(command))
    else:
        lines.append(f"# {plain(advice['action'])}: there is nothing to run")
    if advice["do_not"]:
        lines.append("# FORBIDDEN:")
        if advice["action"] not in STARTS_WORK:
            lines.append(f"#   {_start(run)}")
        for sentence in advice["do_not"]:
            lines += wrap(plain(sentence), WIDTH, initial_indent="#   ", subsequent_indent="#   ")
    return lines + anew


def rejudge_block(run: Mapping[str, Any]) -> list[str]:
    """How to have an open run judged by the checks that were corrected since."""
    corrected_at = run["declaration"]["corrected_at"]
    if corrected_at is None or (run["verdict"] and Verdict(run["verdict"]).closed):
        return []
    # Partitions are judged anew with the run of all of them.
    path = f"{plain(run['job'])}/{run['due']}" if run["due"] else plain(run["run"])
    due = f" --due {run['due']}" if run["due"] else ""
    return [
        "# It is judged by the checks of its time.",
        f"# To judge it by those since {seconds(corrected_at)}:",
        *folded(f"landed act rejudge {quote(path)} --by YOU --reason WHY"),
        *folded(f"landed verify {plain(run['job'])}{due}"),
    ]


def _start(run: Mapping[str, Any]) -> str:
    """The command that would start one more attempt of the run."""
    due = f" --due {run['due']}" if run["due"] else ""
    part = f" --partition {quote(plain(run['partition']))}" if run["partition"] else ""
    return f"landed exec --job {plain(run['job'])}{due}{part} -- COMMAND"


def folded(command: str, width: int = WIDTH) -> list[str]:
    """A shell command over several lines, none wider than ``width`` where that can be.

    It breaks at spaces outside quotes; a comment at its end comes first.
    """
    words: Sequence[str] = _SHELL_WORD.findall(command)
    if "".join("".join(words).split()) != "".join(command.split()):
        return [command]  # an unbalanced quote: better wide than changed
    comment = next((index for index, word in enumerate(words) if word.startswith("#")), len(words))
    lines = [" ".join(words[comment:])] if words[comment:] else []
    line = ""
    for word in words[:comment]:
        if line.strip() and len(line) + 1 + len(word) + len(" \\") > width:
            lines.append(f"{line} \\")
            line = "   "
        line = f"{line} {word}" if line else word
    return [*lines, line] if line else lines

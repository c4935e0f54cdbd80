"""Texts of others made fit for a terminal, and the looks of what is told."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from rich.text import Text

from verifier.runs.advice import AdviceAction
from verifier.runs.advice_words import to_do
from verifier.runs.duration import format_duration
from verifier.runs.evaluation import NO_PARTITION
from verifier.runs.instant import format_instant, parse_instant
from verifier.runs.verdict import RunState, Verdict

_STYLES = {
    "verified": "green",
    "reconciled": "cyan",
    "excused": "cyan",
    "missing": "red",
    "absent": "red",
    "partial": "red",
    "wrong": "red",
    "duplicated": "bold red",
    "ambiguous": "bold magenta",
    "unproven": "yellow",
    "running": "blue",
    "waiting": "blue",
    "settling": "blue",
    "holds": "green",
    "violated": "red",
    "unknown": "magenta",
}


def plain(text: object) -> str:
    """``text`` on one line, without anything that a terminal would obey.

    Control and invisible characters are shown as escapes, white space as a space.
    """
    return "".join(map(_shown, str(text)))


def plain_lines(text: object) -> str:
    """The same with its lines kept."""
    return "\n".join(plain(line) for line in str(text).split("\n"))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    if character.isspace():
        return " "
    return character.encode("unicode_escape").decode("ascii")


def styled(word: object, style: str | None = None) -> Text:
    """A word in its own look, or in ``style``."""
    text = plain(word)
    return Text(text, style=_STYLES.get(text, "") if style is None else style)


def verdict_word(run: Mapping[str, Any]) -> str:
    """A run's verdict, or how far judging has come.

    ``unproven`` is the normal state of a job that nobody asked to prove, and of a partition
    that nobody listed, mostly by a slip in its name.
    """
    if is_unlisted(run) and run["verdict"] in (None, Verdict.UNPROVEN):
        return "not listed"
    if run["verdict"] == Verdict.UNPROVEN and not run["checks"]:
        return "not checked"
    return str(run["verdict"] or run["state"])


def is_unlisted(run: Mapping[str, Any]) -> bool:
    """Whether a run is of a partition that its job was asked for and did not have."""
    if not run["partition"] or run["state"] == RunState.RUNNING:
        return False
    reasons = {check.get("reason") for check in run["checks"]}
    return reasons == {NO_PARTITION}


def verdict_text(run: Mapping[str, Any]) -> Text:
    """The same, in its look."""
    word = verdict_word(run)
    return styled(word, _BESIDE.get(word))


_BESIDE = {"not checked": "dim", "not listed": "yellow"}
"""Words that are no verdicts, and their looks."""


def next_text(action: str, verdict: str | None = None) -> Text:
    """An action of advice, and what a person does for it on a run of ``verdict``."""
    words = _words(action, verdict)
    return Text.assemble((plain(action), "bold"), f" ({words})" if words else "")


def _words(action: str, verdict: str | None) -> str | None:
    """None for what a newer verifier advises or judges."""
    try:
        return to_do(AdviceAction(action), None if verdict is None else Verdict(verdict))
    except ValueError:
        return None


def minutes(moment: str | datetime | None) -> str:
    """An instant for a narrow column: no seconds where they are zero; ``-`` for none."""
    if moment is None:
        return "-"
    text = moment if isinstance(moment, str) else format_instant(moment)
    return text.removesuffix(":00Z") + "Z" if text.endswith(":00Z") else text


def seconds(moment: str) -> str:
    """An instant cut to its second."""
    return f"{parse_instant(moment):%Y-%m-%dT%H:%M:%SZ}"


def to_minute(moment: str | None) -> str:
    """An instant cut to its minute; ``-`` for none."""
    return "-" if moment is None else f"{parse_instant(moment):%Y-%m-%dT%H:%MZ}"


def lasting(length: timedelta) -> str:
    """A length of time cut to its second, as in landed.yaml: ``1h30m``."""
    return format_duration(length - length % timedelta(seconds=1))

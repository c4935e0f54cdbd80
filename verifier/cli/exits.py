"""How a command ends: its exit code, and a failure told in words."""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any

from verifier.runs.verdict import Verdict

BROKEN_PIPE = 141
"""Exit code where nobody reads any more, as a shell gives it."""


class ExitCode(IntEnum):
    """What the exit code of a command says."""

    DONE = 0
    VIOLATED = 1
    USAGE = 2
    CANNOT_TELL = 3
    UNREACHABLE = 4
    REFUSED = 75


class CommandFailed(Exception):
    """A command cannot do what was asked; the text says what was expected and found."""

    def __init__(
        self, message: str, code: ExitCode = ExitCode.USAGE, *, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


_FINE = frozenset({Verdict.VERIFIED, Verdict.RECONCILED, Verdict.EXCUSED})
_VIOLATED = frozenset(
    {Verdict.MISSING, Verdict.ABSENT, Verdict.PARTIAL, Verdict.DUPLICATED, Verdict.WRONG}
)


def exit_of_runs(runs: Iterable[Mapping[str, Any]]) -> ExitCode:
    """The exit code of the worst of some Run documents; nothing to tell is fine.

    One known violation outweighs any number of runs of which nobody can tell.
    """
    codes = {exit_of_run(run) for run in runs}
    for code in (ExitCode.VIOLATED, ExitCode.CANNOT_TELL):
        if code in codes:
            return code
    return ExitCode.DONE


def exit_of_run(run: Mapping[str, Any]) -> ExitCode:
    """The exit code of one Run document: it holds, is violated, or nobody can tell."""
    verdict = run["verdict"]
    if verdict in _VIOLATED:
        return ExitCode.VIOLATED
    if verdict == Verdict.VERIFIED and run["provisional"]:
        return ExitCode.CANNOT_TELL
    if verdict in _FINE:
        return ExitCode.DONE
    return ExitCode.CANNOT_TELL

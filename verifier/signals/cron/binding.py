"""Which job a command belongs to."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field

from verifier.config.source import BindingModel
from verifier.signals.cron.command import as_logged, is_wrapped
from verifier.signals.source import BoundJob

WORD_PATTERN = r"^[^\s()\x00-\x1f\x7f-\x9f]{1,100}$"
COMMAND_PATTERN = r"^[^\x00-\x08\x0a-\x1f\x7f]{1,1000}$"
"""As long as cron takes them; a tab may be in one."""

Word = Annotated[str, Field(pattern=WORD_PATTERN)]
Command = Annotated[str, Field(pattern=COMMAND_PATTERN)]


class CronBinding(BindingModel):
    """A job that cron starts."""

    command: Command
    """The whole command, exactly as it stands in the crontab."""
    user: Word | None = None
    """The user it runs as. Default: any."""
    host: Word | None = None
    """The host it runs on, as the log names it. Default: any."""

    def clashes(self, other: Self) -> bool:
        """Whether one line of the log could be of both."""
        return (
            as_logged(self.command) == as_logged(other.command)
            and _may_be_equal(self.user, other.user)
            and _may_be_equal(self.host, other.host)
        )


def _may_be_equal(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other


class Commands:
    """The commands of the jobs of a source; one under our wrapper tells of itself."""

    def __init__(self, jobs: Iterable[BoundJob[CronBinding]]) -> None:
        self._jobs: dict[str, list[BoundJob[CronBinding]]] = defaultdict(list)
        for job in jobs:
            if not is_wrapped(job.binding.command):
                self._jobs[as_logged(job.binding.command)].append(job)

    def find(self, host: str, user: str, command: str) -> str | None:
        """The job of a command as logged; None where there is none."""
        for job in self._jobs.get(command, ()):
            if job.binding.user in (None, user) and job.binding.host in (None, host):
                return job.name
        return None

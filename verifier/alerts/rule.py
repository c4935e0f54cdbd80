"""What a rule is: a recording that prepares figures, or an alert that asks for a person."""

from datetime import timedelta
from enum import StrEnum

import msgspec

PREFIX = "Landed"


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """A query whose result is kept under ``name``; ``why`` is for readers of the file."""

    name: str
    expr: str
    why: str


class Subject(StrEnum):
    """What an alert is about, and so whose severity it has."""

    JOB = "job"
    SOURCE = "source"
    VERIFIER = "verifier"
    NOBODY = "nobody"


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A condition that somebody has to hear of.

    ``name`` is without the prefix. ``expr`` gives a series for each job in trouble;
    ``wait`` is how long it must hold. ``summary`` and ``description`` are templates of
    Prometheus. ``verdict`` narrows the link to runs. The rest is the runbook: what it
    means, how to look (commands), what is safe, what not to do.
    """

    name: str
    expr: str
    subject: Subject = Subject.JOB
    wait: timedelta = timedelta(0)
    summary: str
    description: str
    verdict: str = ""
    meaning: str
    look: tuple[str, ...]
    safe: tuple[str, ...]
    never: tuple[str, ...]

    @property
    def full_name(self) -> str:
        """The name as it is seen in Prometheus and Alertmanager."""
        return f"{PREFIX}{self.name}"

"""The inventory: which jobs there are and how loud they are, written into the rules.

A severity in the rules cannot vanish with the verifier, as one in its metrics would.
"""

from collections.abc import Iterable, Iterator

import msgspec

from verifier.runs.declaration import Declaration, Severity

SERIES = "landed:inventory"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One job that somebody wants to hear of."""

    job: str
    severity: Severity
    owner: str
    statement: str
    runbook: str

    @property
    def labels(self) -> dict[str, str]:
        """The labels of its series; what is not declared has none."""
        labels = {
            "job_name": self.job,
            "severity": self.severity.value,
            "owner": self.owner,
            "statement": self.statement,
            "runbook": self.runbook,
        }
        return {name: value for name, value in labels.items() if value}


def inventory(declarations: Iterable[Declaration]) -> tuple[Entry, ...]:
    """An entry for each job, by name; none for a job of severity ``none``."""
    return tuple(sorted(_entries(declarations), key=lambda entry: entry.job))


def loudest(entries: Iterable[Entry]) -> Severity:
    """How loud it is when all jobs are unwatched: as the loudest of them."""
    pages = any(entry.severity is Severity.PAGE for entry in entries)
    return Severity.PAGE if pages else Severity.TICKET


def _entries(declarations: Iterable[Declaration]) -> Iterator[Entry]:
    for declared in declarations:
        if declared.severity is not Severity.NONE:
            yield Entry(
                job=declared.job,
                severity=declared.severity,
                owner=declared.owner or "",
                statement=declared.statement,
                runbook=declared.runbook or "",
            )

"""What commands need of a verifier, whether it runs elsewhere or in this very process."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from verifier.engine.guarding import GuardRequest
from verifier.ledger.listing import RunFilter
from verifier.runs.action import ActionKind
from verifier.runs.instant import format_instant

Document = dict[str, Any]
"""A JSON document, as the contract names its fields."""

Progress = Callable[[int, int], None]
"""Told how many runs of how many are done."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs to verify: the one at ``due``, all in [``start``, ``end``), or the last due."""

    job: str
    due: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    partition: str | None = None


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator does to a ``job`` or to a ``run``, as a person names it."""

    kind: ActionKind
    by: str
    reason: str
    job: str | None = None
    run: str | None = None
    attempt: str | None = None
    until: datetime | None = None
    counts_as_useful: bool = False


class Client(Protocol):
    """A verifier; every method raises ``CommandFailed`` where it cannot answer."""

    def receive(self, signals: Sequence[Document]) -> Document:
        """Hand signals over: how many were accepted, and which were refused."""

    def run(self, reference: str) -> Document:
        """One Run document, by run id or ``job/DUE[/partition]``."""

    def runs(self, filters: RunFilter) -> list[Document]:
        """Run documents, newest first."""

    def jobs(self) -> list[Document]:
        """The status of every declared job."""

    def job(self, name: str) -> Document:
        """The status of one job."""

    def sources(self) -> list[Document]:
        """The status of every source."""

    def unknown_jobs(self) -> list[Document]:
        """The jobs whose signals were kept out, since nobody declared them."""

    def configuration_refused(self) -> Document | None:
        """Since when a running verifier refuses its newer configuration, and why."""

    def verify(self, wanted: Wanted, progress: Progress) -> list[Document]:
        """Evaluate runs now, and wait for what follows at once; their Run documents."""

    def act(self, deed: Deed) -> Document:
        """Record an operator's action."""

    def actions(self, job: str | None = None) -> list[Document]:
        """Operator actions, newest first."""

    def guard(self, request: GuardRequest) -> Document:
        """Whether an attempt may start."""


def to_wire(value: msgspec.Struct, **renamed: str) -> Document:
    """``value`` as the API reads it: what is None left out, instants in UTC."""
    wire: Document = {}
    for name, part in msgspec.structs.asdict(value).items():
        if part is not None:
            wire[renamed.get(name, name)] = (
                format_instant(part) if isinstance(part, datetime) else part
            )
    return wire

"""Everything that can be asked of landed, in one place: the API and the CLI both stand on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from verifier.engine.actions import ActionRequest, act
from verifier.engine.asking import Progress, runs_between, verify
from verifier.engine.clock import Clock, Wait
from verifier.engine.documents import document, documents, find_run, job_status, list_runs
from verifier.engine.fleet import Fleet
from verifier.engine.guarding import Gatekeeper, GuardAnswer, GuardRequest
from verifier.intake.door import SortedOut, receive, sort_out
from verifier.intake.receipt import Receipt
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.runs.binding import RunKey
from verifier.runs.instant import format_instant
from verifier.runs.slots import latest_slot
from verifier.runs.view import action_document


class UnknownJob(LookupError):
    """A job that is not declared."""

    def __init__(self, job: str) -> None:
        super().__init__(f"no job is declared by the name of {job[:100]!r}")


@dataclass(frozen=True)
class Service:
    """The ledger, the fleet and a clock, with what can be asked of them.

    Methods raise ``LookupError`` for what is not known, ``ValueError`` for what
    makes no sense, and ``LedgerUnavailable``.
    """

    ledger: Ledger
    fleet: Fleet
    gatekeeper: Gatekeeper
    clock: Clock
    wait: Wait

    def receive(self, items: Sequence[bytes | msgspec.Raw], source: str) -> Receipt:
        """Take signals; what is accepted is durable when this returns."""
        return receive(self.ledger, items, source=source, received_at=self.clock())

    def sort_out(self, items: Sequence[bytes | msgspec.Raw], *, known: bool) -> SortedOut:
        """Read what was sent; with ``known``, by the jobs that are known without asking."""
        histories = self.ledger.known_histories if known else self.ledger.histories()
        return sort_out(items, histories, self.clock())

    def run(self, reference: str) -> dict[str, Any]:
        """One Run document, by run id or ``job/DUE[/partition]``."""
        return document(self.ledger, find_run(self.ledger, reference), self.clock())

    def runs(self, filters: RunFilter) -> list[dict[str, Any]]:
        """Run documents, newest first."""
        return list_runs(self.ledger, filters, self.clock())

    def jobs(self) -> list[dict[str, Any]]:
        """The status of every declared job, by name."""
        now = self.clock()
        return [
            job_status(self.ledger, job, history, now)
            for job, history in sorted(self.ledger.histories().items())
        ]

    def job(self, name: str) -> dict[str, Any]:
        """The status of one job."""
        history = self.ledger.histories().get(name)
        if history is None:
            raise UnknownJob(name)
        return job_status(self.ledger, name, history, self.clock())

    def runs_to_verify(
        self,
        job: str,
        *,
        due: datetime | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        partition: str | None = None,
    ) -> list[RunKey]:
        """The runs that a ``verify`` is about: one due, a span, or the latest due."""
        history = self.ledger.histories().get(job)
        if history is None:
            raise UnknownJob(job)
        if start is not None and end is not None:
            if end <= start:
                raise ValueError("expected --from before --to")
            return runs_between(self.ledger, job, start, end, partition)
        if due is None:
            due = latest_slot(history.latest.schedule, self.clock())
        return [RunKey(job, format_instant(due), partition or "")]

    def verify(
        self, keys: Sequence[RunKey], progress: Progress = lambda _done, _total: None
    ) -> list[dict[str, Any]]:
        """Evaluate runs now, wait for settle and confirmation; their documents."""
        verify(self.ledger, self.fleet, keys, self.clock, self.wait, progress)
        return documents(self.ledger, keys, self.clock())

    def guard(self, request: GuardRequest) -> GuardAnswer:
        """Whether an attempt may start."""
        if request.job not in self.ledger.histories():
            raise UnknownJob(request.job)
        return self.gatekeeper.ask(request)

    def act(self, request: ActionRequest) -> dict[str, Any]:
        """Record an operator action."""
        if request.job not in self.ledger.histories():
            raise UnknownJob(request.job)
        return action_document(act(self.ledger, request, self.clock()))

    def actions(self, job: str | None = None) -> list[dict[str, Any]]:
        """The audit: operator actions, newest first."""
        actions = sorted(self.ledger.actions(job=job), key=lambda each: each.at, reverse=True)
        return [action_document(action) for action in actions]

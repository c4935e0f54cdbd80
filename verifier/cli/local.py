"""A verifier in this very process, for a ledger that nobody serves."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec

from verifier.cli.client import Deed, Document, Progress, Wanted
from verifier.cli.exits import CommandFailed
from verifier.engine.actions import ActionRequest
from verifier.engine.documents import find_run
from verifier.engine.guarding import GuardRequest
from verifier.engine.service import Service, UnknownJob
from verifier.ledger.listing import RunFilter
from verifier.ledger.sources import NATIVE
from verifier.runs.action import ActionKind
from verifier.runs.declaration import History
from verifier.runs.view import instant


class LocalClient:
    """A ledger that this process opened, with what the configuration says of its jobs."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def receive(self, signals: Sequence[Document]) -> Document:
        """Take signals."""
        items = [msgspec.json.encode(signal) for signal in signals]
        answer: Document = msgspec.to_builtins(self._service.receive(items, NATIVE))
        return answer

    def run(self, reference: str) -> Document:
        """One run."""
        with _told():
            return self._service.run(reference)

    def runs(self, filters: RunFilter) -> list[Document]:
        """Runs."""
        if filters.job is not None:
            self._history(filters.job)
        with _told():
            return self._service.runs(filters)

    def jobs(self) -> list[Document]:
        """Every job."""
        return self._service.jobs()

    def job(self, name: str) -> Document:
        """One job."""
        with _told():
            return self._service.job(name)

    def sources(self) -> list[Document]:
        """Every source."""
        return self._service.sources()

    def unknown_jobs(self) -> list[Document]:
        """Jobs that signals in the spool of this host named, and nobody declared."""
        return self._service.unknown_jobs()

    def configuration_refused(self) -> Document | None:
        """None: it was read by this very command."""
        return self._service.configuration_refused()

    def verify(self, wanted: Wanted, progress: Progress) -> list[Document]:
        """Evaluate here and now."""
        declared = self._history(wanted.job).latest
        if wanted.partition is not None and declared.partition_name is None:
            raise CommandFailed(
                f"--partition: expected none, since {wanted.job} declares no partitions"
            )
        with _told():
            keys = self._service.runs_to_verify(
                wanted.job,
                due=wanted.due,
                start=wanted.start,
                end=wanted.end,
                partition=wanted.partition,
            )
            return self._service.verify(keys, progress)

    def act(self, deed: Deed) -> Document:
        """Record an action."""
        if deed.job is not None:
            self._declare(deed.job)
        with _told():
            key = None if deed.run is None else find_run(self._service.ledger, deed.run)
            if key is not None and deed.kind is ActionKind.REJUDGE:
                self._declare(key.job)
            return self._service.act(
                ActionRequest(
                    kind=deed.kind,
                    by=deed.by,
                    reason=deed.reason,
                    job=deed.job or (key.job if key else ""),
                    key=key,
                    attempt=deed.attempt,
                    until=deed.until,
                    counts_as_useful=deed.counts_as_useful,
                )
            )

    def actions(self, job: str | None = None) -> list[Document]:
        """The audit."""
        return self._service.actions(job)

    def guard(self, request: GuardRequest) -> Document:
        """Ask the guard."""
        with _told():
            answer = self._service.guard(request)
        return {
            "decision": answer.decision,
            "why": answer.why,
            "due": instant(answer.key.due),
            "run": answer.key.path,
            "lease_until": instant(answer.lease_until),
            "when_unsure": answer.when_unsure,
        }

    def _history(self, name: str) -> History:
        histories = self._service.ledger.histories()
        history = histories.get(name)
        if history is None:
            raise CommandFailed(str(UnknownJob(name, histories)))
        return history

    def _declare(self, name: str) -> None:
        """Tell the ledger of a job of the configuration that it does not know yet.

        Nothing else is declared or retired: that is for ``serve``.
        """
        job = self._service.fleet.config.jobs.get(name)
        if job is not None:
            self._service.ledger.declare(
                name, job.declaration, dict(job.document), self._service.clock()
            )


@contextmanager
def _told() -> Iterator[None]:
    """Tells what the service does not know, or takes for nonsense, as a failure."""
    try:
        yield
    except (KeyError, IndexError):
        raise
    except (LookupError, ValueError) as error:
        raise CommandFailed(str(error)) from None

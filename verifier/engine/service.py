"""Everything that can be asked of landed, in one place: the API and the CLI both stand on it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from verifier.catalogue.label import Loop
from verifier.engine.actions import ActionRequest, act
from verifier.engine.asking import Progress, runs_between, verify
from verifier.engine.clock import Clock, Wait
from verifier.engine.documents import document, documents, find_run, job_status, list_runs
from verifier.engine.fleet import Fleet
from verifier.engine.guarding import Gatekeeper, GuardAnswer, GuardRequest
from verifier.engine.listening import GAP
from verifier.engine.reload import Reload
from verifier.engine.source_status import source_statuses
from verifier.exporters.exposition import Exposition, Identity, Scrape, Turns
from verifier.intake.door import SortedOut, receive, sort_out
from verifier.intake.receipt import Receipt
from verifier.intake.strangers import Strangers, meant
from verifier.intake.wire import Item
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.runs.binding import RunKey
from verifier.runs.instant import MICROSECOND, format_instant
from verifier.runs.slots import is_slot, latest_slot
from verifier.runs.view import action_document

if TYPE_CHECKING:
    from verifier.engine.lineage import Events, Lineage


class UnknownJob(LookupError):
    """A job that is none of those ``declared``; the one most like it is named."""

    def __init__(self, job: str, declared: Collection[str] = ()) -> None:
        likely = meant(job[:100], declared)
        hint = f"; did you mean {likely}?" if likely else ""
        super().__init__(f"no job is declared by the name of {job[:100]!r}{hint}")


_GONE = "older runs are not all kept (retention.runs)"


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
    exposition: Exposition = field(default_factory=lambda: Exposition(GAP))
    strangers: Strangers = field(default_factory=Strangers)
    reload: Reload = field(default_factory=Reload)

    @cached_property
    def lineage(self) -> "Lineage":
        """What reads events of OpenLineage: loaded, with all that is Airflow's, for the first."""
        from verifier.engine.lineage import Lineage

        return Lineage()

    def receive(self, items: Sequence[Item], source: str) -> Receipt:
        """Take signals; what is accepted is durable when this returns."""
        return receive(
            self.ledger,
            items,
            source=source,
            received_at=self.clock(),
            watch=self.exposition.meters,
            strangers=self.strangers,
        )

    def refused(self, source: str, read: SortedOut) -> None:
        """Count, and where it is of a job that nobody knows tell, what was not taken."""
        self.exposition.meters.refused(source, read.codes)
        self.strangers.meet(source, read.strangers, read.received_at)

    def take_figures(self, turns: Mapping[str, Turns], now: datetime) -> None:
        """Have ``metrics`` tell how everything stands at ``now``."""
        identity = Identity(
            version=version("landed"),
            ledger_id=self.ledger.ledger_id,
            config_hash=self.fleet.config.digest,
            loops={**turns, Loop.METRICS: Turns(turns[Loop.METRICS].every, now)},
        )
        self.exposition.refresh(self.ledger.snapshot(now, self.exposition.snapshot), identity)

    def metrics(self, accept: str | None) -> Scrape | None:
        """What a scraper is told that takes ``accept``; None before the first figures.

        Reads nothing: it tells what was taken last.
        """
        return self.exposition.answer(accept, self.clock())

    def sort_out(self, items: Sequence[Item], *, known: bool) -> SortedOut:
        """Read what was sent; with ``known``, by the jobs that are known without asking."""
        histories = self.ledger.known_histories if known else self.ledger.histories()
        return sort_out(items, histories, self.clock(), self.ledger.signals_from)

    def sort_out_events(self, items: "Events", *, known: bool) -> SortedOut:
        """Read events of OpenLineage as the signals in them; ``known`` as for signals."""
        histories = self.ledger.known_histories if known else self.ledger.histories()
        return self.lineage.read(
            items,
            self.fleet.config,
            histories,
            lambda signals: self.sort_out(signals, known=known),
        )

    def run(self, reference: str) -> dict[str, Any]:
        """One Run document, by run id or ``job/DUE[/partition]``."""
        return document(self.ledger, find_run(self.ledger, reference), self.clock())

    def runs(self, filters: RunFilter) -> list[dict[str, Any]]:
        """Run documents, newest first."""
        return list_runs(self.ledger, filters, self.clock())

    def jobs(self) -> list[dict[str, Any]]:
        """The status of every declared job, by name."""
        now = self.clock()
        return [job_status(self.ledger, job, now) for job in sorted(self.ledger.histories())]

    def job(self, name: str) -> dict[str, Any]:
        """The status of one job."""
        if name not in (known := self.ledger.histories()):
            raise UnknownJob(name, known)
        return job_status(self.ledger, name, self.clock())

    def sources(self) -> list[dict[str, Any]]:
        """How far each source was heard, and when nobody could hear it."""
        return source_statuses(self.ledger, self.clock())

    def unknown_jobs(self) -> list[dict[str, Any]]:
        """The jobs of which signals were kept out since we began, as nobody declared them."""
        return self.strangers.known(self.ledger.histories())

    def configuration_refused(self) -> dict[str, Any] | None:
        """Since when a newer configuration is refused, and why; None where none is."""
        return self.reload.document()

    def runs_to_verify(
        self,
        job: str,
        *,
        due: datetime | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        partition: str | None = None,
    ) -> list[RunKey]:
        """The runs that a ``verify`` is about: one due, a span so far, or the latest due.

        Raises ``UnknownJob``, ``LookupError`` for a due that is no slot and of which no
        run is known, and ``ValueError`` for one that is yet to come.
        """
        now = self.clock()
        histories = self.ledger.histories()
        history = histories.get(job)
        if history is None:
            raise UnknownJob(job, histories)
        kept_from = self.ledger.runs_from()
        if start is not None and end is not None:
            if end <= start:
                raise ValueError("expected --from before --to")
            if kept_from is not None and start < kept_from:
                raise ValueError(
                    f"expected --from at {format_instant(kept_from)} or later: {_GONE}"
                )
            # What has not come due yet has nothing to show.
            return runs_between(self.ledger, job, start, min(end, now + MICROSECOND), partition)
        if due is None:
            due = latest_slot(history.latest.schedule, now)
        if due > now:
            raise ValueError(f"expected a due that has passed, found {format_instant(due)}")
        key = RunKey(job, format_instant(due), partition or "")
        schedule = history.at(due).schedule
        known = self.ledger.row(key) is not None
        if not known and kept_from is not None and due < kept_from:
            # Its attempts may be forgotten, so it would be called missing.
            raise LookupError(f"nothing is known of {key.path} any more: {_GONE}")
        if not known and not is_slot(schedule, due):
            nearest = format_instant(latest_slot(schedule, due))
            raise LookupError(
                f"{job} is not due at {key.occurrence}, and no run is known there; "
                f"the slot before it is {nearest}"
            )
        return [key]

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
        if request.job not in (known := self.ledger.histories()):
            raise UnknownJob(request.job, known)
        return action_document(act(self.ledger, request, self.clock()))

    def actions(self, job: str | None = None) -> list[dict[str, Any]]:
        """The audit: operator actions, newest first."""
        actions = sorted(self.ledger.actions(job=job), key=lambda each: each.at, reverse=True)
        return [action_document(action) for action in actions]

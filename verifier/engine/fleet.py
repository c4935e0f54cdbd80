"""The fleet: what is declared now, what was declared before, and where checks look."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import Any

import msgspec

from verifier.checks.evidence import Detail
from verifier.checks.partitions import Partitions
from verifier.checks.registry import Check
from verifier.checks.stores.registry import Stores
from verifier.config.config import Config, Job
from verifier.config.load import job_from_document
from verifier.ledger.ledger import Ledger
from verifier.runs.binding import RunKey


class Fleet:
    """The jobs of a configuration, with the stores that their checks read.

    A run is judged by what was declared at its time, so the checks of an older
    declaration are made again from the document that the ledger kept.
    """

    def __init__(self, config: Config, ledger: Ledger, stores: Stores) -> None:
        self.config = config
        self.stores = stores
        self._ledger = ledger
        self._revived: dict[tuple[str, datetime], Job | None] = {}
        self._lock = Lock()

    def replace(self, config: Config, stores: Stores) -> None:
        """Have another configuration from now on; its jobs are to be registered."""
        self.config, self.stores = config, stores

    def declare(self, now: datetime) -> None:
        """Tell the ledger what is declared, where it does not know that yet."""
        for name, job in self.config.jobs.items():
            self._ledger.declare(name, job.declaration, job.document, now)

    def register(self, now: datetime) -> None:
        """Tell the ledger what is declared, and what is no longer."""
        self.declare(now)
        for name in self._ledger.histories():
            if name not in self.config.jobs:
                self._ledger.retire(name, now)

    def checks(self, job: str, instant: datetime) -> Sequence[Check]:
        """The checks of ``job`` as declared at ``instant``; none for what can't be read.

        A check that is missing here has no answer in the evaluation, which then
        counts as one that could not be asked.
        """
        held = self._job(job, instant)
        return held.checks if held else ()

    def evidence(self, job: str, instant: datetime) -> Detail:
        """How much may be kept of what the checks of ``job`` saw, as declared at ``instant``."""
        held = self._job(job, instant)
        return held.evidence if held else Detail.NONE

    def partitions(self, job: str, instant: datetime) -> Partitions | None:
        """How ``job`` was split into partitions at ``instant``; None where it was not."""
        held = self._job(job, instant)
        return held.partitions if held else None

    def asked_as(self, key: RunKey, instant: datetime) -> RunKey:
        """The run that is asked about when ``key`` is: all its partitions are at once."""
        if not key.partition or self.partitions(key.job, key.due or instant) is None:
            return key
        return msgspec.structs.replace(key, partition="")

    def _job(self, job: str, instant: datetime) -> Job | None:
        valid_from, document = self._document(job, instant)
        with self._lock:
            if (job, valid_from) in self._revived:
                return self._revived[job, valid_from]
        current = self.config.jobs.get(job)
        if current is not None and current.document == document:
            return current
        revived, _ = job_from_document(job, document)
        with self._lock:
            self._revived[(job, valid_from)] = revived
        return revived

    def _document(self, job: str, instant: datetime) -> tuple[datetime, Mapping[str, Any]]:
        documents = self._ledger.documents(job)
        held = [each for each in documents if each[0] <= instant]
        return held[-1] if held else documents[0]

"""The fleet: what is declared now, what was declared before, and where checks look."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import Any

from verifier.checks.registry import Check
from verifier.checks.stores.registry import Stores
from verifier.config.config import Config
from verifier.config.load import job_from_document
from verifier.ledger.ledger import Ledger


class Fleet:
    """The jobs of a configuration, with the stores that their checks read.

    A run is judged by what was declared at its time, so the checks of an older
    declaration are made again from the document that the ledger kept.
    """

    def __init__(self, config: Config, ledger: Ledger, stores: Stores) -> None:
        self.config = config
        self.stores = stores
        self._ledger = ledger
        self._revived: dict[tuple[str, datetime], tuple[Check, ...]] = {}
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
        valid_from, document = self._document(job, instant)
        with self._lock:
            known = self._revived.get((job, valid_from))
        if known is not None:
            return known
        current = self.config.jobs.get(job)
        if current is not None and current.document == document:
            return current.checks
        revived, _ = job_from_document(job, document)
        checks = revived.checks if revived is not None else ()
        with self._lock:
            self._revived[(job, valid_from)] = checks
        return checks

    def _document(self, job: str, instant: datetime) -> tuple[datetime, Mapping[str, Any]]:
        documents = self._ledger.documents(job)
        held = [each for each in documents if each[0] <= instant]
        return held[-1] if held else documents[0]

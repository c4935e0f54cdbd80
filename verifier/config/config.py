"""A configuration that may be used: typed, checked, every default filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from verifier.checks.evidence import Detail
from verifier.checks.partitions import Partitions
from verifier.checks.registry import Check
from verifier.checks.stores.registry import StoreConfig
from verifier.config.file import Address, Retention, Tokens
from verifier.config.problem import Problem
from verifier.config.source import BindingModel, DeclaredSource
from verifier.runs.declaration import Declaration


@dataclass(frozen=True, kw_only=True)
class Job:
    """A declared job.

    ``evidence`` says how much is kept of what its checks see.
    ``document`` is what the file says of it, JSON-ready, with the file's defaults
    filled in and its references as they were written, so that it may be kept: no
    secret is in it. ``job_from_document`` makes a job of it again. ``binding`` is what
    its source calls it; None where no source tells of it.
    """

    declaration: Declaration
    checks: tuple[Check, ...]
    partitions: Partitions | None
    evidence: Detail
    document: Mapping[str, Any]
    binding: BindingModel | None = None


@dataclass(frozen=True, kw_only=True)
class Config:
    """The configuration of one verifier.

    ``ledger`` is a SQLAlchemy URL. ``startup_grace`` is how long spools have after a
    start before anything is called missing. ``digest`` changes when the file does.
    """

    file: str
    ledger: str
    listen: Address
    startup_grace: timedelta
    tokens: Tokens
    sources: Mapping[str, DeclaredSource]
    stores: Mapping[str, StoreConfig]
    jobs: Mapping[str, Job]
    digest: str
    retention: Retention = field(default_factory=Retention)
    warnings: tuple[Problem, ...] = field(default=())

    def job(self, name: str) -> Job:
        """The job of that name; raises ``KeyError`` where none is declared."""
        return self.jobs[name]

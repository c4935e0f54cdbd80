"""One job of the file: its shape, then every rule, then its declaration."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from verifier.config.codes import Code
from verifier.config.compile import DIALECT, compile_job
from verifier.config.config import Job
from verifier.config.file import Defaults
from verifier.config.job import JobModel
from verifier.config.read_source import Sources, read_binding
from verifier.config.reporter import Reporter
from verifier.config.rules.limits import check_limits
from verifier.config.rules.partitions import check_partitions
from verifier.config.rules.policy import check_policy
from verifier.config.rules.schedule import check_due_times
from verifier.config.rules.statements import check_statements
from verifier.config.rules.surfaces import check_surfaces
from verifier.config.shape import read_part
from verifier.config.source import DeclaredSource
from verifier.runs.declaration import Cron, Declaration


def read_job(
    name: str,
    defaults: Defaults,
    stores: Mapping[str, str | None] | None,
    sources: Sources | None,
    reporter: Reporter,
) -> Job | None:
    """The job that ``reporter`` speaks of; None where an error of it was reported.

    ``stores`` are those that checks may ask, each with its type, ``sources`` what it may
    be bound to; None where they are not looked up.
    """
    model = read_part(JobModel, reporter.value, reporter)
    if model is None:
        return None
    binding, source = None, None
    if model.scheduler is not None and sources is not None:
        binding = read_binding(model.scheduler, sources, reporter.below("scheduler"))
        source = sources.get(model.scheduler.source)
        model = _in_dialect(model, source)
    check_policy(model, reporter)
    check_surfaces(model, reporter)
    check_limits(model, reporter)
    check_partitions(model, stores, reporter)
    due_times = check_due_times(model, defaults, reporter)
    timezone, intervals = due_times or (None, [])
    check_statements(model, stores, timezone, intervals, reporter)
    if due_times is None or reporter.has_errors:
        return None
    declaration = compile_job(name, model, defaults, source.kind.scheduler if source else None)
    if not declaration.provable and not model.best_effort:
        _warn_unprovable(model, reporter)
    return Job(
        declaration=declaration,
        checks=model.checks,
        partitions=model.partitions,
        evidence=model.evidence,
        document=_document(reporter.written, defaults, declaration),
        binding=binding,
    )


def _in_dialect(model: JobModel, source: DeclaredSource | None) -> JobModel:
    """The job with its cron expression read as its source reads it, unless it says how."""
    schedule = model.schedule
    if source is None or schedule.cron is None or schedule.dialect is not None:
        return model
    schedule = schedule.model_copy(update={"dialect": source.kind.dialect})
    return model.model_copy(update={"schedule": schedule})


def _warn_unprovable(model: JobModel, reporter: Reporter) -> None:
    at_checks = "checks" in model.model_fields_set
    reporter.warning(
        Code.UNPROVABLE,
        ("checks",) if at_checks else (),
        "expected a required check that can prove a run complete, found none",
        "add a scope or row_count check, or write proves: complete at one that does; until then "
        "no run is verified and nothing goes stale",
        at_key=True,
    )


def _document(written: Any, defaults: Defaults, declaration: Declaration) -> dict[str, Any]:
    """The job as written, with what it takes from the file's defaults and its source."""
    document: dict[str, Any] = deepcopy(written)
    schedule = declaration.schedule
    if isinstance(schedule, Cron) and schedule.dialect != DIALECT:
        document["schedule"]["dialect"] = schedule.dialect
    document["schedule"].setdefault("timezone", defaults.timezone)
    document.setdefault("severity", defaults.severity.value)
    return document

"""One job of the file: its shape, then every rule, then its declaration."""

from collections.abc import Collection
from copy import deepcopy
from typing import Any

from verifier.config.codes import Code
from verifier.config.compile import compile_job
from verifier.config.config import Job
from verifier.config.file import Defaults
from verifier.config.job import JobModel
from verifier.config.reporter import Reporter
from verifier.config.rules.limits import check_limits
from verifier.config.rules.policy import check_policy
from verifier.config.rules.schedule import check_due_times
from verifier.config.rules.statements import check_statements
from verifier.config.rules.surfaces import check_surfaces
from verifier.config.shape import read_part


def read_job(
    name: str, defaults: Defaults, stores: Collection[str] | None, reporter: Reporter
) -> Job | None:
    """The job that ``reporter`` speaks of; None where an error of it was reported.

    ``stores`` are the names that checks may ask; None where they are not looked up.
    """
    model = read_part(JobModel, reporter.value, reporter)
    if model is None:
        return None
    check_policy(model, reporter)
    check_surfaces(model, reporter)
    check_limits(model, reporter)
    due_times = check_due_times(model, defaults, reporter)
    timezone, intervals = due_times or (None, [])
    check_statements(model, stores, timezone, intervals, reporter)
    if due_times is None or reporter.has_errors:
        return None
    declaration = compile_job(name, model, defaults)
    if not declaration.provable and not model.best_effort:
        _warn_unprovable(model, reporter)
    return Job(
        declaration=declaration,
        checks=model.checks,
        document=_document(reporter.written, defaults),
    )


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


def _document(written: Any, defaults: Defaults) -> dict[str, Any]:
    """The job as written, with what it takes from the file's defaults."""
    document: dict[str, Any] = deepcopy(written)
    document["schedule"].setdefault("timezone", defaults.timezone)
    document.setdefault("severity", defaults.severity.value)
    return document

"""Reads ``landed.yaml``: text, document, references, shapes, rules, declarations.

Every step goes as far as it can, so that as many errors of a file as can be are told at once.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from verifier.config.codes import Code
from verifier.config.config import Config, Job
from verifier.config.document import read_document
from verifier.config.file import ConfigFile, Defaults
from verifier.config.interpolate import interpolate
from verifier.config.problem import ConfigError, Problem, errors_of, in_order
from verifier.config.read_job import read_job
from verifier.config.read_source import read_source
from verifier.config.read_store import read_store
from verifier.config.reporter import Reporter, Subject
from verifier.config.rules.access import check_access, check_ledger
from verifier.config.rules.bindings import check_bindings
from verifier.config.rules.retention import check_retention
from verifier.config.rules.schedule import check_timezone
from verifier.config.shape import is_name, read_part, report_name
from verifier.config.text import read_text

LEDGER_VARIABLE = "LANDED_LEDGER"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What came of reading a file: a configuration where no problem is an error."""

    config: Config | None
    problems: tuple[Problem, ...]


def load(path: FilePath | str, environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration in the file at ``path``.

    Raises ``ConfigError`` with all problems where one of them is an error; warnings
    alone are in ``Config.warnings``.
    """
    reading = read_file(path, environ)
    if reading.config is None:
        raise ConfigError(reading.problems)
    return reading.config


def find_ledger(path: FilePath | str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The ledger that the file at ``path`` names, whatever else is wrong in it.

    None where that cannot be told.
    """
    text = read_text(FilePath(path))
    document = None if isinstance(text, Problem) else read_document(text, str(path))[0]
    if document is None or not isinstance(document.content, dict):
        return None
    written = document.content.get("ledger", ConfigFile.model_fields["ledger"].default)
    subject = Subject(file=str(path), written=written, value=written, document=None)
    value = interpolate(written, environ, Reporter(subject))
    return value if isinstance(value, str) and not subject.problems else None


def check(path: FilePath | str, environ: Mapping[str, str] = os.environ) -> list[Problem]:
    """All problems of the file at ``path``, in the order of their places."""
    return list(read_file(path, environ).problems)


def read_file(path: FilePath | str, environ: Mapping[str, str] = os.environ) -> Reading:
    """Reads the file at ``path``; never raises for what stands in it or is not there."""
    text = read_text(FilePath(path))
    if isinstance(text, Problem):
        return Reading(config=None, problems=(text,))
    return read_config(text, str(path), environ)


def read_config(text: str, file: str, environ: Mapping[str, str] = os.environ) -> Reading:
    """Reads the configuration that ``text`` holds; ``file`` is what problems call it."""
    document, problems = read_document(text, file)
    if document is None:
        return Reading(config=None, problems=tuple(in_order(problems)))
    subject = Subject(
        file=file,
        written=document.content,
        value=document.content,
        document=document,
        problems=problems,
    )
    reporter = Reporter(subject)
    if not isinstance(document.content, dict):
        message = "expected a mapping that starts with version: 1, found something else"
        reporter.error(Code.WRONG_TYPE, (), message, "landed init writes a file to start from")
        return Reading(config=None, problems=tuple(in_order(subject.problems)))
    subject.value = interpolate(subject.written, environ, reporter)
    reporter.settle()
    config = _read(subject, environ, sha256(text.encode()).hexdigest()[:16])
    problems = in_order(subject.problems)
    if config is None or errors_of(problems):
        return Reading(config=None, problems=tuple(problems))
    return Reading(config=replace(config, warnings=tuple(problems)), problems=tuple(problems))


def job_from_document(
    name: str, document: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> tuple[Job | None, list[Problem]]:
    """The job that ``Job.document`` was kept of, as this version reads it.

    The job is None where it cannot be read any more (a variable is gone, a rule is
    stricter); the problems say why, without a place. Stores and sources are not looked up.
    """
    written = {"jobs": {name: dict(document)}}
    subject = Subject(file=f"declaration of {name}", written=written, value=written, document=None)
    reporter = Reporter(subject)
    subject.value = interpolate(written, environ, reporter)
    if subject.problems:
        return None, subject.problems
    job = read_job(name, Defaults(), None, None, reporter.below("jobs", name))
    return (None if errors_of(subject.problems) else job), subject.problems


def _read(subject: Subject, environ: Mapping[str, str], digest: str) -> Config | None:
    """The configuration, if everything in it could be read; broken parts are reported."""
    reporter = Reporter(subject)
    value = subject.value
    parts: dict[str, dict[str, Any]] = {
        key: {} for key in ("sources", "stores", "jobs") if isinstance(value.get(key), dict)
    }
    head = read_part(ConfigFile, {**value, **parts}, reporter)
    stores = {
        name: read_store(reporter.below("stores", name))
        for name, _ in _named("stores", value, reporter)
    }
    sources = {
        name: read_source(reporter.below("sources", name))
        for name, _ in _named("sources", value, reporter)
    }
    defaults = head.defaults if head is not None else _defaults(value.get("defaults"))
    known = {name: None if store is None else store.type for name, store in stores.items()}
    jobs = {
        name: read_job(name, defaults, known, sources, reporter.below("jobs", name))
        for name, _ in _named("jobs", value, reporter)
    }
    check_bindings(sources, jobs, reporter)
    check_timezone(defaults.timezone, ("defaults", "timezone"), reporter)
    ledger = environ.get(LEDGER_VARIABLE) or (head.ledger if head is not None else None)
    if ledger is not None:
        check_ledger(ledger, LEDGER_VARIABLE if environ.get(LEDGER_VARIABLE) else None, reporter)
    if head is None or ledger is None:
        return None
    check_access(head, jobs, reporter)
    check_retention(head.retention, reporter)
    if not jobs:
        reporter.warning(Code.NO_JOBS, ("jobs",), "expected at least one job, found none")
    return Config(
        file=subject.file,
        ledger=ledger,
        listen=head.listen,
        startup_grace=head.startup_grace,
        tokens=head.tokens,
        sources={name: source for name, source in sources.items() if source is not None},
        stores={name: store for name, store in stores.items() if store is not None},
        jobs={name: job for name, job in jobs.items() if job is not None},
        digest=digest,
        retention=head.retention,
    )


def _named(key: str, value: dict[str, Any], reporter: Reporter) -> Iterator[tuple[str, Any]]:
    """The entries of a mapping by name; a name that cannot be is reported."""
    entries = value.get(key)
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if not is_name(name):
            report_name((key, name), reporter)
        yield name, entry


def _defaults(value: Any) -> Defaults:
    """The file's defaults, as far as they can be read."""
    try:
        return Defaults.model_validate(value)
    except ValidationError:
        return Defaults()

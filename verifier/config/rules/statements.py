"""Whether the SQL of a job's checks can be asked: its store, its shape, what it binds."""

from collections.abc import Mapping, Sequence

from verifier.checks.model import Need, Query
from verifier.checks.question import PARAMETERS
from verifier.checks.template import names_in
from verifier.config.codes import Code
from verifier.config.job import JobModel
from verifier.config.keys import nearest
from verifier.config.problem import Path
from verifier.config.reporter import Reporter
from verifier.runs.covers import local_day
from verifier.runs.instant import format_instant
from verifier.runs.interval import Interval

DAY = "day"
PARTITION = "partition"


def check_statements(
    job: JobModel,
    stores: Mapping[str, str | None] | None,
    timezone: str | None,
    intervals: Sequence[Interval],
    reporter: Reporter,
) -> None:
    """Report unknown stores, texts that cannot be asked and parameters that no run has.

    ``intervals`` are those of some slots of the job in ``timezone``; none where its
    schedule is broken. ``stores`` has the type of each store, None where it is broken;
    it is None itself where they are not looked up.
    """
    not_a_day = next(
        (each for each in intervals if timezone and local_day(each, timezone) is None), None
    )
    for index, check in enumerate(job.checks):
        if stores is not None:
            for need in check.needs():
                _check_store(need, stores, ("checks", index), reporter)
        for query in check.queries():
            path: Path = ("checks", index, *query.path)
            _check_text(query, path, not_a_day, reporter)
            if PARTITION in query.parameters and job.partitions is None:
                reporter.error(
                    Code.PARTITIONS_UNCLEAR,
                    path,
                    "expected a job with partitions where :partition is bound, found one without",
                    "declare partitions: {name, store, sql}, or drop it from the statement",
                )
        for at, template in check.templates():
            _check_template(template, ("checks", index, *at), job, not_a_day, reporter)


def _check_store(
    need: Need, stores: Mapping[str, str | None], at: Path, reporter: Reporter
) -> None:
    if need.store not in stores:
        known = f"stores has {', '.join(stores)}" if stores else "stores declares none"
        reporter.error(
            Code.UNKNOWN_STORE,
            (*at, *need.path),
            f"expected a store that stores declares, found '{need.store}'",
            nearest(need.store, stores) or known,
        )
        return
    kind = stores[need.store]
    if kind is not None and kind != need.kind:
        reporter.error(
            Code.WRONG_STORE,
            (*at, *need.path),
            f"expected a store of type {need.kind}, found '{need.store}' of type {kind}",
        )


def _check_text(query: Query, path: Path, not_a_day: Interval | None, reporter: Reporter) -> None:
    if query.problem is not None:
        reporter.error(Code.BAD_VALUE, path, query.problem)
    for name in sorted(query.parameters - PARAMETERS.keys()):
        reporter.error(
            Code.UNKNOWN_PARAMETER,
            path,
            f"expected a parameter that runs have, found ':{name[:40]}'",
            nearest(name, PARAMETERS)
            or f"they have {', '.join(f':{each}' for each in PARAMETERS)}",
        )
    if DAY in query.parameters and not_a_day is not None:
        reporter.error(
            Code.NOT_ONE_DAY,
            path,
            "expected a business interval of one local day where :day is bound, "
            f"found {_told(not_a_day)}",
            "declare covers: previous-day, or bind :local_start and :local_end",
        )


def _check_template(
    template: str, path: Path, job: JobModel, not_a_day: Interval | None, reporter: Reporter
) -> None:
    names = names_in(template)
    if PARTITION in names and job.partitions is None:
        reporter.error(
            Code.PARTITIONS_UNCLEAR,
            path,
            "expected a job with partitions where {partition} stands, found one without",
            "declare partitions: {name, store, sql}, or leave it out",
        )
    if DAY in names and not_a_day is not None:
        reporter.error(
            Code.NOT_ONE_DAY,
            path,
            "expected a business interval of one local day where {day} stands, "
            f"found {_told(not_a_day)}",
            "declare covers: previous-day, or write {local_start} or {interval_start:%Y%m%d}",
        )


def _told(interval: Interval) -> str:
    return f"{format_instant(interval.start)} to {format_instant(interval.end)}"

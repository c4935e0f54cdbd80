"""Whether slots and business intervals of a job can be computed."""

from datetime import datetime

from verifier.config.codes import Code
from verifier.config.compile import DIALECT, compile_covers, compile_schedule, trial_slots
from verifier.config.file import Defaults
from verifier.config.job import JobModel, On
from verifier.config.problem import Path
from verifier.config.reporter import Reporter
from verifier.runs.calendar import check_calendar
from verifier.runs.covers import business_interval
from verifier.runs.declaration import Cron, Schedule
from verifier.runs.interval import Interval
from verifier.runs.slots import check_schedule
from verifier.runs.wallclock import zone


def check_due_times(
    job: JobModel, defaults: Defaults, reporter: Reporter
) -> tuple[str, list[Interval]] | None:
    """The zone's name and the intervals of some slots; None where it was reported as broken."""
    if not _is_one_kind(job, reporter):
        return None
    schedule = compile_schedule(job.schedule, defaults)
    if not _is_known(job, schedule, reporter):
        return None
    try:
        check_schedule(schedule)
        seasons = trial_slots(schedule)
    except ValueError as error:
        _report(Code.BAD_SCHEDULE, ("schedule", _broken_key(schedule)), error, reporter)
        return None
    covers = compile_covers(job.covers)
    tried: list[datetime] = [slot for season in seasons for slot in season]
    try:
        return schedule.timezone, [business_interval(schedule, covers, slot) for slot in tried]
    except ValueError as error:
        _report(Code.BAD_VALUE, ("covers",), error, reporter)
        return None


def check_timezone(timezone: str, path: Path, reporter: Reporter) -> bool:
    """Whether the zone is known; reported at ``path`` where it is not."""
    try:
        zone(timezone)
    except ValueError as error:
        _report(Code.BAD_SCHEDULE, path, error, reporter)
        return False
    return True


def _is_one_kind(job: JobModel, reporter: Reporter) -> bool:
    schedule = job.schedule
    at = ("schedule",)
    if schedule.cron is None and schedule.every is None:
        message = "expected the key 'cron' or 'every', found neither"
        reporter.error(Code.MISSING_KEY, at, message, 'such as cron: "0 2 * * *"', at_key=True)
        return False
    if schedule.cron is not None and schedule.every is not None:
        message = "expected either cron or every, found both"
        reporter.error(Code.BAD_SCHEDULE, (*at, "every"), message, at_key=True)
        return False
    if schedule.every is None:
        return True
    if schedule.on is On.BUSINESS_DAYS:
        message = "expected on: every-day beside every, found business-days"
        hint = 'a cron expression can be kept to business days, such as "*/15 * * * *"'
        reporter.error(Code.BAD_SCHEDULE, (*at, "on"), message, hint)
    if "dialect" in schedule.model_fields_set:
        message = "expected dialect beside cron alone, found it beside every"
        reporter.error(Code.BAD_SCHEDULE, (*at, "dialect"), message, at_key=True)
    return True


def _is_known(job: JobModel, schedule: Schedule, reporter: Reporter) -> bool:
    """Whether zone and calendar exist; a default zone is reported where it stands, once."""
    at = ("schedule",)
    if job.schedule.timezone is not None:
        if not check_timezone(schedule.timezone, (*at, "timezone"), reporter):
            return False
    else:
        try:
            zone(schedule.timezone)
        except ValueError:
            return False
    try:
        check_calendar(schedule)
    except ValueError as error:
        _report(Code.BAD_SCHEDULE, (*at, "calendar"), error, reporter)
        return False
    return True


def _broken_key(schedule: Schedule) -> str:
    """The key that keeps a schedule from being computed, where zone and calendar are known."""
    dialect = schedule.dialect if isinstance(schedule, Cron) else DIALECT
    try:
        check_schedule(Cron(expression="* * * * *", dialect=dialect))
    except ValueError:
        return "dialect"
    return "cron"


def _report(code: Code, path: Path, error: ValueError, reporter: Reporter) -> None:
    """What the rules of time say, in their ``expected …, found …; hint``."""
    message, _, hint = str(error).partition("; ")
    reporter.error(code, path, message, hint or None)

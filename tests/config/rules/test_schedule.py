from collections.abc import Callable

import pytest

from verifier.config.codes import Code
from verifier.config.load import Reading
from verifier.config.problem import Problem

With = Callable[..., str]
Only = Callable[..., Problem]


@pytest.mark.parametrize(
    ("schedule", "path", "code"),
    [
        ("{}", "schedule", Code.MISSING_KEY),
        ('{cron: "0 2 * * *", every: 1d}', "schedule.every", Code.BAD_SCHEDULE),
        ('{cron: ""}', "schedule.cron", Code.BAD_SCHEDULE),
        ('{cron: "0 0 31 2 *"}', "schedule.cron", Code.BAD_SCHEDULE),
        ('{cron: "0 2 * * *", dialect: quartz}', "schedule.dialect", Code.BAD_SCHEDULE),
        ('{cron: "0 2 * * *", timezone: Europe/Berlim}', "schedule.timezone", Code.BAD_SCHEDULE),
        ('{cron: "0 2 * * *", calendar: {country: XX}}', "schedule.calendar", Code.BAD_SCHEDULE),
        (
            '{cron: "0 2 * * *", calendar: {country: DE, subdivision: XX}}',
            "schedule.calendar",
            Code.BAD_SCHEDULE,
        ),
        ("{every: 1d, on: business-days}", "schedule.on", Code.BAD_SCHEDULE),
        ("{every: 1d, dialect: debian}", "schedule.dialect", Code.BAD_SCHEDULE),
        ("{every: 0s}", "schedule.every", Code.BAD_VALUE),
    ],
)
def test_a_schedule_that_cannot_be_computed_is_told_where_it_breaks(
    schedule: str, path: str, code: Code, with_job: With, only: Only
) -> None:
    problem = only(with_job(schedule=schedule))
    assert (problem.code, problem.path) == (code, f"jobs.daily.{path}")


def test_a_zone_that_resembles_one_is_told_with_it(with_job: With, only: Only) -> None:
    text = with_job(schedule='{cron: "0 2 * * *", timezone: Europe/Berlim}')
    assert only(text).hint == "did you mean Europe/Berlin?"


def test_a_default_zone_that_is_none_is_told_once_where_it_stands(
    with_top: Callable[[str], str], only: Only
) -> None:
    assert only(with_top("defaults: {timezone: Mars}")).path == "defaults.timezone"


def test_a_covered_day_that_does_not_exist_is_told(with_job: With, only: Only) -> None:
    problem = only(with_job(covers="{start: 1h, end: 1h}"))
    assert (problem.code, problem.path) == (Code.BAD_VALUE, "jobs.daily.covers")


def test_a_calendar_may_stand_beside_every_day(
    with_job: With, read: Callable[..., Reading]
) -> None:
    schedule = '{cron: "0 2 * * *", on: every-day, calendar: {country: DE}}'
    assert read(with_job(schedule=schedule)).problems == ()

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.config.compile import smallest_gap, trial_slots
from verifier.config.load import Reading
from verifier.config.preset import PRESETS
from verifier.runs.declaration import (
    AutoRetry,
    CoversOffset,
    Cron,
    Declaration,
    Every,
    JobClass,
    Overlap,
    Severity,
    SurfaceKind,
    WhenUnsure,
    Worse,
)

Declared = Callable[..., Declaration]


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.fixture
def declared(with_job: Callable[..., str], read: Callable[..., Reading]) -> Declared:
    def declared(**keys: str | None) -> Declaration:
        config = read(with_job(**keys)).config
        assert config is not None
        return config.job("daily").declaration

    return declared


def test_every_default_is_filled_in(declared: Declared) -> None:
    job = declared()
    day = timedelta(days=1)
    assert job.schedule == Cron(expression="0 2 * * *", timezone="UTC")
    assert job.start_within == minutes(5)
    assert job.finish_within == day
    assert job.runtime_within is None
    assert job.verified_within == day + timedelta(seconds=10) + minutes(10)
    assert job.heartbeat_within is None
    assert job.progress_within is None
    assert job.lease == timedelta(seconds=90)
    assert job.zombie_grace == 2 * day
    assert job.settle == timedelta(seconds=10)
    assert job.recheck == ()
    assert job.since is None
    assert job.severity is Severity.TICKET
    assert job.worse is Worse.MISSED
    assert not job.resumable
    assert not job.guard.enabled
    assert job.guard.when_unsure is WhenUnsure.OPEN
    assert job.retry.max_attempts == 1


def test_one_word_of_effects_is_one_surface_with_all_checks(declared: Declared) -> None:
    (surface,) = declared().surfaces
    assert (surface.name, surface.kind, surface.checks) == (
        "effects",
        SurfaceKind.REPLACE,
        ("regions",),
    )


@pytest.mark.parametrize("kind", SurfaceKind)
def test_what_repeats_harm_is_guarded_closed_and_worse_twice(
    kind: SurfaceKind, declared: Declared
) -> None:
    job = declared(effects=kind)
    harms = kind in (SurfaceKind.APPEND, SurfaceKind.EXTERNAL)
    assert (job.worse is Worse.DUPLICATE) is harms
    assert (job.guard.when_unsure is WhenUnsure.CLOSED) is harms


def test_a_jobs_own_word_wins_over_what_its_effects_suggest(declared: Declared) -> None:
    job = declared(effects="append", worse="missed", guard="{when_unsure: open}")
    assert (job.worse, job.guard.when_unsure) == (Worse.MISSED, WhenUnsure.OPEN)


@pytest.mark.parametrize("job_class", JobClass)
def test_a_class_is_a_preset(job_class: JobClass, declared: Declared) -> None:
    job = declared(class_=job_class)
    preset = PRESETS[job_class]
    assert (job.job_class, job.overlap, job.retry.auto) == (
        job_class,
        preset.overlap,
        preset.auto_retry,
    )


@pytest.mark.parametrize("job_class", JobClass)
def test_a_jobs_own_fields_win_over_its_class(job_class: JobClass, declared: Declared) -> None:
    job = declared(class_=job_class, overlap="queue", retry="{auto: never}")
    assert (job.overlap, job.retry.auto) == (Overlap.QUEUE, AutoRetry.NEVER)


def test_a_best_effort_job_takes_no_effect_unless_it_says_so(declared: Declared) -> None:
    assert declared(class_="best-effort", effects=None).effects_none
    assert not declared(class_="best-effort", effects="upsert").effects_none


def test_retries_without_a_class_are_those_that_harm_nothing(declared: Declared) -> None:
    none = declared(class_=None, overlap="forbid")
    some = declared(class_=None, overlap="forbid", retry="{max_attempts: 2}")
    assert (none.retry.auto, some.retry.auto) == (AutoRetry.NEVER, AutoRetry.BEFORE_EFFECTS)


def test_a_lease_is_three_heartbeats_unless_it_is_told(declared: Declared) -> None:
    assert declared(heartbeat_within="2m").lease == minutes(6)
    assert declared(heartbeat_within="2m", lease="10m").lease == minutes(10)


def test_limits_follow_a_finish_that_is_told(declared: Declared) -> None:
    job = declared(finish_within="45m", settle="0s")
    assert job.verified_within == minutes(55)
    assert job.zombie_grace == minutes(90)
    assert job.settle == timedelta()


@pytest.mark.parametrize(
    ("schedule", "gap"),
    [
        ("{every: 15m}", minutes(15)),
        ("{every: 7d}", timedelta(days=1)),
        ('{cron: "0 2,3 * * *"}', minutes(60)),
        ('{cron: "*/10 9-17 * * *"}', minutes(10)),
        ('{cron: "0 6 1,2 * *"}', timedelta(days=1)),
        ('{cron: "0 6 1 * *"}', timedelta(days=1)),
    ],
)
def test_a_run_finishes_before_the_next_is_due_and_within_a_day(
    schedule: str, gap: timedelta, declared: Declared
) -> None:
    assert declared(schedule=schedule, checks=None, covers=None).finish_within == gap


def test_a_date_begins_at_midnight_in_the_zone_of_the_job(declared: Declared) -> None:
    schedule = '{cron: "0 2 * * *", timezone: Europe/Berlin}'
    job = declared(schedule=schedule, since="2026-04-01")
    assert job.since == datetime(2026, 3, 31, 22, tzinfo=UTC)


def test_an_instant_is_taken_as_it_is(declared: Declared) -> None:
    job = declared(since='"2026-04-01T02:00:00+02:00"')
    assert job.since == datetime(2026, 4, 1, tzinfo=UTC)


def test_covers_may_be_a_distance_from_due(declared: Declared) -> None:
    job = declared(covers="{start: -2d, end: -1d}", checks=None)
    assert job.covers == CoversOffset(start=timedelta(days=-2), end=timedelta(days=-1))


def test_a_calendar_goes_with_the_schedule(declared: Declared) -> None:
    schedule = (
        '{cron: "0 2 * * *", on: business-days,'
        " calendar: {country: DE, subdivision: BY, holidays: [2026-12-24]}}"
    )
    found = declared(schedule=schedule).schedule
    assert isinstance(found, Cron)
    assert found.business_days
    assert (found.country, found.subdivision) == ("DE", "BY")
    assert [each.isoformat() for each in found.holidays] == ["2026-12-24"]


def test_rechecks_are_in_order(declared: Declared) -> None:
    assert declared(recheck="[6h, 15m]").recheck == (minutes(15), minutes(360))


def test_slots_are_tried_in_winter_and_in_summer() -> None:
    winter, summer = trial_slots(Cron(expression="0 2 * * *", timezone="Europe/Berlin"))
    assert winter[0] == datetime(2026, 1, 1, 1, tzinfo=UTC)
    assert summer[0] == datetime(2026, 7, 1, tzinfo=UTC)


@given(st.integers(min_value=1, max_value=100_000))
def test_the_smallest_gap_of_a_period_is_the_period(seconds: int) -> None:
    period = timedelta(seconds=seconds)
    assert smallest_gap(Every(period=period)) == period

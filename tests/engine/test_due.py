from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.engine import due
from verifier.engine.due import DueSweep, DueTimes
from verifier.ledger.errors import LedgerUnavailable
from verifier.ledger.ledger import Ledger
from verifier.ledger.listing import RunFilter
from verifier.runs.declaration import Cron, Declaration, Every, Surface, SurfaceKind
from verifier.runs.slots import slots

START = datetime(2026, 3, 28, 12, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SCHEDULES = {
    "a": Every(period=15 * MINUTE),
    "b": Every(period=15 * MINUTE),
    "night": Cron(expression="30 2 * * *", timezone="Europe/Berlin"),
    "noon": Cron(expression="0 12 * * *", timezone="America/New_York"),
}


def job(name: str, schedule=SCHEDULES["a"], **more) -> Declaration:
    return Declaration(
        job=name,
        schedule=schedule,
        surfaces=(Surface(name="table", kind=SurfaceKind.REPLACE),),
        finish_within=10 * MINUTE,
        verified_within=60 * MINUTE,
        zombie_grace=20 * MINUTE,
        **more,
    )


@pytest.fixture
def ledger(ledger_url):
    with Ledger.open(ledger_url, START) as ledger:
        for name in ("a", "b"):
            ledger.declare(name, job(name), {}, START)
        yield ledger


def dues(ledger, name):
    return sorted(row.key.due for row in ledger.runs(RunFilter(job=name)) if row.expected)


def all_of(sweep) -> None:
    for _ in sweep:
        pass


@given(st.lists(st.integers(1, 3_000), min_size=1, max_size=8))
def test_however_often_it_is_asked_each_job_falls_due_at_its_slots_and_once(steps):
    times, now = DueTimes(SCHEDULES, START), START
    fallen = {name: [] for name in SCHEDULES}
    for step in steps:
        now += step * MINUTE
        for jobs, instants in times.pop(now):
            for name in jobs:
                fallen[name] += instants
    for name, schedule in SCHEDULES.items():
        after = START + timedelta.resolution
        assert fallen[name] == list(slots(schedule, after, now + timedelta.resolution))


def test_jobs_of_one_schedule_fall_due_together():
    ((jobs, instants),) = DueTimes(SCHEDULES, START).pop(START + 10 * MINUTE)
    assert (jobs, instants) == (["a", "b"], [START + 8 * MINUTE])


def test_a_sweep_that_failed_is_made_up_for_by_the_next_one(ledger, monkeypatch):
    sweep = DueSweep(ledger)
    all_of(sweep.sweep(START))
    with monkeypatch.context() as broken:
        broken.setattr(ledger, "expect_all", refusing)
        with pytest.raises(LedgerUnavailable):
            all_of(sweep.sweep(START + 10 * MINUTE))
    all_of(sweep.sweep(START + 11 * MINUTE))
    assert dues(ledger, "a") == dues(ledger, "b") == [START + 8 * MINUTE]


def refusing(*_):
    raise LedgerUnavailable("no disk")


def test_a_sweep_may_be_left_in_its_middle_and_the_next_one_goes_on(ledger, monkeypatch):
    monkeypatch.setattr(due, "TOGETHER", 2)
    for number in range(6):
        ledger.declare(f"job-{number}", job(f"job-{number}"), {}, START)
    now, sweep = START + 10 * MINUTE, DueSweep(ledger)
    all_of(sweep.sweep(START))
    begun = sweep.sweep(now)
    next(begun)
    next(begun)
    assert len(ledger.runs(RunFilter())) == 4
    begun.close()
    all_of(sweep.sweep(now + MINUTE))
    assert {row.key.job: row.key.due for row in ledger.runs(RunFilter())} == dict.fromkeys(
        ledger.histories(), START + 8 * MINUTE
    )


def test_a_job_that_is_declared_later_is_swept_from_then_on(ledger):
    sweep = DueSweep(ledger)
    all_of(sweep.sweep(START))
    ledger.declare("late", job("late", Every(period=MINUTE)), {}, START + 5 * MINUTE)
    for minutes in (6, 7, 8):
        all_of(sweep.sweep(START + minutes * MINUTE))
    assert dues(ledger, "late") == [START + minutes * MINUTE for minutes in (5, 6, 7, 8)]
    assert dues(ledger, "a") == [START + 8 * MINUTE]


def test_a_job_is_not_expected_before_its_since_however_long_that_is_to_come(ledger):
    since = START + 20 * MINUTE
    ledger.declare("later", job("later", Every(period=MINUTE), since=since), {}, START)
    sweep = DueSweep(ledger)
    for minutes in (0, 10, 19, 20, 21):
        all_of(sweep.sweep(START + minutes * MINUTE))
    assert dues(ledger, "later") == [since, since + MINUTE]


def test_a_job_that_is_retired_is_expected_no_more(ledger):
    sweep = DueSweep(ledger)
    all_of(sweep.sweep(START))
    ledger.retire("b", START + MINUTE)
    all_of(sweep.sweep(START + 10 * MINUTE))
    assert (dues(ledger, "a"), dues(ledger, "b")) == ([START + 8 * MINUTE], [])


def test_two_that_sweep_one_ledger_expect_each_slot_once(ledger):
    first, second = DueSweep(ledger), DueSweep(ledger)
    for minutes in (0, 10, 40):
        for sweep in (first, second):
            all_of(sweep.sweep(START + minutes * MINUTE))
    assert dues(ledger, "a") == [START + each * MINUTE for each in (8, 23, 38)]

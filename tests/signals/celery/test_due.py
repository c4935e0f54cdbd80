"""When an entry of beat was due, by beat's own rules, and that landed agrees."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery
from celery.schedules import BaseSchedule, crontab, schedule
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.declaration import Cron
from verifier.runs.slots import latest_slot
from verifier.signals.celery.due import due_at

APP = Celery("due", set_as_current=False)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def cron(text: str) -> Any:
    minute, hour, day, month, weekday = text.split()
    return crontab(
        minute, hour, day_of_month=day, month_of_year=month, day_of_week=weekday, app=APP
    )


def test_beat_is_a_little_late_and_the_due_instant_is_whole() -> None:
    late = NOON + timedelta(milliseconds=3)
    assert due_at(cron("*/15 * * * *"), NOON - timedelta(minutes=14, seconds=59), late) == NOON


@pytest.mark.parametrize("days", [0, 1, 7, 30, 365])
def test_beat_that_was_down_over_several_sends_for_the_latest(days: int) -> None:
    last = NOON - timedelta(days=days, minutes=16)
    assert due_at(cron("*/15 * * * *"), last, NOON + timedelta(minutes=3)) == NOON


def test_a_rare_time_is_found_however_long_ago_it_was() -> None:
    last = datetime(2026, 3, 1, tzinfo=UTC)
    assert due_at(cron("0 2 1 7 *"), last, NOON) == datetime(2026, 7, 1, 2, tzinfo=UTC)


def test_an_interval_counts_from_the_last_run() -> None:
    last = NOON + timedelta(seconds=7)
    every = schedule(timedelta(minutes=5), app=APP)
    assert due_at(every, last, last + timedelta(minutes=5, seconds=1)) == last + timedelta(
        minutes=5
    )
    assert due_at(every, last, last + timedelta(minutes=17)) == last + timedelta(minutes=15)


def test_a_schedule_of_another_kind_is_due_when_it_is_sent() -> None:
    assert due_at(BaseSchedule(app=APP), NOON - timedelta(days=1), NOON) == NOON


def _field(most: int) -> st.SearchStrategy[str]:
    return st.just("*") | st.integers(0, most).map(str) | st.integers(2, most).map("*/{}".format)


@given(
    minute=_field(59),
    hour=_field(23),
    weekday=st.just("*") | st.integers(0, 6).map(str),
    seconds=st.integers(0, 30 * 86_400),
    missed=st.integers(1, 3 * 86_400),
)
def test_landed_finds_the_same_slot(
    minute: str, hour: str, weekday: str, seconds: int, missed: int
) -> None:
    text = f"{minute} {hour} * * {weekday}"
    now = NOON + timedelta(seconds=seconds)
    slot = latest_slot(Cron(expression=text), now)
    last = slot - timedelta(seconds=missed)
    assert due_at(cron(text), last, now) == slot

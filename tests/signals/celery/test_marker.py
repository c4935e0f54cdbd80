"""A run that beat sends carries its entry and due instant, and nobody can pretend it does."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.signals.celery.marker import Marker, read_shadow, shadow, task_id

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_the_id_of_a_run_is_the_same_in_any_zone_and_of_no_other_run() -> None:
    berlin = NOON.astimezone(timezone(timedelta(hours=1)))
    assert task_id("load", NOON) == task_id("load", berlin)
    assert len({task_id(entry, NOON + gap) for entry in ("a", "b") for gap in
                (timedelta(), timedelta(microseconds=1))}) == 4  # fmt: skip


@given(
    entry=st.text(min_size=1, max_size=40),
    due=st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1)),  # noqa: DTZ001 - as hypothesis wants it
)
def test_what_is_written_is_read_whatever_the_entry_is_called(entry: str, due: datetime) -> None:
    marker = Marker(entry, due)
    assert read_shadow(shadow("shop.load", marker), task_id(*marker)) == ("shop.load", marker)


@pytest.mark.parametrize(
    "name",
    ["shop.load", "", "@", "@@", "shop.load@", "a@b@c", "a@b@2026-11-24T12:00:00",
     "shop.load@load@2026-11-24T12:00:00+00:00"],
)  # fmt: skip
def test_any_other_name_is_the_tasks_own(name: str) -> None:
    assert read_shadow(name, "0a6e8b1e-0000-5000-8000-000000000000") == (name, None)

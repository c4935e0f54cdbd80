from datetime import UTC, date, datetime

import msgspec
import pytest

from verifier.checks.question import PARAMETERS
from verifier.checks.reason import CannotTell, UnknownReason
from verifier.runs.interval import Interval


def test_every_parameter_has_a_value_for_a_run_with_slot_and_partition(night):
    question = msgspec.structs.replace(night, partition="eu")

    assert {name: question.value(name) for name in PARAMETERS} == {
        "due": datetime(2026, 4, 3, tzinfo=UTC),
        "interval_start": datetime(2026, 4, 1, 22, tzinfo=UTC),
        "interval_end": datetime(2026, 4, 2, 22, tzinfo=UTC),
        "local_start": datetime.fromisoformat("2026-04-02 00:00"),
        "local_end": datetime.fromisoformat("2026-04-03 00:00"),
        "day": date(2026, 4, 2),
        "run": "daily-revenue/2026-04-03T00:00:00Z",
        "job": "daily-revenue",
        "partition": "eu",
    }


@pytest.mark.parametrize(
    "name", ["due", "interval_start", "interval_end", "local_start", "local_end", "day"]
)
def test_a_run_without_a_slot_cannot_tell_what_needs_one(night, name):
    manual = msgspec.structs.replace(night, due=None, interval=None)

    with pytest.raises(CannotTell) as caught:
        manual.value(name)

    assert caught.value.reason is UnknownReason.NO_INTERVAL


def test_a_day_that_the_clocks_change_on_is_one_day_and_an_hour_is_none(night):
    short_day = Interval(
        start=datetime(2026, 3, 28, 23, tzinfo=UTC), end=datetime(2026, 3, 29, 22, tzinfo=UTC)
    )
    hour = Interval(
        start=datetime(2026, 4, 2, 1, tzinfo=UTC), end=datetime(2026, 4, 2, 2, tzinfo=UTC)
    )

    assert msgspec.structs.replace(night, interval=short_day).value("day") == date(2026, 3, 29)
    with pytest.raises(CannotTell) as caught:
        msgspec.structs.replace(night, interval=hour).value("day")
    assert caught.value.reason is UnknownReason.NOT_ONE_DAY


def test_a_run_of_all_partitions_binds_no_null_as_its_partition(night):
    with pytest.raises(CannotTell) as caught:
        night.value("partition")

    assert caught.value.reason is UnknownReason.NO_PARTITION


def test_a_name_that_no_run_has_cannot_be_bound(night):
    with pytest.raises(CannotTell) as caught:
        night.value("yesterday")

    assert caught.value.reason is UnknownReason.BAD_QUERY

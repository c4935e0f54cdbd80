from datetime import timedelta

import msgspec
import pytest

from verifier.runs.declaration import Cron, Declared, History
from verifier.runs.dues import expected_from, last_due, next_due, useful_due
from verifier.runs.occurrence import Useful


@pytest.fixture
def history(build):
    return History((Declared(valid_from=build.at("-2 12:00"), declaration=build.job()),))


def changed(history, **fields):
    declaration = msgspec.structs.replace(history.latest, **fields)
    return History((Declared(valid_from=history.registered, declaration=declaration),))


def test_a_due_instant_is_the_last_one_until_the_next_comes(history, build):
    assert next_due(history, build.at("01:59:59")) == build.at("02:00")
    assert next_due(history, build.at("02:00")) == build.at("+1 02:00")
    assert last_due(history, build.at("01:59:59")) == build.at("-1 02:00")
    assert last_due(history, build.at("02:00")) == build.at("02:00")


def test_nothing_was_due_before_the_job_was_declared_or_since(history, build):
    assert last_due(history, build.at("-2 13:00")) is None
    assert last_due(changed(history, since=build.at("03:00")), build.at("04:00")) is None
    assert expected_from(history) == build.at("-2 12:00")


def test_a_useful_completion_is_stale_a_while_after_the_next_occurrence(history, build):
    useful = Useful(build.at("02:00"), build.at("02:10"))
    assert useful_due(history, useful) == build.at("+1 04:00")


def test_without_one_the_first_that_was_expected_counts(history, build):
    assert useful_due(history, None) == build.at("-1 04:00")
    at_once = changed(history, since=build.at("02:00"))
    assert useful_due(at_once, None) == build.at("04:00")


def test_weekends_make_nothing_stale(history, build):
    """2026-04-03 is a Friday, and a holiday in Germany, as the Monday after it is."""
    working = Cron(expression="0 2 * * *", business_days=True, country="DE")
    thursday = Useful(build.at("-1 02:00"), build.at("-1 02:10"))
    assert useful_due(changed(history, schedule=working), thursday) == build.at("+4 04:00")


def test_a_schedule_that_has_ended_has_no_next_slot(history, build):
    once = Cron(expression="0 2 29 2 1", dialect="debian")
    late = build.at("02:00").replace(year=9999)
    with pytest.raises(ValueError, match="expected a slot after"):
        next_due(changed(history, schedule=once), late + timedelta(days=200))

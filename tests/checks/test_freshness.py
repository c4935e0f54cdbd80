from datetime import timedelta

import msgspec
import pytest
from pydantic import TypeAdapter, ValidationError

from verifier.checks.registry import Check
from verifier.runs.evaluation import Result

FRESH = {
    "type": "freshness",
    "store": "warehouse",
    "table": "daily_revenue",
    "column": "loaded_at",
    "within": "1h",
}


def test_the_newest_row_is_compared_with_the_runs_end_and_not_with_now(ask, load, night, now):
    load("DE")  # at 00:01
    ended = msgspec.structs.replace(night, ended=now - timedelta(hours=2, minutes=30))

    assert ask(FRESH, ended).result is Result.HOLDS
    assert ask(FRESH, night).result is Result.VIOLATED  # nothing ended, and it is 03:00
    late = msgspec.structs.replace(night, ended=now - timedelta(hours=1, minutes=58))
    assert ask(FRESH, late).result is Result.VIOLATED
    assert ask({**FRESH, "within": "3h"}, night).result is Result.HOLDS


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "null_result"),
        ("'soon'", "not_an_instant"),
        ("1775174460", "not_an_instant"),
        ("'2026-04-03 04:30:00'", "in_the_future"),  # local time that was taken for UTC
        ("'9999-12-31 23:59:59'", "in_the_future"),
    ],
)
def test_what_is_no_instant_or_is_still_to_come_proves_nothing(ask, warehouse, value, reason):
    warehouse.run("DELETE FROM daily_revenue")
    if value is not None:
        warehouse.run(f"INSERT INTO daily_revenue VALUES ('2026-04-02', 'DE', 1, {value})")

    answer = ask(FRESH)

    assert (answer.result, answer.reason) == (Result.UNKNOWN, reason)


@pytest.mark.parametrize(
    ("value", "timezone"),
    [
        ("2026-04-03 04:30:00", "Europe/Berlin"),
        ("2026-04-03T02:30:00Z", "Asia/Tokyo"),
        ("2026-04-03 04:30:00.5+02:00", "UTC"),
    ],
)
def test_values_without_an_offset_are_read_in_the_zone_that_is_declared(
    ask, warehouse, value, timezone
):
    warehouse.run(f"UPDATE daily_revenue SET loaded_at = '{value}'")

    answer = ask({**FRESH, "timezone": timezone})

    assert answer.result is Result.HOLDS
    assert answer.evidence["newest"].startswith("2026-04-03T02:30:00")


def test_a_condition_picks_the_rows_and_dates_begin_at_midnight(ask, load, warehouse):
    load("DE")
    warehouse.run("UPDATE daily_revenue SET loaded_at = '2026-04-01' WHERE region = 'FR'")

    assert ask({**FRESH, "where": "region = 'DE'", "within": "3h"}).result is Result.HOLDS
    assert ask({**FRESH, "where": "region = 'FR'", "within": "50h"}).result is Result.VIOLATED
    assert ask({**FRESH, "where": "region = 'FR'", "within": "51h"}).result is Result.HOLDS


def test_a_missing_table_is_unknown_and_not_stale(ask, warehouse):
    assert ask({**FRESH, "table": "no_such"}).reason == "no_such_table"


def test_a_zone_that_is_none_is_an_error():
    with pytest.raises(ValidationError, match="IANA time zone"):
        TypeAdapter(Check).validate_python({"name": "it", **FRESH, "timezone": "Mars/Base"})

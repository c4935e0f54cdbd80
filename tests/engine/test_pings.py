"""A night on which nobody listened, of a job that pings: its word is lost, its work is not."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from verifier.engine.listening import still_here
from verifier.runs.instant import format_instant

FIRST = datetime(2026, 4, 2, 2, 0, tzinfo=UTC)
REGIONS = [f"R{number:02}" for number in range(10)]
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
"""The second night is the one on which nobody listens."""


def told(world: Any, source: str, at: datetime) -> None:
    """The job's success, as it comes from ``source``."""
    item = {"job": "revenue", "kind": "succeeded", "at": format_instant(at)}
    assert world.service.receive([json.dumps(item).encode()], source).rejected == ()


def away_over_the_second_night(world: Any, source: str) -> None:
    """Heard on the first night; then away from before the second until an hour after."""
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    world.write("2026-04-01", REGIONS)
    told(world, source, world.now)
    world.tick_to(FIRST + 2 * MINUTE)
    still_here(world.ledger, FIRST + DAY - MINUTE, MINUTE)
    world.now = FIRST + DAY + 60 * MINUTE
    assert still_here(world.ledger, world.now, MINUTE)


@pytest.mark.parametrize(("source", "verdict"), [("ping", "ambiguous"), ("test", "missing")])
def test_silence_while_nobody_listened_is_no_miss_of_who_pings(
    world: Any, source: str, verdict: str
) -> None:
    away_over_the_second_night(world, source)
    world.tick_to(world.now + 10 * MINUTE)
    run = world.run(FIRST + DAY)
    assert (run["verdict"], run["reported"]) == (verdict, "none")
    assert [check["result"] for check in run["checks"]] == ["violated", "holds"]
    deaf = "nobody could hear it at that time, and never will: it may have run"
    assert (deaf in run["advice"]["because"]) == (source == "ping")
    assert run["advice"]["action"] == ("reconcile_first" if source == "ping" else "run")
    assert world.service.job("revenue")["open"] == {verdict: 1}


def test_the_destination_is_asked_for_a_run_that_nobody_could_hear(world: Any) -> None:
    away_over_the_second_night(world, "ping")
    world.write("2026-04-02", REGIONS)
    world.tick_to(world.now + 10 * MINUTE)
    run = world.run(FIRST + DAY)
    assert (run["verdict"], run["reported"], run["advice"]["action"]) == (
        "verified",
        "none",
        "accept",
    )


def test_work_that_is_done_late_is_found_by_a_recheck(world: Any) -> None:
    away_over_the_second_night(world, "ping")
    world.tick_to(world.now + 2 * MINUTE)
    assert world.run(FIRST + DAY)["verdict"] == "ambiguous"
    world.write("2026-04-02", REGIONS)
    world.tick_to(world.now + 20 * MINUTE)
    assert world.run(FIRST + DAY)["verdict"] == "verified"

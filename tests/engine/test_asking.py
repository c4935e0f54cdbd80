"""``verify``: asked now, with settle and the second look waited for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from verifier.engine.clock import Stopping
from verifier.engine.service import UnknownJob
from verifier.ledger.listing import RunFilter
from verifier.runs.binding import RunKey

FIRST = datetime(2026, 4, 2, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
REGIONS = [f"R{number:02}" for number in range(10)]


def verify(world: Any, **what: Any) -> list[dict[str, Any]]:
    keys = world.service.runs_to_verify("revenue", **what)
    documents: list[dict[str, Any]] = world.service.verify(keys)
    return documents


def test_it_waits_for_settle_and_for_the_second_look(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    world.signal("started", FIRST + MINUTE)
    world.write("2026-04-01", REGIONS[:5])
    world.now = FIRST + 10 * MINUTE
    world.signal("succeeded", world.now)
    begun = world.now
    (run,) = verify(world, due=FIRST)
    assert run["verdict"] == "partial"
    assert timedelta(seconds=20) <= world.now - begun <= timedelta(seconds=25)


def test_it_does_not_wait_for_an_attempt_that_is_alive(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    world.signal("started", FIRST + MINUTE)
    world.write("2026-04-01", REGIONS)
    (run,) = verify(world, due=FIRST)
    assert (run["state"], run["verdict"], run["provisional"]) == ("running", None, True)
    assert run["effect_now"] == "complete"


def test_without_a_due_it_is_about_the_latest_slot(world: Any) -> None:
    world.now = FIRST + 3 * DAY + MINUTE
    (run,) = verify(world)
    assert run["due"] == "2026-04-05T02:00:00Z"


def test_over_a_span_every_slot_is_asked_and_progress_told(world: Any) -> None:
    world.tick_to(FIRST + 5 * DAY, every=timedelta(hours=6))
    for day in range(1, 4):
        world.write(f"2026-04-{day:02}", REGIONS)
    steps: list[tuple[int, int]] = []
    keys = world.service.runs_to_verify("revenue", start=FIRST, end=FIRST + 5 * DAY)
    runs = world.service.verify(keys, lambda done, total: steps.append((done, total)))
    assert [run["verdict"] for run in runs] == ["verified"] * 3 + ["missing"] * 2
    assert steps[0] == (0, 5)
    assert steps[-1] == (5, 5)


def test_what_was_due_before_the_job_was_declared_is_judged_but_never_missing(
    world: Any,
) -> None:
    world.write("2026-03-09", REGIONS)
    early = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
    runs = verify(world, start=early, end=early + 2 * DAY)
    assert [run["verdict"] for run in runs] == ["verified", None]
    assert runs[1]["state"] == "waiting"


def test_asking_again_knows_less_and_overturns_nothing(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    world.signal("started", FIRST + MINUTE)
    world.write("2026-04-01", REGIONS)
    world.signal("succeeded", FIRST + 2 * MINUTE)
    world.now = FIRST + 5 * MINUTE
    (run,) = verify(world, due=FIRST)
    assert run["verdict"] == "verified"
    (world.home / "warehouse.db").unlink()
    world.now += MINUTE
    (run,) = verify(world, due=FIRST)
    assert run["verdict"] == "verified"


def test_an_unknown_job_and_a_span_that_ends_before_it_begins_are_refused(world: Any) -> None:
    with pytest.raises(UnknownJob):
        world.service.runs_to_verify("nope")
    with pytest.raises(ValueError, match="--from before --to"):
        verify(world, start=FIRST, end=FIRST)


def test_a_due_that_is_no_slot_is_a_slip_and_leaves_no_run_behind(world: Any) -> None:
    world.now = FIRST + DAY
    with pytest.raises(LookupError, match="the slot before it is 2026-04-02T02:00:00Z"):
        verify(world, due=FIRST + MINUTE)
    with pytest.raises(ValueError, match="a due that has passed"):
        verify(world, due=FIRST + 3 * DAY)
    assert world.ledger.runs(RunFilter()) == []


def test_a_look_that_our_own_stop_cut_short_is_not_kept(world: Any) -> None:
    world.now = FIRST + timedelta(hours=1)
    world.stores.interrupt()
    with pytest.raises(Stopping):
        verify(world, due=FIRST)
    assert world.ledger.evaluations(RunKey("revenue", "2026-04-02T02:00:00Z")) == []

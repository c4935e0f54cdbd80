"""Nights as the engine lives through them, with the time passed in."""

from datetime import UTC, datetime, timedelta
from typing import Any

from verifier.runs.binding import RunKey

FIRST = datetime(2026, 4, 2, 2, 0, tzinfo=UTC)
DAY = "2026-04-01"
REGIONS = [f"R{number:02}" for number in range(10)]
MINUTE = timedelta(minutes=1)


def ran(world: Any, regions: list[str], end: str = "succeeded", **more: Any) -> None:
    """The job starts on time, writes ``regions`` and ends ten minutes later."""
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    world.signal("started", FIRST + MINUTE)
    world.write(DAY, regions)
    world.now = FIRST + 10 * MINUTE
    world.signal(end, world.now, end_proof="exit", **more)


def test_a_run_that_wrote_everything_is_verified_after_settle(world: Any) -> None:
    ran(world, REGIONS)
    world.tick()
    assert world.run()["state"] == "settling"
    world.tick_to(world.now + timedelta(seconds=10), every=timedelta(seconds=5))
    run = world.run()
    assert (run["verdict"], run["advice"]["action"]) == ("verified", "accept")
    assert [check["result"] for check in run["checks"]] == ["holds", "holds"]


def test_a_lost_completion_is_verified_although_it_was_reported_failed(world: Any) -> None:
    ran(world, REGIONS, end="failed", exit_code=137, reason="signal SIGKILL")
    world.tick_to(world.now + MINUTE)
    run = world.run()
    assert (run["reported"], run["verdict"]) == ("failed", "verified")
    assert not run["false_success"]


def test_success_with_half_of_the_rows_is_partial_and_a_false_success(world: Any) -> None:
    ran(world, REGIONS[:5])
    world.tick_to(world.now + MINUTE)
    run = world.run()
    assert (run["verdict"], run["false_success"]) == ("partial", True)
    assert run["checks"][0]["missing"] == 5
    assert run["advice"]["action"] == "reconcile_first"


def test_a_complaint_is_believed_only_after_a_second_look(world: Any) -> None:
    ran(world, REGIONS[:5])
    world.tick_to(world.now + timedelta(seconds=10), every=timedelta(seconds=10))
    assert (world.run()["state"], world.run()["provisional"]) == ("settling", True)
    world.write(DAY, REGIONS[5:])
    world.tick_to(world.now + timedelta(seconds=10), every=timedelta(seconds=10))
    assert world.run()["verdict"] == "verified"


def test_a_run_that_nobody_started_is_missing_once_the_destination_was_asked(world: Any) -> None:
    world.tick_to(FIRST, every=timedelta(hours=2))
    world.tick_to(FIRST + 5 * MINUTE - timedelta(seconds=1))
    assert world.run()["state"] == "waiting"
    world.tick_to(FIRST + 6 * MINUTE, every=timedelta(seconds=5))
    run = world.run()
    assert (run["verdict"], run["advice"]["action"]) == ("missing", "run")
    assert [each["condition"] for each in run["conditions"]] == ["late"]


def test_rows_that_nobody_reported_are_verified_and_not_missing(world: Any) -> None:
    world.tick_to(FIRST, every=timedelta(hours=2))
    world.write(DAY, REGIONS)
    world.tick_to(FIRST + 7 * MINUTE)
    run = world.run()
    assert (run["reported"], run["verdict"]) == ("none", "verified")


def test_a_silent_attempt_is_at_large_and_judged_only_when_it_can_write_no_more(
    world: Any,
) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    world.signal("started", FIRST + MINUTE)
    world.signal("heartbeat", FIRST + 2 * MINUTE)
    world.tick_to(FIRST + 13 * MINUTE)
    run = world.run()
    assert (run["state"], run["attempts"][0]["state"]) == ("settling", "lost")
    assert run["advice"]["action"] == "fence_first"
    assert (run["effect"], run["effect_now"], run["provisional"]) == ("unknown", "none", True)
    world.tick_to(FIRST + 95 * MINUTE)
    assert world.run()["verdict"] == "absent"


def test_what_an_attempt_at_large_still_writes_is_seen(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    world.signal("started", FIRST + MINUTE)
    world.signal("heartbeat", FIRST + 2 * MINUTE)
    world.tick_to(FIRST + 30 * MINUTE)
    world.write(DAY, REGIONS)
    world.tick_to(FIRST + 95 * MINUTE)
    assert world.run()["verdict"] == "verified"


def test_an_attempt_that_is_heard_again_was_never_lost(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    world.signal("started", FIRST + MINUTE)
    world.signal("heartbeat", FIRST + 2 * MINUTE)
    world.tick_to(FIRST + 13 * MINUTE)
    world.signal("heartbeat", FIRST + 14 * MINUTE)
    run = world.run()
    assert (run["state"], run["attempts"][0]["state"]) == ("running", "running")


def test_an_attempt_without_heartbeats_times_out(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    world.signal("started", FIRST + MINUTE)
    world.tick_to(FIRST + 44 * MINUTE)
    assert world.run()["attempts"][0]["state"] == "running"
    world.tick_to(FIRST + 46 * MINUTE)
    assert world.run()["attempts"][0]["state"] == "timed_out"


def test_a_destination_that_is_away_makes_it_ambiguous_and_is_asked_again(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    world.signal("started", FIRST + MINUTE)
    world.write(DAY, REGIONS)
    (world.home / "warehouse.db").rename(world.home / "away")
    world.now = FIRST + 10 * MINUTE
    world.signal("failed", world.now, exit_code=137)
    world.tick_to(world.now + timedelta(seconds=30), every=timedelta(seconds=10))
    run = world.run()
    assert (run["verdict"], run["advice"]["action"]) == ("ambiguous", "reconcile_first")
    assert run["checks"][0]["reason"] == "unreachable"
    (world.home / "away").rename(world.home / "warehouse.db")
    world.tick_to(world.now + 2 * MINUTE)
    assert world.run()["verdict"] == "verified"


def test_late_damage_is_found_by_a_recheck_and_kept_as_a_revision(world: Any) -> None:
    ran(world, REGIONS)
    world.tick_to(FIRST + 12 * MINUTE)
    assert world.run()["verdict"] == "verified"
    world.write(DAY, REGIONS[:3])
    world.tick_to(FIRST + 27 * MINUTE)
    run = world.run()
    assert (run["verdict"], run["checks"][0]["surplus"]) == ("duplicated", 3)
    assert [(each["from"], each["to"]) for each in run["revisions"]][-1] == (
        "verified",
        "duplicated",
    )


def test_a_signal_that_comes_late_makes_an_early_look_worthless(world: Any) -> None:
    ran(world, REGIONS)
    world.tick_to(FIRST + 12 * MINUTE)
    assert world.run()["verdict"] == "verified"
    world.signal("started", FIRST + 9 * MINUTE, attempt="a2")
    run = world.run()
    assert (run["state"], run["verdict"]) == ("running", None)
    assert run["advice"]["action"] == "wait"


def test_after_a_restart_nothing_is_missing_before_spools_had_their_chance(world: Any) -> None:
    world.tick_to(FIRST - timedelta(hours=1), every=timedelta(hours=1))
    world.close()
    world.now = FIRST + 30 * MINUTE
    world.open()
    world.tick()
    assert world.run()["state"] == "waiting"
    world.signal("started", FIRST + MINUTE)
    world.signal("succeeded", FIRST + 2 * MINUTE)
    world.write(DAY, REGIONS)
    world.tick_to(world.now + MINUTE, every=timedelta(seconds=10))
    run = world.run()
    assert run["verdict"] == "verified"
    assert all(each["to"] != "missing" for each in run["revisions"])


def test_after_a_restart_what_never_came_is_missing_when_the_grace_is_over(world: Any) -> None:
    world.signal("succeeded", FIRST - timedelta(days=1), "the night before")
    world.tick_to(FIRST - timedelta(hours=1), every=timedelta(hours=1))
    world.close()
    world.now = FIRST + 30 * MINUTE
    world.open()
    world.tick_to(world.now + 2 * MINUTE, every=timedelta(seconds=10))
    assert world.run()["verdict"] == "missing"


def test_a_ledger_reopened_tells_the_same_story(world: Any) -> None:
    ran(world, REGIONS[:5])
    world.tick_to(world.now + MINUTE)
    before = world.run()
    world.close()
    world.open()
    after = world.run()
    assert after == before
    assert world.ledger.check() == []


def test_a_job_whose_declaration_changed_is_judged_by_what_was_declared_then(world: Any) -> None:
    ran(world, REGIONS)
    world.close()
    text = (world.home / "landed.yaml").read_text()
    (world.home / "landed.yaml").write_text(text.replace("table: revenue", "table: renamed"))
    world.open()
    world.tick_to(world.now + MINUTE)
    assert world.run()["verdict"] == "verified"


def test_an_attempt_heard_in_the_future_does_not_keep_the_engine_busy(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    world.signal("started", FIRST + timedelta(hours=3))
    world.signal("lost", FIRST + MINUTE, due="2026-04-02T02:00:00Z")
    world.tick()
    looks = len(world.ledger.evaluations(RunKey("revenue", "2026-04-02T02:00:00Z")))
    world.tick_to(world.now + 5 * MINUTE)
    assert len(world.ledger.evaluations(RunKey("revenue", "2026-04-02T02:00:00Z"))) == looks
    assert "clock_skewed" in [each["condition"] for each in world.run()["conditions"]]


def test_where_runs_coalesce_the_newest_one_closes_what_it_caught_up_on(make_world: Any) -> None:
    world = make_world("upsert", "overlap: coalesce")
    day = timedelta(days=1)
    world.tick_to(FIRST + timedelta(minutes=30), every=timedelta(minutes=5))
    world.tick_to(world.now + timedelta(minutes=1), every=timedelta(seconds=10))
    assert world.run()["verdict"] == "missing"
    world.tick_to(FIRST + day, every=timedelta(hours=2))
    world.signal("started", FIRST + day, attempt="a2")
    world.write("2026-04-01", REGIONS)
    world.write("2026-04-02", REGIONS)
    world.now = FIRST + day + timedelta(minutes=1)
    world.signal("succeeded", world.now, attempt="a2")
    world.tick_to(world.now + timedelta(minutes=1), every=timedelta(seconds=10))
    assert world.run(FIRST + day)["verdict"] == "verified"
    assert world.run()["verdict"] == "verified"
    assert world.run()["advice"]["action"] == "accept"

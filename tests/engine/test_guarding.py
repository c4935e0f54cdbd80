"""The guard at work: probes, rulings and grants on a real ledger and warehouse."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from verifier.engine.actions import ActionRequest
from verifier.engine.guarding import GuardAnswer, GuardRequest, ask_of
from verifier.ledger.errors import AttemptElsewhere
from verifier.runs.action import ActionKind
from verifier.runs.binding import RunKey
from verifier.runs.contact import Contact
from verifier.runs.declaration import WhenUnsure
from verifier.runs.guard import Decision, Mode
from verifier.runs.signal import Lane

FIRST = datetime(2026, 4, 2, 2, 0, tzinfo=UTC)
DAY = "2026-04-01"
MINUTE = timedelta(minutes=1)
REGIONS = [f"R{number:02}" for number in range(10)]


def ask(world: Any, attempt: str = "asker", **more: Any) -> GuardAnswer:
    request = GuardRequest(job="revenue", attempt=attempt, due=FIRST, **more)
    answer: GuardAnswer = world.service.guard(request)
    return answer


def killed_after(world: Any, regions: list[str]) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    world.signal("started", FIRST + MINUTE)
    world.write(DAY, regions)
    world.now = FIRST + 10 * MINUTE
    world.signal("failed", world.now, end_proof="exit", exit_code=137)


def test_a_first_attempt_is_allowed_and_recorded_as_claimed_with_a_lease(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    answer = ask(world)
    assert answer.decision is Decision.ALLOW
    assert answer.lease_until == world.now + timedelta(minutes=10)
    attempt = world.run()["attempts"][0]
    assert (attempt["attempt"], attempt["state"]) == ("asker", "claimed")


def test_a_rerun_after_a_lost_completion_is_skipped_without_waiting_for_settle(
    world: Any,
) -> None:
    killed_after(world, REGIONS)
    assert ask(world, lane=Lane.RERUN).decision is Decision.SKIP


def test_a_rerun_over_a_part_of_an_append_is_refused(world: Any) -> None:
    killed_after(world, REGIONS[:7])
    world.tick_to(world.now + MINUTE)
    answer = ask(world, lane=Lane.RERUN)
    assert answer.decision is Decision.REFUSE
    assert "partial" in answer.why


def test_a_rerun_over_a_part_is_refused_even_before_it_settled(make_world: Any) -> None:
    world = make_world(more="guard: {enabled: true, when_unsure: open}")
    killed_after(world, REGIONS[:7])
    assert ask(world, lane=Lane.RERUN).decision is Decision.REFUSE


def test_a_rerun_of_a_replace_is_allowed_once_it_settled(make_world: Any) -> None:
    world = make_world(effects="replace")
    killed_after(world, REGIONS[:7])
    world.tick_to(world.now + MINUTE)
    assert ask(world, lane=Lane.RERUN).decision is Decision.ALLOW


def test_of_two_askers_at_once_one_gets_it(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: ask(world, f"asker-{number}"), range(8)))
    decisions = [answer.decision for answer in answers]
    assert decisions.count(Decision.ALLOW) == 1
    assert decisions.count(Decision.REFUSE) == 7


def test_the_same_asker_gets_the_same_answer_again(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    assert ask(world).decision is Decision.ALLOW
    assert ask(world).decision is Decision.ALLOW
    assert len(world.run()["guard"]) == 1


def test_a_grant_that_never_started_is_void_after_its_lease(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    assert ask(world, "first").decision is Decision.ALLOW
    assert ask(world, "second").decision is Decision.REFUSE
    world.tick_to(world.now + 11 * MINUTE)
    assert ask(world, "third").decision is Decision.ALLOW


def test_nobody_is_allowed_beside_an_attempt_of_another_night(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    world.signal("started", FIRST + MINUTE)
    world.now = FIRST + timedelta(days=1)
    world.signal("heartbeat", world.now)
    request = GuardRequest(job="revenue", attempt="b", due=FIRST + timedelta(days=1))
    assert world.service.guard(request).decision is Decision.REFUSE


def test_an_attempt_at_large_refuses_and_a_fence_opens_the_way(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    world.signal("started", FIRST + MINUTE)
    world.signal("heartbeat", FIRST + MINUTE)
    world.tick_to(FIRST + 15 * MINUTE)
    assert "fence" in ask(world).why
    world.service.act(
        ActionRequest(
            kind=ActionKind.FENCE,
            by="ann",
            reason="the host is gone",
            job="revenue",
            key=ask(world).key,
            attempt="a1",
        )
    )
    world.tick_to(world.now + MINUTE, every=timedelta(seconds=5))
    run = world.run()
    assert (run["verdict"], run["attempts"][0]["end_proof"]) == ("absent", "operator")
    assert ask(world, "later").decision is Decision.ALLOW


def test_a_hold_refuses_until_it_is_released(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    hold = ActionRequest(kind=ActionKind.HOLD, by="ann", reason="audit", job="revenue")
    world.service.act(hold)
    assert "audit" in ask(world, "one").why
    world.now += MINUTE
    world.service.act(
        ActionRequest(kind=ActionKind.RELEASE, by="ann", reason="done", job="revenue")
    )
    assert ask(world, "two").decision is Decision.ALLOW


def test_a_mute_lets_nobody_through(world: Any) -> None:
    killed_after(world, REGIONS[:7])
    world.service.act(
        ActionRequest(
            kind=ActionKind.MUTE,
            by="ann",
            reason="move",
            job="revenue",
            until=FIRST + timedelta(days=3),
        )
    )
    world.tick_to(world.now + MINUTE)
    assert ask(world).decision is Decision.REFUSE


def test_the_retry_that_asks_is_not_the_retry_that_pends(make_world: Any) -> None:
    world = make_world(effects="replace")
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    world.signal("started", FIRST + MINUTE)
    world.now = FIRST + 10 * MINUTE
    world.signal("failed", world.now, next_retry_at="2026-04-02T02:15:00Z")
    world.tick_to(world.now + MINUTE)
    assert world.run()["advice"]["action"] == "wait"
    assert ask(world, "retry").decision is Decision.ALLOW


def test_a_destination_that_is_away_leaves_it_to_when_unsure(make_world: Any) -> None:
    world = make_world(effects="replace")
    killed_after(world, REGIONS)
    (world.home / "warehouse.db").unlink()
    assert ask(world, "a").decision is Decision.ALLOW
    assert ask(world, "b", when_unsure=WhenUnsure.CLOSED).decision is Decision.REFUSE


def test_an_override_needs_who_and_why_and_is_kept(world: Any) -> None:
    killed_after(world, REGIONS[:7])
    answer = ask(world, override_by="ann", override_reason="rows were deleted by hand")
    assert answer.decision is Decision.ALLOW
    kept = world.run()["guard"][-1]
    assert kept["override_by"] == "ann"
    assert "deleted by hand" in kept["why"]


def test_wrong_rows_are_rerun_only_in_repair_mode(make_world: Any) -> None:
    world = make_world(effects="replace")
    killed_after(world, [*REGIONS, "R99"])
    world.tick_to(world.now + MINUTE)
    assert world.run()["verdict"] == "wrong"
    assert ask(world, "a").decision is Decision.REFUSE
    assert ask(world, "b", mode=Mode.REPAIR).decision is Decision.ALLOW


def test_a_backfill_without_due_is_no_known_run(world: Any) -> None:
    with pytest.raises(ValueError, match="expected due"):
        world.service.guard(GuardRequest(job="revenue", attempt="x", lane=Lane.BACKFILL))


def test_a_slot_that_nobody_listened_to_is_left_to_when_unsure(world: Any) -> None:
    world.tick_to(FIRST - timedelta(hours=1), every=timedelta(hours=1))
    world.close()
    world.now = FIRST + 2 * MINUTE
    world.open()
    answer = ask(world)
    assert answer.decision is Decision.REFUSE
    assert "listening" in answer.why


@pytest.mark.parametrize(("minutes", "blind"), [(1, False), (30, True)])
def test_a_source_that_is_silent_leaves_it_to_when_unsure(
    world: Any, minutes: int, blind: bool
) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    heard = world.now - minutes * MINUTE
    contact = Contact(until=heard, due=heard + 2 * MINUTE)
    known = world.ledger.facts(RunKey("revenue", "2026-04-02T02:00:00Z"), world.now)
    facts = msgspec.structs.replace(known, contact=contact)
    request = GuardRequest(job="revenue", attempt="asker", due=FIRST)
    assert ask_of(facts, request, None, WhenUnsure.CLOSED, world.now).blind is blind


def test_an_attempt_of_another_run_is_told_so_and_gets_no_old_answer(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    assert ask(world, "same").decision is Decision.ALLOW
    other = GuardRequest(job="revenue", attempt="same", due=FIRST - timedelta(days=1))
    with pytest.raises(AttemptElsewhere, match="another run"):
        world.service.guard(other)


def test_a_lapsed_grant_is_not_good_for_a_second_asking(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    assert ask(world, "first").decision is Decision.ALLOW
    world.tick_to(world.now + 11 * MINUTE)
    assert ask(world, "second").decision is Decision.ALLOW
    assert ask(world, "first").decision is Decision.REFUSE


def test_an_attempt_that_has_ended_may_not_start_again_under_its_id(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    assert ask(world, "a1").decision is Decision.ALLOW
    world.signal("started", world.now)
    world.signal("failed", world.now + MINUTE, effect={"begun": False})
    answer = ask(world, "a1")
    assert answer.decision is Decision.REFUSE
    assert "new id" in answer.why

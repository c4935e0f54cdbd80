"""Operator actions: what they change, and what they refuse."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from verifier.engine.actions import ActionRefused, ActionRequest
from verifier.engine.assess import inquire
from verifier.engine.documents import find_run
from verifier.engine.export import export
from verifier.ledger.history import Span
from verifier.runs.action import ActionKind
from verifier.runs.evaluation import Cause

FIRST = datetime(2026, 4, 2, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
REGIONS = [f"R{number:02}" for number in range(10)]
RUN = "revenue/2026-04-02T02:00:00Z"


def half_done(world: Any) -> None:
    world.tick_to(FIRST + MINUTE, every=timedelta(hours=2))
    world.signal("started", FIRST + MINUTE)
    world.write("2026-04-01", REGIONS[:5])
    world.now = FIRST + 10 * MINUTE
    world.signal("succeeded", world.now)
    world.tick_to(world.now + MINUTE, every=timedelta(seconds=10))
    assert world.run()["verdict"] == "partial"


def act(world: Any, kind: ActionKind, **more: Any) -> dict[str, Any]:
    if "key" not in more:
        more["key"] = find_run(world.ledger, RUN)
    request = ActionRequest(kind=kind, by="ann", reason="looked", job="revenue", **more)
    done: dict[str, Any] = world.service.act(request)
    return done


def test_reconcile_closes_a_run_and_a_later_attempt_opens_it_again(world: Any) -> None:
    half_done(world)
    act(world, ActionKind.RECONCILE)
    run = world.run()
    assert (run["verdict"], run["advice"]["action"]) == ("reconciled", "accept")
    world.now += MINUTE
    world.signal("started", world.now, attempt="a2", due="2026-04-02T02:00:00Z", lane="rerun")
    assert world.run()["verdict"] is None
    assert world.run()["state"] == "running"


def test_other_evidence_opens_a_reconciled_run_again(world: Any) -> None:
    half_done(world)
    act(world, ActionKind.RECONCILE)
    world.write("2026-04-01", REGIONS)
    world.tick_to(FIRST + 27 * MINUTE)
    assert world.run()["verdict"] == "duplicated"


def test_skip_excuses_a_run(world: Any) -> None:
    half_done(world)
    act(world, ActionKind.SKIP)
    assert world.run()["verdict"] == "excused"


def test_a_mute_excuses_what_is_missing_and_nothing_else(world: Any) -> None:
    until = FIRST + timedelta(days=1, hours=1)
    act(world, ActionKind.MUTE, key=None, until=until)
    world.tick_to(FIRST + 7 * MINUTE, every=timedelta(minutes=10))
    world.tick_to(world.now + MINUTE, every=timedelta(seconds=10))
    assert world.run()["verdict"] == "excused"
    world.write("2026-04-02", REGIONS[:5])
    due = FIRST + timedelta(days=1)
    world.tick_to(due + 7 * MINUTE, every=timedelta(minutes=30))
    world.tick_to(world.now + MINUTE, every=timedelta(seconds=10))
    assert world.run(due)["verdict"] == "partial"


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        (ActionKind.FENCE, {"attempt": "nobody"}, "expected --attempt"),
        (ActionKind.FENCE, {"attempt": "a1"}, "succeeded already"),
        (ActionKind.RECONCILE, {"key": None}, "expected a run"),
        (ActionKind.HOLD, {}, "expected a job"),
        (ActionKind.MUTE, {"key": None}, "expected --until"),
    ],
)
def test_an_action_that_makes_no_sense_is_refused_and_not_kept(
    world: Any, kind: ActionKind, more: dict[str, Any], expected: str
) -> None:
    half_done(world)
    with pytest.raises(ActionRefused, match=expected):
        act(world, kind, **more)
    assert world.ledger.actions() == []


def test_who_and_why_must_be_told(world: Any) -> None:
    for by, reason in ((" ", "x"), ("ann", ""), ("YOU", "x"), ("ann", "WHY")):
        request = ActionRequest(kind=ActionKind.HOLD, by=by, reason=reason, job="revenue")
        with pytest.raises(ActionRefused, match="expected who does it and why"):
            world.service.act(request)


def test_a_run_that_is_not_known_cannot_be_closed(world: Any) -> None:
    with pytest.raises(LookupError):
        act(world, ActionKind.SKIP, key=find_run(world.ledger, "revenue/2020-01-01T02:00:00Z"))


def correct_the_check(world: Any) -> None:
    """Half of the regions was all that there should be, so the check was wrong."""
    path = world.home / "landed.yaml"
    wrong = 'sql: "select code from regions"'
    assert path.read_text().count(wrong) == 1
    right = "sql: \"select code from regions where code < 'R05'\""
    path.write_text(path.read_text().replace(wrong, right))
    world.close()
    world.open()


def test_a_corrected_check_changes_no_older_run_and_the_run_says_so(world: Any) -> None:
    half_done(world)
    assert world.run()["declaration"]["corrected_at"] is None
    world.now = FIRST + 20 * MINUTE
    correct_the_check(world)
    world.tick_to(FIRST + 30 * MINUTE)
    run = world.run()
    assert (run["verdict"], len(run["revisions"])) == ("partial", 1)
    assert run["declaration"] == {
        "valid_from": "2026-04-01T12:00:00Z",
        "corrected_at": "2026-04-02T02:20:00Z",
    }
    newer = world.run(FIRST + timedelta(days=1))
    assert newer["declaration"] == {"valid_from": "2026-04-02T02:20:00Z", "corrected_at": None}


def test_what_else_is_declared_anew_is_no_correction_of_the_checks(world: Any) -> None:
    half_done(world)
    path = world.home / "landed.yaml"
    path.write_text(
        path.read_text().replace("class: one-result", "class: one-result\n    owner: me")
    )
    world.close()
    world.open()
    assert world.service.ledger.histories()["revenue"].latest.owner == "me"
    assert world.run()["declaration"]["corrected_at"] is None


@pytest.mark.parametrize("asked", [False, True])
def test_a_run_is_judged_anew_by_what_is_declared_now(world: Any, asked: bool) -> None:
    half_done(world)
    world.now = FIRST + 20 * MINUTE
    correct_the_check(world)
    world.now += MINUTE
    act(world, ActionKind.REJUDGE)
    before = world.run()
    assert (before["state"], before["verdict"]) == ("settling", None)
    assert [check["result"] for check in before["checks"]] == ["unknown", "unknown"]
    world.now += MINUTE
    if asked:
        world.service.verify([find_run(world.ledger, RUN)])
    else:
        world.tick()
    run = world.run()
    assert (run["verdict"], run["false_success"]) == ("verified", False)
    assert [(each["from"], each["to"]) for each in run["revisions"]] == [
        (None, "partial"),
        ("partial", None),
        (None, "verified"),
    ]
    assert run["declaration"] == {"valid_from": "2026-04-02T02:20:00Z", "corrected_at": None}
    assert [(each["action"], each["by"]) for each in run["actions"]] == [("rejudge", "ann")]
    assert world.ledger.check(world.now) == []


def test_what_was_answered_before_a_run_is_judged_anew_is_kept_and_exported(world: Any) -> None:
    half_done(world)
    world.now = FIRST + 20 * MINUTE
    correct_the_check(world)
    world.now += MINUTE
    act(world, ActionKind.REJUDGE)
    world.tick()
    with export(world.ledger, Span(job="revenue", until=FIRST + MINUTE), world.now) as found:
        (run,) = found.documents
    effects = [each["checks"][0]["effect"] for each in run["evaluations"]]
    assert effects == ["partial", "partial", "complete"]


def test_only_a_run_that_is_judged_by_an_older_declaration_is_judged_anew(world: Any) -> None:
    half_done(world)
    with pytest.raises(ActionRefused, match=r"since 2026-04-01T12:00:00Z; a changed landed\.yaml"):
        act(world, ActionKind.REJUDGE)
    assert world.run()["actions"] == []


def test_a_run_is_not_judged_anew_over_another_interval(world: Any) -> None:
    half_done(world)
    world.now = FIRST + 20 * MINUTE
    path = world.home / "landed.yaml"
    path.write_text(path.read_text().replace("covers: previous-day", "covers: same-day"))
    world.close()
    world.open()
    said = (
        "covers 2026-04-01T00:00:00Z to 2026-04-02T00:00:00Z, and by what is declared now it would "
        "cover 2026-04-02T00:00:00Z to 2026-04-03T00:00:00Z: a run keeps what it covers"
    )
    with pytest.raises(ActionRefused, match=said):
        act(world, ActionKind.REJUDGE)
    assert world.run()["actions"] == []


def test_a_look_by_what_was_declared_before_is_dropped_once_a_run_is_judged_anew(
    world: Any,
) -> None:
    half_done(world)
    world.now = FIRST + 20 * MINUTE
    correct_the_check(world)
    key = find_run(world.ledger, RUN)
    world.now += MINUTE
    act(world, ActionKind.REJUDGE)
    service = world.service
    late = inquire(service.ledger, service.fleet, key, Cause.RECHECK, lambda: world.now)
    stale = msgspec.structs.replace(late, rejudged_at=None)
    assert service.ledger.record_all([stale], world.now) == set()
    assert service.ledger.record_all([late], world.now) == {key}

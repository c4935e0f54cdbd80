from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from verifier.cli.recap import recap, told

SINCE = datetime(2026, 4, 3, tzinfo=UTC)


def run(hour: int, verdict: str | None, action: str, **more: Any) -> dict[str, Any]:
    job = more.get("job", "revenue")
    due = f"2026-04-03T{hour:02}:00:00Z"
    return {
        "job": job,
        "run": f"{job}/{due}",
        "run_id": f"r{hour}",
        "due": due,
        "partition": None,
        "lane": "live",
        "attempts": [],
        "state": "judged",
        "verdict": verdict,
        "reported": "succeeded",
        "false_success": False,
        "checks": [{}],
        "advice": {"action": action},
        **more,
    }


def test_a_recap_counts_what_ran_what_it_did_what_is_unknown_and_what_to_do() -> None:
    runs = [
        run(5, None, "wait", state="running", reported="running"),
        run(4, "ambiguous", "reconcile_first", reported="failed"),
        run(3, "partial", "reconcile_first", false_success=True),
        run(2, "missing", "run", reported="none"),
        run(1, "verified", "accept"),
    ]
    document = recap(["revenue", "silent"], runs, SINCE)
    revenue, silent = document["jobs"]
    assert document["since"] == "2026-04-03T00:00:00Z"
    assert revenue["runs"] == 5
    assert revenue["reported"] == {"succeeded": 2, "none": 1, "failed": 1, "running": 1}
    assert revenue["did"] == {"verified": 1, "missing": 1, "partial": 1}
    assert revenue["false_successes"] == 1
    assert [each["run_id"] for each in revenue["unknown"]] == ["r4", "r5"]
    assert [(each["run_id"], each["action"]) for each in revenue["next"]] == [
        ("r2", "run"),
        ("r3", "reconcile_first"),
        ("r4", "reconcile_first"),
    ]
    assert silent["job"] == "silent"
    assert silent["runs"] == 0


def test_a_run_that_nobody_asked_to_prove_is_neither_known_nor_unknown() -> None:
    (job,) = recap(["revenue"], [run(1, "unproven", "declare_check", checks=[])], SINCE)["jobs"]
    assert job["did"] == {"not_checked": 1}
    assert job["unknown"] == []
    assert job["next"] == []


def test_a_run_whose_check_could_not_be_asked_is_unknown_and_to_be_asked_again() -> None:
    (job,) = recap(["revenue"], [run(1, "unproven", "ask_again")], SINCE)["jobs"]
    assert job["did"] == {}
    assert [each["action"] for each in job["next"]] == ["ask_again"]
    assert job["unknown"] == job["next"]


def test_wrong_runs_are_told_apart_from_those_that_repair_themselves(
    rendered: Callable[..., list[str]],
) -> None:
    runs = [run(1, "wrong", "repair_rerun"), run(2, "partial", "repair_rerun")]
    text = " ".join(" ".join(rendered(*told(recap(["revenue"], runs, SINCE)))).split())
    assert "(find the cause, then run it again): 1 wrong" in text
    assert "(run it again: it repairs itself): 1 partial" in text


def test_a_running_job_that_is_stuck_is_something_to_do() -> None:
    stuck = run(1, None, "stop_first", state="running", reported="running")
    (job,) = recap(["revenue"], [stuck], SINCE)["jobs"]
    assert [each["action"] for each in job["next"]] == ["stop_first"]


def test_the_recap_is_told_within_the_width(rendered: Callable[..., list[str]]) -> None:
    name = "x" * 100
    runs = [run(hour, "missing", "run", reported="none", job=name) for hour in range(20)]
    runs += [run(hour, "partial", "reconcile_first", job=name) for hour in range(20, 22)]
    lines = rendered(*told(recap([name, "[red]quiet[/red]"], runs, SINCE)))
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    assert "ran 22 runs; reported: 20 none, 2 succeeded" in text
    assert "did 20 missing, 2 partial" in text
    assert "unknown nothing" in text
    assert (
        "do next run (run it): 20 missing 2026-04-03T00:00Z, 2026-04-03T01:00Z, "
        "2026-04-03T02:00Z and 17 more "
        "reconcile_first (compare and repair by hand before anything else): "
        "2 partial 2026-04-03T20:00Z, 2026-04-03T21:00Z" in text
    )
    assert "[red]quiet[/red] ran no run is known" in text


def test_a_run_that_nobody_expected_or_tried_is_left_out() -> None:
    idle = run(1, None, "wait", state="waiting", reported="none", lane="other")
    (job,) = recap(["revenue"], [idle], SINCE)["jobs"]
    assert (job["runs"], job["unknown"]) == (0, [])

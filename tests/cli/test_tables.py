from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from verifier.cli.tables import (
    WIDE,
    configuration_refused,
    jobs_table,
    runs_table,
    source_trouble,
    sources_table,
    state_text,
    unknown_job,
)
from verifier.runs.advice import AdviceAction
from verifier.runs.verdict import Verdict

Rendered = Callable[..., list[str]]

NOW = datetime(2026, 4, 3, 12, 0, tzinfo=UTC)
LATER, EARLIER = "2026-04-03T13:00:00Z", "2026-04-03T11:00:00Z"


def run(**more: Any) -> dict[str, Any]:
    return {
        "run_id": "r006b0527e0c6a134e907c475",
        "run": f"revenue/{EARLIER}",
        "job": "revenue",
        "due": EARLIER,
        "partition": None,
        "verdict": "verified",
        "state": "judged",
        "reported": "succeeded",
        "false_success": False,
        "checks": [{}],
        "advice": {"action": "accept"},
        **more,
    }


def job(**more: Any) -> dict[str, Any]:
    return {
        "job": "revenue",
        "next_due": LATER,
        "last_useful_completion": EARLIER,
        "useful_completion_due": LATER,
        "active_attempts": 0,
        "open": {},
        "held": False,
        "muted_until": None,
        **more,
    }


@pytest.mark.parametrize("verdict", [*Verdict, None])
def test_a_verdict_and_an_action_are_never_cut(verdict: str | None, rendered: Rendered) -> None:
    long = run(
        job="x" * 100,
        partition="p" * 100,
        verdict=verdict,
        state="settling",
        reported="succeeded",
        advice={"action": "reconcile_first"},
    )
    lines = rendered(runs_table([long, run(run=f"revenue/~{'a' * 60}", due=None)], 80))
    assert max(map(len, lines)) <= 80
    assert lines[2].split()[0] == (verdict or "settling")
    assert lines[2].split()[-1] == "reconcile_first"
    assert "…" in lines[2]


@pytest.mark.parametrize("name", ["id", "0123456789abcdef", "p" * 100])
@pytest.mark.parametrize("action", list(AdviceAction))
def test_a_due_instant_is_whole_beside_any_partition_and_advice(
    name: str, action: str, rendered: Rendered
) -> None:
    known = run(partition=name, verdict="duplicated", advice={"action": action})
    lines = rendered(runs_table([run(job="j" * 100), known], 80))
    assert max(map(len, lines)) <= 80
    assert "2026-04-03T11:00Z" in lines[3]
    assert lines[3].split()[-1] == action


def test_a_due_instant_is_whole_where_it_fits(rendered: Rendered) -> None:
    assert "2026-04-03T11:00Z" in rendered(runs_table([run()], 80))[2]


def test_a_run_made_by_hand_is_named_by_its_attempt(rendered: Rendered) -> None:
    assert "~by-hand" in rendered(runs_table([run(due=None, run="revenue/~by-hand")], 80))[2]


def test_run_ids_are_shown_where_there_is_room(rendered: Rendered) -> None:
    assert "RUN" not in rendered(runs_table([run()], 80))[0]
    assert rendered(runs_table([run()], WIDE), width=WIDE)[2].split()[-1] == run()["run_id"]


def test_a_name_is_no_markup(rendered: Rendered) -> None:
    assert "[red]x[/red]" in rendered(runs_table([run(job="[red]x[/red]")], 80))[2]


def test_wide_characters_count_by_the_columns_they_take(rendered: Rendered) -> None:
    lines = rendered(runs_table([run(job="収益" * 40)], 80))
    assert lines[2].rstrip().endswith("accept")


def test_the_status_of_many_open_verdicts_is_told_whole_within_the_width(
    rendered: Rendered,
) -> None:
    opened = {str(verdict): 10_000 for verdict in Verdict}
    lines = rendered(jobs_table([job(job="y" * 100, open=opened)], 80, NOW))
    assert max(map(len, lines)) <= 80
    told = " ".join(" ".join(lines).split())
    assert all(str(verdict) in told for verdict in Verdict)


def test_a_job_that_was_never_due_has_a_dash(rendered: Rendered) -> None:
    line = rendered(jobs_table([job(next_due=None, last_useful_completion=None)], 80, NOW))[2]
    assert line.split() == ["ok", "revenue", "-", "-", "-"]


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({}, "ok"),
        ({"useful_completion_due": EARLIER, "open": {"partial": 1}}, "stale"),
        ({"open": {"partial": 1}, "held": True}, "open\nheld"),
        ({"held": True, "muted_until": LATER}, "muted\nheld"),
        ({"muted_until": LATER, "useful_completion_due": None}, "muted"),
        ({"active_attempts": 1}, "running"),
        ({"useful_completion_due": None}, "no limit"),
    ],
)
def test_the_state_of_a_job_is_what_matters_first(more: dict[str, Any], word: str) -> None:
    assert state_text(job(**more), NOW).plain == word


def source(**more: Any) -> dict[str, Any]:
    return {
        "source": "airflow",
        "heard_until": EARLIER,
        "contact_due": LATER,
        "silent_since": None,
        "trouble": None,
        "last_signal": None,
        "clock_offset_seconds": None,
        "blind": [],
        **more,
    }


def test_a_silent_source_says_for_how_long(rendered: Rendered) -> None:
    silent = source(silent_since=EARLIER, trouble="connection refused")
    lines = rendered(sources_table([silent, source(source="hostcron")], 80, NOW))
    assert lines[2].split()[:2] == ["silent", "airflow"]
    assert lines[2].endswith("what happened in the last 1h")
    assert lines[3].split() == ["yes", "hostcron", "2026-04-03T11:00Z", "-"]


@pytest.mark.parametrize(
    ("since", "told"),
    [
        ("2026-04-03T11:58:49.056897Z", "1m10s"),
        ("2026-04-01T10:29:59.5Z", "2d1h30m"),
        ("2026-04-03T11:59:59.9Z", "0s"),
        (LATER, "0s"),
    ],
)
def test_for_how_long_a_source_is_silent_is_told_to_the_second(
    since: str, told: str, rendered: Rendered
) -> None:
    lines = rendered(sources_table([source(silent_since=since)], 80, NOW))
    assert lines[2].endswith(f"what happened in the last {told}")


def test_a_time_that_nobody_will_ever_know_of_is_told(rendered: Rendered) -> None:
    blind = [
        {"since": EARLIER, "until": LATER, "caught_up_at": None},
        {"since": LATER, "until": None, "caught_up_at": None},
    ]
    lines = rendered(sources_table([source(blind=blind)], 80, NOW))
    assert lines[2].endswith("2026-04-03T11:00Z to 2026-04-03T13:00Z")
    assert len(lines) == 3


def test_what_was_pinged_is_not_known_for_good_though_others_have_caught_up(
    rendered: Rendered,
) -> None:
    blind = [{"since": EARLIER, "until": EARLIER, "caught_up_at": EARLIER, "pings_lost": True}]
    lines = rendered(sources_table([source(source="native", blind=blind)], 80, NOW))
    assert lines[2].endswith("11:00Z to 2026-04-03T11:00Z: pings")
    blind[0]["caught_up_at"] = LATER  # nor is what anybody else said, for now
    lines = rendered(sources_table([source(source="native", blind=blind)], 80, NOW))
    assert lines[2].endswith("11:00Z to 2026-04-03T11:00Z")


def test_of_many_times_that_nobody_knows_of_the_newest_are_told(rendered: Rendered) -> None:
    blind = [
        {"since": f"2026-04-0{day}T01:00:00Z", "until": LATER, "caught_up_at": None}
        for day in (1, 2, 3, 4, 5, 6, 7)
    ]
    lines = rendered(sources_table([source(blind=blind)], 80, NOW))
    assert lines[2].split()[-3:] == ["2", "earlier", "times"]
    assert [line.split()[-3][:10] for line in lines[3:]] == [
        f"2026-04-0{day}" for day in (3, 4, 5, 6, 7)
    ]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, []),
        (
            {"silent_since": EARLIER, "trouble": "connection\nrefused"},
            ["airflow cannot be heard: connection refused"],
        ),
        ({"silent_since": None, "trouble": "a late answer"}, []),
        ({"clock_offset_seconds": -30.0}, []),
        (
            {"clock_offset_seconds": 90.5},
            ["airflow has a clock that is 1m30s ahead of landed's"],
        ),
        ({"clock_offset_seconds": -31}, ["airflow has a clock that is 31s behind landed's"]),
    ],
)
def test_what_is_wrong_with_a_source_is_said(more: dict[str, Any], told: list[str]) -> None:
    assert list(source_trouble(source(**more))) == told


@pytest.mark.parametrize(("signals", "told"), [(3, "3 so far"), (100, "100 or more so far")])
def test_a_job_that_nobody_declared_is_told_in_a_sentence(signals: int, told: str) -> None:
    stranger = {"job": "daily-revnue", "signals": signals, "last_at": EARLIER}
    assert unknown_job({**stranger, "did_you_mean": "daily-revenue"}) == (
        f"nobody declared daily-revnue: its signals are kept out, {told}, the last at "
        "2026-04-03T11:00:00Z; did you mean daily-revenue?"
    )
    assert unknown_job({**stranger, "did_you_mean": None}).endswith("T11:00:00Z")


def test_of_a_refused_configuration_only_some_problems_are_told() -> None:
    refused = {"at": "2026-04-03T02:00:00Z", "problems": ["one", "two", "three", "four"]}
    head, *problems = configuration_refused(refused)
    assert head.startswith("the configuration that was read again at 2026-04-03T02:00:00Z is ref")
    assert problems == ["  one", "  two", "  three", "  and 1 more: see `landed validate`"]
    assert len(list(configuration_refused({**refused, "problems": ["one"]}))) == 2

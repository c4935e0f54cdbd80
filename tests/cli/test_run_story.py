from collections.abc import Callable
from typing import Any

import pytest

from verifier.cli.run_story import action_sentence, story

Rendered = Callable[..., list[str]]

AT = "2026-04-03T02:00:00.5Z"


def attempt(**more: Any) -> dict[str, Any]:
    return {
        "attempt": "a1",
        "lane": "live",
        "state": "running",
        "end_proof": None,
        "created_at": None,
        "claimed_at": None,
        "started_at": AT,
        "heartbeat_at": None,
        "progress": None,
        "ended_at": None,
        "exit_code": None,
        "reason": None,
        "worker": None,
        "output": None,
        "ends_disagree": False,
        **more,
    }


def check(**more: Any) -> dict[str, Any]:
    return {
        "name": "totals",
        "type": "reconcile",
        "required": True,
        "result": "violated",
        "summary": "check totals: violated",
        "evidence": {},
        "evaluated_at": AT,
        **more,
    }


def run(**more: Any) -> dict[str, Any]:
    return {
        "run_id": "r1",
        "run": "revenue/2026-04-03T02:00:00Z",
        "due": "2026-04-03T02:00:00Z",
        "partition": None,
        "lane": "live",
        "interval": None,
        "declaration": {"valid_from": None, "corrected_at": None},
        "statement": "",
        "owner": None,
        "runbook": None,
        "surfaces": [{"name": "effects", "kind": "append", "effect": "complete"}],
        "state": "judged",
        "verdict": "verified",
        "effect": "complete",
        "effect_now": "complete",
        "provisional": False,
        "reported": "succeeded",
        "chain_broke_at": None,
        "false_success": False,
        "conditions": [],
        "advice": {"action": "accept", "because": [], "valid_until": None},
        "judged_at": None,
        "guard": [],
        "attempts": [],
        "checks": [],
        "revisions": [],
        "actions": [],
        **more,
    }


def text_of(rendered: Rendered, **more: Any) -> str:
    lines = rendered(*story(run(**more)))
    assert max(map(len, lines)) <= 80
    return " ".join(" ".join(lines).split())


def test_a_run_of_which_little_is_known_has_a_short_story(rendered: Rendered) -> None:
    assert text_of(rendered) == (
        "revenue/2026-04-03T02:00:00Z verified, reported succeeded do next: accept (nothing) "
        "run id r1 lane live effect complete"
    )


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"provisional": True}, "provisional: somebody may still write"),
        ({"effect_now": "partial"}, "effect complete when judged, partial when last seen"),
        ({"chain_broke_at": "dispatch"}, "broke at dispatch"),
        ({"interval": {"start": "A", "end": "B"}}, "covers A to B"),
        ({"statement": "a [b]", "owner": "o", "runbook": "r"}, "promise a [b]"),
        ({"judged_at": AT}, "judged 2026-04-03T02:00:00Z"),
        (
            {"conditions": [{"condition": "stalled", "since": AT, "until": AT}]},
            "Conditions - stalled since 2026-04-03T02:00:00Z until 2026-04-03T02:00:00Z",
        ),
        (
            {
                "surfaces": [
                    {"name": "table", "kind": "replace", "effect": "complete"},
                    {"name": "mail", "kind": "external", "effect": "unknown"},
                ]
            },
            "table (replace): complete mail (external): unknown",
        ),
    ],
)
def test_every_fact_of_a_run_is_told(rendered: Rendered, more: dict[str, Any], told: str) -> None:
    assert told in text_of(rendered, **more)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "running a1: live, started 2026-04-03T02:00:00Z"),
        ({"heartbeat_at": AT}, "last heard 2026-04-03T02:00:00Z"),
        ({"progress": {"done": 78.0, "total": 150.0, "checkpoint": "c"}}, "progress 78 of 150"),
        ({"progress": {"done": None, "total": None, "checkpoint": "c"}}, "checkpoint c"),
        ({"end_proof": "pid_gone", "exit_code": 1}, "exit code 1, proof of its end: pid_gone"),
        ({"worker": "h:1", "reason": "[x]"}, "on h:1, [x]"),
        ({"ends_disagree": True}, "its ends disagree"),
        ({"output": "long ago" * 30 + "\ndisk full\n"}, "agolong ago disk full"),
    ],
)
def test_every_fact_of_an_attempt_is_told(
    rendered: Rendered, more: dict[str, Any], told: str
) -> None:
    assert told in text_of(rendered, attempts=[attempt(**more)])


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "violated totals: violated, asked 2026-04-03T02:00:00Z"),
        ({"required": False, "evaluated_at": None}, "totals: violated, not required"),
        ({"evidence": {"detail": "no such file"}}, "no such file"),
        (
            {"evidence": {"path": "out/a.csv", "wrong": ["it is empty", "it is old"]}},
            "violated, out/a.csv: it is empty; it is old",
        ),
        ({"evidence": {"path": "out/a.csv", "wrong": []}}, "violated, asked"),
        ({"evidence": {"left": {"value": "3"}, "right": {"value": "2"}}}, "left 3, right 2"),
        (
            {"evidence": {"left": {"value": "2284.7200000000003"}, "right": {"value": "2"}}},
            "left 2284.72, right 2",
        ),
        (
            {
                "evidence": {
                    "left": {"value": "2284.7200000000003"},
                    "right": {"value": "2284.72"},
                }
            },
            "left 2284.7200000000003, right 2284.72",
        ),
        (
            {
                "evidence": {
                    "left": {"value": "12345678901234567.89"},
                    "right": {"value": "12345678901234567.88"},
                }
            },
            "left 12345678901234567.89, right 12345678901234567.88",
        ),
        ({"evidence": {"sample": {"missing": ["R1", ["a", None]]}}}, "missing keys: R1, a/NULL"),
        (
            {"evidence": {"sample": {"duplicated": [{"key": "R1", "count": 2}]}}},
            "duplicated keys: R1 (2 rows)",
        ),
        ({"evidence": {"sample": {"missing": list(range(20))}}}, "0, 1, 2, 3, 4, 5, 6, 7 …"),
    ],
)
def test_every_fact_of_a_check_is_told(rendered: Rendered, more: dict[str, Any], told: str) -> None:
    assert told in text_of(rendered, checks=[check(**more)])


def test_what_happened_is_told_in_order_of_time(rendered: Rendered) -> None:
    revision = {"at": "2026-04-03T02:00:02Z", "from": None, "to": "partial"}
    decision = {
        "at": "2026-04-03T02:00:02.5Z",
        "decision": "refuse",
        "attempt": "a2",
        "why": "reconcile first",
        "override_by": "mia",
    }
    action = {
        "at": "2026-04-03T02:00:01Z",
        "action": "fence",
        "attempt": "a1",
        "until": None,
        "by": "mia",
        "reason": "killed",
    }
    told = text_of(rendered, revisions=[revision], guard=[decision], actions=[action])
    assert told.endswith(
        "What happened to it "
        "2026-04-03T02:00:01Z fence a1 by mia: killed "
        "2026-04-03T02:00:02Z open became partial "
        "2026-04-03T02:00:02Z guard: refuse a2 (overridden by mia): reconcile first"
    )


def test_an_action_with_an_end_says_until_when() -> None:
    action = {"action": "mute", "attempt": None, "until": AT, "by": "mia", "reason": "x"}
    assert action_sentence(action) == "mute until 2026-04-03T02:00:00Z by mia: x"


def test_it_is_told_by_which_declaration_a_run_is_judged(rendered: Rendered) -> None:
    lines = rendered(*story(run(declaration={"valid_from": AT, "corrected_at": None})))
    assert "declared  as of 2026-04-03T02:00:00Z" in lines
    corrected = {"valid_from": AT, "corrected_at": "2026-04-03T09:00:00Z"}
    text = " ".join(" ".join(rendered(*story(run(declaration=corrected)))).split())
    assert (
        "as of 2026-04-03T02:00:00Z; the checks were changed at 2026-04-03T09:00:00Z, and do not "
        "count for this run"
    ) in text


def test_a_run_of_all_tells_how_its_partitions_are_and_who_is_worst(rendered: Rendered) -> None:
    occurrence = {
        "verdict": "duplicated",
        "counts": {"absent": 12, "duplicated": 1, "unlisted": 3, "verified": 184},
        "gravest": [
            {"partition": "t005", "verdict": "duplicated"},
            {"partition": "t003", "verdict": "absent"},
        ],
    }
    lines = rendered(*story(run(occurrence=occurrence)))
    at = lines.index("Partitions")
    assert [" ".join(line.split()) for line in lines[at + 1 : at + 5]] == [
        "- 12 absent, 1 duplicated, 3 unlisted, 184 verified",
        "duplicated t005",
        "absent t003",
        "- and 14 more",
    ]


def test_nothing_is_said_of_partitions_where_there_are_none(rendered: Rendered) -> None:
    assert "Partitions" not in rendered(*story(run()))
    told = {"verdict": None, "counts": {}, "gravest": []}
    assert "Partitions" not in rendered(*story(run(occurrence=told)))

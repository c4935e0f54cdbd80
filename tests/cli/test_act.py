import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from verifier.cli.act import Act
from verifier.engine.clock import system_clock
from verifier.runs.action import ActionKind
from verifier.runs.instant import format_instant

Landed = Callable[..., Any]

SIGNED = ("--by", "mia", "--reason", "[red]because[/red]")


def soon() -> str:
    return format_instant(system_clock() + timedelta(hours=1))


def test_every_action_but_an_override_can_be_done_here() -> None:
    assert {str(each) for each in Act} == {str(each) for each in ActionKind} - {"override"}


@pytest.mark.parametrize(
    ("words", "enforced"),
    [
        (["skip", "revenue/MISSING"], "skips"),
        (["reconcile", "revenue/LIED", "--counts-as-useful"], "skips"),
        (["hold", "revenue"], "refuses"),
        (["release", "revenue"], "decides again"),
        (["mute", "revenue", "--until", "SOON"], "nothing"),
        (["unmute", "revenue"], "nothing"),
    ],
)
def test_an_action_is_recorded_and_says_what_of_it_is_enforced(
    home: Any, landed: Landed, words: list[str], enforced: str
) -> None:
    places = {"MISSING": home.missing, "LIED": home.lied, "SOON": soon()}
    for name, value in places.items():
        words = [word.replace(name, value) for word in words]
    if words[0] == "release":
        landed("act", "hold", "revenue", *SIGNED)
    if words[0] == "unmute":
        landed("act", "mute", "revenue", "--until", soon(), *SIGNED)
    told = landed("act", *words, *SIGNED)
    assert told.code == 0
    first, *lines = told.out.splitlines()
    assert max(map(len, lines)) <= 80
    recorded, word, enforcing = " ".join(lines).partition("enforced: ")
    assert first.startswith(f"{words[1]}: {words[0]} ")
    assert first.endswith(" by mia: [red]because[/red]")
    assert recorded.startswith("recorded: ")
    assert word
    assert enforced in enforcing


@pytest.mark.parametrize("action", ["release", "unmute"])
def test_what_is_not_in_force_cannot_be_ended(home: Any, landed: Landed, action: str) -> None:
    told = landed("act", action, "revenue", *SIGNED)
    assert told.code == 2
    assert "is not" in told.err


def test_closing_a_run_against_what_the_destination_shows_is_noted(
    home: Any, landed: Landed
) -> None:
    told = landed("act", "reconcile", f"revenue/{home.lied}", *SIGNED)
    asked = (
        r"the destination showed partial, at 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ; the run is closed"
    )
    assert re.search(asked, told.err)


def test_what_advice_leaves_for_a_person_to_fill_in_must_be_filled_in(
    home: Any, landed: Landed
) -> None:
    told = landed("act", "skip", f"revenue/{home.lied}", "--by", "YOU", "--reason", "WHY")
    assert told.code == 2
    assert "expected who does it and why" in told.err


def test_a_silent_attempt_is_fenced(home: Any, landed: Landed, served: Any) -> None:
    signal = {
        "job": "unproved",
        "kind": "started",
        "at": format_instant(system_clock()),
        "due": home.missing,
        "attempt": "silent one",
    }
    assert served.service.receive([json.dumps(signal).encode()], "test").accepted == 1
    run = f"unproved/{home.missing}"
    told = landed("act", "fence", run, "--attempt", "silent one", *SIGNED)
    assert told.code == 0
    assert "kill it first" in told.out
    (attempt,) = landed("explain", run, "--json").json["attempts"]
    assert (attempt["state"], attempt["end_proof"]) == ("lost", "operator")


def test_an_attempt_that_ended_by_its_own_word_cannot_be_fenced(home: Any, landed: Landed) -> None:
    run = f"revenue/{home.ambiguous}"
    (attempt,) = landed("explain", run, "--json").json["attempts"]
    told = landed("act", "fence", run, "--attempt", attempt["attempt"], *SIGNED)
    assert told.code == 2
    assert "nothing to fence" in told.err


def test_an_action_is_told_as_one_document(home: Any, landed: Landed) -> None:
    told = landed("act", "reconcile", f"revenue/{home.lied}", *SIGNED, "--json")
    assert told.code == 0
    assert told.json["action"] == "reconcile"
    assert told.json["by"] == "mia"
    assert told.json["counts_as_useful"] is False
    assert landed("explain", f"revenue/{home.lied}", "--json").json["verdict"] == "reconciled"


@pytest.mark.parametrize(
    "words",
    [
        ["hold"],
        ["hold", "revenue"],
        ["hold", "revenue", "--by", "mia"],
        ["hold", "revenue", "--by", " ", "--reason", "x"],
        ["hold", "nope", *SIGNED],
        ["hold", "revenue", "--attempt", "a", *SIGNED],
        ["hold", "revenue", "--until", "2999-01-01T00:00:00Z", *SIGNED],
        ["hold", "revenue", "--counts-as-useful", *SIGNED],
        ["fence", "revenue/MISSING", *SIGNED],
        ["fence", "revenue/MISSING", "--attempt", "nobody", *SIGNED],
        ["mute", "revenue", *SIGNED],
        ["mute", "revenue", "--until", "tomorrow", *SIGNED],
        ["mute", "revenue", "--until", "2000-01-01T00:00:00Z", *SIGNED],
        ["skip", "revenue", *SIGNED],
        ["skip", "revenue/2000-01-01T00:00:00Z", *SIGNED],
        ["explode", "revenue", *SIGNED],
        ["override", "revenue", *SIGNED],
    ],
)
def test_an_action_that_makes_no_sense_is_a_mistake_and_leaves_nothing(
    home: Any, landed: Landed, words: list[str]
) -> None:
    told = landed("act", *(word.replace("MISSING", home.missing) for word in words))
    assert (told.code, told.out) == (2, "")
    assert told.err
    with home.ledger() as ledger:
        assert ledger.actions() == []

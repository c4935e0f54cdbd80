"""The verdict table, row by row, against a second reading of it."""

from itertools import product

import pytest

from verifier.runs.evaluation import Effect
from verifier.runs.reported import Reported
from verifier.runs.verdict import Case, RunState, Verdict, is_false_success, verdict

DAMAGED = ("duplicated", "partial")
UNSUCCESSFUL = ("failed", "cancelled", "timed_out", "lost")

ROWS = [
    # 1: closed by a person, over everything else.
    ("1", {"reconciled": True, "effect": "duplicated"}, "reconciled"),
    ("1 while running", {"reconciled": True, "open_state": RunState.RUNNING}, "reconciled"),
    ("1 before 2", {"reconciled": True, "excused": True}, "reconciled"),
    # 2: an excuse.
    ("2", {"excused": True, "reported": "none"}, "excused"),
    ("2 before 3", {"excused": True, "open_state": RunState.WAITING}, "excused"),
    ("2 before 4", {"excused": True, "effect": "duplicated"}, "excused"),
    # 3: nobody can tell yet.
    ("3 running", {"open_state": RunState.RUNNING, "effect": "complete"}, None),
    ("3 waiting", {"open_state": RunState.WAITING, "reported": "none"}, None),
    ("3 settling", {"open_state": RunState.SETTLING, "effect": "duplicated"}, None),
    # 4 and 5: damage, whatever was reported or violated.
    ("4", {"effect": "duplicated", "reported": "succeeded"}, "duplicated"),
    ("4 reported none", {"effect": "duplicated", "reported": "none"}, "duplicated"),
    ("4 muted", {"effect": "duplicated", "reported": "none", "muted": True}, "duplicated"),
    ("4 before 6", {"effect": "duplicated", "violated": True}, "duplicated"),
    ("5", {"effect": "partial", "reported": "succeeded"}, "partial"),
    ("5 reported none", {"effect": "partial", "reported": "none"}, "partial"),
    ("5 muted", {"effect": "partial", "reported": "none", "muted": True}, "partial"),
    ("5 before 6", {"effect": "partial", "violated": True, "unexpected": True}, "partial"),
    # 6, 7, 8: complete.
    ("6 unexpected", {"effect": "complete", "unexpected": True}, "wrong"),
    ("6 violated", {"effect": "complete", "violated": True}, "wrong"),
    ("6 before 7", {"effect": "complete", "violated": True, "unknown": True}, "wrong"),
    ("7 succeeded", {"effect": "complete", "unknown": True, "reported": "succeeded"}, "unproven"),
    ("7 failed", {"effect": "complete", "unknown": True, "reported": "failed"}, "ambiguous"),
    ("7 none", {"effect": "complete", "unknown": True, "reported": "none"}, "ambiguous"),
    ("8 succeeded", {"effect": "complete", "reported": "succeeded"}, "verified"),
    ("8 lost", {"effect": "complete", "reported": "lost"}, "verified"),
    ("8 reported none", {"effect": "complete", "reported": "none"}, "verified"),
    ("8 muted", {"effect": "complete", "reported": "none", "muted": True}, "verified"),
    # 9: nothing there.
    ("9 reported none", {"effect": "none", "reported": "none"}, "missing"),
    ("9 muted", {"effect": "none", "reported": "none", "muted": True}, "excused"),
    ("9 succeeded", {"effect": "none", "reported": "succeeded"}, "absent"),
    ("9 failed", {"effect": "none", "reported": "failed"}, "absent"),
    ("9 failed and muted", {"effect": "none", "reported": "failed", "muted": True}, "absent"),
    # 10, 11: unknown.
    ("10", {"violated": True, "reported": "succeeded"}, "wrong"),
    ("10 before 11", {"violated": True, "reported": "none"}, "wrong"),
    ("10 before 12", {"violated": True, "reported": "failed", "effects_none": True}, "wrong"),
    ("10 muted", {"violated": True, "reported": "none", "muted": True}, "wrong"),
    ("11", {"reported": "none"}, "missing"),
    ("11 muted", {"reported": "none", "muted": True}, "excused"),
    ("11 before 12", {"reported": "none", "effects_none": True, "required_hold": True}, "missing"),
    # Silence of a time that nobody heard says nothing, so 9 and 11 cannot say missing.
    ("9 deaf", {"effect": "none", "reported": "none", "deaf": True}, "ambiguous"),
    (
        "9 deaf, muted",
        {"effect": "none", "reported": "none", "deaf": True, "muted": True},
        "excused",
    ),
    ("9 deaf, tried", {"effect": "none", "reported": "failed", "deaf": True}, "absent"),
    ("11 deaf", {"reported": "none", "deaf": True}, "ambiguous"),
    ("11 deaf, no checks", {"reported": "none", "deaf": True, "checked": False}, "unproven"),
    ("8 deaf", {"effect": "complete", "reported": "none", "deaf": True}, "verified"),
    # 12: a job that takes no effect.
    ("12 hold", {"effects_none": True, "required_hold": True}, "verified"),
    ("12 none to hold", {"effects_none": True}, "unproven"),
    ("12 unknown", {"effects_none": True, "unknown": True}, "unproven"),
    ("12 failed", {"effects_none": True, "reported": "failed"}, "absent"),
    (
        "12 failed, hold",
        {"effects_none": True, "reported": "lost", "required_hold": True},
        "absent",
    ),
    # 13: none succeeded.
    ("13 said none", {"reported": "failed", "all_said_no_effect": True}, "absent"),
    ("13 silent", {"reported": "failed"}, "ambiguous"),
    # 14, 15: one succeeded.
    (
        "14",
        {"repeats_harm": True, "unresolved_beside_success": True},
        "ambiguous",
    ),
    ("14 resolved", {"repeats_harm": True}, "unproven"),
    ("14 harmless", {"unresolved_beside_success": True}, "unproven"),
    ("15", {}, "unproven"),
    ("15 other checks hold", {"required_hold": True}, "unproven"),
]


def case(**fields):
    """A run that reported success, and of whose effect nothing is known."""
    known = {"reported": "succeeded", "effect": "unknown"} | fields
    known["reported"] = Reported(known["reported"])
    known["effect"] = Effect(known["effect"])
    return Case(**known)


@pytest.mark.parametrize(
    ("fields", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_row_of_the_verdict_table(fields, expected):
    assert verdict(case(**fields)) == expected


@pytest.mark.parametrize("said", UNSUCCESSFUL)
def test_every_unsuccessful_end_is_judged_alike(said):
    assert verdict(case(reported=said)) is Verdict.AMBIGUOUS
    assert verdict(case(reported=said, effect="none")) is Verdict.ABSENT
    assert verdict(case(reported=said, effect="complete", unknown=True)) is Verdict.AMBIGUOUS


SECOND_READING = [
    (lambda c: c.reconciled, "reconciled"),
    (lambda c: c.excused, "excused"),
    (lambda c: c.open_state is not None, None),
    (lambda c: c.effect == "duplicated", "duplicated"),
    (lambda c: c.effect == "partial", "partial"),
    (lambda c: c.effect == "complete" and (c.unexpected or c.violated), "wrong"),
    (lambda c: c.effect == "complete" and c.unknown and c.reported == "succeeded", "unproven"),
    (lambda c: c.effect == "complete" and c.unknown, "ambiguous"),
    (lambda c: c.effect == "complete", "verified"),
    (lambda c: c.effect == "none" and c.reported == "none" and c.muted, "excused"),
    (lambda c: c.effect == "none" and c.reported == "none" and not c.deaf, "missing"),
    (lambda c: c.effect == "none" and c.reported == "none" and c.checked, "ambiguous"),
    (lambda c: c.effect == "none" and c.reported == "none", "unproven"),
    (lambda c: c.effect == "none", "absent"),
    (lambda c: c.violated, "wrong"),
    (lambda c: c.reported == "none" and c.muted, "excused"),
    (lambda c: c.reported == "none" and not c.deaf, "missing"),
    (lambda c: c.reported == "none" and c.checked, "ambiguous"),
    (lambda c: c.reported == "none", "unproven"),
    (lambda c: c.effects_none and c.reported != "succeeded", "absent"),
    (lambda c: c.effects_none and c.required_hold, "verified"),
    (lambda c: c.effects_none, "unproven"),
    (lambda c: c.reported != "succeeded" and c.all_said_no_effect, "absent"),
    (lambda c: c.reported != "succeeded", "ambiguous"),
    (lambda c: c.repeats_harm and c.unresolved_beside_success, "ambiguous"),
    (lambda c: True, "unproven"),
]
FLAGS = [
    "reconciled",
    "excused",
    "muted",
    "unexpected",
    "violated",
    "unknown",
    "required_hold",
    "effects_none",
    "repeats_harm",
    "all_said_no_effect",
    "unresolved_beside_success",
]


def every_case():
    """All that a verdict can rest on; of open states one, as the table tells none apart."""
    for said, effect, state in product(Reported, Effect, (None, RunState.SETTLING)):
        for values in product((False, True), repeat=len(FLAGS)):
            flags = dict(zip(FLAGS, values, strict=True))
            yield Case(reported=said, effect=effect, open_state=state, **flags)
            if said is Reported.NONE:  # of silence alone it matters whether it was heard
                for checked in (True, False):
                    deaf = {"deaf": True, "checked": checked}
                    yield Case(reported=said, effect=effect, open_state=state, **flags, **deaf)


def test_the_table_is_total_and_agrees_with_its_second_reading():
    for each in every_case():
        judged = verdict(each)
        assert judged == next(word for holds, word in SECOND_READING if holds(each)), each
        closed = each.reconciled or each.excused
        assert (judged is None) is (each.open_state is not None and not closed), each


def test_a_mute_excuses_what_would_be_missing_had_it_been_heard_and_changes_nothing_else():
    for each in every_case():
        if each.muted or each.reconciled or each.excused or each.open_state:
            continue
        fields = {name: getattr(each, name) for name in each.__struct_fields__}
        muted = verdict(Case(**(fields | {"muted": True})))
        heard = verdict(Case(**(fields | {"deaf": False})))
        assert muted == (Verdict.EXCUSED if heard is Verdict.MISSING else verdict(each))


@pytest.mark.parametrize("said", Reported)
@pytest.mark.parametrize("judged", [*Verdict, None])
def test_a_false_success_was_reported_and_the_destination_shows_otherwise(said, judged):
    damage = judged in ("absent", "partial", "duplicated", "wrong")
    assert is_false_success(said, judged) is (said == "succeeded" and damage)


def test_verdicts_are_ordered_by_gravity():
    assert [str(each) for each in sorted(Verdict, key=lambda each: -each.gravity)] == [
        "duplicated",
        "partial",
        "wrong",
        "ambiguous",
        "missing",
        "absent",
        "unproven",
        "excused",
        "reconciled",
        "verified",
    ]
    assert (Verdict.DUPLICATED.gravity, Verdict.VERIFIED.gravity) == (10, 1)


@pytest.mark.parametrize("judged", Verdict)
def test_only_excused_reconciled_and_verified_runs_are_closed(judged):
    assert judged.closed is (judged in ("excused", "reconciled", "verified"))

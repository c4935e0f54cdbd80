"""The advice table, cell by cell, and what advice must never do."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.advice import (
    STARTS_WORK,
    AdviceAction,
    Advised,
    action,
    gravest,
    repeated,
)
from verifier.runs.advice_words import TO_DO, to_do
from verifier.runs.declaration import Overlap, Surface, SurfaceKind
from verifier.runs.effect import SurfaceEffect, combine
from verifier.runs.evaluation import Effect
from verifier.runs.reported import Reported
from verifier.runs.verdict import Case, RunState, Verdict, verdict

KINDS = ["none", "replace", "upsert", "append", "external"]
RETRY_AT = "02:30"


def surface(kind, effect="unknown", name=None):
    return SurfaceEffect(Surface(name=name or kind, kind=SurfaceKind(kind)), Effect(effect))


def advised(kind="append", judged=None, effect="unknown", **more):
    """A run with one surface; its state is open where there is no verdict."""
    state = RunState.JUDGED if judged else RunState.WAITING
    fields = {
        "verdict": Verdict(judged) if judged else None,
        "state": state,
        "surfaces": [surface(kind, effect)],
        "effect": Effect(effect),
    }
    return Advised(**(fields | more))


# Each row: what it is called, what is known, and what to do by kind of surface.
SAME = 5
TABLE = [
    ("verified", {"judged": "verified", "effect": "complete"}, ["accept"] * SAME),
    ("reconciled", {"judged": "reconciled", "effect": "partial"}, ["accept"] * SAME),
    ("excused", {"judged": "excused", "effect": "none"}, ["accept"] * SAME),
    ("waiting", {"state": RunState.WAITING}, ["wait"] * SAME),
    ("evaluation due", {"state": RunState.SETTLING}, ["wait"] * SAME),
    ("nobody's partition", {"state": RunState.WAITING, "stranger": True}, ["accept"] * SAME),
    ("running", {"state": RunState.RUNNING}, ["wait"] * SAME),
    ("running, stuck", {"state": RunState.RUNNING, "stuck": True}, ["stop_first"] * SAME),
    ("at large", {"state": RunState.SETTLING, "at_large": True}, ["fence_first"] * SAME),
    ("missing", {"judged": "missing"}, ["run"] * 3 + ["reconcile_first"] * 2),
    ("missing, none there", {"judged": "missing", "effect": "none"}, ["run"] * SAME),
    ("absent", {"judged": "absent", "effect": "none"}, ["retry"] * SAME),
    ("absent, it said so", {"judged": "absent"}, ["retry"] * SAME),
    (
        "partial",
        {"judged": "partial", "effect": "partial"},
        ["retry", "repair_rerun", "repair_rerun", "reconcile_first", "reconcile_first"],
    ),
    (
        "partial, resumable",
        {"judged": "partial", "effect": "partial", "resumable": True, "checkpoint": True},
        ["retry", "repair_rerun", "repair_rerun", "resume", "reconcile_first"],
    ),
    (
        "duplicated",
        {"judged": "duplicated", "effect": "duplicated"},
        ["reconcile_first", "repair_rerun"] + ["reconcile_first"] * 3,
    ),
    (
        "wrong",
        {"judged": "wrong", "effect": "complete"},
        ["retry", "repair_rerun", "repair_rerun", "reconcile_first", "reconcile_first"],
    ),
    (
        "wrong, unexpected keys",
        {"judged": "wrong", "effect": "complete", "unexpected": True},
        ["retry", "repair_rerun", "reconcile_first", "reconcile_first", "reconcile_first"],
    ),
    (
        "ambiguous",
        {"judged": "ambiguous"},
        ["retry", "repair_rerun", "repair_rerun", "reconcile_first", "reconcile_first"],
    ),
    ("unproven", {"judged": "unproven"}, ["declare_check"] * SAME),
    ("unproven, not answered", {"judged": "unproven", "unknown": True}, ["ask_again"] * SAME),
    (
        "unproven, cannot be answered",
        {"judged": "unproven", "unknown": True, "incorrect": True},
        ["correct_check"] * SAME,
    ),
]
RETRYING = [
    ("over absent", {"judged": "absent", "effect": "none"}, ["wait"] * SAME),
    ("over none seen", {"state": RunState.SETTLING, "effect": "none"}, ["wait"] * SAME),
    ("over verified", {"judged": "verified", "effect": "complete"}, ["stop_retries"] * 2),
    ("over partial", {"judged": "partial", "effect": "partial"}, ["stop_retries"] * 2),
    ("over duplicated", {"judged": "duplicated", "effect": "duplicated"}, ["stop_retries"] * 2),
    ("over wrong", {"judged": "wrong", "effect": "complete"}, ["stop_retries"] * 2),
    ("over ambiguous", {"judged": "ambiguous"}, ["stop_retries"] * 2),
    ("over unproven", {"judged": "unproven"}, ["stop_retries"] * 2),
    ("over reconciled", {"judged": "reconciled"}, ["stop_retries"] * 2),
    ("over unknown", {"state": RunState.SETTLING}, ["stop_retries"] * 2),
]
CELLS = [
    pytest.param(kind, known, word, id=f"{row}-{kind}")
    for row, known, words in TABLE
    for kind, word in zip(KINDS, words, strict=True)
]
RETRY_CELLS = [
    pytest.param(kind, known, word, id=f"{row}-{kind}")
    for row, known, words in RETRYING
    for kind, word in zip(KINDS, ["wait"] * (SAME - len(words)) + words, strict=True)
]


@pytest.mark.parametrize(("kind", "known", "word"), CELLS)
def test_cell_of_the_advice_table(kind, known, word):
    assert action(advised(kind, **known)) == word


@pytest.mark.parametrize(("kind", "known", "word"), RETRY_CELLS)
def test_cell_of_the_advice_table_while_a_retry_is_pending(build, kind, known, word):
    assert action(advised(kind, retry_at=build.at(RETRY_AT), **known)) == word


def test_running_comes_before_at_large_and_at_large_before_a_retry(build):
    known = {"at_large": True, "retry_at": build.at(RETRY_AT)}
    assert action(advised(state=RunState.RUNNING, **known)) == "wait"
    assert action(advised(judged="partial", effect="partial", **known)) == "fence_first"


def test_a_checkpoint_is_trusted_only_if_the_job_is_resumable_and_nothing_is_surplus():
    known = {"judged": "partial", "effect": "partial"}
    for resumable, checkpoint, surplus in product((False, True), repeat=3):
        trusted = resumable and checkpoint and not surplus
        chosen = action(
            advised(resumable=resumable, checkpoint=checkpoint, surplus=surplus, **known)
        )
        assert chosen == ("resume" if trusted else "reconcile_first")


def test_where_runs_coalesce_only_the_newest_is_run():
    known = {"judged": "missing", "effect": "none", "overlap": Overlap.COALESCE}
    assert action(advised(newest=True, **known)) == "run"
    assert action(advised(newest=False, **known)) == "wait"
    assert action(advised(judged="missing", effect="none", newest=False)) == "run"


def test_a_complaint_that_waits_for_its_second_look_holds_back_every_start():
    assert action(advised(judged="absent", effect="none", doubted=True)) == "wait"
    assert action(advised(judged="verified", effect="complete", doubted=True)) == "accept"
    partial = advised(judged="partial", effect="partial", doubted=True)
    assert action(partial) == "reconcile_first"


# Several surfaces.


def test_the_gravest_surface_that_is_not_proven_complete_rules():
    assert gravest([surface("external", "complete"), surface("replace", "none")]).kind == "replace"
    assert gravest([surface("replace", "none"), surface("external")]).kind == "external"


def test_where_all_are_complete_the_gravest_of_all_rules():
    both = [surface("replace", "complete"), surface("append", "complete")]
    assert gravest(both).kind == "append"


def test_a_job_without_surfaces_is_advised_as_one_without_effects():
    assert gravest([]) is None
    assert action(advised(judged="ambiguous", surfaces=[])) == "retry"


@pytest.mark.parametrize("kind", KINDS)
def test_a_surface_would_be_repeated_if_it_is_complete_and_cannot_be_taken_back(kind):
    harmful = kind in ("append", "external")
    assert repeated([surface(kind, "complete")]) == ((kind,) if harmful else ())
    assert repeated([surface(kind, "partial")]) == ()


@pytest.mark.parametrize("judged", ["partial", "ambiguous", "duplicated", "wrong", "missing"])
def test_no_repair_of_one_surface_repeats_another_that_is_complete(judged):
    surfaces = [surface("replace"), surface("external", "complete")]
    assert action(advised(judged=judged, surfaces=surfaces)) == "reconcile_first"


def test_a_retry_that_would_repeat_a_complete_surface_is_stopped(build):
    surfaces = [surface("replace", "none"), surface("append", "complete")]
    known = {"judged": "partial", "surfaces": surfaces, "retry_at": build.at(RETRY_AT)}
    assert action(advised(effect="partial", **known)) == "stop_retries"


# What must hold whatever is known.

surfaces_shown = st.lists(
    st.builds(
        surface,
        st.sampled_from(KINDS),
        st.sampled_from([str(effect) for effect in Effect]),
        st.sampled_from("abc"),
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def situations(draw):
    """Facts that agree with each other: the verdict is the table's."""
    surfaces = draw(surfaces_shown)
    flags = {
        name: draw(st.booleans())
        for name in (
            "unexpected",
            "violated",
            "unknown",
            "required_hold",
            "all_said_no_effect",
            "unresolved_beside_success",
            "muted",
        )
    }
    judged_as = Case(
        reported=draw(st.sampled_from(Reported)),
        effect=combine(surfaces),
        reconciled=draw(st.booleans()),
        excused=draw(st.booleans()),
        open_state=draw(st.none() | st.sampled_from([s for s in RunState if s != "judged"])),
        effects_none=all(each.surface.kind == "none" for each in surfaces),
        repeats_harm=any(each.surface.kind.repeats_harm for each in surfaces),
        **flags,
    )
    judged = verdict(judged_as)
    return judged_as, Advised(
        verdict=judged,
        state=judged_as.open_state or RunState.JUDGED,
        surfaces=surfaces,
        overlap=draw(st.sampled_from(Overlap)),
        at_large=draw(st.booleans()),
        stuck=draw(st.booleans()),
        retry_at=draw(st.none() | st.datetimes()),
        effect=combine(surfaces),
        unexpected=judged_as.unexpected,
        unknown=judged_as.unknown,
        doubted=draw(st.booleans()),
        surplus=draw(st.booleans()),
        resumable=draw(st.booleans()),
        checkpoint=draw(st.booleans()),
        newest=draw(st.booleans()),
    )


def harmful(facts, *effects):
    return [
        each for each in facts.surfaces if each.surface.kind.repeats_harm and each.effect in effects
    ]


@given(situations())
def test_no_advice_starts_work_over_what_cannot_be_taken_back(situation):
    _, facts = situation
    chosen = action(facts)
    if harmful(facts, Effect.COMPLETE, Effect.DUPLICATED):
        assert chosen not in STARTS_WORK
    if harmful(facts, Effect.PARTIAL):
        trusted = facts.resumable and facts.checkpoint and not facts.surplus
        assert chosen not in STARTS_WORK or (chosen is AdviceAction.RESUME and trusted)
    if harmful(facts, Effect.UNKNOWN) and facts.verdict in ("ambiguous", "missing", "partial"):
        assert chosen not in STARTS_WORK - {AdviceAction.RESUME}
    if harmful(facts, Effect.UNKNOWN) and len(facts.surfaces) == 1 and facts.verdict != "absent":
        assert chosen not in STARTS_WORK


@given(situations())
def test_no_advice_starts_work_while_anybody_may_write_or_nobody_knows_yet(situation):
    _, facts = situation
    if facts.at_large or facts.verdict is None or facts.retry_at or facts.doubted:
        assert action(facts) not in STARTS_WORK


@given(situations())
def test_nothing_is_accepted_that_is_not_verified_reconciled_or_excused(situation):
    judged_as, facts = situation
    if action(facts) is AdviceAction.ACCEPT:
        assert facts.verdict in ("verified", "reconciled", "excused")
        assert not facts.at_large
        assert judged_as.open_state is not RunState.RUNNING


@given(situations())
def test_a_resume_is_advised_only_of_a_partial_append_with_a_trusted_checkpoint(situation):
    _, facts = situation
    if action(facts) is AdviceAction.RESUME:
        assert facts.verdict is Verdict.PARTIAL
        assert gravest(facts.surfaces).kind is SurfaceKind.APPEND
        assert facts.resumable
        assert facts.checkpoint
        assert not facts.surplus


def test_every_action_has_words_for_a_person():
    assert set(TO_DO) == set(AdviceAction)


@given(situations())
def test_every_situation_has_an_advice(situation):
    assert action(situation[1]) in AdviceAction


@pytest.mark.parametrize("judged", Verdict)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("effect", [str(effect) for effect in Effect])
def test_every_verdict_has_an_advice_for_every_surface(judged, kind, effect):
    assert action(advised(kind, str(judged), effect)) in AdviceAction


def test_what_has_wrong_content_is_not_simply_run_again():
    told = to_do(AdviceAction.REPAIR_RERUN, Verdict.WRONG)
    assert told.startswith("find the cause")
    assert to_do(AdviceAction.REPAIR_RERUN, Verdict.PARTIAL) == TO_DO[AdviceAction.REPAIR_RERUN]
    assert to_do(AdviceAction.ACCEPT, Verdict.WRONG) == TO_DO[AdviceAction.ACCEPT]

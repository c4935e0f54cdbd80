"""Declarations: what they add up to, and which one holds."""

from datetime import timedelta

import pytest

from verifier.runs.declaration import (
    CheckTraits,
    Declared,
    History,
    Surface,
    SurfaceKind,
)


def test_kinds_of_surface_are_ordered_by_how_hard_they_are_to_take_back():
    kinds = sorted(SurfaceKind, key=lambda kind: kind.gravity)
    assert kinds == ["none", "replace", "upsert", "append", "external"]


@pytest.mark.parametrize(
    ("kind", "harmful"),
    [
        ("none", False),
        ("replace", False),
        ("upsert", False),
        ("append", True),
        ("external", True),
    ],
)
def test_only_append_and_external_leave_two_effects_when_done_twice(build, kind, harmful):
    assert SurfaceKind(kind).repeats_harm is harmful
    assert build.job(kind).repeats_harm is harmful


def test_one_external_surface_makes_the_whole_job_harmful_to_repeat(build):
    assert build.table_and_mail().repeats_harm


def test_a_job_has_no_effects_only_if_none_of_its_surfaces_has(build):
    assert build.job("none").effects_none
    beside = build.job(
        surfaces=(
            Surface(name="log", kind=SurfaceKind.NONE),
            Surface(name="table", kind=SurfaceKind.REPLACE),
        )
    )
    assert not beside.effects_none


@pytest.mark.parametrize(
    ("check", "proves"),
    [
        (CheckTraits(name="c", type="scope", says_effect=True), True),
        (CheckTraits(name="c", type="reconcile", proves_complete=True), True),
        (CheckTraits(name="c", type="exactly_once", says_effect=True), False),
        (CheckTraits(name="c", type="reconcile"), False),
    ],
    ids=["scope", "proves_complete", "exactly_once", "quality"],
)
def test_a_check_proves_completion_if_it_can_say_complete(build, check, proves):
    assert check.can_prove is proves
    assert build.job(checks=(check,)).provable is proves


def test_a_check_that_is_not_required_proves_nothing(build):
    assert not build.job(checks=(build.check(required=False),)).provable


def test_a_job_without_effects_is_proven_by_any_required_check(build):
    quality = build.check(says_effect=False)
    assert build.job("none", checks=(quality,)).provable
    assert not build.job("none", checks=()).provable


def test_a_run_is_judged_by_what_was_declared_at_its_time(build):
    old, new = build.job(), build.job(finish_within=timedelta(hours=1))
    history = History(
        (
            Declared(valid_from=build.at("02:00"), declaration=old),
            Declared(valid_from=build.at("+1 02:00"), declaration=new),
        )
    )
    assert history.at(build.at("+1 01:59")) is old
    assert history.at(build.at("+1 02:00")) is new
    assert history.latest is new
    assert history.registered == build.at("02:00")


def test_before_the_first_declaration_the_first_one_applies(build):
    job = build.job()
    history = History((Declared(valid_from=build.at("02:00"), declaration=job),))
    assert history.at(build.at("-9 02:00")) is job

"""Operator actions: which are in force."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.action import ActionKind, closing, is_held, is_muted, muted_until


def held_by(build, *told):
    """The hold in force after, say, ``"hold 01:00"``."""
    hold = is_held(build.action(*each.split(" ")) for each in told)
    return None if hold is None else hold.at.strftime("%H:%M")


@pytest.mark.parametrize(
    ("told", "since"),
    [
        ([], None),
        (["hold 01:00"], "01:00"),
        (["hold 01:00", "hold 02:00"], "02:00"),
        (["hold 01:00", "release 02:00"], None),
        (["release 02:00", "hold 01:00"], None),
        (["hold 01:00", "release 02:00", "hold 03:00"], "03:00"),
        (["release 01:00"], None),
        (["mute 01:00", "skip 01:30"], None),
    ],
    ids=str,
)
def test_a_job_is_held_until_it_is_released(build, told, since):
    assert held_by(build, *told) == since


def test_a_mute_covers_what_is_due_from_when_it_was_said_until_its_end(build):
    mute = [build.action("mute", "01:00", until=build.at("03:00"))]
    assert muted_until(mute, build.at("01:00")) == build.at("03:00")
    assert is_muted(mute, build.at("02:59:59"))
    assert not is_muted(mute, build.at("00:59:59"))
    assert not is_muted(mute, build.at("03:00"))


def test_an_unmute_ends_a_mute_at_once(build):
    told = [
        build.action("unmute", "02:00"),
        build.action("mute", "01:00", until=build.at("06:00")),
    ]
    assert is_muted(told, build.at("01:59"))
    assert not is_muted(told, build.at("02:00"))


def test_the_last_mute_said_counts(build):
    told = [
        build.action("mute", "01:00", until=build.at("06:00")),
        build.action("mute", "02:00", until=build.at("03:00")),
    ]
    assert muted_until(told, build.at("02:30")) == build.at("03:00")
    assert not is_muted(told, build.at("04:00"))


def test_a_job_that_nobody_muted_is_not_muted(build):
    assert muted_until([build.action("hold", "01:00")], build.at("02:00")) is None


@pytest.mark.parametrize("kind", [ActionKind.SKIP, ActionKind.RECONCILE])
def test_the_last_closing_action_of_its_kind_counts(build, kind):
    told = [build.action(kind, "03:00"), build.action(kind, "01:00"), build.action("hold", "04:00")]
    assert closing(told, kind) == told[0]
    assert closing(told[2:], kind) is None


@given(st.data())
def test_actions_count_by_when_they_were_said_not_by_when_they_are_read(build, data):
    told = [
        build.action(kind, f"0{hour}:00", until=build.at("09:00"))
        for hour, kind in enumerate(["hold", "mute", "release", "unmute", "hold", "mute", "skip"])
    ]
    some = data.draw(st.lists(st.sampled_from(told), unique_by=lambda each: each.action_id))
    other = data.draw(st.permutations(some))
    now = build.at("08:00")
    assert is_held(some) == is_held(other)
    assert muted_until(some, now) == muted_until(other, now)
    assert closing(some, ActionKind.SKIP) == closing(other, ActionKind.SKIP)

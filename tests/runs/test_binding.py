"""Which run an attempt belongs to, and how runs are named."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.attempt import fold, inferred_id
from verifier.runs.binding import (
    RunKey,
    anonymous_attempt,
    bind_anonymous,
    parse_path,
    run_key,
)
from verifier.runs.declaration import Cron, Every
from verifier.runs.instant import EPOCH, format_instant, from_microseconds
from verifier.runs.signal import Lane

NIGHTLY = Cron(expression="0 2 * * *")
QUARTERS = Every(period=timedelta(minutes=15))
TONIGHT, TOMORROW = "2026-04-03T02:00:00Z", "2026-04-04T02:00:00Z"


def nightly(_):
    return NIGHTLY


def quarters(_):
    return QUARTERS


# From 1950 to 2191.
instants = st.integers(-6 * 10**14, 7 * 10**15).map(from_microseconds)


def key_of(build, *said, schedule=nightly):
    key = run_key(build.attempt(*said), schedule)
    return None if key is None else key.occurrence


# Names of runs.


def test_a_run_is_written_as_job_due_and_partition():
    assert RunKey("nightly", TONIGHT).path == f"nightly/{TONIGHT}"
    assert RunKey("nightly", TONIGHT, "north/west").path == f"nightly/{TONIGHT}/north%2Fwest"
    assert RunKey("nightly", "~hand made").path == "nightly/~hand%20made"


@given(instants, st.text(max_size=8))
def test_every_run_with_a_slot_is_read_back_from_how_it_is_written(due, partition):
    key = RunKey("nightly", format_instant(due), partition)
    assert parse_path(key.path) == key
    assert key.due == due


@given(st.text(min_size=1, max_size=8), st.text(max_size=8))
def test_every_run_made_by_hand_is_read_back_from_how_it_is_written(attempt, partition):
    key = RunKey("nightly", f"~{attempt}", partition)
    assert parse_path(key.path) == key
    assert key.due is None


def test_a_due_instant_with_any_offset_names_the_same_run():
    assert parse_path("nightly/2026-04-03T04:00:00+02:00") == RunKey("nightly", TONIGHT)


@pytest.mark.parametrize(
    "text", ["nightly", "nightly/", f"/{TONIGHT}", "nightly/2026-04-03", "nightly/today", ""]
)
def test_a_text_that_names_no_run_is_refused(text):
    with pytest.raises(ValueError, match="expected"):
        parse_path(text)


@given(instants, instants)
def test_run_ids_are_in_order_of_due(one, other):
    first, second = sorted([max(one, EPOCH), max(other, EPOCH)])
    ids = [RunKey("nightly", format_instant(each)).run_id for each in (first, second)]
    # The rest tells runs of one second apart.
    assert ids[0][:11] <= ids[1][:11]
    assert {len(each) for each in ids} == {25}


def test_run_ids_differ_where_job_occurrence_or_partition_do():
    keys = [
        RunKey("a", TONIGHT),
        RunKey("b", TONIGHT),
        RunKey("a", TOMORROW),
        RunKey("a", TONIGHT, "north"),
        RunKey("a", "~x"),
        RunKey("a", "~x", "north"),
    ]
    assert len({key.run_id for key in keys}) == len(keys)
    assert RunKey("a", TONIGHT).run_id == RunKey("a", TONIGHT).run_id


# Attempts.


def test_an_explicit_due_wins_over_when_it_ran(build):
    started = build.signal("started", "+1 10:00", due=build.due, lane=Lane.RERUN)
    assert key_of(build, started) == TONIGHT


def test_an_explicit_due_wins_for_an_attempt_made_by_hand(build):
    assert key_of(build, build.signal("started", "10:00", due=build.due, lane="manual")) == TONIGHT


def test_an_attempt_made_by_hand_without_due_is_a_run_of_its_own(build):
    assert key_of(build, build.signal("started", "02:00", lane=Lane.MANUAL)) == "~a1"


def test_an_attempt_is_bound_by_its_earliest_start(build):
    assert key_of(build, "created 01:50", "started 02:00", "started +1 02:00") == TONIGHT


def test_an_attempt_is_bound_by_its_earliest_signal_where_no_start_was_heard(build):
    assert key_of(build, "succeeded +1 03:00", "created 02:00") == TONIGHT


def test_an_attempt_that_ends_after_the_next_slot_is_of_the_slot_in_which_it_began(build):
    assert key_of(build, "started 02:00", "succeeded +1 05:00") == TONIGHT


@pytest.mark.parametrize(
    ("started", "slot"),
    [("01:58:59", "2026-04-02T02:00:00Z"), ("01:59:00", TONIGHT), ("02:20:00", TONIGHT)],
)
def test_a_start_may_come_a_minute_early(build, started, slot):
    assert key_of(build, f"started {started}") == slot


def test_an_attempt_is_bound_by_the_schedule_that_was_declared_at_its_time(build):
    def changing(at):
        return QUARTERS if at < build.at("02:00") else NIGHTLY

    assert key_of(build, "started 01:46", schedule=changing) == "2026-04-03T01:45:00Z"
    assert key_of(build, "started 02:46", schedule=changing) == TONIGHT


def test_a_partition_is_a_run_of_its_own(build):
    attempt = build.attempt(build.signal("started", "02:00", partition="north"))
    assert run_key(attempt, nightly) == RunKey("nightly", TONIGHT, "north")


def test_an_attempt_of_which_only_a_loss_was_inferred_has_no_run_yet(build):
    loss = build.signal("lost", "02:02", id=inferred_id("a1", build.due))
    assert run_key(fold(None, [loss]), nightly) is None


@pytest.mark.parametrize("partition", [None, "north/west"])
def test_the_anonymous_attempt_of_a_run_is_of_that_run(build, partition):
    name = anonymous_attempt(build.due, partition)
    attempt = build.attempt("started +1 10:00", name=name)
    assert attempt.anonymous
    assert run_key(attempt, nightly) == RunKey("nightly", TONIGHT, partition or "")


# Signals without an attempt.


def dues(build, *said, schedule=quarters):
    signals = [build.signal(*each.split(" ", 1), attempt=None) for each in said]
    bound = bind_anonymous(signals, schedule)
    return [bound[signal.id].strftime("%H:%M") for signal in signals]


def test_an_anonymous_end_belongs_to_the_start_before_it_even_after_the_next_slot(build):
    assert dues(build, "started 02:00", "heartbeat 02:16", "succeeded 02:20") == ["02:00"] * 3


def test_after_its_end_what_comes_is_bound_by_its_own_time(build):
    assert dues(build, "started 02:00", "failed 02:05", "heartbeat 02:16") == [
        "02:00",
        "02:00",
        "02:15",
    ]


def test_a_new_start_opens_its_own_slot(build):
    assert dues(build, "started 02:00", "started 02:15", "succeeded 02:40") == [
        "02:00",
        "02:15",
        "02:15",
    ]


def test_an_end_without_a_start_is_bound_by_its_own_time(build):
    assert dues(build, "succeeded 02:20") == ["02:15"]


def test_an_explicit_due_of_an_anonymous_signal_wins_and_leaves_the_open_slot_open(build):
    signals = [
        build.signal("started", "02:00", attempt=None),
        build.signal("failed", "02:10", attempt=None, due=build.at("01:00")),
        build.signal("succeeded", "02:20", attempt=None),
    ]
    bound = bind_anonymous(signals, quarters)
    assert [bound[signal.id] for signal in signals] == [
        build.at("02:00"),
        build.at("01:00"),
        build.at("02:00"),
    ]


def test_an_explicit_due_of_an_anonymous_start_opens_that_slot(build):
    signals = [
        build.signal("started", "02:20", attempt=None, due=build.at("01:00")),
        build.signal("succeeded", "02:40", attempt=None),
    ]
    assert set(bind_anonymous(signals, quarters).values()) == {build.at("01:00")}

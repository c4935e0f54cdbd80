"""The fold: any order, any repetition, any split of the same signals gives one attempt."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.attempt import End, Reached, fold, inferred_id
from verifier.runs.signal import (
    EffectNote,
    EndProof,
    Kind,
    Lane,
    Progress,
    Signal,
)

START = datetime(2026, 4, 3, 2, tzinfo=UTC)
ATTEMPTS = ("a1", "~2026-04-03T02:00:00Z")


def seconds(limit=40):
    """Few instants, so that ties are common."""
    return st.integers(0, limit).map(lambda count: START + timedelta(seconds=count))


def maybe(strategy):
    return st.none() | strategy


def told(attempt):
    return st.builds(
        Signal,
        job=st.just("nightly"),
        kind=st.sampled_from([kind for kind in Kind if kind is not Kind.SKIPPED]),
        at=seconds(),
        id=st.text("abcdefgh", min_size=1, max_size=3),
        due=maybe(st.sampled_from([START, START + timedelta(days=1)])),
        partition=maybe(st.sampled_from(["north", "south"])),
        lane=maybe(st.sampled_from(Lane)),
        attempt=st.just(attempt),
        worker=maybe(st.sampled_from(["one:1", "two:2"])),
        output=maybe(st.sampled_from(["done", "disk full"])),
        exit_code=maybe(st.integers(0, 2)),
        lease_until=maybe(seconds()),
        next_retry_at=maybe(seconds()),
        end_proof=maybe(st.sampled_from(EndProof)),
        effect=maybe(st.builds(EffectNote, begun=st.booleans(), surface=maybe(st.just("table")))),
        progress=maybe(
            st.builds(
                Progress,
                done=maybe(st.integers(0, 3).map(float)),
                checkpoint=maybe(st.sampled_from("xy")),
            )
        ),
        skewed=st.booleans(),
    )


def inferred(attempt):
    return st.builds(
        lambda heard, wait, kind: Signal(
            job="nightly",
            kind=kind,
            at=heard + timedelta(seconds=wait),
            id=inferred_id(attempt, heard),
            attempt=attempt,
            end_proof=EndProof.NONE,
        ),
        seconds(),
        st.integers(1, 3),
        st.sampled_from([Kind.LOST, Kind.TIMED_OUT]),
    )


@st.composite
def histories(draw):
    """The signals of one attempt, each with an id of its own."""
    attempt = draw(st.sampled_from(ATTEMPTS))
    return draw(
        st.lists(
            told(attempt) | inferred(attempt), min_size=1, max_size=8, unique_by=lambda s: s.id
        )
    )


@given(histories(), st.data())
def test_any_order_repetition_and_split_of_the_same_signals_gives_the_same_attempt(signals, data):
    once = fold(None, signals)
    shuffled = data.draw(st.permutations(signals))
    again = data.draw(st.lists(st.sampled_from(signals), max_size=4))
    split = data.draw(st.integers(0, len(shuffled)))
    first = fold(None, shuffled[:split])
    assert fold(first, [*shuffled[split:], *again]) == once


@given(st.lists(inferred("a1"), min_size=2, max_size=6, unique_by=lambda s: s.id), st.data())
def test_losses_inferred_in_any_order_leave_the_one_after_the_last_thing_heard(losses, data):
    attempt = fold(None, data.draw(st.permutations(losses)))
    newest = max(losses, key=lambda loss: loss.id)
    assert attempt.inferred.end.id == newest.id


def test_nothing_folded_into_nothing_is_nothing():
    assert fold(None, []) is None


def test_a_signal_that_names_no_attempt_is_refused(build):
    with pytest.raises(ValueError, match="names no attempt"):
        fold(None, [build.signal("started", "02:00", attempt=None, id="s")])


@pytest.mark.parametrize(
    ("kind", "field"),
    [("created", "created"), ("dispatched", "dispatched"), ("claimed", "claimed")],
)
def test_the_earliest_of_each_step_counts(build, kind, field):
    attempt = build.attempt(f"{kind} 02:05", f"{kind} 02:01", f"{kind} 02:03")
    assert getattr(attempt, field) == build.at("02:01")
    assert attempt.first_said == build.at("02:01")
    assert attempt.heard is None


def test_the_earliest_start_counts_and_the_latest_is_kept_beside_it(build):
    attempt = build.attempt("started 02:05", "started 02:01")
    assert attempt.started == build.at("02:01")
    assert attempt.latest_start == build.at("02:05")


@pytest.mark.parametrize("kind", ["started", "heartbeat", "progress", "effect"])
def test_an_attempt_is_heard_by_what_shows_that_it_is_at_work(build, kind):
    assert build.attempt(f"{kind} 02:05", "created 02:10").heard == build.at("02:05")


@pytest.mark.parametrize("kind", ["created", "dispatched", "claimed", "succeeded", "lost"])
def test_an_attempt_is_not_heard_by_what_others_may_say_of_it(build, kind):
    assert build.attempt(f"{kind} 02:05").heard is None


def test_the_greatest_heartbeat_and_progress_count(build):
    attempt = build.attempt(
        "heartbeat 02:07",
        "heartbeat 02:03",
        build.signal("progress", "02:06", progress=Progress(done=60)),
        build.signal("progress", "02:02", progress=Progress(done=20)),
    )
    assert attempt.heartbeat.at == build.at("02:07")
    assert attempt.progress.value.done == 60


def test_the_due_of_the_earliest_signal_that_carries_one_counts(build):
    attempt = build.attempt(
        "created 01:59",
        build.signal("started", "02:05", due=build.at("+1 02:00")),
        build.signal("claimed", "02:01", due=build.due),
    )
    assert attempt.due.value == build.due


def test_of_two_signals_at_one_instant_the_id_decides(build):
    early = build.signal("started", "02:00", id="a", due=build.due)
    late = build.signal("started", "02:00", id="b", due=build.at("+1 02:00"))
    assert build.attempt(late, early).due.id == "a"


def test_the_newest_word_on_worker_lease_and_retry_counts(build):
    attempt = build.attempt(
        build.signal("heartbeat", "02:05", worker="new", lease_until=build.at("02:07")),
        build.signal("started", "02:00", worker="old", lease_until=build.at("02:30")),
        build.signal("failed", "02:06", next_retry_at=build.at("02:20")),
    )
    assert attempt.worker.value == "new"
    assert attempt.lease.value == build.at("02:07")
    assert attempt.retry.value == build.at("02:20")


def test_the_newest_output_counts(build):
    attempt = build.attempt(
        build.signal("failed", "02:06", output="disk full"),
        build.signal("heartbeat", "02:05", output="half way"),
        build.signal("heartbeat", "02:07"),
    )
    assert attempt.output.value == "disk full"


def test_one_end_a_kind_is_kept_the_earliest_told(build):
    attempt = build.attempt("failed 02:12", "failed 02:10", "succeeded 02:11")
    assert [(end.kind, end.at) for end in attempt.ends] == [
        (Kind.FAILED, build.at("02:10")),
        (Kind.SUCCEEDED, build.at("02:11")),
    ]


def test_the_anonymous_attempt_keeps_the_latest_end_of_a_kind(build):
    attempt = build.attempt("failed 02:12", "failed 02:10", name="~2026-04-03T02:00:00Z")
    assert [end.at for end in attempt.ends] == [build.at("02:12")]


def test_an_end_keeps_its_exit_code_and_reason(build):
    attempt = build.attempt(build.signal("failed", "02:10", id="x", exit_code=3, reason="disk"))
    assert attempt.ends == (
        End(kind=Kind.FAILED, at=build.at("02:10"), id="x", exit_code=3, reason="disk"),
    )


def test_a_proof_of_none_is_no_proof(build):
    attempt = build.attempt(build.signal("lost", "02:10", end_proof=EndProof.NONE))
    assert attempt.proofs == {}


def test_the_last_time_that_each_proof_was_given_is_kept(build):
    attempt = build.attempt(
        build.signal("lost", "02:10", end_proof=EndProof.OPERATOR),
        build.signal("lost", "02:40", end_proof=EndProof.OPERATOR),
        build.signal("lost", "02:20", end_proof=EndProof.OPERATOR),
        build.signal("lost", "02:30", end_proof=EndProof.PID_GONE),
    )
    assert attempt.proofs == {
        EndProof.OPERATOR: build.at("02:40"),
        EndProof.PID_GONE: build.at("02:30"),
    }


def test_an_effect_once_begun_stays_begun(build):
    attempt = build.attempt(
        build.signal("effect", "02:05", effect=EffectNote(begun=True, surface="mail")),
        build.signal("started", "02:00", effect=EffectNote(begun=False, surface="mail")),
        build.signal("heartbeat", "02:07", effect=EffectNote(begun=False)),
    )
    assert attempt.effects == {"mail": True, "": False}


def test_the_furthest_progress_dates_from_when_it_was_first_reached(build):
    attempt = build.attempt(
        build.signal("progress", "02:04", progress=Progress(done=60)),
        build.signal("progress", "02:09", progress=Progress(done=60)),
        build.signal("progress", "02:10", progress=Progress(done=10)),
    )
    assert attempt.reached == Reached(done=60, at=build.at("02:04"))


def test_a_step_told_without_a_number_counts_as_movement(build):
    attempt = build.attempt(
        build.signal("progress", "02:04", progress=Progress(checkpoint="a")),
        build.signal("progress", "02:09", progress=Progress(checkpoint="b")),
    )
    assert attempt.reached.at == build.at("02:09")


def test_a_loss_that_we_inferred_moves_nothing_but_itself(build):
    before = build.attempt("started 02:00")
    loss = build.signal("lost", "02:02", id=inferred_id("a1", build.at("02:00")))
    after = fold(before, [loss])
    assert after.inferred.heard == build.at("02:00")
    assert (after.ends, after.heard, after.first_said) == (
        before.ends,
        before.heard,
        before.first_said,
    )


def test_a_clock_that_once_was_ahead_stays_known(build):
    attempt = build.attempt(build.signal("started", "02:00", skewed=True), "heartbeat 02:01")
    assert attempt.skewed

"""Where an attempt stands: pending, alive, ended, at large."""

from datetime import timedelta

import pytest

from verifier.runs.attempt import fold, inferred_id
from verifier.runs.lifecycle import (
    at_large_until,
    end_of,
    ends_disagree,
    expects_beats,
    infer_loss,
    is_alive,
    is_at_large,
    is_pending,
    is_void,
    pending_until,
    proof_of,
    quiet_since,
    said_no_effect,
    silence_deadline,
    state_of,
)
from verifier.runs.signal import EffectNote, EndProof, Kind, Lane

ANONYMOUS = "~2026-04-03T02:00:00Z"


def silent(build, attempt, heard, when, kind="lost"):
    """The loss that we infer of ``attempt``."""
    name = attempt.attempt
    loss = build.signal(kind, when, attempt=name, id=inferred_id(name, build.at(heard)))
    return fold(attempt, [loss])


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (["created 02:00"], "created"),
        (["created 02:00", "dispatched 02:01"], "dispatched"),
        (["dispatched 02:01", "claimed 02:02"], "claimed"),
        (["claimed 02:02", "started 02:03"], "running"),
        (["heartbeat 02:03"], "running"),
        (["started 02:00", "succeeded 02:10"], "succeeded"),
        (["started 02:00", "failed 02:10"], "failed"),
        (["started 02:00", "cancelled 02:10"], "cancelled"),
        (["started 02:00", "timed_out 02:10"], "timed_out"),
        (["started 02:00", "lost 02:10"], "lost"),
    ],
)
def test_the_state_is_the_furthest_that_an_attempt_has_come(build, said, state):
    attempt = build.attempt(*said)
    assert state_of(attempt) == state
    assert is_alive(attempt) is (state == "running")


@pytest.mark.parametrize(
    ("said", "end"),
    [
        (["failed 02:20", "lost 02:10"], "failed"),
        (["succeeded 02:20", "cancelled 02:10"], "succeeded"),
        (["succeeded 02:20", "timed_out 02:10"], "succeeded"),
        (["succeeded 02:20", "failed 02:10"], "failed"),
        (["cancelled 02:20", "lost 02:10"], "lost"),
    ],
    ids=lambda value: value if isinstance(value, str) else " then ".join(reversed(value)),
)
def test_the_process_own_word_comes_before_others_and_the_earlier_before_the_later(
    build, said, end
):
    attempt = build.attempt("started 02:00", *said)
    assert end_of(attempt).kind == end
    assert ends_disagree(attempt)


def test_an_attempt_of_one_end_has_ends_that_agree(build):
    assert not ends_disagree(build.attempt("failed 02:20", "failed 02:10"))


def test_what_others_tell_comes_before_what_we_inferred(build):
    attempt = silent(build, build.attempt("started 02:00", "cancelled 02:30"), "02:00", "02:02")
    assert end_of(attempt).kind is Kind.CANCELLED


def test_an_inferred_loss_holds_while_nothing_newer_was_heard(build):
    attempt = silent(build, build.attempt("heartbeat 02:00"), "02:00", "02:02")
    assert state_of(attempt) == "lost"
    assert state_of(fold(attempt, [build.signal("created", "02:01")])) == "lost"
    assert is_alive(fold(attempt, [build.signal("heartbeat", "02:01")]))


def test_the_process_own_word_after_an_inferred_loss_wins(build):
    attempt = silent(build, build.attempt("heartbeat 02:00"), "02:00", "02:02")
    attempt = fold(attempt, [build.signal("succeeded", "02:40")])
    assert end_of(attempt).kind is Kind.SUCCEEDED
    assert end_of(attempt).at == build.at("02:40")


def test_a_death_proven_the_next_night_ended_when_its_heartbeats_did(build):
    attempt = silent(build, build.attempt("heartbeat 02:10"), "02:10", "02:12")
    proof = build.signal("lost", "+1 02:00", end_proof=EndProof.PID_GONE, reason="gone")
    attempt = fold(attempt, [proof])
    assert end_of(attempt).at == build.at("02:12")
    assert end_of(attempt).reason == "gone"
    assert proof_of(attempt) is EndProof.PID_GONE


def test_a_time_out_told_later_than_we_inferred_ours_counts_since_no_heartbeat_had_stopped(build):
    attempt = silent(build, build.attempt("started 02:00"), "02:00", "02:45", "timed_out")
    attempt = fold(attempt, [build.signal("timed_out", "05:00")])
    assert end_of(attempt).at == build.at("05:00")


def test_an_anonymous_attempt_that_starts_after_its_end_runs_again(build):
    attempt = build.attempt("started 02:00", "failed 02:10", "started 02:20", name=ANONYMOUS)
    assert is_alive(attempt)
    ended = fold(attempt, [build.signal("succeeded", "02:30", attempt=ANONYMOUS)])
    assert end_of(ended).kind is Kind.SUCCEEDED
    assert not ends_disagree(ended)


def test_an_anonymous_attempt_of_which_no_start_was_heard_has_ended(build):
    assert state_of(build.attempt("failed 02:10", name=ANONYMOUS)) == "failed"


def test_a_named_attempt_that_seems_to_start_after_its_end_has_ended(build):
    assert state_of(build.attempt("started 02:20", "failed 02:10")) == "failed"


# Pending and void.


def test_a_grant_is_pending_until_its_lease_passes_and_then_void(build):
    grant = build.attempt(build.signal("claimed", "02:00", lease_until=build.at("02:02")))
    job = build.job()
    assert pending_until(grant, job) == build.at("02:02")
    assert is_pending(grant, job, build.at("02:01:59"))
    assert not is_void(grant, job, build.at("02:01:59"))
    assert not is_pending(grant, job, build.at("02:02"))
    assert is_void(grant, job, build.at("02:02"))


def test_an_attempt_without_a_lease_is_pending_for_as_long_as_a_run_may_take(build):
    queued = build.attempt("created 02:00", "dispatched 02:01")
    assert pending_until(queued, build.job()) == build.at("02:45")


@pytest.mark.parametrize("said", ["started 02:01", "cancelled 02:01"])
def test_an_attempt_that_started_or_ended_is_neither_pending_nor_void(build, said):
    attempt = build.attempt("claimed 02:00", said)
    for when in ("02:01", "+1 02:00"):
        assert not is_pending(attempt, build.job(), build.at(when))
        assert not is_void(attempt, build.job(), build.at(when))


# Proofs, at large, quiet.


def test_an_attempt_that_has_not_ended_has_no_proof(build):
    assert proof_of(build.attempt("started 02:00")) is None


def test_the_strongest_proof_is_shown(build):
    attempt = build.attempt(
        build.signal("lost", "02:10", end_proof=EndProof.OPERATOR),
        build.signal("lost", "02:20", end_proof=EndProof.REBOOTED),
    )
    assert proof_of(attempt) is EndProof.REBOOTED


@pytest.mark.parametrize("kind", ["lost", "timed_out"])
def test_an_end_that_is_only_silence_leaves_the_attempt_at_large(build, kind):
    attempt, job = build.attempt("started 02:00", "heartbeat 02:10", f"{kind} 02:12"), build.job()
    assert proof_of(attempt) is EndProof.NONE
    assert at_large_until(attempt, job) == build.at("03:40")
    assert is_at_large(attempt, job, build.at("03:39:59"))
    assert not is_at_large(attempt, job, build.at("03:40"))
    assert quiet_since(attempt, job) == build.at("03:40")


@pytest.mark.parametrize("kind", ["succeeded", "failed", "cancelled"])
def test_an_end_that_somebody_vouches_for_leaves_nobody_at_large(build, kind):
    attempt, job = build.attempt("started 02:00", f"{kind} 02:12"), build.job()
    assert at_large_until(attempt, job) is None
    assert not is_at_large(attempt, job, build.at("02:13"))
    assert quiet_since(attempt, job) == build.at("02:12")


def test_an_attempt_is_at_large_until_its_lease_where_that_is_later(build):
    attempt = build.attempt(
        build.signal("heartbeat", "02:10", lease_until=build.at("06:00")), "lost 02:12"
    )
    assert at_large_until(attempt, build.job()) == build.at("06:00")


def test_without_a_lease_of_its_own_the_declared_one_counts(build):
    job = build.job(lease=timedelta(hours=5))
    assert at_large_until(build.attempt("heartbeat 02:10", "lost 02:12"), job) == build.at("07:10")


def test_an_attempt_that_was_never_heard_is_at_large_from_when_it_was_first_told_of(build):
    attempt = build.attempt("created 02:00", "lost 02:10")
    assert at_large_until(attempt, build.job()) == build.at("03:30")


def test_a_loss_of_which_nothing_else_was_heard_yet_leaves_nobody_at_large(build):
    loss = build.signal("lost", "02:02", id=inferred_id("a1", build.at("02:00")))
    attempt = fold(None, [loss])
    assert state_of(attempt) == "lost"
    assert at_large_until(attempt, build.job()) is None
    assert quiet_since(attempt, build.job()) == build.at("02:02")


@pytest.mark.parametrize("proof", [proof for proof in EndProof if proof is not EndProof.NONE])
def test_any_proof_of_death_ends_being_at_large_at_once(build, proof):
    attempt = build.attempt(
        "heartbeat 02:10", "lost 02:12", build.signal("lost", "02:20", id="p", end_proof=proof)
    )
    assert proof_of(attempt) is proof
    assert at_large_until(attempt, build.job()) is None
    assert quiet_since(attempt, build.job()) == build.at("02:20")


def test_a_heartbeat_after_a_fence_makes_its_proof_void(build):
    fenced = build.attempt(
        "heartbeat 02:10", build.signal("lost", "02:20", end_proof=EndProof.OPERATOR)
    )
    undead = fold(fenced, [build.signal("heartbeat", "02:21")])
    assert proof_of(undead) is EndProof.NONE
    assert at_large_until(undead, build.job()) == build.at("03:51")


def test_a_proof_that_comes_after_the_time_at_large_changes_nothing(build):
    attempt = silent(build, build.attempt("heartbeat 02:10"), "02:10", "02:12")
    proven = fold(attempt, [build.signal("lost", "+1 02:00", end_proof=EndProof.PID_GONE)])
    assert quiet_since(attempt, build.job()) == build.at("03:40")
    assert quiet_since(proven, build.job()) == build.at("03:40")


def test_a_second_proof_changes_nothing(build):
    fenced = silent(build, build.attempt("heartbeat 02:10"), "02:10", "02:12")
    fenced = fold(fenced, [build.signal("lost", "02:20", id="f", end_proof=EndProof.OPERATOR)])
    proven = fold(fenced, [build.signal("lost", "02:30", id="p", end_proof=EndProof.PID_GONE)])
    assert quiet_since(proven, build.job()) == build.at("02:20")


@pytest.mark.parametrize("said", ["created 02:00", "started 02:00"])
def test_an_attempt_that_has_not_ended_is_not_quiet(build, said):
    assert quiet_since(build.attempt(said), build.job()) is None


# The job's own word on effects.


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ([], False),
        ([(False, None)], True),
        ([(True, None)], False),
        ([(False, "table")], False),
        ([(False, "table"), (False, "mail")], True),
        ([(False, "table"), (True, "mail")], False),
        ([(False, None), (True, "mail")], False),
    ],
    ids=["silent", "none", "begun", "one", "both", "one begun", "taken back by one"],
)
def test_an_attempt_said_that_no_effect_began_only_if_it_spoke_of_every_surface(build, notes, said):
    signals = [
        build.signal("effect", f"02:0{n}", effect=EffectNote(begun=begun, surface=surface))
        for n, (begun, surface) in enumerate(notes)
    ]
    attempt = build.attempt("started 02:00", *signals)
    assert said_no_effect(attempt, frozenset({"table", "mail"})) is said


def test_of_no_surfaces_at_all_nothing_was_said(build):
    assert not said_no_effect(build.attempt("started 02:00"), frozenset())


# Silence.


def test_heartbeats_are_expected_where_they_were_declared_or_heard(build):
    quiet, beating = build.attempt("started 02:00"), build.attempt("heartbeat 02:00")
    assert not expects_beats(quiet, build.job())
    assert expects_beats(beating, build.job())
    assert expects_beats(quiet, build.job(heartbeat_within=timedelta(minutes=2)))


def test_an_attempt_that_beat_is_lost_after_a_lease_of_silence(build):
    attempt, job = build.attempt("started 02:00", "heartbeat 02:10"), build.job()
    assert infer_loss(attempt, job, build.due, build.at("02:11:29")) is None
    loss = infer_loss(attempt, job, build.due, build.at("02:30"))
    assert (loss.kind, loss.at, loss.end_proof) == ("lost", build.at("02:11:30"), EndProof.NONE)
    assert loss.reason == "no heartbeat for 1m30s"
    assert state_of(fold(attempt, [loss])) == "lost"


def test_an_attempt_that_never_beat_is_timed_out_once_it_should_have_finished(build):
    attempt, job = build.attempt("started 01:59"), build.job()
    assert infer_loss(attempt, job, build.due, build.at("02:44:59")) is None
    loss = infer_loss(attempt, job, build.due, build.at("02:45"))
    assert (loss.kind, loss.at) == ("timed_out", build.at("02:45"))
    assert loss.reason == "not finished within 45m"


def test_a_replay_has_as_long_as_the_run_itself_had(build):
    attempt = build.attempt(build.signal("started", "+1 10:00", lane=Lane.RERUN))
    assert silence_deadline(attempt, build.job(), build.due) == build.at("+1 10:45")


def test_an_attempt_without_a_slot_counts_from_its_start(build):
    assert silence_deadline(build.attempt("started 10:00"), build.job(), None) == build.at("10:45")


def test_a_lease_of_its_own_holds_where_it_is_longer(build):
    attempt = build.attempt(build.signal("heartbeat", "02:10", lease_until=build.at("03:00")))
    assert silence_deadline(attempt, build.job(), build.due) == build.at("03:00")


@pytest.mark.parametrize("said", [["created 02:00"], ["started 02:00", "failed 02:10"]])
def test_no_silence_is_noticed_of_an_attempt_that_does_not_run(build, said):
    attempt = build.attempt(*said)
    assert silence_deadline(attempt, build.job(), build.due) is None
    assert infer_loss(attempt, build.job(), build.due, build.at("+1 02:00")) is None


def test_whoever_infers_a_loss_says_the_same_thing(build):
    attempt, job = build.attempt("heartbeat 02:10"), build.job()
    early = infer_loss(attempt, job, build.due, build.at("02:12"))
    assert infer_loss(attempt, job, build.due, build.at("09:00")) == early

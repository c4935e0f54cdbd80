"""Nights that go wrong, told as they happen, and what must come out of each."""

from datetime import timedelta

import pytest

from verifier.runs.attempt import fold
from verifier.runs.binding import RunKey
from verifier.runs.declaration import Overlap, WhenUnsure
from verifier.runs.guard import Ask, rule
from verifier.runs.lifecycle import infer_loss
from verifier.runs.looks import ASK_AGAIN
from verifier.runs.signal import EffectNote, EndProof, Progress


def twice(build, word, first, second):
    """A complaint and the second look that confirms it."""
    return [build.look(first, word), build.look(second, word)]


def outcome(stood):
    return stood.verdict, stood.action


@pytest.fixture(scope="module")
def killed(build):
    """All or part of it was written; then it was killed, and only its parent could say so."""
    return build.attempt("started 02:00", build.signal("failed", "02:10", exit_code=137))


def test_a_lost_completion_is_verified_and_a_rerun_round_the_guard_duplicates(build, killed):
    seen = [build.look("02:10:10", "complete")]
    stood = build.stand("02:11", build.job(), [killed], seen)
    assert (stood.reported, *outcome(stood)) == ("failed", "verified", "accept")
    rerun = build.attempt("started 02:20", "succeeded 02:25", name="a2")
    seen += twice(build, "duplicated", "02:25:10", "02:25:20")
    again = build.stand("02:26", build.job(), [killed, rerun], seen)
    assert outcome(again) == ("duplicated", "reconcile_first")
    assert again.false_success


def test_a_lost_completion_whose_scheduler_will_retry_is_stopped_before_it_duplicates(build):
    dying = build.signal("failed", "02:10", next_retry_at=build.at("02:15"))
    seen = [build.look("02:10:10", "complete")]
    for kind, action in [("append", "stop_retries"), ("upsert", "wait")]:
        stood = build.stand("02:11", build.job(kind), [build.attempt(dying)], seen)
        assert outcome(stood) == ("verified", action)


def test_a_run_killed_at_78_percent_is_partial_and_a_replay_of_an_append_is_not_advised(
    build, killed
):
    seen = twice(build, "partial", "02:10:10", "02:10:20")
    assert outcome(build.stand("02:11", build.job(), [killed], seen)) == (
        "partial",
        "reconcile_first",
    )
    assert outcome(build.stand("02:11", build.job("upsert"), [killed], seen)) == (
        "partial",
        "repair_rerun",
    )
    replay = build.attempt("started 02:20", "succeeded 02:25", name="a2")
    seen += twice(build, "duplicated", "02:25:10", "02:25:20")
    stood = build.stand("02:26", build.job(), [killed, replay], seen)
    assert outcome(stood) == ("duplicated", "reconcile_first")


def test_a_run_that_can_resume_from_its_checkpoint_at_78_percent_may(build):
    step = build.signal("progress", "02:09", progress=Progress(done=117, checkpoint="region-117"))
    attempt = build.attempt("started 02:00", step, "failed 02:10")
    seen = twice(build, "partial", "02:10:10", "02:10:20")
    job = build.job(resumable=True)
    assert outcome(build.stand("02:11", job, [attempt], seen)) == ("partial", "resume")


def test_a_zombie_first_attempt_that_writes_after_the_second_began_is_waited_for(build):
    job = build.job()
    zombie = build.attempt("started 02:00", "heartbeat 02:10")
    zombie = fold(zombie, [infer_loss(zombie, job, build.due, build.at("02:12"))])
    second = build.attempt("started 02:20", "succeeded 02:30", name="a2")
    # The second one succeeded and all is there, but the first may still write until 03:40.
    seen = [build.look("02:30:10", "complete")]
    stood = build.stand("02:31", job, [zombie, second], seen)
    assert (stood.state, *outcome(stood)) == ("settling", None, "fence_first")
    assert (stood.effect_now, stood.provisional) == ("complete", True)
    # It did write: what counts is what is there once it cannot any more.
    seen += twice(build, "duplicated", "03:40:10", "03:40:20")
    judged = build.stand("03:41", job, [zombie, second], seen)
    assert outcome(judged) == ("duplicated", "reconcile_first")
    assert judged.false_success


def test_a_success_after_an_attempt_whose_effect_is_unknown_is_ambiguous_on_append(build, killed):
    success = build.attempt("started 02:20", "succeeded 02:25", name="a2")
    seen = [build.look("02:25:10", "unknown")]
    stood = build.stand("02:26", build.job(), [killed, success], seen)
    assert outcome(stood) == ("ambiguous", "reconcile_first")
    assert "replaying_unknown" in [each.condition for each in stood.conditions]
    upsert = build.stand("02:26", build.job("upsert"), [killed, success], seen)
    assert outcome(upsert) == ("unproven", "ask_again")
    note = build.signal("started", "02:00", effect=EffectNote(begun=False))
    harmless = build.attempt(note, "failed 02:10")
    stood = build.stand("02:26", build.job(), [harmless, success], seen)
    assert outcome(stood) == ("unproven", "ask_again")


def test_a_table_proven_while_mail_is_covered_by_no_check_is_not_verified(build):
    done = [build.attempt("started 02:00", "succeeded 02:10")]
    seen = [build.look("02:10:10", "complete")]
    stood = build.stand("02:11", build.table_and_mail(), done, seen)
    assert outcome(stood) == ("unproven", "declare_check")
    covered = build.table_and_mail(mail_checks=("sent",))
    seen = [build.look("02:10:10", "complete", sent="complete")]
    assert outcome(build.stand("02:11", covered, done, seen)) == ("verified", "accept")


def test_a_table_half_written_after_its_mail_was_sent_is_repaired_by_hand(build, killed):
    job = build.table_and_mail(mail_checks=("sent",))
    seen = [build.look(at, "partial", sent="complete") for at in ("02:10:10", "02:10:20")]
    stood = build.stand("02:11", job, [killed], seen)
    assert outcome(stood) == ("partial", "reconcile_first")


@pytest.mark.parametrize("reason", ["expected_empty", "expected_not_ready"])
def test_an_empty_or_half_loaded_expected_set_proves_nothing(build, killed, reason):
    seen = [build.look("02:10:10", build.answer("unknown", reason=reason))]
    done = build.attempt("started 02:00", "succeeded 02:10")
    stood = build.stand("02:11", build.job(), [done], seen)
    assert outcome(stood) == ("unproven", "ask_again")
    assert stood.finding.unknown == (("rows", reason),)
    failed = build.stand("02:11", build.job(), [killed], seen)
    assert outcome(failed) == ("ambiguous", "reconcile_first")


def test_a_check_that_ran_while_the_job_still_wrote_is_provisional(build):
    attempt = build.attempt("started 02:00")
    seen = [build.look("02:05", "partial")]
    stood = build.stand("02:06", build.job(), [attempt], seen)
    assert (stood.state, stood.verdict, stood.provisional) == ("running", None, True)
    assert (stood.effect, stood.effect_now) == ("unknown", "partial")
    # It is heard only later that it had ended: what was seen before does not count.
    done = fold(attempt, [build.signal("succeeded", "02:10")])
    stood = build.stand("02:11", build.job(), [done], seen)
    assert (stood.state, stood.verdict, stood.false_success) == ("settling", None, False)


def test_a_queued_run_is_not_to_be_run_by_hand(build):
    queued = build.attempt("created 02:00", "dispatched 02:01")
    stood = build.stand("02:30", build.job(), [queued])
    assert (stood.reported, stood.state, *outcome(stood)) == ("queued", "waiting", None, "wait")
    assert [each.condition for each in stood.conditions] == ["late"]


@pytest.mark.parametrize(
    ("kind", "word", "action"),
    [
        ("replace", "partial", "wait"),
        ("upsert", "partial", "wait"),
        ("append", "none", "wait"),
        ("append", "partial", "stop_retries"),
        ("append", "unknown", "stop_retries"),
        ("external", "duplicated", "stop_retries"),
    ],
)
def test_a_scheduler_that_will_retry_by_itself_is_let_or_stopped(build, kind, word, action):
    failed = build.attempt(build.signal("failed", "02:10", next_retry_at=build.at("02:30")))
    seen = twice(build, word, "02:10:10", "02:10:20")
    assert build.stand("02:11", build.job(kind), [failed], seen).action == action


def test_of_two_askers_the_one_who_comes_second_is_refused(build):
    missing = {"verdict": None, "advice": "wait", "probe": "none"}
    first = Ask(attempts_known=False, **missing)
    assert rule(first).decision == "allow"
    # The first one's grant is recorded as a claim before it is told.
    grant = build.attempt(build.signal("claimed", "02:00", lease_until=build.at("02:02")))
    job = build.job(overlap=Overlap.FORBID)
    stood = build.stand("02:01", job, [grant])
    second = Ask(
        attempts_known=True,
        verdict=stood.verdict,
        advice=stood.action,
        probe=stood.effect_now,
        active=grant.attempt,
        when_unsure=WhenUnsure.OPEN,
    )
    assert rule(second).decision == "refuse"


@pytest.mark.parametrize(
    ("proof", "at"), [(EndProof.PID_GONE, "02:20"), (EndProof.OPERATOR, "02:30")]
)
def test_a_proof_of_death_ends_the_time_at_large_at_once(build, proof, at):
    silent = build.attempt("heartbeat 02:10", "lost 02:12")
    seen = [build.look("02:13", "partial")]
    assert build.stand("02:14", build.job(), [silent], seen).action == "fence_first"
    dead = fold(silent, [build.signal("lost", at, id="proof", end_proof=proof)])
    stood = build.stand(at, build.job(), [dead], seen)
    assert (stood.state, stood.action) == ("settling", "wait")
    assert stood.next_look.at == build.at(f"{at}:10")
    seen += twice(build, "partial", f"{at}:10", f"{at}:20")
    judged = build.stand(f"{at}:30", build.job(), [dead], seen)
    assert outcome(judged) == ("partial", "reconcile_first")


def test_a_heartbeat_after_a_fence_voids_the_proof_and_the_verdict(build):
    fence = build.signal("lost", "02:20", id="fence", end_proof=EndProof.OPERATOR)
    fenced = build.attempt("heartbeat 02:10", fence)
    seen = [build.look("02:20:10", "complete")]
    assert outcome(build.stand("02:21", build.job(), [fenced], seen)) == ("verified", "accept")
    undead = fold(fenced, [build.signal("heartbeat", "02:25")])
    stood = build.stand("02:26", build.job(), [undead], seen)
    assert (stood.state, *outcome(stood)) == ("settling", None, "fence_first")


def test_a_proof_found_by_the_next_night_keeps_the_verdict_of_this_one(build):
    job = build.job()
    silent = build.attempt("started 02:00", "heartbeat 02:10")
    silent = fold(silent, [infer_loss(silent, job, build.due, build.at("02:12"))])
    seen = twice(build, "partial", "03:40:10", "03:40:20")
    before = build.stand("03:41", job, [silent], seen)
    assert outcome(before) == ("partial", "reconcile_first")
    gone = build.signal("lost", "+1 02:00", id="a1/lost", end_proof=EndProof.PID_GONE)
    after = build.stand("+1 02:01", job, [fold(silent, [gone])], seen)
    assert outcome(after) == outcome(before)
    assert after.completed_at == before.completed_at == build.at("02:11:30")
    assert after.conditions == ()


def reconciled(build, attempts, seen, when):
    finding = build.stand(when, build.job(), attempts, seen).finding
    return build.action("reconcile", when, evidence=finding.digest)


def test_a_reconciled_run_is_reopened_by_a_later_attempt(build, killed):
    seen = twice(build, "partial", "02:10:10", "02:10:20")
    said = [reconciled(build, [killed], seen, "04:00")]
    assert outcome(build.stand("04:01", build.job(), [killed], seen, actions=said)) == (
        "reconciled",
        "accept",
    )
    later = build.attempt("started 05:00", "failed 05:10", name="a2")
    seen += twice(build, "partial", "05:10:10", "05:10:20")
    stood = build.stand("05:11", build.job(), [killed, later], seen, actions=said)
    assert outcome(stood) == ("partial", "reconcile_first")


def test_a_reconciled_run_is_reopened_by_changed_evidence(build, killed):
    seen = twice(build, "partial", "02:10:10", "02:10:20")
    said = [reconciled(build, [killed], seen, "04:00")]
    same = [*seen, build.look("05:00", "partial")]
    assert build.stand("05:01", build.job(), [killed], same, actions=said).verdict == "reconciled"
    changed = [*seen, *twice(build, "duplicated", "06:00", "06:00:10")]
    stood = build.stand("06:01", build.job(), [killed], changed, actions=said)
    assert outcome(stood) == ("duplicated", "reconcile_first")
    repaired = [*seen, build.look("06:00", "complete")]
    stood = build.stand("06:01", build.job(), [killed], repaired, actions=said)
    assert outcome(stood) == ("verified", "accept")


def test_a_skipped_run_is_excused(build):
    said = [build.action("skip", "01:00")]
    stood = build.stand("03:00", build.job(), actions=said)
    assert (stood.state, *outcome(stood)) == ("judged", "excused", "accept")


def test_a_mute_excuses_what_is_missing_only(build, killed):
    mute = [build.action("mute", "01:00", until=build.at("12:00"))]
    seen = twice(build, "none", "02:05", "02:05:10")
    stood = build.stand("02:06", build.job(), looks=seen, actions=mute)
    assert outcome(stood) == ("excused", "accept")
    for word in ("partial", "duplicated"):
        seen = twice(build, word, "02:05", "02:05:10")
        assert build.stand("02:06", build.job(), looks=seen, actions=mute).verdict == word
        seen = twice(build, word, "02:10:10", "02:10:20")
        assert build.stand("02:11", build.job(), [killed], seen, actions=mute).verdict == word
    seen = twice(build, "none", "02:10:10", "02:10:20")
    assert build.stand("02:11", build.job(), [killed], seen, actions=mute).verdict == "absent"


def test_a_grant_that_was_never_used_counts_nowhere(build):
    grant = build.attempt(build.signal("claimed", "02:01", lease_until=build.at("02:03")))
    waiting = build.stand("02:02", build.job(), [grant])
    assert (waiting.reported, waiting.action) == ("queued", "wait")
    seen = twice(build, "none", "02:05", "02:05:10")
    stood = build.stand("02:06", build.job(), [grant], seen)
    assert (stood.reported, *outcome(stood)) == ("none", "missing", "run")
    assert stood.chain_broke_at == "start"


def test_a_source_that_moved_is_a_condition_and_no_worse_verdict(build):
    done = [build.attempt("started 02:00", "succeeded 02:10")]
    good = build.answer("complete", source_sketch="150 regions", destination_sketch="150 rows")
    short = build.answer("partial", source_sketch="151 regions", destination_sketch="150 rows")
    seen = [build.look("02:10:10", good), build.look("02:25", short), build.look("02:25:10", short)]
    stood = build.stand("02:26", build.job(recheck=(timedelta(minutes=15),)), done, seen)
    assert outcome(stood) == ("verified", "accept")
    assert [(str(each.condition), each.since) for each in stood.conditions] == [
        ("source_moved", build.at("02:25"))
    ]
    assert not stood.false_success


def test_a_recheck_revises_a_verdict_for_better_and_for_worse(build, killed):
    job = build.job(recheck=(timedelta(minutes=15), timedelta(hours=6)))
    seen = twice(build, "partial", "02:10:10", "02:10:20")
    stood = build.stand("02:11", job, [killed], seen)
    assert (stood.verdict, stood.next_look.cause) == ("partial", "recheck")
    assert stood.wake_at == stood.next_look.at == build.at("02:25")
    seen.append(build.look("02:25", "complete"))
    better = build.stand("02:26", job, [killed], seen)
    assert (better.verdict, better.next_look.at) == ("verified", build.at("08:10"))
    seen += twice(build, "duplicated", "08:10", "08:10:10")
    assert build.stand("08:11", job, [killed], seen).verdict == "duplicated"


def test_what_could_not_be_asked_is_asked_again_less_often_each_time(build, killed):
    at, seen, waits = build.at("02:10:10"), [], []
    for _ in range(len(ASK_AGAIN) + 1):
        seen.append(build.look(at.strftime("%H:%M:%S"), "unknown"))
        stood = build.stand("02:10:10", build.job(), [killed], seen)
        assert outcome(stood) == ("ambiguous", "reconcile_first")
        if stood.next_look is None:
            break
        assert stood.next_look.cause == "ask_again"
        waits.append(stood.next_look.at - at)
        at = stood.next_look.at
    assert waits == sorted(waits)
    assert waits == list(ASK_AGAIN)
    found = build.look(at.strftime("%H:%M:%S"), "complete")
    assert build.stand("12:00", build.job(), [killed], [*seen[:-1], found]).verdict == "verified"


def test_a_violation_is_believed_after_a_second_look_one_settle_later(build, killed):
    stood = build.stand("02:10:11", build.job(), [killed], [build.look("02:10:10", "partial")])
    assert (stood.state, *outcome(stood)) == ("settling", None, "wait")
    assert (stood.next_look.at, stood.next_look.cause) == (build.at("02:10:20"), "confirm")
    # Delete, then insert: the first look fell between the two.
    seen = [build.look("02:10:10", "none"), build.look("02:10:20", "complete")]
    assert build.stand("02:10:21", build.job(), [killed], seen).verdict == "verified"
    seen = twice(build, "partial", "02:10:10", "02:10:20")
    assert build.stand("02:10:21", build.job(), [killed], seen).verdict == "partial"


def test_nothing_is_missing_while_nobody_had_been_listening(build):
    seen = twice(build, "none", "02:05", "02:05:10")
    blind = build.stand("03:00", build.job(), looks=seen, miss_after=build.at("04:00"))
    assert (blind.state, *outcome(blind)) == ("waiting", None, "wait")
    deaf = build.stand("12:00", build.job(), looks=seen, deaf=True)
    assert (deaf.state, *outcome(deaf)) == ("waiting", None, "wait")
    seen = twice(build, "none", "04:00", "04:00:10")
    caught_up = build.stand("04:01", build.job(), looks=seen, miss_after=build.at("04:00"))
    assert outcome(caught_up) == ("missing", "run")


def test_a_partition_is_covered_by_the_attempt_of_the_whole_job(build):
    north = {"key": RunKey("nightly", build.key.occurrence, "north")}
    whole = {"whole_job": [build.attempt("started 02:00", "failed 02:10")]}
    seen = [build.look("02:10:10", "complete")]
    stood = build.stand("02:11", build.job(), looks=seen, **whole, **north)
    assert (stood.reported, *outcome(stood)) == ("failed", "verified", "accept")
    running = {"whole_job": [build.attempt("started 02:00")]}
    stood = build.stand("02:11", build.job(), looks=seen, **running, **north)
    assert (stood.reported, stood.state, stood.verdict) == ("running", "running", None)


def test_a_green_run_that_wrote_nothing_is_a_false_success(build):
    done = [build.attempt("started 02:00", "succeeded 02:10")]
    stood = build.stand("02:11", build.job(), done, twice(build, "none", "02:10:10", "02:10:20"))
    assert (*outcome(stood), stood.false_success) == ("absent", "retry", True)


def test_a_job_that_breathes_and_does_not_move_is_stopped_before_anything_else(build):
    step = build.signal("progress", "02:05", progress=Progress(done=10))
    attempt = build.attempt("started 02:00", step, "heartbeat 02:20")
    stood = build.stand("02:20:30", build.job(progress_within=timedelta(minutes=10)), [attempt])
    assert (stood.state, stood.action) == ("running", "stop_first")
    assert [str(each.condition) for each in stood.conditions] == ["stalled"]


def test_what_a_queue_may_still_hold_is_not_run_by_hand_where_that_would_repeat_harm(build):
    queued = [build.attempt("dispatched 02:00")]
    seen = twice(build, "none", "02:50", "02:50:20")
    stood = build.stand("03:00", build.job("append"), queued, seen)
    assert outcome(stood) == ("missing", "reconcile_first")
    stood = build.stand("03:00", build.job("replace"), queued, seen)
    assert outcome(stood) == ("missing", "run")


def test_a_chain_is_not_called_broken_while_the_run_still_waits(build):
    assert build.stand("02:01", build.job()).chain_broke_at is None
    assert build.stand("02:30", build.job()).chain_broke_at == "creation"


def test_a_killed_shell_whose_program_lives_on_is_at_large_until_that_is_gone(build):
    killed = build.signal("failed", "02:10", end_proof=EndProof.NONE, reason="signal SIGKILL")
    attempt = build.attempt("started 02:00", killed)
    stood = build.stand("02:11", build.job(), [attempt])
    assert (stood.reported, stood.state, stood.action) == ("failed", "settling", "fence_first")
    gone = build.signal("lost", "02:20", end_proof=EndProof.PID_GONE)
    attempt = build.attempt("started 02:00", killed, gone)
    seen = twice(build, "complete", "02:20:10", "02:20:20")
    stood = build.stand("02:21", build.job(), [attempt], seen)
    assert (stood.reported, *outcome(stood)) == ("failed", "verified", "accept")
    early = twice(build, "none", "02:10:10", "02:10:20")
    stood = build.stand("02:20:05", build.job(), [attempt], early)
    assert (stood.verdict, stood.action) == (None, "wait")


def test_what_a_killed_shell_left_is_given_up_on_after_the_grace(build):
    killed = build.signal("failed", "02:10", end_proof=EndProof.NONE)
    attempt = build.attempt("started 02:00", killed)
    seen = twice(build, "none", "03:40:10", "03:40:20")
    assert outcome(build.stand("03:41", build.job(), [attempt], seen)) == ("absent", "retry")

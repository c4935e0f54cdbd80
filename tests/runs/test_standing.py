"""A run as it stands: what of all that is known of it counts, and until when."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.attempt import Told, fold
from verifier.runs.binding import RunKey
from verifier.runs.contact import Contact
from verifier.runs.declaration import Overlap
from verifier.runs.evaluation import PartitionCount
from verifier.runs.signal import EffectNote, EndProof, Progress
from verifier.runs.standing import finding_of, standing
from verifier.runs.verdict import Verdict

ENDED = ("started 02:00", "failed 02:10")
ANONYMOUS = "~2026-04-03T02:00:00Z"


def twice(build, word, *at):
    """A complaint and the second look that confirms it."""
    return [build.look(each, word) for each in at or ("02:10:10", "02:10:20")]


def grant(build, when="02:00", until="02:02", name="g"):
    return build.attempt(
        build.signal("claimed", when, attempt=name, lease_until=build.at(until)),
    )


# When nobody came.


def test_before_an_attempt_should_have_started_the_run_waits(build):
    stood = build.stand("02:04:59", build.job())
    assert (stood.state, stood.verdict, stood.action) == ("waiting", None, "wait")
    assert stood.wake_at == build.at("02:05")


def test_after_that_the_destination_is_asked_before_the_run_is_called_missing(build):
    stood = build.stand("02:05", build.job())
    assert (stood.state, stood.verdict) == ("settling", None)
    assert (stood.next_look.at, stood.next_look.cause) == (build.at("02:05"), "miss")
    assert stood.wake_at == build.at("02:05")
    judged = build.stand("02:06", build.job(), looks=twice(build, "none", "02:05", "02:05:10"))
    assert (judged.verdict, judged.chain_broke_at, judged.action) == ("missing", "creation", "run")


def test_a_job_without_checks_is_missing_as_soon_as_it_should_have_started(build):
    assert build.stand("02:04", build.job(checks=())).wake_at == build.at("02:05")
    stood = build.stand("02:05", build.job(checks=()))
    assert (stood.verdict, stood.action) == ("missing", "reconcile_first")


@pytest.mark.parametrize("more", [{"expected": False}, {"deaf": True}])
def test_a_run_that_nobody_expects_or_that_we_could_not_hear_is_never_missing(build, more):
    looks = twice(build, "none", "02:05", "02:05:10")
    assert build.stand("23:00", build.job(), looks=looks, **more).state == "waiting"
    assert build.stand("23:00", build.job(checks=()), **more).state == "waiting"
    unknown = [build.look("02:05", "unknown")]
    assert build.stand("23:00", build.job(), looks=unknown, **more).state == "waiting"


def test_nobody_is_asked_for_a_run_that_nobody_expects_or_while_nobody_can_hear_it(build):
    again = build.at("02:30")
    for more in ({"expected": False}, {"expected": False, "heard_again": again}, {}):
        stood = build.stand("23:00", build.job(), deaf=True, **more)
        assert (stood.next_look, stood.wake_at) == (None, None)


@pytest.mark.parametrize(
    ("heard", "asked"), [("02:30", "02:45"), ("02:45", "02:45:10"), ("09:00", "09:00:10")]
)
def test_for_a_run_that_we_could_not_hear_the_destination_is_asked_once_it_should_be_done(
    build, heard, asked
):
    known = {"deaf": True, "heard_again": build.at(heard)}
    stood = build.stand("02:01", build.job(), **known)
    when = build.at(asked)
    assert (stood.next_look.at, stood.next_look.cause, stood.wake_at) == (when, "miss", when)
    early = twice(build, "none", "02:05", "02:05:10")
    assert build.stand("02:10", build.job(), looks=early, **known).next_look.at == when


def unheard(build, now, job=None, looks=(), **more):
    """A run that nobody could hear: somebody listens since 02:30, and it has until 02:45."""
    known = {"deaf": True, "heard_again": build.at("02:30")} | more
    return build.stand(now, job or build.job(), looks=looks, **known)


@pytest.mark.parametrize("word", ["none", "unknown"])
@pytest.mark.parametrize(
    ("kind", "action"),
    [("replace", "repair_rerun"), ("append", "reconcile_first"), ("external", "reconcile_first")],
)
def test_a_run_that_nobody_could_hear_and_that_shows_nothing_may_have_run(
    build, kind, action, word
):
    seen = twice(build, word, "10:00", "10:00:10")
    stood = unheard(build, "10:01", build.job(kind=kind), seen)
    assert (stood.state, stood.verdict, stood.action) == ("judged", "ambiguous", action)
    assert (stood.chain_broke_at, stood.conditions, stood.false_success) == (None, (), False)


def test_what_it_showed_before_it_should_be_done_is_no_verdict(build):
    early = twice(build, "none", "02:05", "02:05:10")
    assert unheard(build, "02:44:59", looks=early).state == "waiting"
    stood = unheard(build, "02:45", looks=early)
    assert (stood.state, stood.verdict, stood.next_look.at) == ("settling", None, build.at("02:45"))
    assert unheard(build, "02:46", looks=[*early, build.look("02:45", "none")]).verdict == (
        "ambiguous"
    )


def test_a_run_that_nobody_could_hear_of_a_job_without_checks_is_not_checked(build):
    job = build.job(checks=())
    stood = unheard(build, "02:44:59", job)
    assert (stood.state, stood.wake_at) == ("waiting", build.at("02:45"))
    stood = unheard(build, "02:45", job)
    assert (stood.verdict, stood.action, stood.wake_at) == ("unproven", "declare_check", None)


def test_it_is_in_doubt_only_once_its_source_was_heard_beyond_its_end(build):
    job, seen = build.job(source="hostcron"), twice(build, "none", "02:45", "02:45:10")
    behind = Contact(until=build.at("02:44"), due=build.at("02:46"))
    stood = unheard(build, "02:45:30", job, seen, contact=behind)
    assert (stood.state, stood.verdict, stood.wake_at) == ("waiting", None, build.at("02:46"))
    gone = Contact(until=build.at("02:44"), due=build.at("02:45"))
    assert unheard(build, "09:00", job, seen, contact=gone).state == "waiting"
    heard = Contact(until=build.at("02:45"), due=build.at("02:47"))
    assert unheard(build, "02:45:30", job, seen, contact=heard).verdict == "ambiguous"


@pytest.mark.parametrize("word", ["partial", "complete", "duplicated"])
def test_of_such_a_run_it_is_told_what_the_destination_shows(build, word):
    looks = twice(build, word, "02:05", "02:05:10")
    stood = build.stand("23:00", build.job(), looks=looks, expected=False)
    assert stood.verdict == ("verified" if word == "complete" else word)
    totals = build.job(checks=(build.check("totals", says_effect=False),), surfaces=())
    wrong = [build.look(at, totals="violated") for at in ("02:05", "02:05:10")]
    assert build.stand("23:00", totals, looks=wrong, expected=False).verdict == "wrong"


def test_a_run_made_by_hand_is_never_missing(build):
    key = RunKey("nightly", "~a1")
    stood = build.stand("23:00", build.job(), [grant(build)], key=key, interval=None)
    assert (stood.state, stood.reported) == ("waiting", "none")


def test_silence_proves_nothing_before_we_had_caught_up(build):
    late = {"miss_after": build.at("05:00"), "looks": twice(build, "none", "02:05", "02:05:10")}
    stood = build.stand("04:59", build.job(), **late)
    assert (stood.state, stood.wake_at) == ("waiting", build.at("05:00"))
    assert stood.conditions == ()  # not late either
    assert [
        str(each.condition) for each in build.stand("05:00", build.job(), **late).conditions
    ] == ["late"]
    assert build.stand("05:00", build.job(), **late).next_look.at == build.at("05:00")
    early = late | {"miss_after": build.at("01:00")}
    assert build.stand("02:04", build.job(), **early).wake_at == build.at("02:05")
    assert build.stand("02:06", build.job(), **early).verdict == "missing"


# Attempts.


@pytest.mark.parametrize(
    ("said", "state", "action"),
    [
        ("created 02:00", "waiting", "wait"),
        ("started 02:00", "running", "wait"),
        ("failed 02:10", "settling", "wait"),
    ],
)
def test_there_is_no_verdict_while_an_attempt_may_start_or_write_or_has_just_ended(
    build, said, state, action
):
    stood = build.stand("02:10:05", build.job(), [build.attempt(said)])
    assert (stood.state, stood.verdict, stood.action) == (state, None, action)


def test_an_attempt_at_large_leaves_the_run_settling(build):
    zombie = build.attempt("heartbeat 02:10", "lost 02:12")
    stood = build.stand("02:13", build.job(), [zombie], [build.look("02:13", "partial")])
    assert (stood.state, stood.verdict, stood.action) == ("settling", None, "fence_first")
    assert (stood.effect, stood.effect_now, stood.provisional) == ("unknown", "partial", True)
    assert stood.wake_at == build.at("03:40")
    unchecked = build.stand("02:13", build.job(checks=()), [zombie])
    assert (unchecked.state, unchecked.verdict) == ("settling", None)
    assert build.stand("03:40", build.job(checks=()), [zombie]).verdict == "ambiguous"


def test_a_void_grant_counts_nowhere(build):
    job, looks = build.job(), twice(build, "none")
    failed = build.attempt("started 02:00", "failed 02:10")
    late = grant(build, "02:20", "02:22")
    assert build.stand("02:21", job, [failed, late], looks).reported == "queued"
    stood = build.stand("02:23", job, [failed, late], looks)
    assert (stood.reported, stood.verdict) == ("failed", "absent")
    alone = build.stand("02:23", build.job(checks=()), [grant(build)])
    assert (alone.reported, alone.verdict, alone.chain_broke_at) == ("none", "missing", "start")


@pytest.mark.parametrize("condition", ["stalled", "overdue"])
def test_an_attempt_that_is_stuck_is_to_be_stopped_first(build, condition):
    within = {"progress_within": timedelta(minutes=5)} if condition == "stalled" else {}
    now = "02:20" if condition == "stalled" else "02:50"
    stood = build.stand(now, build.job(**within), [build.attempt("started 02:00")])
    assert condition in [each.condition for each in stood.conditions]
    assert (stood.state, stood.action) == ("running", "stop_first")


def test_a_healthy_replay_of_an_old_run_is_not_to_be_stopped(build):
    replay = build.attempt(build.signal("started", "+1 10:00", lane="rerun"))
    assert build.stand("+1 10:30", build.job(), [replay]).action == "wait"


def test_a_false_success_is_reported_and_not_there(build):
    done = build.attempt("started 02:00", "succeeded 02:10")
    stood = build.stand("02:20", build.job(), [done], twice(build, "partial"))
    assert (stood.reported, stood.verdict, stood.false_success) == ("succeeded", "partial", True)
    failed = build.attempt(*ENDED)
    assert not build.stand("02:20", build.job(), [failed], twice(build, "partial")).false_success


def test_a_verdict_names_the_evaluation_that_it_rests_on(build):
    looks = twice(build, "partial")
    stood = build.stand("02:20", build.job(), [build.attempt(*ENDED)], looks)
    assert stood.judged_by is looks[1]
    assert stood.finding == finding_of(build.facts(build.job()), looks[1])
    assert stood.effect == stood.effect_now == "partial"


def test_work_was_complete_at_the_last_end_or_where_nothing_ended_when_it_was_seen(build):
    good = [build.look("02:20:10", "complete")]
    attempts = [build.attempt(*ENDED), build.attempt("succeeded 02:20", name="a2")]
    assert build.stand("02:30", build.job(), attempts, good).completed_at == build.at("02:20")
    seen = build.stand("02:30", build.job(), looks=good)
    assert (seen.verdict, seen.useful, seen.completed_at) == (
        "verified",
        True,
        build.at("02:20:10"),
    )
    assert build.stand("02:30", build.job()).completed_at is None


def test_a_checkpoint_is_trusted_where_nothing_is_surplus(build):
    job = build.job(resumable=True)
    step = build.signal("progress", "02:05", progress=Progress(checkpoint="78"))
    attempt = build.attempt("started 02:00", step, "failed 02:10")
    assert build.stand("02:20", job, [attempt], twice(build, "partial")).action == "resume"
    for extra in ({"surplus": 1}, {"unexpected": 1}):
        odd = [build.look(at, build.answer("partial", **extra)) for at in ("02:10:10", "02:10:20")]
        assert build.stand("02:20", job, [attempt], odd).action == "reconcile_first"
    silent = build.attempt(*ENDED)
    assert build.stand("02:20", job, [silent], twice(build, "partial")).action == "reconcile_first"


def test_keys_seen_unexpected_are_not_forgotten_by_a_look_that_knows_less(build):
    step = build.signal("progress", "02:05", progress=Progress(checkpoint="78"))
    attempt = build.attempt("started 02:00", step, "failed 02:10")
    odd = [build.look(at, build.answer("partial", unexpected=1)) for at in ("02:10:10", "02:10:20")]
    looks = [*odd, build.look("02:30", "unknown")]
    stood = build.stand("02:40", build.job(resumable=True), [attempt], looks)
    assert (stood.verdict, stood.action) == ("partial", "reconcile_first")


def test_an_unconfirmed_complaint_holds_back_a_retry_that_was_safe_before_it(build):
    looks = [*twice(build, "none"), build.look("02:30", "partial")]
    stood = build.stand("02:30:05", build.job(), [build.attempt(*ENDED)], looks)
    assert (stood.verdict, stood.provisional, stood.action) == ("absent", True, "wait")
    assert (stood.effect, stood.effect_now) == ("none", "partial")


def test_where_runs_coalesce_only_the_newest_is_run(build):
    job, looks = build.job(overlap=Overlap.COALESCE), twice(build, "none", "02:05", "02:05:10")
    assert build.stand("02:06", job, looks=looks).action == "run"
    assert build.stand("02:06", job, looks=looks, newest=False).action == "wait"


# The scheduler's retries.


def test_a_retry_pending_is_a_reason_to_wake(build):
    failed = build.attempt(build.signal("failed", "02:10", next_retry_at=build.at("02:40")))
    looks = twice(build, "none")
    stood = build.stand("02:20", build.job(), [failed], looks)
    assert (stood.verdict, stood.action, stood.wake_at) == ("absent", "wait", build.at("02:40"))
    assert build.stand("02:46", build.job(), [failed], looks).action == "retry"


# What a person said.


def closed(build, kind, at="03:00", evidence_of=None, **more):
    finding = evidence_of and finding_of(build.facts(build.job()), evidence_of)
    return build.action(kind, at, evidence=finding.digest if finding else None, **more)


def test_a_reconciled_run_stays_so_while_the_evidence_does(build):
    looks = twice(build, "partial")
    said = closed(build, "reconcile", evidence_of=looks[1])
    stood = build.stand("03:01", build.job(), [build.attempt(*ENDED)], looks, actions=[said])
    assert (stood.state, stood.verdict, stood.action) == ("judged", "reconciled", "accept")
    assert not stood.useful


def test_a_reconciled_run_counts_as_useful_only_if_the_person_said_so(build):
    looks = twice(build, "partial")
    said = closed(build, "reconcile", evidence_of=looks[1], counts_as_useful=True)
    stood = build.stand("03:01", build.job(), [build.attempt(*ENDED)], looks, actions=[said])
    assert stood.useful


def test_an_action_on_another_run_closes_nothing(build):
    looks = twice(build, "partial")
    said = closed(build, "reconcile", evidence_of=looks[1], run_id="another")
    stood = build.stand("03:01", build.job(), [build.attempt(*ENDED)], looks, actions=[said])
    assert stood.verdict == "partial"


@pytest.mark.parametrize("kind", ["reconcile", "skip"])
def test_a_later_attempt_reopens_a_closed_run(build, kind):
    looks = twice(build, "partial")
    said = closed(build, kind, evidence_of=looks[1])
    later = build.attempt("started 03:30", name="a2")
    stood = build.stand("03:31", build.job(), [build.attempt(*ENDED), later], looks, actions=[said])
    assert (stood.state, stood.verdict) == ("running", None)
    done = fold(later, [build.signal("failed", "03:32", attempt="a2")])
    looks = [*looks, *twice(build, "partial", "03:32:10", "03:32:20")]
    stood = build.stand("03:40", build.job(), [build.attempt(*ENDED), done], looks, actions=[said])
    assert stood.verdict == "partial"


def test_an_attempt_that_was_queued_before_and_starts_later_reopens_it_too(build):
    said = closed(build, "skip")
    queued = build.attempt("created 02:00")
    assert build.stand("03:01", build.job(), [queued], actions=[said]).reported == "none"
    started = fold(queued, [build.signal("started", "03:30")])
    assert build.stand("03:31", build.job(), [started], actions=[said]).state == "running"


def test_an_anonymous_attempt_that_runs_again_reopens_it_too(build):
    looks = twice(build, "partial")
    said = closed(build, "reconcile", evidence_of=looks[1])
    attempt = build.attempt(*ENDED, name=ANONYMOUS)
    assert build.stand("03:01", build.job(), [attempt], looks, actions=[said]).verdict is not None
    again = fold(
        attempt,
        [
            build.signal("started", "03:30", attempt=ANONYMOUS),
            build.signal("failed", "03:31", attempt=ANONYMOUS),
        ],
    )
    stood = build.stand("03:32", build.job(), [again], looks, actions=[said])
    assert (stood.state, stood.verdict) == ("settling", None)


def test_a_void_grant_reopens_nothing(build):
    looks = twice(build, "partial")
    said = closed(build, "reconcile", evidence_of=looks[1])
    attempts = [build.attempt(*ENDED), grant(build, "03:30", "03:32")]
    assert build.stand("03:40", build.job(), attempts, looks, actions=[said]).verdict == (
        "reconciled"
    )


def test_changed_evidence_reopens_a_reconciled_run(build):
    looks = twice(build, "partial")
    said = closed(build, "reconcile", evidence_of=looks[1])
    worse = [*looks, *twice(build, "duplicated", "04:00", "04:00:10")]
    stood = build.stand("04:01", build.job(), [build.attempt(*ENDED)], worse, actions=[said])
    assert stood.verdict == "duplicated"


def test_a_run_reconciled_before_anything_was_seen_is_reopened_by_what_is_seen(build):
    said = closed(build, "reconcile")
    attempt = build.attempt(*ENDED)
    assert build.stand("03:01", build.job(), [attempt], actions=[said]).verdict == "reconciled"
    looks = twice(build, "partial", "03:10", "03:10:10")
    assert build.stand("03:11", build.job(), [attempt], looks, actions=[said]).verdict == "partial"


def test_a_run_closed_while_an_attempt_is_alive_is_not_advised_as_finished(build):
    said = closed(build, "reconcile")
    stood = build.stand("03:01", build.job(), [build.attempt("started 02:59")], actions=[said])
    assert (stood.verdict, stood.action) == ("reconciled", "wait")


def test_an_operator_skips_a_run_once_nobody_writes(build):
    said = closed(build, "skip", at="02:30")
    assert build.stand("02:31", build.job(), actions=[said]).verdict == "excused"
    ended = build.attempt(*ENDED)
    stood = build.stand("02:31", build.job(), [ended], twice(build, "partial"), actions=[said])
    assert stood.verdict == "excused"
    for said_of_it in (["started 02:00"], ["heartbeat 02:10", "lost 02:12"]):
        attempt = build.attempt(*said_of_it)
        assert build.stand("02:31", build.job(), [attempt], actions=[said]).verdict is None


def test_a_run_that_the_scheduler_skipped_is_excused_if_nobody_tried_it(build):
    skipped = Told(build.at("02:00"), "s", "paused")
    assert build.stand("02:00", build.job(), skipped=skipped).verdict == "excused"
    ended = build.attempt(*ENDED)
    stood = build.stand("02:30", build.job(), [ended], twice(build, "partial"), skipped=skipped)
    assert stood.verdict == "partial"


def test_a_run_is_excused_if_the_run_that_answers_for_it_is_verified(build):
    superseded = build.attempt("started 02:00", "cancelled 02:10")
    for attempts in ([], [superseded]):
        stood = build.stand("02:30", build.job(), attempts, answered_by_newer=True)
        assert stood.verdict == "excused"
    alive = [build.attempt("started 02:00")]
    assert build.stand("02:30", build.job(), alive, answered_by_newer=True).verdict is None


def test_a_run_that_is_verified_by_itself_needs_no_excuse(build):
    looks = [build.look("02:05", "complete")]
    for attempts in ([], [build.attempt("started 02:00", "succeeded 02:04")]):
        stood = build.stand("02:30", build.job(), attempts, looks, answered_by_newer=True)
        assert stood.verdict == "verified"


def test_where_runs_coalesce_a_run_is_excused_once_its_own_checks_hold_after_a_later_one(build):
    checks = (build.check("fresh", says_effect=False),)
    job = build.job("upsert", checks=checks, overlap=Overlap.COALESCE)

    def verdict(*looks, **more):
        return build.stand("04:00", job, looks=looks, **more).verdict

    before = build.look("02:05", fresh="holds")
    newer = {"newer_verified_at": build.at("03:10"), "newest": False}
    assert verdict(before) == "missing"
    assert verdict(before, **newer) == "missing"
    assert verdict(before, build.look("03:10:01", fresh="holds")) == "missing"
    assert verdict(before, build.look("03:10:01", fresh="holds"), **newer) == "excused"
    violated = [build.look(when, fresh="violated") for when in ("03:10:01", "03:10:30")]
    assert verdict(before, *violated, **newer) == "wrong"


def test_a_mute_said_in_time_excuses_what_is_missing_and_nothing_else(build):
    mute = build.action("mute", "01:00", until=build.at("12:00"))
    looks = twice(build, "none", "02:05", "02:05:10")
    assert build.stand("02:30", build.job(), looks=looks, actions=[mute]).verdict == "excused"
    late = build.action("mute", "02:01", until=build.at("12:00"))
    assert build.stand("02:30", build.job(), looks=looks, actions=[late]).verdict == "missing"
    ended = build.attempt(*ENDED)
    damage = build.stand("02:30", build.job(), [ended], twice(build, "partial"), actions=[mute])
    assert damage.verdict == "partial"


# Partitions: whoever covers all of them may write to each.


@pytest.fixture(scope="module")
def north(build):
    """The same run of one partition."""
    return {"key": RunKey("nightly", build.key.occurrence, "north")}


def test_a_partition_without_attempts_reports_what_the_whole_job_did(build, north):
    whole = [build.attempt(*ENDED)]
    stood = build.stand("02:20", build.job(), looks=twice(build, "none"), whole_job=whole, **north)
    assert (stood.reported, stood.verdict, stood.chain_broke_at) == ("failed", "absent", None)


def test_a_partition_with_attempts_reports_its_own(build, north):
    own = [build.attempt("started 02:05", "succeeded 02:06", name="own")]
    stood = build.stand(
        "02:20",
        build.job(),
        own,
        [build.look("02:10:10", "complete")],
        whole_job=[build.attempt(*ENDED)],
        **north,
    )
    assert (stood.reported, stood.verdict) == ("succeeded", "verified")


def test_a_whole_job_attempt_that_is_alive_or_at_large_may_write_to_every_partition(build, north):
    own = [build.attempt("started 02:05", "succeeded 02:06", name="own")]
    looks = [build.look("02:10", "complete")]
    running = build.stand(
        "02:20", build.job(), own, looks, whole_job=[build.attempt("started 02:00")], **north
    )
    assert (running.reported, running.state, running.verdict) == ("running", "running", None)
    zombie = build.attempt("heartbeat 02:10", "lost 02:12")
    settling = build.stand("02:20", build.job(), own, looks, whole_job=[zombie], **north)
    assert (settling.state, settling.action) == ("settling", "fence_first")


def test_a_success_over_an_unknown_attempt_at_the_whole_job_is_ambiguous(build, north):
    own = [build.attempt("started 04:00", "succeeded 04:05", name="own")]
    stood = build.stand(
        "04:20",
        build.job(),
        own,
        [build.look("04:05:10", "unknown")],
        whole_job=[build.attempt(*ENDED)],
        **north,
    )
    assert (stood.verdict, stood.action) == ("ambiguous", "reconcile_first")


def test_a_partition_waits_for_what_time_brings_to_the_whole_job(build, north):
    retried = build.attempt(build.signal("failed", "02:10", next_retry_at=build.at("02:40")))
    looks = twice(build, "none")
    stood = build.stand("02:20", build.job(), looks=looks, whole_job=[retried], **north)
    assert (stood.action, stood.wake_at) == ("wait", build.at("02:40"))
    queued = grant(build, "02:00", "02:30")
    waiting = build.stand("02:20", build.job(), whole_job=[queued], **north)
    assert (waiting.state, waiting.wake_at) == ("waiting", build.at("02:30"))


def test_a_later_attempt_at_the_whole_job_reopens_a_closed_partition(build, north):
    run_id = north["key"].run_id
    said = closed(build, "reconcile", run_id=run_id)
    whole = [build.attempt("started 03:30")]
    assert build.stand("03:01", build.job(), actions=[said], **north).verdict == "reconciled"
    stood = build.stand("03:31", build.job(), whole_job=whole, actions=[said], **north)
    assert (stood.state, stood.verdict) == ("running", None)


# When time alone may change something.


def test_a_silent_attempt_is_a_reason_to_wake_at_its_deadline_and_then_at_once(build):
    attempt = [build.attempt("heartbeat 02:10")]
    assert build.stand("02:10:30", build.job(), attempt).wake_at == build.at("02:11:30")
    assert build.stand("02:15", build.job(), attempt).wake_at == build.at("02:15")


def test_nothing_wakes_a_run_that_is_judged_for_good(build):
    stood = build.stand(
        "02:20", build.job(), [build.attempt(*ENDED)], [build.look("02:10:10", "complete")]
    )
    assert (stood.verdict, stood.wake_at) == ("verified", None)


# Whatever is known.

MINUTES = [f"0{2 + n // 60}:{n % 60:02}" for n in range(0, 150, 3)]
minutes = st.sampled_from(MINUTES)


@st.composite
def tries(draw, build, name):
    """An attempt, and from when on it could not write: None while it may."""
    start = draw(st.integers(0, len(MINUTES) - 10))
    heard = start + draw(st.integers(0, 5))
    end = heard + draw(st.integers(0, 4))
    said = [build.signal("started", MINUTES[start], attempt=name)]
    if heard > start:
        note = draw(st.none() | st.builds(EffectNote, begun=st.booleans()))
        said.append(build.signal("heartbeat", MINUTES[heard], attempt=name, effect=note))
    kind = draw(st.sampled_from([None, "succeeded", "failed", "cancelled", "lost", "timed_out"]))
    retry = draw(st.none() | st.just(build.at("04:00")))
    if kind is None:
        return build.attempt(*said), None
    said.append(
        build.signal(kind, MINUTES[end], attempt=name, next_retry_at=retry),
    )
    quiet = build.at(MINUTES[end])
    if kind in ("lost", "timed_out"):
        quiet = max(quiet, build.at(MINUTES[heard]) + build.job().zombie_grace)
        if draw(st.booleans()):
            said.append(
                build.signal(
                    "lost", MINUTES[end], attempt=name, id=f"{name}/p", end_proof=EndProof.OPERATOR
                )
            )
            quiet = build.at(MINUTES[end])
    return build.attempt(*said), quiet


@st.composite
def worlds(draw, build):
    """Facts, when the last attempt fell quiet (None: not yet), and an instant to judge at."""
    made = [draw(tries(build, name)) for name in draw(st.sampled_from(["", "a", "ab", "abc"]))]
    words = st.sampled_from(["none", "partial", "complete", "duplicated", "unknown"])
    quality = st.sampled_from(["holds", "violated", "unknown"])
    checks = (build.check(), build.check("totals", says_effect=False))
    job = build.job(
        draw(st.sampled_from(["none", "replace", "upsert", "append", "external"])),
        checks=draw(st.sampled_from([checks, checks[:1], ()])),
        overlap=draw(st.sampled_from([Overlap.ALLOW, Overlap.FORBID])),
        recheck=draw(st.sampled_from([(), (timedelta(minutes=15),)])),
        resumable=draw(st.booleans()),
    )
    times = draw(st.lists(minutes, max_size=6, unique=True).map(sorted))
    looks = [build.look(at, rows=draw(words), totals=draw(quality)) for at in times]
    facts = build.facts(
        job,
        [attempt for attempt, _ in made],
        looks,
        expected=draw(st.booleans()),
        actions=draw(st.sampled_from([(), (build.action("skip", "02:30"),)])),
    )
    quiet = [moment for _, moment in made]
    told = [end.at for attempt, _ in made for end in attempt.ends]
    told += [attempt.heard for attempt, _ in made] + [look.started_at for look in looks]
    now = max([build.at(draw(minutes)), *told])
    return facts, quiet, now


@given(st.data())
def test_every_run_stands_somewhere_and_is_judged_exactly_where_it_has_a_verdict(build, data):
    facts, _, now = data.draw(worlds(build))
    stood = standing(facts, now)
    assert (stood.verdict is None) is (stood.state != "judged")
    assert not stood.false_success or stood.reported == "succeeded"
    assert not stood.useful or stood.verdict == "verified"
    assert stood.action != "accept" or stood.verdict in ("verified", "excused")


@given(st.data())
def test_the_order_of_attempts_changes_nothing(build, data):
    facts, _, now = data.draw(worlds(build))
    other = msgspec.structs.replace(facts, attempts=data.draw(st.permutations(facts.attempts)))
    assert standing(other, now) == standing(facts, now)


@given(st.data())
def test_no_evaluation_made_while_an_attempt_could_write_sets_a_verdict(build, data):
    facts, quiet, now = data.draw(worlds(build))
    stood = standing(facts, now)
    if stood.judged_by is not None:
        assert all(moment is not None for moment in quiet)
        assert all(
            moment + facts.declaration.settle <= stood.judged_by.started_at for moment in quiet
        )


@given(st.data())
def test_no_work_is_started_while_an_attempt_could_write(build, data):
    facts, quiet, now = data.draw(worlds(build))
    if any(moment is None or now < moment for moment in quiet):
        assert standing(facts, now).action in ("wait", "stop_first", "fence_first")


@given(st.data())
def test_between_now_and_its_waking_nothing_changes_by_time_alone(build, data):
    facts, _, now = data.draw(worlds(build))
    stood = standing(facts, now)
    until = stood.wake_at or now + timedelta(days=2)
    seconds = max(0, int((until - now).total_seconds()) - 1)
    later = standing(facts, now + timedelta(seconds=data.draw(st.integers(0, seconds))))
    assert (later.state, later.verdict, later.reported) == (
        stood.state,
        stood.verdict,
        stood.reported,
    )
    assert (later.effect, later.provisional, later.next_look) == (
        stood.effect,
        stood.provisional,
        stood.next_look,
    )


@given(st.data())
def test_a_mute_never_hides_damage(build, data):
    facts, _, now = data.draw(worlds(build))
    mute = build.action("mute", "00:00", until=build.at("23:00"))
    muted = standing(msgspec.structs.replace(facts, actions=[*facts.actions, mute]), now)
    plain = standing(facts, now)
    if plain.verdict == "missing":
        assert muted.verdict == "excused"
    else:
        assert muted == plain


# A run of all partitions, and what became of its exceptions.


@pytest.fixture
def parted(build):
    """Judges a run of three partitions, of which a and b have a part, by the verdicts of those."""
    checks = (build.check(apart=True), build.check("total", type="reconcile", says_effect=False))
    job = build.job(partition_name="tenant", checks=checks)

    def judge(total="holds", actions=(), *, strange=0, holding=1, **parts):
        count = PartitionCount(total=3, holding=holding, exceptions=("a", "b"), strange=strange)
        looks = [
            msgspec.structs.replace(build.look(when, rows="partial", total=total), partitions=count)
            for when in ("02:10:10", "02:10:20")
        ]
        evidence = finding_of(build.facts(job), looks[1]).digest
        said = [build.action(each, "03:00", evidence=evidence) for each in actions]
        words = {name: word and Verdict(word) for name, word in parts.items()}
        facts = build.facts(job, [build.attempt(*ENDED)], looks, parts=words, actions=said)
        return standing(facts, build.at("03:01"))

    return judge


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ("reconciled", "verified", "reconciled"),
        ("reconciled", "excused", "excused"),
        ("verified", "verified", "verified"),
        ("reconciled", "absent", "partial"),
        ("duplicated", "absent", "partial"),
        ("reconciled", None, "partial"),
    ],
)
def test_a_run_of_all_is_closed_once_each_exception_is(parted, a, b, verdict):
    assert parted(a=a, b=b).verdict == verdict


def test_an_exception_without_a_run_of_its_own_keeps_the_run_of_all_open(parted):
    assert parted(a="reconciled").verdict == "partial"
    assert parted(a="reconciled", b="reconciled", holding=0).verdict == "partial"


def test_what_no_exception_explains_keeps_the_run_of_all_open(parted):
    assert parted(a="reconciled", b="reconciled", strange=1).verdict == "partial"
    assert parted(a="reconciled", b="reconciled", total="violated").verdict == "partial"
    assert parted(a="reconciled", b="reconciled", total="unknown").verdict == "partial"


def test_a_run_of_all_that_a_person_closed_is_closed_whatever_no_exception_explains(parted):
    stood = parted("violated", ["reconcile"], strange=1, a="reconciled", b="verified")
    assert stood.verdict == "reconciled"
    assert parted(actions=["reconcile"], a=None).verdict == "reconciled"


def test_a_run_of_all_that_a_person_closed_opens_with_any_exception(parted):
    assert parted(actions=["reconcile"], a="reconciled", b="absent").verdict == "partial"


def test_who_skips_all_skips_each_and_who_reconciles_all_saw_nothing_of_one(build, north):
    looks = twice(build, "partial")
    ended = build.attempt(*ENDED)
    for kind, verdict in (("skip", "excused"), ("reconcile", "partial")):
        said = closed(build, kind, evidence_of=looks[1])
        facts = build.facts(build.job(), [ended], looks, actions=[said], **north)
        assert standing(facts, build.at("03:01")).verdict == verdict

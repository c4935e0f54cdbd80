"""Conditions: each when it holds, since when, and when it does not."""

from datetime import timedelta

import pytest

from verifier.runs.attempt import fold
from verifier.runs.conditions import (
    ConditionName,
    Situation,
    at_work,
    conditions,
    retry_at,
    unresolved,
)
from verifier.runs.declaration import Overlap
from verifier.runs.signal import EffectNote, EndProof, Lane, Progress

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def holding(build):
    """The conditions of the night's run at ``now``, as ``{name: since}``."""

    def find(now, *attempts, job=None, **more):
        fields = {"due": build.due, "interval": timedelta(days=1)} | more
        situation = Situation(
            declaration=job or build.job(), attempts=attempts, now=build.at(now), **fields
        )
        found = conditions(situation)
        assert [each.condition for each in found] == sorted(
            (each.condition for each in found), key=list(ConditionName).index
        )
        return {str(each.condition): each.since.strftime("%H:%M:%S") for each in found}

    return find


# Punctuality.


def test_a_run_is_late_once_it_should_have_started(build, holding):
    assert holding("02:04:59") == {}
    assert holding("02:05") == {"late": "02:05:00"}
    assert holding("02:05", build.attempt("created 02:00")) == {"late": "02:05:00"}
    assert holding("02:05", build.attempt("started 02:04")) == {}
    assert "late" not in holding("02:05", build.attempt("failed 02:04"))


def test_a_run_whose_start_nobody_could_hear_is_not_late(build, holding):
    assert "late" not in holding("02:05", deaf=True)


def test_a_run_without_a_slot_is_never_late_or_overdue(build, holding):
    assert holding("23:00", due=None, interval=None) == {}
    assert holding("23:00", build.attempt("started 02:00"), due=None, interval=None) == {}


def test_a_run_is_overdue_once_it_should_have_finished(build, holding):
    attempt = build.attempt("started 02:10")
    assert "overdue" not in holding("02:44:59", attempt)
    assert holding("02:45", attempt)["overdue"] == "02:45:00"
    assert "overdue" not in holding("02:45", build.attempt("started 02:10", "failed 02:44"))


def test_a_runtime_counts_from_the_start(build, holding):
    job = build.job(runtime_within=10 * MINUTE)
    assert holding("02:20", build.attempt("started 02:10"), job=job)["overdue"] == "02:20:00"
    assert "overdue" not in holding("02:19:59", build.attempt("started 02:10"), job=job)
    assert "overdue" not in holding("02:40", build.attempt("heartbeat 02:10"), job=job)


@pytest.mark.parametrize("lane", [Lane.RERUN, Lane.BACKFILL, Lane.MANUAL])
def test_a_replay_is_overdue_by_its_own_start_and_not_by_its_old_run(build, holding, lane):
    replay = build.attempt(build.signal("started", "02:30", lane=lane))
    assert "overdue" not in holding("03:14:59", replay)
    assert holding("03:15", replay)["overdue"] == "03:15:00"


def test_a_live_attempt_that_starts_after_its_time_was_up_has_its_time_again(build, holding):
    late = build.attempt(build.signal("started", "02:45", lane=Lane.LIVE))
    assert "overdue" not in holding("03:29:59", late)
    assert holding("03:30", late)["overdue"] == "03:30:00"


# Liveness.


def test_a_heartbeat_is_stale_after_its_declared_time(build, holding):
    job = build.job(heartbeat_within=2 * MINUTE)
    attempt = build.attempt("started 02:00", "heartbeat 02:10")
    assert holding("02:11:59", attempt, job=job) == {}
    assert holding("02:12", attempt, job=job) == {"heartbeat_stale": "02:12:00"}


def test_a_heartbeat_that_nobody_declared_is_stale_at_half_its_lease(build, holding):
    assert holding("02:10:45", build.attempt("heartbeat 02:10")) == {"heartbeat_stale": "02:10:45"}


def test_no_heartbeat_is_stale_of_an_attempt_that_never_beat_or_has_ended(build, holding):
    assert holding("02:40", build.attempt("started 02:00")) == {}
    assert holding("02:40", build.attempt("heartbeat 02:10", "failed 02:10")) == {}


def progress(build, when, done):
    return build.signal("progress", when, progress=Progress(done=done))


def test_an_attempt_that_breathes_and_does_not_move_is_stalled(build, holding):
    job = build.job(progress_within=5 * MINUTE)
    moving = [progress(build, "02:02", 10), progress(build, "02:06", 10), "heartbeat 02:10"]
    assert holding("02:06:59", build.attempt("started 02:00", *moving), job=job) == {}
    assert holding("02:10", build.attempt("started 02:00", *moving), job=job) == {
        "stalled": "02:07:00"
    }


def test_an_attempt_that_never_told_progress_counts_from_its_start(build, holding):
    job = build.job(progress_within=5 * MINUTE)
    assert holding("02:10", build.attempt("started 02:02"), job=job) == {"stalled": "02:07:00"}
    assert holding("02:10", build.attempt("effect 02:02"), job=job) == {"stalled": "02:07:00"}


def test_an_attempt_whose_heartbeat_is_stale_is_silent_not_stalled(build, holding):
    job = build.job(progress_within=MINUTE)
    assert holding("02:20", build.attempt("heartbeat 02:10"), job=job) == {
        "heartbeat_stale": "02:10:45"
    }


def test_nothing_stalls_that_has_ended_or_has_no_limit(build, holding):
    job = build.job(progress_within=MINUTE)
    assert holding("02:20", build.attempt("started 02:00", "failed 02:10"), job=job) == {}
    assert holding("02:20", build.attempt("started 02:00")) == {}


# Overlap.


@pytest.fixture(scope="module")
def two(build):
    """Two attempts that ran at the same time from 02:05 to 02:10."""
    return [
        build.attempt("started 02:00", "failed 02:10"),
        build.attempt("started 02:05", "failed 02:20", name="a2"),
    ]


def test_two_attempts_of_one_run_overlap_since_the_second_began(build, holding, two):
    job = build.job(overlap=Overlap.FORBID)
    assert holding("03:00", *two, job=job)["overlapping"] == "02:05:00"
    assert "overlapping" not in holding("03:00", *two)


def test_one_that_begins_when_the_other_has_ended_does_not_overlap(build, holding):
    job = build.job(overlap=Overlap.FORBID)
    after = [
        build.attempt("started 02:00", "failed 02:10"),
        build.attempt("started 02:10", "failed 02:20", name="a2"),
    ]
    assert "overlapping" not in holding("03:00", *after, job=job)


def test_an_attempt_of_another_run_overlaps_too(build, holding, two):
    job = build.job(overlap=Overlap.SKIP)
    assert holding("03:00", two[1], others=[two[0]], job=job)["overlapping"] == "02:05:00"
    queued = build.attempt("created 02:05", name="q")
    assert "overlapping" not in holding("03:00", two[1], others=[queued], job=job)


def test_an_attempt_at_large_overlaps_until_it_is_taken_for_dead(build, holding):
    job = build.job(overlap=Overlap.FORBID)
    zombie = build.attempt("heartbeat 02:10", "lost 02:12")
    second = build.attempt("started 03:39", name="a2")
    assert holding("03:39:30", zombie, second, job=job)["overlapping"] == "03:39:00"
    third = build.attempt("started 03:40", name="a2")
    assert "overlapping" not in holding("03:40:30", zombie, third, job=job)


@pytest.mark.parametrize(
    ("mine", "theirs", "clash"),
    [("north", "north", True), ("north", "south", False), (None, "south", True)],
)
def test_serialized_attempts_overlap_within_a_partition(build, holding, mine, theirs, clash):
    job = build.job(overlap=Overlap.SERIALIZE)
    own = build.attempt(build.signal("started", "02:00", partition=mine))
    other = build.attempt(build.signal("started", "02:05", attempt="b", partition=theirs))
    assert ("overlapping" in holding("02:10", own, others=[other], job=job)) is clash


def test_an_attempt_is_at_work_from_its_start_until_nobody_can_write(build):
    job, now = build.job(), build.at("02:30")
    assert at_work(build.attempt("started 02:00", "failed 02:10"), job, now) == (
        build.at("02:00"),
        build.at("02:10"),
    )
    assert at_work(build.attempt("created 02:00"), job, now) == (build.at("02:00"), now)
    zombie = build.attempt("heartbeat 02:10", "lost 02:12")
    assert at_work(zombie, job, now) == (build.at("02:10"), build.at("03:40"))


# Runtime against the interval.


@pytest.mark.parametrize(
    ("ended", "found"),
    [
        ("02:47:59", {}),
        ("02:48", {"near_interval": "02:48:00"}),
        ("02:59", {"near_interval": "02:48:00"}),
        ("03:00", {"exceeds_interval": "03:00:00"}),
    ],
)
def test_a_runtime_is_near_its_interval_or_exceeds_it(build, holding, ended, found):
    attempt = build.attempt("started 02:00", f"succeeded {ended}")
    assert holding("05:00", attempt, interval=HOUR) == found


def test_an_attempt_that_still_runs_is_measured_until_now(build, holding):
    attempt = build.attempt("started 02:00")
    assert holding("02:50", attempt, interval=HOUR)["near_interval"] == "02:48:00"
    assert "near_interval" not in holding("02:50", build.attempt("failed 02:50"), interval=HOUR)


def test_a_death_proven_the_next_night_does_not_make_the_runtime_a_day(build, holding):
    loss = build.signal("lost", "02:12", id="silence/a1/2026-04-03T02:10:00+00:00")
    proof = build.signal("lost", "+1 02:00", end_proof=EndProof.PID_GONE)
    dead = build.attempt("started 02:00", "heartbeat 02:10", loss, proof)
    assert holding("+1 02:01", dead) == {}


# The scheduler's own retry.


def retrying(build, ended="02:10", again="02:20", **more):
    return build.attempt(
        "started 02:00", build.signal("failed", ended, next_retry_at=build.at(again)), **more
    )


def test_a_retry_is_pending_until_it_comes_or_its_time_has_long_passed(build, holding):
    job = build.job()
    assert retry_at([retrying(build)], job, build.at("02:11")) == build.at("02:20")
    assert retry_at([retrying(build)], job, build.at("02:24:59")) == build.at("02:20")
    assert retry_at([retrying(build)], job, build.at("02:25")) is None
    assert holding("02:11", retrying(build)) == {"retry_pending": "02:10:00"}


def test_no_retry_is_pending_once_another_attempt_is_known(build):
    job, now = build.job(), build.at("02:21")
    second = build.attempt("created 02:20", name="a2")
    assert retry_at([retrying(build), second], job, now) is None


def test_a_void_grant_is_not_the_retry(build):
    grant = build.attempt(
        build.signal("claimed", "02:11", attempt="g", lease_until=build.at("02:12"))
    )
    assert retry_at([retrying(build), grant], build.job(), build.at("02:13")) == build.at("02:20")


def test_no_retry_is_pending_where_none_was_told_or_the_last_one_succeeded(build):
    job, now = build.job(), build.at("02:11")
    assert retry_at([], job, now) is None
    assert retry_at([build.attempt("failed 02:10")], job, now) is None
    success = build.signal("succeeded", "02:10", next_retry_at=build.at("02:20"))
    assert retry_at([build.attempt(success)], job, now) is None
    assert retry_at([retrying(build, ended="02:21")], job, build.at("02:22")) is None


def test_only_the_last_attempt_tells_of_a_retry(build):
    last = build.attempt("started 02:12", "failed 02:15", name="a2")
    assert retry_at([retrying(build), last], build.job(), build.at("02:16")) is None


# Replaying what is unknown.


@pytest.mark.parametrize(
    ("said", "open_end"),
    [
        (["started 02:00"], False),
        (["succeeded 02:10"], False),
        (["failed 02:10"], True),
        (["cancelled 02:10"], True),
        (["timed_out 02:10"], True),
        (["lost 02:10"], True),
    ],
)
def test_an_end_other_than_success_leaves_its_effect_unresolved(build, said, open_end):
    assert unresolved(build.attempt(*said), build.job()) is open_end


def test_an_attempt_that_said_that_no_effect_began_is_resolved(build):
    note = build.signal("started", "02:00", effect=EffectNote(begun=False))
    assert not unresolved(build.attempt(note, "failed 02:10"), build.job())


def again(build, started="02:30"):
    return build.attempt(f"started {started}", name="a2")


def test_a_start_over_an_unknown_effect_is_noted(build, holding):
    failed = build.attempt("started 02:00", "failed 02:10")
    assert holding("02:31", failed, again(build)) == {"replaying_unknown": "02:30:00"}
    for kind, noted in [("external", True), ("replace", False), ("upsert", False)]:
        job = build.job(kind)
        assert ("replaying_unknown" in holding("02:31", failed, again(build), job=job)) is noted


def test_a_start_over_a_success_or_beside_another_is_no_replay(build, holding):
    done = build.attempt("started 02:00", "succeeded 02:10")
    assert holding("02:31", done, again(build)) == {}
    failed = build.attempt("started 02:00", "failed 02:31")
    assert holding("02:32", failed, again(build)) == {}
    assert holding("02:32", failed, build.attempt("created 02:30", name="a2")) == {}


@pytest.mark.parametrize(
    ("at", "word", "noted"),
    [
        ("02:20", "none", False),
        ("02:20", "unknown", True),
        ("02:09", "none", True),
        ("02:31", "none", True),
    ],
)
def test_a_start_after_the_destination_had_answered_is_no_replay_of_the_unknown(
    build, holding, at, word, noted
):
    failed = build.attempt("started 02:00", "failed 02:10")
    found = holding("02:40", failed, again(build), evaluations=[build.look(at, word)])
    assert ("replaying_unknown" in found) is noted


# The rest.


def test_an_attempt_at_large_is_noted_with_its_end(build):
    zombie = build.attempt("heartbeat 02:10", "lost 02:12")
    situation = Situation(
        declaration=build.job(),
        due=build.due,
        interval=None,
        attempts=[zombie],
        now=build.at("02:13"),
    )
    (found,) = conditions(situation)
    assert (found.condition, found.since, found.until) == (
        "at_large",
        build.at("02:12"),
        build.at("03:40"),
    )


def test_a_lease_shorter_than_the_slow_runs_is_noted(build, holding):
    leased = build.attempt(build.signal("started", "02:00", lease_until=build.at("02:10")))
    assert holding("02:01", leased, runtime_tail=11 * MINUTE) == {"lease_below_tail": "02:00:00"}
    assert holding("02:01", leased, runtime_tail=10 * MINUTE) == {}
    assert holding("02:01", leased) == {}
    beating = fold(leased, [build.signal("heartbeat", "02:01")])
    assert holding("02:01", beating, runtime_tail=HOUR) == {}
    assert holding("02:01", build.attempt("started 02:00"), runtime_tail=HOUR) == {}


def test_a_source_that_moved_is_noted_since_it_was_seen(build, holding):
    ended = build.attempt("started 02:00", "failed 02:10")
    sketches = [("s1", "d1"), ("s1", "d1"), ("s2", "d1"), ("s3", "d1")]
    looked = [
        build.look(
            f"02:2{n}", build.answer("complete", source_sketch=source, destination_sketch=there)
        )
        for n, (source, there) in enumerate(sketches)
    ]
    assert holding("02:40", ended, evaluations=looked[:2]) == {}
    assert holding("02:40", ended, evaluations=looked) == {"source_moved": "02:22:00"}


def test_a_duplicated_upsert_contradicts_its_declaration(build, holding):
    ended = build.attempt("started 02:00", "failed 02:10")
    looked = [build.look("02:20", "duplicated")]
    assert holding("02:40", ended, evaluations=looked, job=build.job("upsert")) == {
        "declaration_contradicted": "02:20:00"
    }
    assert holding("02:40", ended, evaluations=looked, job=build.job("append")) == {}


def test_a_clock_that_was_ahead_is_noted(build, holding):
    ahead = build.attempt(build.signal("started", "02:00", skewed=True), "failed 02:10")
    assert holding("02:40", ahead) == {"clock_skewed": "02:00:00"}

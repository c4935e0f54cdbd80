"""Which evaluation counts, and when the destination is asked next."""

from datetime import timedelta

import msgspec
import pytest

from verifier.runs.evaluation import Cause
from verifier.runs.looks import ASK_AGAIN, Look, Looks, looks, source_moved
from verifier.runs.signal import EndProof

MINUTES = [15, 360]
RECHECK = tuple(timedelta(minutes=count) for count in MINUTES)


@pytest.fixture(scope="module")
def seen(build):
    """What evaluations are worth at an instant; an attempt ended at 02:10 if none is given."""

    def see(*evaluations, attempts=None, job=None, expected=None, now="12:00"):
        if attempts is None:
            attempts = [build.attempt("started 02:00", "failed 02:10")]
        return looks(
            job or build.job(),
            attempts,
            evaluations,
            expected_by=None if expected is None else build.at(expected),
            now=build.at(now),
        )

    return see


def when(build, look):
    return None if look is None else (look.at.strftime("%H:%M:%S"), str(look.cause))


# When the first look is due.


@pytest.fixture(scope="module")
def after_newer(build):
    """The next look at a run that nobody tried, after a later one was verified at 03:10."""

    def look(*evaluations):
        return looks(
            build.job(),
            [],
            evaluations,
            expected_by=build.at("02:05"),
            newer_verified_at=build.at("03:10"),
            now=build.at("12:00"),
        ).next

    return look


def test_a_run_is_asked_once_more_when_a_later_one_that_may_have_done_its_work_is_verified(
    build, after_newer
):
    missed = [build.look("02:05", "none"), build.look("02:05:20", "none")]
    assert when(build, after_newer(*missed)) == ("03:10:00", "recheck")
    assert after_newer(*missed, build.look("03:10:01", "none")) is None
    assert after_newer(*missed, build.look("03:10:01", "complete")) is None


def test_a_run_whose_checks_hold_is_not_asked_for_the_sake_of_a_later_one(build, after_newer):
    assert after_newer(build.look("02:05", "complete")) is None


@pytest.fixture(scope="module")
def second(build):
    """The second look at a partition, whose first one is kept with the run of all alone."""

    def look(when, said):
        return msgspec.structs.replace(build.look(when, said), cause=Cause.CONFIRM)

    return look


def test_a_partition_of_which_only_the_second_look_is_kept_is_judged_by_it(build, seen, second):
    known = seen(second("02:10:20", "none"))
    assert (known.judged.evaluation.evaluation_id, known.doubted) == ("look/02:10:20", None)


def test_a_second_look_within_the_first_settle_may_have_had_no_first(build, seen, second):
    known = seen(second("02:10:19", "none"))
    assert known.judged is None
    assert known.doubted.evaluation.evaluation_id == "look/02:10:19"
    assert when(build, known.next) == ("02:10:29", "confirm")


def test_a_complaint_after_the_second_look_waits_as_any(build, seen, second):
    known = seen(second("02:10:20", "complete"), build.look("02:25", "partial"))
    assert known.judged.evaluation.evaluation_id == "look/02:10:20"
    assert known.doubted.evaluation.evaluation_id == "look/02:25"


def test_a_job_without_checks_is_never_asked_about(build, seen):
    assert seen(job=build.job(checks=())) == Looks()


def test_the_destination_is_asked_one_settle_after_the_last_end(build, seen):
    attempts = [
        build.attempt("started 02:00", "failed 02:10"),
        build.attempt("started 02:05", "succeeded 02:08", name="a2"),
    ]
    assert when(build, seen(attempts=attempts).next) == ("02:10:10", "end")


def test_where_nobody_came_it_is_asked_once_somebody_should_have(build, seen):
    assert when(build, seen(attempts=[], expected="02:05").next) == ("02:05:00", "miss")


def test_where_nobody_is_expected_nothing_is_due(seen):
    assert seen(attempts=[]).next is None


@pytest.mark.parametrize("said", ["started 02:00", "created 11:59"])
def test_nothing_is_asked_while_an_attempt_may_still_write_or_start(build, seen, said):
    known = seen(build.look("01:00", "complete"), attempts=[build.attempt(said)])
    assert known.next is None
    assert known.judged is None
    assert known.provisional
    assert known.latest.evaluation.evaluation_id == "look/01:00"
    assert not seen(attempts=[build.attempt(said)]).provisional


def test_a_void_grant_keeps_nobody_waiting(build, seen):
    grant = build.attempt(
        build.signal("claimed", "02:00", attempt="g", lease_until=build.at("02:02"))
    )
    assert when(build, seen(attempts=[grant], expected="02:05").next) == ("02:05:00", "miss")


# Silence.


@pytest.fixture(scope="module")
def silent(build):
    """Silent since 02:10, at large until 03:40."""
    return [build.attempt("started 02:00", "heartbeat 02:10", "lost 02:12")]


def test_after_silence_the_destination_is_shown_once_at_once(build, seen, silent):
    assert when(build, seen(attempts=silent, now="02:13").next) == ("02:13:00", "silence")
    known = seen(build.look("02:13", "partial"), attempts=silent, now="02:14")
    assert known.judged is None
    assert known.provisional
    assert known.latest.finding.effect == "partial"
    assert when(build, known.next) == ("03:40:10", "silence")


def test_a_look_before_it_fell_silent_is_no_look_after_silence(build, seen, silent):
    known = seen(build.look("02:09", "partial"), attempts=silent, now="02:13")
    assert when(build, known.next) == ("02:13:00", "silence")


def test_an_attempt_heard_by_a_clock_that_is_ahead_is_not_looked_at_again_and_again(build, seen):
    ahead = [build.attempt("heartbeat 02:30", "lost 02:12")]
    known = seen(build.look("02:12", "partial"), attempts=ahead, now="02:13")
    assert when(build, known.next) == ("04:00:10", "silence")


def test_when_the_time_at_large_is_over_it_is_asked_and_judged(build, seen, silent):
    early = build.look("02:13", "partial")
    assert when(build, seen(early, attempts=silent, now="03:40").next) == ("03:40:10", "end")
    known = seen(early, build.look("03:40:10", "complete"), attempts=silent, now="03:41")
    assert known.judged.evaluation.evaluation_id == "look/03:40:10"


def test_after_a_proof_of_death_it_is_asked_one_settle_later(build, seen):
    fence = build.signal("lost", "02:20", id="f", end_proof=EndProof.OPERATOR)
    dead = [build.attempt("heartbeat 02:10", "lost 02:12", fence)]
    assert when(build, seen(attempts=dead, now="02:20").next) == ("02:20:10", "end")


def test_a_proof_of_death_the_next_night_does_not_unseat_what_was_judged(build, seen):
    proof = build.signal("lost", "23:00", id="p", end_proof=EndProof.PID_GONE)
    loss = build.signal("lost", "02:12", id="silence/a1/2026-04-03T02:10:00+00:00")
    dead = build.attempt("heartbeat 02:10", loss, proof)
    known = seen(build.look("03:41", "complete"), attempts=[dead], now="23:30")
    assert known.judged.evaluation.evaluation_id == "look/03:41"


# Which answer counts.


def test_an_answer_from_before_the_settle_was_over_is_provisional(build, seen):
    known = seen(build.look("02:10:09", "complete"))
    assert known.judged is None
    assert known.provisional
    assert when(build, known.next) == ("02:10:10", "end")


def test_a_clean_answer_counts_at_once(build, seen):
    known = seen(build.look("02:10:10", "complete"))
    assert known.judged == known.latest
    assert not known.provisional
    assert known.next is None


def test_an_answer_counts_where_nobody_is_expected(build, seen):
    assert seen(build.look("01:00", "complete"), attempts=[]).judged.finding.effect == "complete"


@pytest.mark.parametrize("word", ["none", "partial", "duplicated"])
def test_a_complaint_counts_after_a_second_look_one_settle_later(build, seen, word):
    first = build.look("02:10:10", word)
    known = seen(first)
    assert known.judged is None
    assert known.provisional
    assert when(build, known.next) == ("02:10:20", "confirm")
    early = build.look("02:10:19", word)
    assert seen(first, early).judged is None
    assert when(build, seen(first, early).next) == ("02:10:20", "confirm")
    second = seen(first, early, build.look("02:10:20", word))
    assert second.judged.evaluation.evaluation_id == "look/02:10:20"
    assert not second.provisional


@pytest.mark.parametrize("answer", [{"rows": "complete", "totals": "violated"}, None])
def test_a_violation_and_unexpected_keys_are_complaints_too(build, seen, answer):
    job = build.job(checks=(build.check(), build.check("totals", says_effect=False)))
    first, second = (
        build.look(at, **answer)
        if answer
        else build.look(at, build.answer("complete", unexpected=1), totals="holds")
        for at in ("02:10:10", "02:10:20")
    )
    assert seen(first, job=job).judged is None
    assert seen(first, second, job=job).judged is not None


def test_a_complaint_that_the_second_look_does_not_see_is_forgotten(build, seen):
    first, second = build.look("02:10:10", "partial"), build.look("02:10:20", "complete")
    known = seen(first, second)
    assert known.judged.finding.effect == "complete"
    assert not known.provisional
    third = seen(first, second, build.look("02:30", "partial"))
    assert third.judged.finding.effect == "complete"
    assert third.provisional
    assert when(build, third.next) == ("02:30:10", "confirm")


def test_a_complaint_that_is_known_already_needs_no_second_look(build, seen):
    looked = [build.look(at, "partial") for at in ("02:10:10", "02:10:20", "02:30")]
    assert seen(*looked).judged.evaluation.evaluation_id == "look/02:30"


# Answers that know less.


@pytest.fixture(scope="module")
def two_checks(build):
    return build.job(checks=(build.check(), build.check("totals", says_effect=False)))


def test_a_worse_informed_look_never_overturns_a_better_one(build, seen, two_checks):
    good = build.look("02:10:10", rows="complete", totals="holds")
    for worse in ("rows", "totals"):
        answers = {"rows": "complete", "totals": "holds"} | {worse: "unknown"}
        known = seen(good, build.look("02:30", **answers), job=two_checks)
        assert known.judged.evaluation is good
        assert not known.provisional
        assert when(build, known.next) == ("02:31:00", "ask_again")


def test_a_better_informed_look_overturns_a_worse_one(build, seen, two_checks):
    worse = build.look("02:10:10", rows="unknown", totals="unknown")
    better = build.look("02:30", rows="complete", totals="unknown")
    assert seen(worse, job=two_checks).judged.evaluation is worse
    assert seen(worse, better, job=two_checks).judged.evaluation is better


def test_graver_harm_is_believed_though_another_check_could_not_be_asked(build, seen, two_checks):
    good = build.look("02:10:10", rows="complete", totals="holds")
    harm = [build.look(at, rows="duplicated", totals="unknown") for at in ("02:30", "02:30:10")]
    assert seen(good, harm[0], job=two_checks).judged.evaluation is good
    assert seen(good, harm[0], job=two_checks).provisional
    assert seen(good, *harm, job=two_checks).judged.evaluation is harm[1]


def test_a_worse_informed_look_at_lesser_harm_hides_none(build, seen, two_checks):
    harm = [build.look(at, rows="partial", totals="holds") for at in ("02:10:10", "02:10:20")]
    lesser = [build.look(at, rows="unknown", totals="violated") for at in ("02:30", "02:30:10")]
    known = seen(*harm, *lesser, job=two_checks)
    assert known.judged.evaluation is harm[1]


# A source that moved.


def sketched(build, at, word, source, destination):
    answer = build.answer(word, source_sketch=source, destination_sketch=destination)
    return build.look(at, answer)


def test_a_complaint_only_because_the_source_moved_does_not_count(build, seen):
    good = sketched(build, "02:10:10", "complete", "s1", "d1")
    moved = [sketched(build, at, "partial", "s2", "d1") for at in ("02:30", "02:30:10")]
    known = seen(good, *moved)
    assert known.judged.evaluation is good
    assert not known.provisional


def test_a_complaint_because_the_destination_changed_counts(build, seen):
    good = sketched(build, "02:10:10", "complete", "s1", "d1")
    changed = [sketched(build, at, "partial", "s2", "d2") for at in ("02:30", "02:30:10")]
    assert seen(good, *changed).judged.evaluation is changed[1]


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        (("s1", "d1"), ("s2", "d1"), True),
        (("s1", "d1"), ("s1", "d1"), False),
        (("s1", "d1"), ("s2", "d2"), False),
        (("s1", "d1"), (None, "d1"), False),
        ((None, "d1"), ("s2", "d1"), False),
        (("s1", None), ("s2", None), False),
    ],
)
def test_the_source_moved_if_it_changed_and_the_destination_did_not(build, before, after, moved):
    first = sketched(build, "02:10:10", "complete", *before)
    for word in ("complete", "partial"):
        assert source_moved(first, sketched(build, "02:30", word, *after)) is moved


def test_the_source_did_not_only_move_if_another_check_answers_otherwise(build):
    still = build.answer("complete", source_sketch="s1", destination_sketch="d1")
    moved = build.answer("partial", source_sketch="s2", destination_sketch="d1")
    first = build.look("02:10:10", still, totals="holds")
    assert source_moved(first, build.look("02:30", moved, totals="holds"))
    assert not source_moved(first, build.look("02:30", moved, totals="violated"))
    assert not source_moved(first, build.look("02:30", moved, totals="holds", fresh="violated"))


# When to ask again.


def test_rechecks_are_counted_from_the_end(build, seen):
    job = build.job(recheck=RECHECK)
    first = build.look("02:10:10", "complete")
    assert when(build, seen(first, job=job).next) == ("02:25:00", "recheck")
    second = build.look("02:25", "complete")
    assert when(build, seen(first, second, job=job).next) == ("08:10:00", "recheck")
    assert seen(first, second, build.look("08:10:01", "complete"), job=job).next is None


def test_rechecks_are_counted_from_the_verdict_where_nothing_ended(build, seen):
    known = seen(
        build.look("02:05", "complete"),
        attempts=[],
        expected="02:05",
        job=build.job(recheck=RECHECK),
    )
    assert when(build, known.next) == ("02:20:00", "recheck")


def test_what_is_unknown_is_asked_again_less_and_less_often_and_then_left_to_a_person(build, seen):
    at, looked = build.at("02:10:10"), []
    for wait in ASK_AGAIN:
        looked.append(build.look(at.strftime("%H:%M:%S"), "unknown"))
        known = seen(*looked)
        assert known.judged is not None
        assert known.next == Look(at + wait, Cause.ASK_AGAIN)
        at += wait
    assert seen(*looked, build.look("12:00", "unknown")).next is None


def test_an_answer_starts_the_count_of_tries_anew(build, seen):
    looked = [
        build.look("02:10:10", "unknown"),
        build.look("02:11:10", "complete"),
        build.look("02:30", "unknown"),
    ]
    assert when(build, seen(*looked).next) == ("02:31:00", "ask_again")


def test_a_check_that_is_not_required_is_not_asked_again(build, seen):
    job = build.job(checks=(build.check(), build.check("totals", required=False)))
    assert seen(build.look("02:10:10", rows="complete", totals="unknown"), job=job).next is None


def test_the_earlier_of_recheck_and_next_try_comes_first(build, seen):
    job = build.job(recheck=(timedelta(minutes=1),))
    assert when(build, seen(build.look("02:10:10", "unknown"), job=job).next) == (
        "02:11:00",
        "recheck",
    )

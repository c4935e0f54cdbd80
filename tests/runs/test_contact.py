"""Beyond what was heard of its source, nothing is made of a run's silence."""

from datetime import timedelta

import pytest

from verifier.runs.advice_words import advise
from verifier.runs.contact import Contact, heard_at, is_silent, next_contact
from verifier.runs.standing import standing


@pytest.fixture
def contact(build):
    """A source heard until one instant, and due to be heard at another."""
    return lambda until, due: Contact(until=build.at(until), due=build.at(due))


def test_a_job_without_a_source_is_heard_now(build):
    now = build.at("02:00")
    assert (heard_at(None, now), is_silent(None, now), next_contact(None, now)) == (
        now,
        False,
        None,
    )


def test_a_source_is_heard_up_to_its_last_word_and_never_beyond_now(build, contact):
    assert heard_at(contact("02:00", "02:01"), build.at("02:00:30")) == build.at("02:00")
    assert heard_at(contact("02:00", "02:01"), build.at("01:00")) == build.at("01:00")
    assert heard_at(Contact(), build.at("02:00")) < build.at("02:00") - timedelta(days=365)


def test_a_source_is_silent_from_when_it_is_due(build, contact):
    heard = contact("02:00", "02:01")
    assert [is_silent(heard, build.at(when)) for when in ("02:00:59", "02:01")] == [False, True]
    assert next_contact(heard, build.at("02:00:59")) == build.at("02:01")
    assert next_contact(heard, build.at("02:01")) is None
    assert is_silent(Contact(), build.at("02:00"))


def test_nobody_came_as_far_as_was_heard(build, contact):
    soon = build.stand("02:05", build.job(), contact=contact("02:04:50", "02:05:20"))
    assert (soon.verdict, soon.wake_at, soon.conditions) == (None, build.at("02:05:20"), ())
    heard = build.stand("02:05", build.job(), contact=contact("02:05", "02:05:30"))
    assert [each.condition for each in heard.conditions] == ["late"]
    assert heard.next_look is not None


def test_who_waits_for_a_silent_source_is_not_woken_by_time(build, contact):
    lost = build.stand("03:00", build.job(), contact=contact("02:04:50", "02:05:20"))
    assert (lost.state, lost.verdict, lost.wake_at, lost.next_look) == ("waiting", None, None, None)


def test_before_the_last_moment_to_start_nobody_looks(build, contact):
    stood = build.stand("02:01", build.job(), contact=contact("02:00:50", "02:01:20"))
    assert stood.wake_at == build.at("02:05")


def test_a_running_attempt_is_neither_stale_nor_lost_beyond_what_was_heard(build, contact):
    attempt = build.attempt("started 02:00", "heartbeat 02:01")
    job = build.job(heartbeat_within=timedelta(minutes=2), lease=timedelta(minutes=6))
    silent = build.stand("04:00", job, [attempt], contact=contact("02:01:30", "02:02"))
    assert (silent.reported, silent.conditions, silent.wake_at) == ("running", (), None)
    soon = build.stand("02:07:05", job, [attempt], contact=contact("02:06:55", "02:07:25"))
    assert soon.wake_at == build.at("02:07:25")
    heard = build.stand("02:07:05", job, [attempt], contact=contact("02:07:01", "02:07:31"))
    assert heard.wake_at == build.at("02:07:05")
    assert [each.condition for each in heard.conditions] == ["heartbeat_stale"]


def test_a_retry_is_waited_for_until_it_was_heard_not_to_come(build, contact):
    again = build.signal("failed", "02:10", next_retry_at=build.at("02:20"))
    attempt = build.attempt("started 02:00", again)
    silent = build.stand("04:00", build.job(), [attempt], contact=contact("02:15", "02:16"))
    assert [each.condition for each in silent.conditions] == ["retry_pending"]
    heard = build.stand("04:00", build.job(), [attempt], contact=contact("03:59", "04:01"))
    assert heard.conditions == ()


def advice(build, when, attempts=(), looks=(), kind="append", **more):
    job = build.job(kind, source="hostcron")
    facts, now = build.facts(job, attempts, looks, **more), build.at(when)
    return advise(facts, standing(facts, now), now)


def test_advice_says_that_the_source_is_silent_and_warns_of_what_nobody_heard(build, contact):
    failed = [build.attempt("started 02:00", "failed 02:10")]
    looks = [build.look("02:10:10", "none"), build.look("02:10:30", "none")]
    told = advice(build, "04:00", failed, looks, contact=contact("02:15", "02:16"))
    assert told.action == "retry"
    assert (
        "source hostcron was last heard at 2026-04-03T02:15:00Z: what happened since is not known"
        in told.because
    )
    assert "an attempt that nobody heard of may be under way" in " ".join(told.do_not)
    heard = advice(build, "04:00", failed, looks, contact=contact("03:59", "04:01"))
    assert "hostcron" not in " ".join(heard.because)
    assert heard.do_not == ()


def test_advice_says_that_nobody_will_ever_know(build, contact):
    heard = contact("03:59", "04:01")
    told = advice(build, "04:00", deaf=True, contact=heard)
    assert told.action == "wait"
    assert (
        "nobody could hear it at that time, and nobody has caught up yet: it may have run"
        in told.because
    )
    looks = [build.look("03:00", "none"), build.look("03:00:10", "none")]
    told = advice(
        build,
        "04:00",
        (),
        looks,
        kind="replace",
        deaf=True,
        heard_again=build.at("02:30"),
        contact=heard,
    )
    assert (told.action, told.because[:2]) == (
        "repair_rerun",
        (
            "no attempt was reported",
            "nobody could hear it at that time, and never will: it may have run",
        ),
    )
    assert "an attempt that nobody heard of may be under way" in " ".join(told.do_not)

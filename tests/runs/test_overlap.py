import pytest

from verifier.runs.declaration import Overlap
from verifier.runs.overlap import violations
from verifier.runs.signal import EndProof


@pytest.fixture
def count(build):
    """How many of the run's own attempts began beside another, at 03:00."""

    def violating(*own, others=(), overlap=Overlap.FORBID, **more):
        return violations(own, others, build.job(overlap=overlap, **more), build.at("03:00"))

    return violating


def test_one_that_begins_while_another_runs_counts_and_the_other_does_not(count, build):
    first = build.attempt("started 02:00", "succeeded 02:10")
    second = build.attempt("started 02:05", "succeeded 02:20", name="a2")
    assert count(first, second) == 1
    assert count(second, others=[first]) == 1
    assert count(first, others=[second]) == 0


def test_one_that_begins_when_the_other_has_ended_does_not(count, build):
    first = build.attempt("started 02:00", "succeeded 02:10")
    assert count(first, build.attempt("started 02:10", name="a2")) == 0


def test_of_two_that_begin_at_once_one_counts(count, build):
    pair = [build.attempt("started 02:00", name=name) for name in ("a1", "a2")]
    assert count(*pair) == 1


def test_three_at_once_are_two_violations(count, build):
    assert count(*(build.attempt("started 02:00", name=name) for name in "abc")) == 2


def test_where_overlap_is_allowed_nothing_counts(count, build):
    pair = [build.attempt("started 02:00", name=name) for name in ("a1", "a2")]
    assert count(*pair, overlap=Overlap.ALLOW) == 0


def test_one_that_never_started_disturbs_nobody(count, build):
    waiting = build.attempt("created 02:00")
    running = build.attempt("started 02:05", name="a2")
    assert count(waiting, running) == 0


def test_one_that_fell_silent_may_still_be_at_work(count, build):
    silent = build.attempt("started 02:00", "lost 02:05")
    later = build.attempt("started 02:10", name="a2")
    assert count(silent, later) == 1
    dead = build.attempt(
        "started 02:00", build.signal("lost", "02:05", end_proof=EndProof.PID_GONE)
    )
    assert count(dead, later) == 0


def test_where_partitions_are_served_one_by_one_only_the_same_one_counts(count, build):
    first = build.attempt(build.signal("started", "02:00", partition="de"))
    other = build.attempt(build.signal("started", "02:01", "a2", partition="fr"))
    every = build.attempt("started 02:02", name="a3")
    serial = {"overlap": Overlap.SERIALIZE}
    assert count(first, others=[other], **serial) == count(other, others=[first], **serial) == 0
    assert count(every, others=[first, other], **serial) == 1
    same = build.attempt(build.signal("started", "02:03", "a4", partition="de"))
    assert count(same, others=[first], **serial) == 1

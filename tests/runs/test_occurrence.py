"""Partitions added up, and the last useful completion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.evaluation import PartitionCount
from verifier.runs.occurrence import Covered, Useful, last_useful, occurrence
from verifier.runs.verdict import Verdict


def counted(total, holding):
    return PartitionCount(total=total, holding=holding)


def test_partitions_without_a_record_of_their_own_held():
    added = occurrence(Verdict.PARTIAL, counted(1000, 997), {Verdict.PARTIAL: 1, Verdict.ABSENT: 2})
    assert added.verdict is Verdict.PARTIAL
    assert added.counts == {"absent": 2, "partial": 1, "verified": 997}


def test_a_partition_that_holds_by_now_is_counted_once():
    known = {Verdict.PARTIAL: 1, Verdict.VERIFIED: 5}
    assert occurrence(Verdict.PARTIAL, counted(10, 9), known).counts == {
        "partial": 1,
        "verified": 9,
    }


def test_exceptions_beyond_those_that_have_a_record_are_told_as_unlisted():
    added = occurrence(Verdict.ABSENT, counted(5000, 1000), {Verdict.ABSENT: 1000})
    assert added.counts == {"absent": 1000, "unlisted": 3000, "verified": 1000}


def test_all_are_open_while_there_is_no_verdict():
    assert occurrence(None, counted(3, 2), {None: 1}).counts == {"open": 3}
    assert occurrence(None, None, {}).counts == {}


def test_partitions_that_could_not_be_listed_are_not_counted():
    assert occurrence(Verdict.UNPROVEN, None, {}).counts == {}


def covered(build, day, *lacking, total=1000):
    due, done = build.at(f"{day} 02:00"), build.at(f"{day} 03:00")
    return Covered(due=due, completed_at=done, total=total, lacking=lacking)


def useful(build, day):
    return Useful(due=build.at(f"{day} 02:00"), completed_at=build.at(f"{day} 03:00"))


def test_nothing_was_useful_where_nothing_was_verified(build):
    assert last_useful([]) is None
    assert last_useful([covered(build, 3, "a"), covered(build, 2, "a")]) is None


def test_an_occurrence_that_verified_all_is_useful(build):
    assert last_useful([covered(build, 3), covered(build, 2)]) == useful(build, 3)


def test_a_job_is_as_fresh_as_its_stalest_partition(build):
    newest_first = [covered(build, 3, "a", "b"), covered(build, 2, "b"), covered(build, 1)]
    assert last_useful(newest_first) == useful(build, 1)


def test_partitions_may_be_verified_by_different_occurrences(build):
    newest_first = [covered(build, 3, "a"), covered(build, 2, "b"), covered(build, 1)]
    assert last_useful(newest_first) == useful(build, 2)


@pytest.mark.parametrize(
    ("lacking", "pct", "day"),
    [(1, 100.0, 1), (1, 99.9, 3), (2, 99.9, 1), (2, 99.8, 3), (999, 0.1, 3)],
)
def test_a_declared_share_of_partitions_stands_for_all(build, lacking, pct, day):
    names = [str(number) for number in range(lacking)]
    newest_first = [covered(build, 3, *names), covered(build, 2, *names), covered(build, 1)]
    assert last_useful(newest_first, pct) == useful(build, day)


@given(st.lists(st.sets(st.sampled_from("abcd")), min_size=1, max_size=6), st.data())
def test_it_never_goes_back_when_one_more_partition_is_verified(build, days, data):
    def told(lacking):
        found = [covered(build, len(days) - n, *names, total=4) for n, names in enumerate(lacking)]
        return last_useful(found)

    place = data.draw(st.integers(0, len(days) - 1))
    verified = data.draw(st.sampled_from("abcd"))
    mended = [names - {verified} if n == place else names for n, names in enumerate(days)]
    before, after = told(days), told(mended)
    assert before is None or (after is not None and after >= before)

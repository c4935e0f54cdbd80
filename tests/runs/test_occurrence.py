"""Partitions added up, and the last useful completion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.evaluation import PartitionCount
from verifier.runs.occurrence import MOST_NAMED, Covered, Useful, last_useful, occurrence
from verifier.runs.verdict import Verdict


def counted(total, holding, *exceptions):
    return PartitionCount(total=total, holding=holding, exceptions=exceptions)


def test_partitions_without_a_record_of_their_own_held():
    parts = {"a": Verdict.PARTIAL, "b": Verdict.ABSENT, "c": Verdict.ABSENT}
    added = occurrence(Verdict.PARTIAL, counted(1000, 997, *parts), parts)
    assert added.verdict is Verdict.PARTIAL
    assert added.counts == {"absent": 2, "partial": 1, "verified": 997}


def test_a_partition_that_holds_by_now_is_counted_once():
    parts = {"a": Verdict.PARTIAL, **{str(n): Verdict.VERIFIED for n in range(5)}}
    assert occurrence(Verdict.PARTIAL, counted(10, 9, "a"), parts).counts == {
        "partial": 1,
        "verified": 9,
    }


def test_an_exception_that_was_verified_by_itself_is_none_any_more():
    parts = {"a": Verdict.VERIFIED, "b": Verdict.ABSENT}
    added = occurrence(Verdict.PARTIAL, counted(10, 8, "a", "b"), parts)
    assert (added.verdict, added.counts) == (Verdict.ABSENT, {"absent": 1, "verified": 9})


def test_exceptions_beyond_those_that_have_a_record_are_told_as_unlisted():
    parts = {str(n): Verdict.ABSENT for n in range(1000)}
    added = occurrence(Verdict.PARTIAL, counted(5000, 1000, *parts), parts)
    assert added.verdict is Verdict.PARTIAL
    assert added.counts == {"absent": 1000, "unlisted": 3000, "verified": 1000}
    nameless = occurrence(Verdict.PARTIAL, counted(5, 3, "a", "b"), {"a": Verdict.ABSENT})
    assert nameless.counts == {"absent": 1, "unlisted": 1, "verified": 3}


def test_who_was_never_listed_is_counted_nowhere():
    parts = {"stranger": Verdict.UNPROVEN}
    added = occurrence(Verdict.VERIFIED, counted(3, 3), parts)
    assert (added.verdict, added.counts) == (Verdict.VERIFIED, {"verified": 3})
    assert added.gravest == ()


def test_an_exception_that_is_tried_again_is_open():
    added = occurrence(Verdict.PARTIAL, counted(3, 2, "a"), {"a": None})
    assert (added.verdict, added.counts) == (Verdict.PARTIAL, {"open": 1, "verified": 2})


def test_a_few_are_named_that_somebody_should_look_at_gravest_first():
    parts = {f"a{n:02}": Verdict.ABSENT for n in range(MOST_NAMED)}
    parts |= {"z": Verdict.DUPLICATED}
    added = occurrence(Verdict.DUPLICATED, counted(100, 80, *parts), parts)
    assert added.gravest[:2] == (("z", Verdict.DUPLICATED), ("a00", Verdict.ABSENT))
    assert len(added.gravest) == MOST_NAMED
    few = {"z": Verdict.DUPLICATED, "closed": Verdict.RECONCILED, "open": None}
    added = occurrence(Verdict.DUPLICATED, counted(100, 97, *few), few)
    assert added.gravest == (("z", Verdict.DUPLICATED),)


def test_all_are_open_while_there_is_no_verdict():
    assert occurrence(None, counted(3, 2, "a"), {"a": None}).counts == {"open": 3}
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

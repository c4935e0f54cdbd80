"""Partitions added up, and the last useful completion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.runs.occurrence import Useful, last_useful, occurrence
from verifier.runs.verdict import Verdict

ORDER = [
    "duplicated",
    "partial",
    "wrong",
    "ambiguous",
    "missing",
    "absent",
    "unproven",
    "excused",
    "reconciled",
    "verified",
]


@given(st.lists(st.sampled_from(Verdict), min_size=1, max_size=20))
def test_the_gravest_verdict_is_that_of_the_occurrence(verdicts):
    added = occurrence(verdicts)
    assert added.verdict == min(verdicts, key=ORDER.index)
    assert added.counts == {word: verdicts.count(word) for word in set(verdicts)}


def test_an_occurrence_has_no_verdict_while_a_partition_has_none():
    added = occurrence([Verdict.DUPLICATED, None, None])
    assert added.verdict is None
    assert added.counts == {"duplicated": 1, "open": 2}


def test_an_occurrence_without_partitions_has_no_verdict():
    assert occurrence([]).verdict is None
    assert occurrence([]).counts == {}


def useful(build, day, done="03:00"):
    return Useful(due=build.at(f"{day} 02:00"), completed_at=build.at(f"{day} {done}"))


def test_nothing_was_useful_where_nothing_was_verified():
    assert last_useful({}) is None
    assert last_useful({"": None}) is None


def test_without_partitions_the_newest_one_counts(build):
    assert last_useful({"": useful(build, 1)}) == useful(build, 1)


def test_a_job_is_as_fresh_as_its_stalest_partition(build):
    newest = {"north": useful(build, 3), "south": useful(build, 1), "west": useful(build, 2)}
    assert last_useful(newest) == useful(build, 1)


def test_a_partition_never_verified_leaves_the_job_without_a_useful_completion(build):
    assert last_useful({"north": useful(build, 3), "south": None}) is None


@pytest.mark.parametrize(
    ("unverified", "pct", "day"),
    [(0, 100.0, 0), (0, 99.9, 1), (1, 99.9, 1), (2, 99.9, None), (999, 0.0, 999)],
)
def test_a_declared_share_of_partitions_stands_for_all(build, unverified, pct, day):
    newest = {str(n): None if n < unverified else useful(build, n) for n in range(1000)}
    assert last_useful(newest, pct) == (None if day is None else useful(build, day))


def test_a_share_that_is_no_whole_number_of_partitions_is_rounded_up(build):
    newest = {"north": useful(build, 3), "south": useful(build, 1), "west": useful(build, 2)}
    assert last_useful(newest, 50.0) == useful(build, 2)


@given(st.data())
def test_it_never_goes_back_when_an_older_or_newer_due_is_verified(build, data):
    days = st.integers(0, 30)
    newest = data.draw(st.dictionaries(st.sampled_from("abcde"), st.none() | days, min_size=1))
    pct = data.draw(st.sampled_from([0.0, 50.0, 99.9, 100.0]))
    partition, day = data.draw(st.sampled_from(sorted(newest))), data.draw(days)
    # The newest of a partition is the one with the greatest due, whenever it was verified.
    known = newest[partition]
    later = newest | {partition: day if known is None else max(known, day)}
    before = last_useful(made(build, newest), pct)
    after = last_useful(made(build, later), pct)
    assert before is None or (after is not None and after >= before)


def made(build, days):
    return {name: None if day is None else useful(build, day) for name, day in days.items()}

"""Every event counts once, in whatever order, batches and number its signals come."""

from collections import Counter
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from verifier.ledger import tallies
from verifier.runs.declaration import Every, Overlap
from verifier.runs.signal import ENDS, Lane

TOLD = (
    "landed_runs_created_total",
    "landed_attempts_total",
    "landed_retries_total",
    "landed_start_delay_seconds_bucket",
    "landed_queue_delay_seconds_bucket",
    "landed_attempt_duration_seconds_bucket",
    "landed_runtime_to_interval_ratio_bucket",
)
"""Counts of what signals tell; verdicts are given when they are given."""

NUMBERS = count()
QUARTERS = Every(period=timedelta(minutes=15))


@st.composite
def lives(draw: st.DrawFn) -> list[dict[str, object]]:
    """What attempts with a name of their own, and unnamed ones, say of themselves."""
    said: list[dict[str, object]] = []
    for number in range(draw(st.integers(1, 4))):
        slot = draw(st.integers(0, 3))
        begun = 15 * slot + draw(st.integers(1, 5))
        ended = begun + draw(st.integers(1, 12))
        lane = draw(st.sampled_from([None, None, Lane.RERUN]))
        who = {"attempt": f"a{number}", "due": f"01:{15 * slot:02}", "lane": lane}
        if draw(st.booleans()):
            said.append({**who, "kind": "created", "minute": begun - 1})
        if draw(st.booleans()):
            said.append({**who, "kind": "started", "minute": begun})
        if draw(st.booleans()):
            end = draw(st.sampled_from(sorted(ENDS)))
            said.append({**who, "kind": end, "minute": ended})
    for slot in sorted(draw(st.sets(st.sampled_from([4, 6, 8])))):
        begun = 15 * slot + draw(st.integers(0, 5))
        ended = begun + draw(st.integers(1, 20))
        said.append({"attempt": None, "kind": "started", "minute": begun})
        said.append(
            {
                "attempt": None,
                "kind": draw(st.sampled_from(["succeeded", "failed"])),
                "minute": ended,
            }
        )
    return said


@st.composite
def deliveries(draw: st.DrawFn, said: list[dict[str, object]]) -> list[list[int]]:
    """The numbers of the signals in some order, some again, in some batches.

    Signals that name no attempt come in order: which is whose is told by their order, so
    one that comes early is of another attempt until the one before it comes.
    """
    numbers = list(range(len(said)))
    order = draw(st.permutations(numbers))
    unnamed = (number for number in numbers if said[number]["attempt"] is None)
    order = [next(unnamed) if said[number]["attempt"] is None else number for number in order]
    order += draw(st.lists(st.sampled_from(numbers), max_size=4)) if numbers else []
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(order))), max_size=4)))
    return [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


@pytest.fixture
def story(ledger, build):
    raw = ledger._database._writer.raw_connection()
    raw.cursor().execute("PRAGMA synchronous = OFF")
    raw.close()

    def tell(said, batches):
        """How often each family counted once a job of its own was told so."""
        job = f"job{next(NUMBERS)}"
        declaration = build.job(job, QUARTERS, checks=(), overlap=Overlap.ALLOW)
        ledger.declare(job, declaration, {}, build.declared)
        signals = [
            build.signal(
                words["kind"],
                f"{1 + words['minute'] // 60:02}:{words['minute'] % 60:02}",
                words["attempt"],
                job,
                due=build.at(words["due"]) if words.get("due") else None,
                lane=words.get("lane"),
                id=f"s{number}",
            )
            for number, words in enumerate(said)
        ]
        for batch in batches:
            ledger.append(
                [signals[number] for number in batch],
                source="native",
                received_at=build.at("05:00"),
            )
        totals = Counter()
        with ledger._database.read() as connection:
            for tally in tallies.of_job(connection, job):
                totals[tally.family] += tally.value
        return totals

    return tell


@pytest.mark.slow
@settings(
    max_examples=60,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), said=lives())
def test_events_count_the_same_in_any_order_number_and_grouping(story, data, said):
    at_once = story(said, [range(len(said))])
    otherwise = story(said, data.draw(deliveries(said)))
    for family in TOLD:
        assert (family, otherwise[family]) == (family, at_once[family])
    assert otherwise["landed_runs_judged_total"] <= at_once["landed_runs_created_total"]


def test_an_end_that_was_taken_for_another_runs_counts_once(story):
    ended = {"attempt": None, "kind": "succeeded", "minute": 80}
    started = {"attempt": None, "kind": "started", "minute": 61}
    in_order = story([started, ended], [[0], [1]])
    assert story([started, ended], [[1], [0]]) == in_order
    assert in_order["landed_runs_created_total"] == 1
    assert in_order["landed_attempts_total"] == 1
    assert in_order["landed_runs_judged_total"] == 1


def test_a_success_that_was_of_the_next_run_is_in_its_distributions_only(story):
    said = [
        {"attempt": None, "kind": "started", "minute": 60},
        {"attempt": None, "kind": "succeeded", "minute": 91},
        {"attempt": None, "kind": "failed", "minute": 61},
        {"attempt": None, "kind": "started", "minute": 90},
    ]
    late = story(said, [[0, 1], [2, 3]])
    assert late["landed_runtime_to_interval_ratio_bucket"] == 1
    assert late["landed_attempts_total"] == 2


def test_a_start_that_was_taken_for_an_expected_runs_counts_for_its_own(ledger, told, build):
    ledger.expect("nightly", [build.at("02:00")], build.at("02:00"))
    told(build.signal("started", "02:00:05"), build.signal("succeeded", "02:01"))
    told(build.signal("created", "01:59", due=build.at("-1 02:00")))
    values = {tally.family: tally.value for tally in ledger.tallies()}
    assert values["landed_runs_created_total"] == 1
    assert values["landed_start_delay_seconds_bucket"] == 1
    assert ledger.attempts(build.nightly) == []


def test_signals_that_come_again_count_nothing(story):
    said = [
        {"attempt": "a", "kind": "started", "minute": 1, "due": "01:00"},
        {"attempt": "a", "kind": "succeeded", "minute": 5, "due": "01:00"},
    ]
    assert story(said, [[0, 1], [1, 0], [1]]) == story(said, [[0, 1]])

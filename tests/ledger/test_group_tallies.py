"""What is told of in groups is counted as what is told of one by one, and only once."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifier.ledger.ledger import Ledger
from verifier.ledger.signals import Batch
from verifier.runs.declaration import Every
from verifier.runs.signal import ENDS, Kind

OF_ATTEMPTS = ("landed_attempts_total", "landed_runs_created_total")
KINDS = (Kind.CREATED, Kind.STARTED, Kind.HEARTBEAT, *ENDS)


def counted(ledger, *families):
    return {
        (each.family, str(each.labels)): each.value
        for family in families
        for each in ledger.tallies(family)
    }


def judge_all(ledger, now):
    ledger.judge(ledger.awake(now, 1000), now)


def test_a_group_counts_the_end_at_once_and_the_verdict_when_it_is_judged(ledger, build):
    said = [build.signal("started", "02:01"), build.signal("failed", "02:02", exit_code=1)]
    batch = Batch(signals=said, source="native", received_at=build.at("02:03"))
    assert ledger.append_group([batch], build.at("02:03")) == [2]
    assert [each.value for each in ledger.tallies("landed_attempts_total")] == [1]
    assert ledger.tallies("landed_runs_created_total") == []
    for _ in range(2):
        judge_all(ledger, build.at("02:04"))
        assert [each.value for each in ledger.tallies("landed_runs_created_total")] == [1]
    assert ledger.append_group([batch], build.at("02:05")) == [0]
    judge_all(ledger, build.at("02:05"))
    assert [each.value for each in ledger.tallies("landed_attempts_total")] == [1]


def test_a_run_that_was_mistaken_for_another_is_counted_once(ledger, build):
    ledger.declare("q", build.job("q", Every(period=timedelta(minutes=15))), {}, build.declared)
    for said in (
        build.signal("succeeded", "02:20", None, job="q", exit_code=0),
        build.signal("started", "02:10", None, job="q"),
    ):
        batch = Batch(signals=[said], source="native", received_at=build.at("02:30"))
        ledger.append_group([batch], build.at("02:30"))
        judge_all(ledger, build.at("02:30"))
    assert [each.value for each in ledger.tallies("landed_runs_created_total")] == [1]
    assert [each.value for each in ledger.tallies("landed_attempts_total")] == [1]


def test_whoever_is_heard_in_a_group_is_known_to_have_been_heard(ledger, build):
    came = build.at("02:03")
    batch = Batch(signals=[build.signal("started", "02:01")], source="celery", received_at=came)
    ledger.append_group([batch], build.at("02:04"))
    assert ledger.snapshot(build.at("02:05")).heard == {"celery": came}


def test_nobody_looks_after_runs_of_a_retired_job_that_is_heard_in_a_group(ledger, build):
    ledger.retire("nightly", build.at("01:00"))
    batch = Batch(
        signals=[build.signal("started", "02:01")], source="native", received_at=build.at("02:01")
    )
    ledger.append_group([batch], build.at("02:01"))
    assert ledger.awake(build.at("+1 02:00"), 10) == []
    assert [each.value for each in ledger.tallies("landed_runs_created_total")] == [1]


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(st.sampled_from(KINDS), st.integers(0, 59), st.sampled_from([None, "a", "b"])),
        max_size=12,
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_groups_count_what_single_signals_count(tmp_path_factory, build, told):
    folder, now = tmp_path_factory.mktemp("groups"), build.at("03:00")
    totals = []
    for name in ("single", "group"):
        with Ledger.open(f"sqlite:///{folder}/{name}.db", build.declared) as ledger:
            schedule = Every(period=timedelta(minutes=15))
            ledger.declare("q", build.job("q", schedule), {}, build.declared)
            for number, (kind, minute, attempt) in enumerate(told):
                ends = {"exit_code": 1} if kind in ENDS else {}
                said = build.signal(
                    kind, f"02:{minute:02}", attempt, job="q", id=str(number), **ends
                )
                if name == "single":
                    ledger.append([said], source="native", received_at=now)
                else:
                    batch = Batch(signals=[said], source="native", received_at=now)
                    ledger.append_group([batch], now)
                    judge_all(ledger, now)
            totals.append(counted(ledger, *OF_ATTEMPTS))
    assert totals[0] == totals[1]

from datetime import timedelta

import msgspec
import pytest

from verifier.runs.declaration import Cron, Declared, History
from verifier.runs.figures import (
    JobFacts,
    OpenRuns,
    Unended,
    figures,
    runtime_ratio,
    still_hold,
)
from verifier.runs.occurrence import Useful
from verifier.runs.signal import Lane, Progress
from verifier.runs.verdict import Verdict


@pytest.fixture
def facts(build):
    """The facts of a job that was declared two days before."""

    def of(declaration=None, **more):
        declared = Declared(valid_from=build.at("-2 00:00"), declaration=declaration or build.job())
        return JobFacts(history=History((declared,)), **more)

    return of


def test_a_new_job_has_a_next_due_instant_and_nothing_else(facts, build):
    known = figures(facts(), build.at("-2 01:00"))
    assert (known.next_due, known.last_due) == (build.at("-2 02:00"), None)
    assert (known.useful, known.last_success, known.oldest_start) == (None, None, None)
    assert (dict(known.active), dict(known.conditions), known.false_successes) == ({}, {}, 0)
    assert known.useful_due == build.at("-2 04:00")


def test_what_cannot_be_proven_is_never_due(facts, build):
    assert figures(facts(build.job(checks=())), build.at("03:00")).useful_due is None


def test_a_mute_takes_the_limit_away_while_it_lasts(facts, build):
    muted = facts(actions=[build.action("mute", "01:00", until=build.at("03:00"))])
    assert figures(muted, build.at("02:59")).muted_until == build.at("03:00")
    assert figures(muted, build.at("02:59")).useful_due is None
    assert figures(muted, build.at("03:00")).useful_due is not None


def test_a_hold_is_told_until_it_is_released(facts, build):
    held = [build.action("hold", "01:00")]
    assert figures(facts(actions=held), build.at("02:00")).held == held[0]
    released = [*held, build.action("release", "01:30")]
    assert figures(facts(actions=released), build.at("02:00")).held is None


def test_the_oldest_of_the_live_attempts_counts(facts, build):
    moved = build.signal("progress", "02:20", progress=Progress(done=1))
    first = build.attempt("started 02:00", moved)
    second = build.attempt("started 02:05", "heartbeat 02:10", name="a2")
    by_hand = build.attempt(build.signal("started", "01:00", "m", lane=Lane.MANUAL))
    known = figures(
        facts(
            unended=[
                Unended(first, build.due),
                Unended(second, build.due),
                Unended(by_hand, None),
            ]
        ),
        build.at("08:00"),
    )
    assert known.active == {"live": 2, "manual": 1}
    assert known.oldest_start == build.at("02:00")
    assert known.oldest_heartbeat == build.at("02:10")
    assert known.oldest_progress == build.at("02:20")
    assert known.running_ratio == 0.25


def test_an_attempt_waits_for_a_claim_until_its_lease_has_passed(facts, build):
    waiting = facts(unended=[Unended(build.attempt("created 02:00"), build.due)])
    assert figures(waiting, build.at("02:44")).oldest_unclaimed == build.at("02:00")
    assert figures(waiting, build.at("02:45")).oldest_unclaimed is None
    claimed = facts(unended=[Unended(build.attempt("created 02:00", "claimed 02:01"), None)])
    assert figures(claimed, build.at("02:10")).oldest_unclaimed is None


def test_conditions_are_counted_over_the_runs_without_a_verdict(facts, build):
    late = build.facts(build.job())
    known = figures(facts(undecided=[late, late]), build.at("02:30"))
    assert known.conditions == {"late": 2}


def test_an_unproven_run_of_a_job_without_checks_is_not_open(facts, build):
    runs = [
        OpenRuns("live", Verdict.UNPROVEN, 3, 0),
        OpenRuns("live", Verdict.ABSENT, 2, 1),
    ]
    assert len(figures(facts(open=runs), build.at("03:00")).open) == 2
    unasked = figures(facts(build.job(checks=()), open=runs), build.at("03:00"))
    assert [each.verdict for each in unasked.open] == [Verdict.ABSENT]
    assert unasked.false_successes == 1


@pytest.mark.parametrize(
    ("ratios", "half", "most"),
    [
        ([0.1] * 4, None, None),
        ([0.5, 0.1, 0.3, 0.2, 0.4], 0.3, 0.5),
        ([number / 100 for number in range(1, 51)], 0.25, 0.48),
    ],
)
def test_a_quantile_is_a_runtime_that_was_and_needs_five(facts, build, ratios, half, most):
    known = figures(facts(ratios=ratios), build.at("03:00"))
    assert (known.quantile(0.5), known.quantile(0.95)) == (half, most)


def test_a_runtime_is_measured_against_the_time_to_the_next_slot(build):
    started, due = build.at("02:00"), build.due
    assert runtime_ratio(started, build.at("14:00"), due, build.job()) == 0.5
    assert runtime_ratio(started, build.at("01:00"), due, build.job()) == 0
    last = build.at("02:00").replace(year=9999, month=12, day=31)
    assert runtime_ratio(last, last, last, build.job()) is None


def test_a_schedule_that_has_ended_leaves_instants_out(facts, build):
    leap = msgspec.structs.replace(build.job(), schedule=Cron(expression="0 2 29 2 *"))
    late = build.at("02:00").replace(year=9999)
    known = figures(facts(leap), late)
    assert known.next_due is None
    assert known.last_due is not None


def test_figures_hold_until_a_slot_or_a_mute_passes(facts, build):
    at_rest = facts(
        useful=Useful(build.at("-1 02:00"), build.at("-1 02:10")),
        actions=[build.action("mute", "-1 01:00", until=build.at("01:00"))],
    )
    known = figures(at_rest, build.at("00:30"))
    assert still_hold(at_rest, known, build.at("00:59:59"))
    assert not still_hold(at_rest, known, build.at("01:00"))
    later = figures(at_rest, build.at("01:00"))
    assert still_hold(at_rest, later, build.at("01:59:59"))
    assert not still_hold(at_rest, later, build.at("02:00"))


def test_figures_of_what_moves_never_hold(facts, build):
    now = build.at("02:10")
    running = facts(unended=[Unended(build.attempt("started 02:00"), build.due)])
    assert not still_hold(running, figures(running, now), now)
    undecided = facts(undecided=[build.facts(build.job())])
    assert not still_hold(undecided, figures(undecided, now), now)
    until = now + timedelta(days=1)
    to_come = facts(actions=[build.action("mute", "02:20", until=until)])
    assert not still_hold(to_come, figures(to_come, now), now)


def test_an_attempt_of_which_no_start_was_told_has_no_ratio(facts, build):
    beating = facts(unended=[Unended(build.attempt("heartbeat 02:05"), build.due)])
    assert figures(beating, build.at("02:10")).running_ratio is None

from typing import Any

import msgspec
import pytest

from verifier.catalogue import lint as rules
from verifier.catalogue.counters import ATTEMPTS, RUNS_DUE, RUNS_JUDGED
from verifier.catalogue.families import FAMILIES
from verifier.catalogue.family import Family, LaneRule, Presence, Scope, Type, Unit
from verifier.catalogue.histograms import ATTEMPTS_PER_RUN, START_DELAY
from verifier.catalogue.label import CHECK, JOB_NAME, RUN_LANE, STORE, Label
from verifier.catalogue.lint import lint
from verifier.catalogue.process import BUILD_INFO, LOOP_INTERVAL
from verifier.catalogue.states import CHECK_RESULT, CHECKS, JOB_INFO, RUN_CONDITIONS
from verifier.catalogue.times import LAST_DUE


def changed(family: Family, **fields: Any) -> Family:
    return msgspec.structs.replace(family, **fields)


def label(name: str = "colour", values: tuple[str, ...] = ("red", "blue"), **more: Any) -> Label:
    return Label(name=name, values=values, **more)


def test_the_catalogue_keeps_every_rule():
    assert lint(FAMILIES) == []


BROKEN = [
    (rules.name_is_plain, CHECKS, {"name": "landed_Checks"}),
    (rules.name_is_plain, CHECKS, {"name": "checks"}),
    (rules.name_is_plain, CHECKS, {"name": "landed__checks"}),
    (rules.name_is_plain, CHECKS, {"name": "landed.checks"}),
    (rules.name_ends_by_type, RUNS_DUE, {"name": "landed_runs_due"}),
    (rules.name_ends_by_type, RUNS_DUE, {"name": "landed_runs_due_total_total"}),
    (rules.name_ends_by_type, JOB_INFO, {"name": "landed_job"}),
    (rules.name_ends_by_type, CHECKS, {"name": "landed_checks_total"}),
    (rules.name_ends_by_type, CHECKS, {"name": "landed_checks_count"}),
    (rules.name_ends_by_type, START_DELAY, {"name": "landed_start_delay_seconds_bucket"}),
    (rules.name_ends_by_unit, START_DELAY, {"name": "landed_start_delay"}),
    (rules.name_ends_by_unit, START_DELAY, {"unit": Unit.NONE}),
    (rules.name_ends_by_unit, START_DELAY, {"unit": Unit.RATIO}),
    (rules.name_ends_by_unit, CHECKS, {"name": "landed_delay_ms"}),
    (rules.name_ends_by_unit, CHECKS, {"name": "landed_delay_minutes"}),
    (rules.name_ends_by_unit, CHECKS, {"name": "landed_share_percent"}),
    (rules.name_ends_by_unit, LAST_DUE, {"name": "landed_job_last_due_timestamp"}),
    (rules.info_has_no_unit, JOB_INFO, {"unit": Unit.SECONDS}),
    (rules.instants_are_seconds, LAST_DUE, {"unit": Unit.NONE}),
    (rules.instants_are_seconds, LAST_DUE, {"type": Type.COUNTER}),
    (rules.instants_are_seconds, LAST_DUE, {"presence": Presence.ALWAYS}),
    (rules.instants_are_seconds, LAST_DUE, {"presence": Presence.HELD}),
    (rules.help_is_a_sentence, CHECKS, {"help": ""}),
    (rules.help_is_a_sentence, CHECKS, {"help": "checks of the job."}),
    (rules.help_is_a_sentence, CHECKS, {"help": "Checks of the job"}),
    (rules.help_is_a_sentence, CHECKS, {"help": "Checks. Of the job."}),
    (rules.help_is_a_sentence, CHECKS, {"help": "Checks\nof the job."}),
    (rules.help_is_a_sentence, CHECKS, {"help": f"Checks of {'very ' * 50}many jobs."}),
    *(
        (rules.labels_are_allowed, CHECKS, {"labels": (label(name),)})
        for name in sorted(rules.RESERVED_LABELS)
    ),
    (rules.labels_are_allowed, CHECKS, {"labels": (label("Colour"),)}),
    (rules.labels_are_allowed, CHECKS, {"labels": (label("__name__"),)}),
    (rules.labels_are_allowed, CHECKS, {"labels": (JOB_NAME, JOB_NAME)}),
    (rules.labels_are_closed, CHECKS, {"labels": (JOB_NAME, label(values=()))}),
    (rules.labels_are_closed, CHECKS, {"labels": (JOB_NAME, label(declared="anywhere"))}),
    (rules.labels_are_closed, CHECKS, {"labels": (JOB_NAME, label(values=("red", "red")))}),
    (rules.labels_are_closed, CHECKS, {"labels": (JOB_NAME, label(values=("Red wine",)))}),
    (
        rules.labels_are_closed,
        CHECKS,
        {"labels": (JOB_NAME, label(values=tuple(f"v{number}" for number in range(33))))},
    ),
    (rules.check_names_its_job, CHECK_RESULT, {"labels": (CHECK,)}),
    (rules.lanes_are_told_apart, RUNS_JUDGED, {"lanes": LaneRule.ALL}),
    (rules.lanes_are_told_apart, RUNS_DUE, {"lanes": LaneRule.SPLIT}),
    (
        rules.lanes_are_told_apart,
        RUNS_JUDGED,
        {"labels": (JOB_NAME, label("lane", ("fast", "slow")))},
    ),
    (rules.live_lane_only, ATTEMPTS_PER_RUN, {"lanes": LaneRule.ALL}),
    (rules.live_lane_only, RUN_CONDITIONS, {"lanes": LaneRule.ALL}),
    (rules.process_has_no_jobs, LOOP_INTERVAL, {"labels": (JOB_NAME,)}),
    (rules.process_has_no_jobs, LOOP_INTERVAL, {"lanes": LaneRule.ALL}),
    (rules.events_are_always_there, ATTEMPTS, {"presence": Presence.HELD}),
    (rules.events_are_always_there, START_DELAY, {"presence": Presence.KNOWN}),
    (rules.buckets_are_bounds, START_DELAY, {"buckets": ()}),
    (rules.buckets_are_bounds, START_DELAY, {"buckets": (60, 5)}),
    (rules.buckets_are_bounds, START_DELAY, {"buckets": (5, 5)}),
    (rules.buckets_are_bounds, START_DELAY, {"buckets": (0, 5)}),
    (rules.buckets_are_bounds, START_DELAY, {"buckets": (5, float("inf"))}),
    (rules.buckets_are_bounds, CHECKS, {"buckets": (5,)}),
    (rules.one_of_is_a_label, CHECK_RESULT, {"one_of": "check"}),
    (rules.one_of_is_a_label, CHECK_RESULT, {"one_of": "colour"}),
    (rules.one_of_is_a_label, RUNS_JUDGED, {"one_of": "verdict"}),
    (rules.missing_says_why, CHECKS, {"missing": "later"}),
]


@pytest.mark.parametrize(("rule", "family", "fields"), BROKEN)
def test_a_family_that_breaks_a_rule_is_told_by_that_rule(rule, family, fields):
    assert list(rule(family)) == []
    told = list(rule(changed(family, **fields)))
    assert told
    assert all(text.startswith("expected ") for text in told)


def test_every_rule_is_broken_by_some_family():
    assert {rule for rule, _, _ in BROKEN} == set(rules.RULES)


def test_what_is_told_names_the_family():
    (problem,) = lint([changed(RUNS_DUE, help="runs that were due.")])
    assert problem.startswith("landed_runs_due_total: expected a sentence")


def test_two_families_of_one_name_are_told():
    assert "landed_checks: expected one family of that name, found 2" in lint([CHECKS, CHECKS])


def test_a_family_that_is_called_like_another_ones_samples_is_told():
    other = changed(ATTEMPTS_PER_RUN, name="landed_attempts_per_run_bucket")
    assert any(
        "landed_attempts_per_run_bucket: expected one family" in text
        for text in lint([ATTEMPTS_PER_RUN, other])
    )


def test_a_counter_and_a_gauge_of_one_base_name_are_told():
    gauge = changed(CHECKS, name="landed_runs_due")
    assert "landed_runs_due: expected one family of that name, found 2" in lint([RUNS_DUE, gauge])


def test_too_many_series_a_job_are_told():
    wide = changed(
        RUNS_DUE,
        name="landed_colours_total",
        labels=(JOB_NAME, label(values=tuple(f"v{number}" for number in range(30)))),
    )
    (problem,) = lint([*FAMILIES, wide])
    assert problem == "expected at most 112 series a job with 4 checks at all times, found 142"


def test_labels_that_are_declared_elsewhere_need_no_values():
    assert list(rules.labels_are_closed(changed(CHECKS, labels=(JOB_NAME, STORE)))) == []


def test_a_process_may_have_no_lane_and_an_info_no_unit():
    assert BUILD_INFO.scope is Scope.PROCESS
    assert lint([BUILD_INFO]) == []
    assert RUN_LANE.values[0] == "live"

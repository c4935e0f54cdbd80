"""Queries are narrowed to a deployment, and ask for nothing that the catalogue lacks."""

import pytest

from verifier.catalogue.families import UnknownFamily
from verifier.catalogue.query import Scope, UnknownLabel, metrics, query

SCOPE = Scope(selector=(("env", "prod"), ("site", "a b")), group_by=("cluster",))


def test_without_a_scope_a_query_stays_as_it_is() -> None:
    text = 'sum by (job_name) (max by (job_name, lane) (landed_runs_open{verdict="missing"})) > 0'
    assert query(text) == text


def test_a_selector_is_put_into_every_series_recorded_ones_too() -> None:
    told = query('landed_checks + landed_runs_open{lane="live"} - landed:x', Scope(SCOPE.selector))
    assert told == (
        'landed_checks{env="prod", site="a b"}'
        ' + landed_runs_open{lane="live", env="prod", site="a b"}'
        ' - landed:x{env="prod", site="a b"}'
    )


def test_grouping_keeps_deployments_apart_on_both_sides() -> None:
    text = "max by () (landed_checks) + on (job_name) group_left (owner) landed_job_info"
    assert query(text, Scope(group_by=("cluster",))) == (
        "max by (cluster) (landed_checks)"
        " + on (cluster, job_name) group_left (owner) landed_job_info"
    )


def test_ranges_and_buckets_are_known() -> None:
    text = 'increase(landed_start_delay_seconds_bucket{le="60.0", job_name="$job"}[5m])'
    assert query(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "landed_nothing",
        "landed_start_delay_seconds",
        "sum(landed_runs_acknowledged)",
        "landed_checks_total",
    ],
)
def test_a_metric_that_is_not_there_cannot_be_asked_for(text: str) -> None:
    with pytest.raises(UnknownFamily):
        query(text)


@pytest.mark.parametrize(
    "text",
    [
        'landed_checks{check="a"}',
        'landed_runs_open{verdict="lost"}',
        'landed_runs_open{verdict=~"missing|lost"}',
        "landed_checks{job_name='a'}",
        "sum by (jobname) (landed_checks)",
        'landed_checks{le="1"}',
    ],
)
def test_a_label_or_value_that_never_comes_cannot_be_asked_for(text: str) -> None:
    with pytest.raises(UnknownLabel):
        query(text)


def test_the_metrics_of_a_query_are_told_without_recorded_series() -> None:
    assert metrics("landed:a + landed_checks / landed_checks") == ["landed_checks"] * 2

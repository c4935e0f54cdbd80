"""Each rule of the lint is broken once, in a copy of a real dashboard."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from verifier.dashboards.fleet import FLEET
from verifier.dashboards.grafana import grafana_json
from verifier.dashboards.job import JOB
from verifier.dashboards.lint import RULES, lint

DOCUMENTS = [json.loads(grafana_json(each, "http://127.0.0.1:9877")) for each in (FLEET, JOB)]
Break = Callable[[dict[str, Any]], object]


def first(document: dict[str, Any]) -> Any:
    """The first panel, below the first heading."""
    return document["panels"][1]


BREAKS: dict[str, tuple[Break, str]] = {
    "is_named": (lambda d: d.pop("uid"), "expected uid"),
    "has_no_inputs": (lambda d: d.update(__inputs=[]), "__inputs"),
    "ids_are_unique": (lambda d: first(d).update(id=1), "found 1 2 times"),
    "titles_are_unique": (
        lambda d: d["panels"][2].update(title=first(d)["title"]),
        "each title once",
    ),
    "ref_ids_are_unique": (lambda d: first(d)["targets"][0].pop("refId"), "expected a refId"),
    "is_on_the_grid": (lambda d: d["panels"][-1]["gridPos"].update(x=22), "within 24 columns"),
    "rows_are_open": (lambda d: d["panels"][0].update(collapsed=True), "an open section"),
    "nothing_is_told": (
        lambda d: first(d)["fieldConfig"]["defaults"].pop("noValue"),
        "when there is nothing",
    ),
    "units_are_known": (
        lambda d: first(d)["fieldConfig"]["defaults"].update(unit="sec"),
        "found 'sec'",
    ),
    "sources_are_chosen": (
        lambda d: first(d)["targets"][0].update(datasource={"uid": "P1"}),
        "the chosen datasource",
    ),
    "variables_are_declared": (
        lambda d: first(d)["targets"][0].update(expr='landed_checks{job_name="$jub"}'),
        "found $jub",
    ),
    "metrics_are_known": (
        lambda d: first(d)["targets"][0].update(expr="landed_runs_opened"),
        "found 'landed_runs_opened'",
    ),
    "links_have_no_placement": (
        lambda d: d["links"][0].update(placement="inControlsMenu"),
        "expected no placement",
    ),
}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: each["uid"])
def test_the_dashboards_keep_every_rule(document: dict[str, Any]) -> None:
    assert lint(document) == []


def test_every_rule_has_a_case_that_breaks_it() -> None:
    assert [rule.__name__ for rule in RULES] == list(BREAKS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_broken_rule_is_told_by_that_rule_alone(rule: Callable[..., Any]) -> None:
    break_it, told = BREAKS[rule.__name__]
    document = deepcopy(DOCUMENTS[0])
    break_it(document)
    problems = list(rule(document))
    assert len(problems) == 1
    assert told in problems[0]
    assert lint(document) == problems


def test_panels_that_lie_over_each_other_are_told() -> None:
    document = deepcopy(DOCUMENTS[0])
    document["panels"][2]["gridPos"] = dict(first(document)["gridPos"])
    assert any("a place of its own" in problem for problem in lint(document))


@pytest.mark.parametrize(
    ("expr", "told"),
    [
        ("landed_runs_acknowledged", "has no data"),
        ('landed_runs_open{verdict="lost"}', "expected a value of verdict"),
        ('landed_runs_open{tenant="a"}', "expected a label of landed_runs_open"),
        ("max by (jobname) (landed_checks)", "expected a label of the catalogue in by"),
    ],
)
def test_what_the_catalogue_lacks_is_told(expr: str, told: str) -> None:
    document = deepcopy(DOCUMENTS[0])
    first(document)["targets"][0]["expr"] = expr
    (problem,) = lint(document)
    assert told in problem


def test_a_variable_that_asks_for_an_unknown_metric_is_told() -> None:
    document = deepcopy(DOCUMENTS[1])
    (variable,) = [each for each in document["templating"]["list"] if each["type"] == "query"]
    variable["query"] = "label_values(landed_jobs, job_name)"
    (problem,) = lint(document)
    assert "landed_jobs" in problem

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from verifier.config.codes import Code
from verifier.config.load import read_config

PAGE = (Path(__file__).parents[3] / "docs" / "partitions.md").read_text()
STORES = """
version: 1
stores:
  orders: {type: sql, url: "sqlite:///orders.db"}
  warehouse: {type: sql, url: "sqlite:///warehouse.db"}
"""
EXAMPLE = STORES + PAGE.split("```yaml\n")[1].split("```")[0]


def read(change: Callable[[dict[str, Any]], None] = lambda _: None) -> Any:
    document = YAML(typ="safe").load(EXAMPLE)
    change(document["jobs"]["tenant-health"])
    text = io.StringIO()
    YAML(typ="safe").dump(document, text)
    return read_config(text.getvalue(), "landed.yaml", {})


def test_the_example_of_the_page_is_valid_and_means_what_it_says() -> None:
    reading = read_config(EXAMPLE, "landed.yaml", {})
    assert reading.problems == ()
    job = reading.config.jobs["tenant-health"]
    assert (job.partitions.name, job.partitions.class_) == ("tenant", "tier")
    assert job.declaration.partition_name == "tenant"
    assert job.declaration.complete_when_pct == 99.9
    assert [check.apart for check in job.declaration.checks] == [True]
    assert job.declaration.provable


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        (lambda job: job.pop("partitions"), Code.PARTITIONS_UNCLEAR, "checks[0].partition"),
        (lambda job: job["checks"][0].pop("partition"), Code.PARTITIONS_UNCLEAR, "partitions"),
        (
            lambda job: job["checks"][0].update(type="exactly_once", expected=None),
            Code.PARTITIONS_UNCLEAR,
            "partitions",
        ),
        (
            lambda job: job["partitions"].update(store="nowhere"),
            Code.UNKNOWN_STORE,
            "partitions.store",
        ),
        (lambda job: job["checks"][0].update(partition="other"), Code.BAD_VALUE, "checks[0]"),
        (lambda job: job.update(complete_when="0%"), Code.BAD_VALUE, "complete_when"),
        (lambda job: job.update(complete_when="101%"), Code.BAD_VALUE, "complete_when"),
        (lambda job: job.update(complete_when=99), Code.BAD_VALUE, "complete_when"),
        (lambda job: job["partitions"].pop("sql"), Code.MISSING_KEY, "partitions.sql"),
    ],
)
def test_what_does_not_fit_together_is_told_at_its_place(
    change: Callable[[dict[str, Any]], Any], code: Code, path: str
) -> None:
    def changed(job: dict[str, Any]) -> None:
        change(job)
        if job["checks"][0].get("expected", 1) is None:
            del job["checks"][0]["expected"]

    problems = read(changed).problems
    assert (code, f"jobs.tenant-health.{path}") in {(each.code, each.path) for each in problems}


def test_a_share_of_partitions_takes_partitions() -> None:
    def change(job: dict[str, Any]) -> None:
        del job["partitions"], job["checks"][0]["partition"]

    (problem,) = read(change).problems
    assert (problem.code, problem.path) == (
        Code.PARTITIONS_UNCLEAR,
        "jobs.tenant-health.complete_when",
    )


def test_a_surface_whose_damage_repeats_takes_a_check_by_partition() -> None:
    def change(job: dict[str, Any]) -> None:
        del job["effects"]
        sent = {"type": "row_count", "name": "sent", "store": "warehouse", "table": "mail"}
        job["checks"].append({**sent, "where": "1 = 1", "ge": 1})
        job["surfaces"] = [
            {"name": "table", "kind": "upsert", "checks": ["metrics"]},
            {"name": "mail", "kind": "external", "checks": ["sent"]},
        ]

    (problem,) = [each for each in read(change).problems if each.code is Code.PARTITIONS_UNCLEAR]
    assert problem.path == "jobs.tenant-health.surfaces[1]"


SENT = {
    "type": "row_count",
    "name": "sent",
    "store": "warehouse",
    "table": "mail",
    "where": "1 = 1",
    "ge": 1,
}


@pytest.mark.parametrize(
    ("surfaces", "checks"),
    [
        ([{"name": "mail", "kind": "upsert", "checks": ["sent"]}], [SENT]),
        (
            [{"name": "mail", "kind": "external", "checks": ["sent"]}],
            [{**SENT, "partition": "tenant"}],
        ),
        (
            [{"name": "mail", "kind": "external"}],
            [{**SENT, "partition": "tenant", "surface": "mail"}],
        ),
    ],
    ids=["repeats nothing", "named by its surface", "names its surface"],
)
def test_a_surface_that_a_check_by_partition_looks_at_needs_no_other(
    surfaces: list[dict[str, Any]], checks: list[dict[str, Any]]
) -> None:
    def change(job: dict[str, Any]) -> None:
        del job["effects"]
        job["checks"] += checks
        job["surfaces"] = [{"name": "table", "kind": "upsert", "checks": ["metrics"]}, *surfaces]

    assert [each for each in read(change).problems if each.code is Code.PARTITIONS_UNCLEAR] == []


def test_an_only_surface_is_what_every_check_looks_at() -> None:
    def change(job: dict[str, Any]) -> None:
        del job["effects"]
        job["surfaces"] = [{"name": "mail", "kind": "external"}]

    assert [each for each in read(change).problems if each.code is Code.PARTITIONS_UNCLEAR] == []

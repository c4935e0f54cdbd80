"""The file of rules: the same for the same jobs, safe and small for many."""

import subprocess
import time
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from ruamel.yaml import YAML

from verifier.alerts.inventory import Entry
from verifier.alerts.links import Links
from verifier.alerts.recordings import RECORDINGS
from verifier.alerts.rulefile import ALERTS, rule_file
from verifier.catalogue.families import UnknownFamily
from verifier.catalogue.query import Scope, metrics, query
from verifier.runs.declaration import Severity

Promtool = Callable[..., subprocess.CompletedProcess[str]]
NASTY = "a \"q\" 's' \\ {{ $labels.x }} {{ end }}\nb: # é 😀 \x00\x1b\u2028"


def rules(text: str) -> list[dict[str, Any]]:
    return list(YAML(typ="safe", pure=True).load(StringIO(text))["groups"][0]["rules"])


def entry(name: str, **more: str) -> Entry:
    fields = {"owner": "", "statement": "", "runbook": "", **more}
    return Entry(job=name, severity=Severity.PAGE, **fields)


def test_texts_of_people_come_back_as_they_are(links: Links) -> None:
    text = rule_file([entry("a", owner=NASTY, statement=NASTY, runbook=NASTY)], links)
    (found,) = [r for r in rules(text) if r.get("record") == "landed:inventory"]
    assert found["labels"] == {
        "job_name": "a",
        "severity": "page",
        "owner": NASTY,
        "statement": NASTY,
        "runbook": NASTY,
    }


def test_texts_of_people_stand_in_no_template_and_no_query(links: Links) -> None:
    text = rule_file([entry("a", owner="OWNER", statement="STATEMENT", runbook="BOOK")], links)
    for rule in rules(text):
        told = [rule["expr"], *rule.get("annotations", {}).values()]
        assert not any(word in line for line in told for word in ("OWNER", "STATEMENT", "BOOK"))


@pytest.mark.slow
def test_promtool_accepts_texts_of_people(links: Links, promtool: Promtool) -> None:
    nasty = NASTY.replace("\x00", "")
    text = rule_file([entry("a", owner=nasty, statement=nasty, runbook=nasty)], links)
    done = promtool("check", "rules", "landed.rules.yml", rules=text)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_five_thousand_jobs_are_a_file_that_prometheus_takes(
    links: Links, promtool: Promtool
) -> None:
    many = [
        entry(f"job-{number:04}", owner="team-a", statement="Every tenant has it once. " * 4)
        for number in range(5000)
    ]
    began = time.monotonic()
    text = rule_file(many, links)
    assert time.monotonic() - began < 10
    assert len(text) < 2_000_000
    done = promtool("check", "rules", "landed.rules.yml", rules=text)
    assert done.returncode == 0
    assert f"{5000 + len(RECORDINGS) + len(ALERTS)} rules found" in done.stdout


def test_the_size_of_an_alert_does_not_grow_with_the_fleet(links: Links) -> None:
    few, many = ([entry(f"j{n}") for n in range(count)] for count in (1, 100))
    alerts = [[r for r in rules(rule_file(each, links)) if "alert" in r] for each in (few, many)]
    assert alerts[0] == alerts[1]


def test_labels_of_a_selector_are_on_every_rule(links: Links) -> None:
    scope = Scope(selector=(("env", "prod"),))
    for rule in rules(rule_file([entry("a")], links, scope)):
        assert rule["labels"]["env"] == "prod"


def test_every_rule_asks_only_for_what_the_catalogue_has() -> None:
    asked = {name for rule in (*RECORDINGS, *ALERTS) for name in metrics(rule.expr)}
    assert asked
    for rule in (*RECORDINGS, *ALERTS):
        assert query(rule.expr) == rule.expr


def test_a_metric_that_was_renamed_makes_building_fail() -> None:
    for recording in RECORDINGS:
        for name in metrics(recording.expr):
            with pytest.raises(UnknownFamily):
                query(recording.expr.replace(name, f"{name}_renamed"))

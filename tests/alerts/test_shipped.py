"""The shipped rules are those of the example fleet, and promtool agrees with them."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from verifier.alerts.cases import all_cases
from verifier.alerts.inventory import Entry
from verifier.alerts.links import Links
from verifier.alerts.rulefile import ALERTS
from verifier.alerts.runbook import runbooks
from verifier.cli.app import run
from verifier.runs.declaration import Severity
from verifier.runs.duration import format_duration

ROOT = Path(__file__).parents[2]
ALERTS_FOLDER = ROOT / "alerts"


def promtool(tools: Any, *words: str) -> str:
    done = subprocess.run(
        [tools.promtool, *words], cwd=ALERTS_FOLDER, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rules() -> list[dict[str, Any]]:
    document = YAML(typ="safe").load(ALERTS_FOLDER / "landed.rules.yml")
    (group,) = document["groups"]
    return list(group["rules"])


def test_the_shipped_files_are_what_generate_writes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LANDED_URL", raising=False)
    words = ("--config", str(ROOT / "checks/example.yaml"), "--out", str(ALERTS_FOLDER))
    assert run(["alerts", "check", *words]) == 0, capsys.readouterr().out


def test_the_runbooks_are_what_the_rules_say() -> None:
    kept = {page.name: page.read_text() for page in (ROOT / "docs/runbooks").glob("*.md")}
    assert kept == runbooks(), "run python -m verifier.alerts.runbook and commit what it wrote"


def test_the_page_tells_every_alert_and_how_long_it_waits() -> None:
    page = (ROOT / "docs/dashboards-and-alerts.md").read_text()
    for alert in ALERTS:
        wait = format_duration(alert.wait) if alert.wait else "at once"
        row = rf"^\| \[{alert.name}\]\(runbooks/{alert.full_name}\.md\) \|.*\| {wait} \|$"
        assert re.search(row, page, re.MULTILINE), alert.name


def test_every_alert_leads_to_a_runbook_that_is_there(links: Links) -> None:
    for alert in ALERTS:
        assert (ROOT / links.of(alert)["runbook_url"]).is_file()


def test_every_alert_has_what_the_contract_names(entries: tuple[Entry, ...]) -> None:
    alerts = [rule for rule in rules() if "alert" in rule]
    assert [rule["alert"] for rule in alerts] == [alert.full_name for alert in ALERTS]
    for rule in alerts:
        assert rule["alert"].startswith("Landed")
        assert rule["annotations"].keys() == {
            "summary",
            "description",
            "runbook_url",
            "dashboard_url",
            "run_url",
        }
        joined = "group_left (severity)" in rule["expr"]
        assert joined != ("severity" in rule.get("labels", {}))


def test_recordings_and_alerts_are_one_group_in_the_order_of_their_needs() -> None:
    known: set[str] = set()
    for rule in rules():
        used = {word for word in _words(rule["expr"]) if word.startswith("landed:")}
        assert used <= known | {rule.get("record", "")}
        known.add(rule.get("record", ""))


def _words(expr: str) -> list[str]:
    return "".join(c if c.isalnum() or c in ":_" else " " for c in expr).split()


def test_no_severity_comes_from_what_a_dead_verifier_cannot_say() -> None:
    assert not any("landed_job_info" in rule["expr"] for rule in rules())


def test_jobs_of_severity_none_are_not_in_the_inventory(entries: tuple[Entry, ...]) -> None:
    listed = {r["labels"]["job_name"] for r in rules() if r.get("record") == "landed:inventory"}
    assert listed == {entry.job for entry in entries}
    assert "cache-warmup" not in listed
    assert {entry.severity for entry in entries} == {Severity.PAGE, Severity.TICKET}


@pytest.mark.slow
def test_promtool_accepts_the_rules(prometheus_tools: Any) -> None:
    assert f"{len(rules())} rules found" in promtool(
        prometheus_tools, "check", "rules", "landed.rules.yml"
    )


@pytest.mark.slow
def test_promtool_plays_every_story(prometheus_tools: Any) -> None:
    assert "SUCCESS" in promtool(prometheus_tools, "test", "rules", "landed.tests.yml")


def test_every_alert_fires_in_a_story_and_stays_quiet_in_another() -> None:
    stories = list(all_cases(("daily-revenue",)))
    for alert in ALERTS:
        firing = [
            any(word.split(" ")[0] == alert.name for words in case.fires.values() for word in words)
            for case in stories
        ]
        assert any(firing)
        assert not all(firing)

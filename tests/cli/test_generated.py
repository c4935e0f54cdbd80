"""``landed alerts`` and ``landed dashboards``: files are written, and drift is told."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Landed = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("home")

BOTH = ("alerts", "dashboards")
FILES = {
    "alerts": {"landed.rules.yml", "landed.tests.yml"},
    "dashboards": {"landed-fleet.json", "landed-job.json"},
}


@pytest.mark.parametrize("command", BOTH)
def test_generate_writes_files_that_check_accepts(command: str, landed: Landed) -> None:
    told = landed(command, "generate", "--json")
    assert told.code == 0
    assert {Path(each).name for each in told.json["files"]} == FILES[command]
    assert {each.name for each in Path(command).iterdir()} == FILES[command]
    assert landed(command, "check").code == 0
    assert landed(command, "check", "--json").json == {"drift": []}


@pytest.mark.parametrize("command", BOTH)
def test_generate_says_what_it_wrote_and_where(command: str, landed: Landed) -> None:
    told = landed(command, "generate", "--out", "deep/er")
    assert told.code == 0
    assert {line.split("/")[-1] for line in told.out.splitlines()} == FILES[command]
    assert {each.name for each in Path("deep/er").iterdir()} == FILES[command]


@pytest.mark.parametrize("command", BOTH)
def test_check_tells_what_differs_and_exits_1(command: str, landed: Landed) -> None:
    landed(command, "generate")
    name = min(FILES[command])
    path = Path(command) / name
    path.write_text(path.read_text().replace("landed_runs_open", "landed_runs_opened"))
    told = landed(command, "check")
    assert told.code == 1
    assert name in told.out
    assert re.search(r"^ +-.*landed_runs_opened", told.out, re.MULTILINE)
    (drift,) = landed(command, "check", "--json").json["drift"]
    assert Path(drift["file"]).name == name


@pytest.mark.parametrize("command", BOTH)
def test_a_file_that_is_not_there_is_drift(command: str, landed: Landed) -> None:
    told = landed(command, "check")
    assert told.code == 1
    assert told.out.count("there is no such file") == 2


def test_a_job_that_was_added_or_is_louder_is_drift_of_the_rules(landed: Landed) -> None:
    landed("alerts", "generate")
    config = Path("landed.yaml").read_text()
    Path("landed.yaml").write_text(config.replace("    settle: 100ms\n", "    severity: page\n", 1))
    told = landed("alerts", "check")
    assert told.code == 1
    assert 'severity: "page"' in told.out


def test_a_long_difference_is_cut(landed: Landed) -> None:
    landed("alerts", "generate")
    Path("alerts/landed.rules.yml").write_text("")
    told = landed("alerts", "check")
    assert re.search(r"and \d+ lines more", told.out)
    assert len(told.out.splitlines()) < 30


def test_line_ends_and_bytes_that_differ_are_told(landed: Landed) -> None:
    landed("alerts", "generate")
    rules, tests = Path("alerts/landed.rules.yml"), Path("alerts/landed.tests.yml")
    rules.write_bytes(rules.read_bytes() + b"\n")
    tests.write_bytes(b"\xff\xfe")
    told = landed("alerts", "check")
    assert told.code == 1
    assert "it is no text" in told.out


@pytest.mark.parametrize("command", BOTH)
def test_a_folder_that_cannot_be_is_a_mistake(command: str, landed: Landed) -> None:
    told = landed(command, "generate", "--out", "landed.yaml/here")
    assert (told.code, told.out) == (2, "")
    assert "cannot be written" in told.err
    told = landed(command, "check", "--out", "landed.yaml/here")
    assert (told.code, told.out) == (2, "")
    assert "cannot be read" in told.err


@pytest.mark.parametrize("command", BOTH)
@pytest.mark.parametrize("word", ["generate", "check"])
def test_a_broken_configuration_is_a_mistake_and_writes_nothing(
    command: str, word: str, landed: Landed
) -> None:
    Path("landed.yaml").write_text("version: 1\njobs: {a: {}}\n")
    told = landed(command, word)
    assert (told.code, told.out) == (2, "")
    assert not Path(command).exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--selector", "cluster"), "expected LABEL=VALUE"),
        (("--selector", 'cluster="eu"'), "expected LABEL=VALUE"),
        (("--selector", "9x=eu"), "expected a label"),
        (("--selector", "verdict=eu"), "which is ours"),
        (("--group-by", "job_name"), "which is ours"),
        (("--group-by", "__name__"), "expected a label"),
        (("--group-by", "a", "--selector", "a=b"), "once: a"),
        (("--target", "nagios"), "nagios"),
        (("--url", "landed.example"), "expected an address"),
        (("--url", 'http://a/"{{x}}'), "expected an address"),
        (("--grafana", "http://a b"), "expected an address"),
        (("--runbooks", "a{b}"), "expected an address or a path"),
    ],
)
def test_a_mistake_in_an_option_is_told_and_exits_2(
    words: tuple[str, ...], told: str, landed: Landed
) -> None:
    result = landed("alerts", "check", *words)
    assert (result.code, result.out) == (2, "")
    assert told in result.err


def test_links_lead_to_where_people_reach_things(landed: Landed) -> None:
    words = ("--grafana", "https://g.example/", "--runbooks", "https://r.example/books")
    landed("alerts", "generate", "--url", "https://landed.example", *words)
    rules = Path("alerts/landed.rules.yml").read_text()
    assert "https://landed.example/v1/runs?job={{ $labels.job_name }}&verdict=missing" in rules
    assert "https://g.example/d/landed-job?var-job_name={{ $labels.job_name }}" in rules
    assert "https://r.example/books/LandedRunMissing.md" in rules
    landed("dashboards", "generate", "--url", "https://landed.example")
    links = json.loads(Path("dashboards/landed-job.json").read_text())["links"]
    assert links[-1]["url"] == "https://landed.example/v1/runs?job=${job_name}"


def test_the_environment_names_the_verifier_and_an_option_wins(
    landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDED_URL", "https://env.example")
    landed("alerts", "generate")
    assert "https://env.example/v1" in Path("alerts/landed.rules.yml").read_text()
    landed("alerts", "generate", "--url", "https://option.example")
    assert "https://env.example" not in Path("alerts/landed.rules.yml").read_text()


def test_several_deployments_are_told_apart(landed: Landed) -> None:
    scope = ("--selector", "env=prod", "--group-by", "cluster")
    landed("alerts", "generate", *scope)
    rules = Path("alerts/landed.rules.yml").read_text()
    assert 'env: "prod"' in rules
    assert "by (cluster, job_name)" in rules
    assert landed("alerts", "check", *scope).code == 0
    assert landed("alerts", "check").code == 1


@pytest.mark.parametrize("command", BOTH)
def test_without_a_command_help_is_shown(command: str, landed: Landed) -> None:
    assert "generate" in landed(command).out

"""A real Prometheus scrapes a real verifier while the demo's story runs.

Every query of every panel and variable is asked at instants of the story, and answers
what the story says; those that are rightly empty are listed with why.
"""

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from verifier.cli.demo.stage import JOB, NIGHT, Stage, first_night
from verifier.cli.demo.story import STORY, play
from verifier.cli.sidecar import METRICS_EVERY
from verifier.dashboards.lint import panels
from verifier.engine.clock import system_clock, system_wait

CONFIG = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: landed
    static_configs: [{{targets: ["{target}"]}}]
"""

SEEN_WITHIN = METRICS_EVERY.total_seconds() + 3
"""Seconds until new figures are made, scraped and evaluated, on a busy machine."""

RIGHTLY_EMPTY = {
    "landed-fleet": {
        "Stale now, and by how much": "a result may be eleven minutes late",
        "Slow runs as a part of their interval": "fewer than five live runtimes",
        "Signals refused": "nothing was refused",
    },
    "landed-job": {
        "Muted until": "nobody muted it",
        "Retries": "no live attempt repeats another",
        "Runtimes as a part of the interval/A": "fewer than five live runtimes",
    },
}
"""By dashboard and panel (and the letter of the query where it has several)."""


@dataclass(frozen=True)
class Prometheus:
    url: str

    def ask(self, expr: str, at: float) -> list[dict[str, Any]]:
        """What an instant query answers."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": expr, "time": at})
        document = answer.json()
        assert document["status"] == "success", f"{expr}: {document.get('error')}"
        return list(document["data"]["result"])

    def values(self, expr: str, label: str, at: float) -> dict[str, float]:
        """The values of an answer by a label."""
        return {
            each["metric"].get(label, ""): float(each["value"][1]) for each in self.ask(expr, at)
        }

    def label_values(self, query: str, start: float, end: float) -> list[str]:
        """What Grafana gets for a variable of ``label_values(metric, label)``."""
        found = re.fullmatch(r"label_values\((.*), (\w+)\)", query)
        assert found is not None
        answer = httpx.get(
            f"{self.url}/api/v1/label/{found[2]}/values",
            params={"match[]": found[1], "start": start, "end": end},
        )
        return list(answer.json()["data"])


@dataclass(frozen=True)
class Told:
    """The story as Prometheus keeps it.

    ``nights``: for each the instant (Unix seconds) at which what came out must be seen.
    ``clean``: an instant before anything went wrong, ``gone`` one after the verifier has
    ended.
    """

    prometheus: Prometheus
    home: Path
    began: float
    nights: tuple[float, ...]
    clean: float
    gone: float


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def scraping(program: str, stage: Stage, folder: Path) -> Iterator[Prometheus]:
    """A Prometheus with the demo's rules, on loopback, until the block ends."""
    listen = f"127.0.0.1:{free_port()}"
    target = stage.url.removeprefix("http://")
    rules = stage.home / "alerts/landed.rules.yml"
    (folder / "prometheus.yml").write_text(CONFIG.format(rules=rules, target=target))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address={listen}",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until_ready(f"http://{listen}/-/ready", process, folder / "log")
            yield Prometheus(f"http://{listen}")
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=1).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail(log.read_text(errors="replace")[-2000:])


@pytest.fixture(scope="module")
def told(prometheus_tools: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The whole story, played once."""
    stage = Stage(tmp_path_factory.mktemp("story"))
    folder = tmp_path_factory.mktemp("prometheus")
    start = first_night(system_clock())
    dues: list[datetime] = [start + number * NIGHT for number in range(len(STORY))]
    stage.build(dues)
    with scraping(prometheus_tools.prometheus, stage, folder) as prometheus:
        over: list[float] = []
        with stage.serving():
            for night in play(stage, dues, system_clock, system_wait):
                assert night.as_it_must, night.run
                over.append(time.time() + SEEN_WITHIN)
            time.sleep(SEEN_WITHIN)
        time.sleep(3)
        clean = dues[2].timestamp()
        yield Told(prometheus, stage.home, start.timestamp(), tuple(over), clean, time.time())


def document(told: Told, uid: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((told.home / f"dashboards/{uid}.json").read_text())
    return made


def asked(told: Told, uid: str, until: float) -> Iterator[tuple[str, str]]:
    """Each query with what names it, as Grafana would send it for the whole story."""
    window = f"{int(until - told.began) + 1}s"
    for panel in panels(document(told, uid)):
        for target in panel["targets"]:
            several = len(panel["targets"]) > 1
            expr = target["expr"].replace("$__range", window).replace("$__rate_interval", window)
            yield (
                f"{panel['title']}/{target['refId']}" if several else panel["title"],
                expr.replace("$job_name", JOB),
            )


@pytest.mark.slow
@pytest.mark.parametrize("uid", ["landed-fleet", "landed-job"])
def test_every_panel_answers_at_the_end_of_the_story_but_those_rightly_empty(
    told: Told, uid: str, capsys: pytest.CaptureFixture[str]
) -> None:
    end = told.nights[-1]
    # What holds only while something goes on is looked for at the end of each night.
    answers = {
        name: any(told.prometheus.ask(expr, at) for at in told.nights)
        for name, expr in asked(told, uid, end)
    }
    empty = {name for name, answered in answers.items() if not answered}
    assert empty == RIGHTLY_EMPTY[uid].keys()
    with capsys.disabled():
        print(  # noqa: T201 - the figure is what the test is run for
            f"\n{uid}: {len(answers)} queries at {len(told.nights)} instants, "
            f"{len(empty)} rightly empty"
        )


@pytest.mark.slow
@pytest.mark.parametrize("uid", ["landed-fleet", "landed-job"])
def test_no_panel_answers_once_the_verifier_is_gone(told: Told, uid: str) -> None:
    """So that each shows what it says for nothing, and none shows an old figure for a new one."""
    for name, expr in asked(told, uid, told.gone):
        if "increase(" in expr or "rate(" in expr:
            # Events of the time shown happened, whether anybody watches now or not.
            continue
        assert told.prometheus.ask(expr, told.gone) == [], name


@pytest.mark.slow
def test_the_variable_of_jobs_offers_the_job(told: Told) -> None:
    variables = document(told, "landed-job")["templating"]["list"]
    (query,) = [each["query"] for each in variables if each["type"] == "query"]
    assert told.prometheus.label_values(query, told.began, told.nights[-1]) == [JOB]


def one(told: Told, uid: str, name: str, at: float) -> str:
    (expr,) = [expr for title, expr in asked(told, uid, at) if title == name]
    return expr


def by(told: Told, uid: str, name: str, label: str, night: int) -> dict[str, float]:
    at = told.nights[night - 1]
    return told.prometheus.values(one(told, uid, name, at), label, at)


@pytest.mark.slow
def test_open_verdicts_grow_with_the_story(told: Told) -> None:
    name = "Runs that wait for a person"
    for uid in ("landed-fleet", "landed-job"):
        assert told.prometheus.ask(one(told, uid, name, told.clean), told.clean) == []
        assert by(told, uid, name, "verdict", 3)["duplicated"] == 1
        last = by(told, uid, name, "verdict", 8)
        # When the story is over the job is due again, and nobody starts it.
        assert last.pop("missing") >= 1
        assert last == {"duplicated": 1, "partial": 2, "ambiguous": 1}


@pytest.mark.slow
def test_truths_are_told_apart(told: Told) -> None:
    """Of eight nights that fell due seven were tried, and of those few are verified."""
    at = told.nights[-1]
    due, triggered, succeeded, verified, false = (
        told.prometheus.ask(expr, at)[0]["value"][1]
        for expr in (
            "max(landed_runs_due_total)",
            "max(landed_runs_created_total)",
            'sum(landed_attempts_total{outcome="succeeded"})',
            "max(landed_useful_completions_total)",
            "max(landed_false_successes_total)",
        )
    )
    assert int(due) >= len(STORY)
    assert (triggered, succeeded, false) == ("7", "3", "2")
    # The third night may be seen verified for a moment, before its rerun doubles it.
    assert verified in ("2", "3")
    assert by(told, "landed-job", "Running now", "job_name", 7)[""] >= 1


@pytest.mark.slow
def test_the_chain_shows_that_nobody_starts_the_job_when_the_story_is_over(told: Told) -> None:
    """It is due again, and its last start is older than that."""
    assert _link(told, "Started") < _link(told, "Due")
    assert _link(told, "Useful") < _link(told, "Success") < _link(told, "Started")


def _link(told: Told, title: str) -> float:
    """The link of the chain at the end; the panel of that name that tells instants."""
    at = told.nights[-1]
    chain = [expr for name, expr in asked(told, "landed-job", at) if name == title]
    return float(told.prometheus.ask(chain[-1], at)[0]["value"][1])


@pytest.mark.slow
def test_conditions_and_checks_are_told(told: Told) -> None:
    assert "stalled" in by(told, "landed-job", "Conditions", "condition", 7)
    at = told.nights[-1]
    answers = told.prometheus.ask(one(told, "landed-job", "What each check answered", at), at)
    assert {each["metric"]["check"] for each in answers} == {"regions", "no-double", "totals"}


@pytest.mark.slow
def test_the_rules_ask_for_a_person_where_the_story_needs_one(told: Told) -> None:
    firing = 'ALERTS{alertstate="firing"}'
    # The heart beats once every loop has turned, which takes some seconds.
    clean = told.prometheus.values(firing, "alertname", told.clean).keys()
    assert clean <= {"LandedHeartbeat"}
    assert told.prometheus.values(firing, "alertname", told.nights[-1]).keys() == {
        "LandedHeartbeat",
        "LandedRunDuplicated",
        "LandedRunMissing",
        "LandedFalseSuccess",
        "LandedCompletionAmbiguous",
    }
    gone = told.prometheus.values(firing, "alertname", told.gone).keys()
    # A few seconds without a verifier end no alert of a job; only the heartbeat stops at once.
    assert "LandedHeartbeat" not in gone
    assert "LandedRunDuplicated" in gone

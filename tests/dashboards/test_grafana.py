"""The files that Grafana imports."""

import json
from pathlib import Path
from typing import Any

import pytest

from verifier.catalogue.families import UnknownFamily
from verifier.cli.app import run
from verifier.dashboards.files import DASHBOARDS, dashboard_files
from verifier.dashboards.fleet import FLEET
from verifier.dashboards.grafana import grafana_json
from verifier.dashboards.job import JOB
from verifier.dashboards.panel import Dashboard, Panel, Section, stat

ROOT = Path(__file__).parents[2]
VERIFIER = "http://127.0.0.1:9877"


def document(dashboard: Dashboard) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(grafana_json(dashboard, VERIFIER))
    return made


def panel(dashboard: Dashboard, title: str) -> dict[str, Any]:
    (found,) = [each for each in document(dashboard)["panels"] if each["title"] == title]
    return dict(found)


def test_the_shipped_files_are_what_generate_writes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LANDED_URL", raising=False)
    words = ("--config", str(ROOT / "checks/example.yaml"), "--out", str(ROOT / "dashboards"))
    assert run(["dashboards", "check", *words]) == 0, capsys.readouterr().out


def test_the_same_dashboard_is_the_same_text() -> None:
    assert dashboard_files(VERIFIER) == dashboard_files(VERIFIER)
    for text in dashboard_files(VERIFIER).values():
        assert text == json.dumps(json.loads(text), sort_keys=True, indent=2) + "\n"


def test_what_is_stale_comes_first_and_by_how_much() -> None:
    for dashboard in DASHBOARDS:
        heading, first = document(dashboard)["panels"][:2]
        assert heading["title"] == "Stale now"
        assert "useful_completion_due" in first["targets"][0]["expr"]
        assert first["fieldConfig"]["defaults"]["unit"] == "s"


def test_triggered_running_and_verified_stand_side_by_side() -> None:
    for dashboard in DASHBOARDS:
        places = [
            panel(dashboard, title)["gridPos"] for title in ("Triggered", "Running now", "Verified")
        ]
        assert len({place["y"] for place in places}) == 1
        assert len({place["x"] for place in places}) == 3


def test_the_chain_is_in_its_order() -> None:
    (chain,) = [each for each in FLEET.sections if each.title.startswith("The chain")]
    names = [target.name for target in chain.panels[0].targets]
    assert names == [
        "due",
        "created",
        "started",
        "reported success",
        "useful completion",
        "due next",
    ]


@pytest.mark.parametrize(
    ("dashboard", "title"),
    [(FLEET, "Slow runs as a part of their interval"), (JOB, "Runtimes as a part of the interval")],
    ids=["fleet", "job"],
)
def test_runtime_to_interval_has_lines_at_four_fifths_and_at_one(
    dashboard: Dashboard, title: str
) -> None:
    config = panel(dashboard, title)["fieldConfig"]["defaults"]
    assert [step["value"] for step in config["thresholds"]["steps"]] == [None, 0.8, 1.0]
    assert config["custom"]["thresholdsStyle"]["mode"] == "dashed"


def test_a_table_of_several_queries_is_joined_and_its_columns_are_named() -> None:
    merge, organize = panel(FLEET, "Where each job's chain has come to")["transformations"]
    assert merge["id"] == "merge"
    assert organize["options"]["renameByName"] == {
        "job_name": "job",
        "Value #A": "due",
        "Value #B": "created",
        "Value #C": "started",
        "Value #D": "reported success",
        "Value #E": "useful completion",
        "Value #F": "due next",
    }


def test_panels_flow_into_the_next_line_where_a_line_is_full() -> None:
    wide = [stat(f"n{number}", "s", "landed_checks", width=10, height=3) for number in range(3)]
    small = Dashboard(uid="u", title="t", says="s", sections=(Section("one", tuple(wide)),))
    places = [each["gridPos"] for each in document(small)["panels"][1:]]
    assert [(place["x"], place["y"]) for place in places] == [(0, 1), (10, 1), (0, 4)]


def with_query(expr: str) -> Dashboard:
    shown: Panel = stat("one", "s", expr)
    return Dashboard(uid="u", title="t", says="s", sections=(Section("one", (shown,)),))


def test_a_metric_that_was_renamed_makes_building_fail() -> None:
    with pytest.raises(UnknownFamily, match="landed_runs_opened"):
        grafana_json(with_query("landed_runs_opened"), VERIFIER)


def test_a_metric_without_data_makes_building_fail() -> None:
    with pytest.raises(UnknownFamily, match="no data"):
        grafana_json(with_query("landed_store_up"), VERIFIER)

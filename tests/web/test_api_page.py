"""``docs/api.md`` says what the API does: its routes, its words, and its examples in order."""

import json
import re
from pathlib import Path

from verifier.intake.receipt import RejectCode
from verifier.intake.wire import WireSignal
from verifier.runs.action import ActionKind
from verifier.runs.signal import Kind
from verifier.web.app import ENDPOINTS
from verifier.web.problems import ProblemKind
from verifier.web.runs import WireRuns

PAGE = (Path(__file__).parents[2] / "docs/api.md").read_text()
EXAMPLE = re.compile(r"```http\n(\w+) (\S+)\n(?:\n(.+?))?```\n\n```json\n(.+?)```", re.DOTALL)


def section(title):
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def first_cells(title):
    return [row.split("|")[1] for row in section(title).splitlines() if row.startswith("| `")]


def test_every_route_has_a_row_and_every_row_a_route():
    rows = {tuple(cell.strip(" `").split(" ")) for cell in first_cells("Routes")}
    assert rows == {(each.method, each.public_path) for each in ENDPOINTS}


def test_every_kind_of_problem_has_a_row_with_its_status():
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", section("Errors"), re.MULTILINE)
    assert rows == [(kind.code, str(kind.status)) for kind in ProblemKind]


def test_every_field_kind_and_code_of_a_signal_is_told():
    told = set(re.findall(r"`(\w+)`", section("Signals")))
    assert told >= {*WireSignal.__struct_fields__, *Kind, *RejectCode}


def test_every_filter_and_action_is_told():
    assert set(re.findall(r"`(\w+)`", section("Jobs and runs"))) >= set(WireRuns.__struct_fields__)
    actions = {word for cell in first_cells("Actions") for word in re.findall(r"\w+", cell)}
    assert actions - {"action"} == set(ActionKind) - {ActionKind.OVERRIDE}


def test_every_example_is_answered_as_shown(api):
    operator = api.as_operator()
    examples = EXAMPLE.findall(PAGE)
    assert len(examples) == PAGE.count("```http")
    for method, path, body, shown in examples:
        answer = operator.get(path) if method == "GET" else operator.post(path, body.encode())
        assert_shows(answer.json(), json.loads(shown), f"{method} {path}")


def assert_shows(answer, shown, where):
    """``shown`` may leave fields out, and nothing else."""
    if isinstance(shown, dict):
        for key, value in shown.items():
            assert_shows(answer[key], value, f"{where}: {key}")
    elif isinstance(shown, list):
        assert len(answer) == len(shown), where
        for one, other in zip(answer, shown, strict=True):
            assert_shows(one, other, where)
    else:
        assert answer == shown, where

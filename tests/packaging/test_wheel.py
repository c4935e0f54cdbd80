"""The wheel, as users get it: installed in an empty environment, with the demo run there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NIGHTS = [
    ("judged", "verified", "accept", False),
    ("judged", "verified", "accept", False),
    ("judged", "duplicated", "reconcile_first", True),
    ("judged", "partial", "reconcile_first", False),
    ("judged", "partial", "reconcile_first", True),
    ("judged", "missing", "run", False),
    ("running", None, "stop_first", False),
    ("judged", "ambiguous", "reconcile_first", False),
]


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` of an environment that holds the built wheel and what it needs."""
    home = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", home)
    run(*build, ROOT, cwd=ROOT)
    (wheel,) = home.glob("landed-*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", home / "venv", cwd=home)
    install = ["install", "--quiet", "--root-user-action=ignore", "-c", ROOT / "constraints.txt"]
    run("python3", "-m", "pip", "--python", home / "venv/bin/python", *install, wheel, cwd=home)
    return home / "venv/bin"


@pytest.mark.slow
def test_the_demo_in_an_empty_environment_comes_out_as_it_must(
    installed: Path, tmp_path: Path
) -> None:
    done = run(installed / "landed", "demo", "--json", "--dir", tmp_path / "demo", cwd=tmp_path)
    nights = json.loads(done.stdout)["nights"]
    came_out = [
        (run["state"], run["verdict"], run["advice"]["action"], run["false_success"])
        for run in nights
    ]
    assert came_out == NIGHTS
    assert [run["reported"] for run in nights[:2]] == ["succeeded", "failed"]
    assert "stalled" in [each["condition"] for each in nights[6]["conditions"]]
    guard = [[each["decision"] for each in run["guard"]] for run in nights]
    assert guard[1] == ["skip"]
    assert guard[3] == ["refuse"]


@pytest.mark.slow
def test_the_wheel_ships_its_content_and_no_tests(installed: Path, tmp_path: Path) -> None:
    code = (
        "from verifier.content.files import shipped; import verifier, pathlib;"
        "print(shipped('checks/example.yaml'), pathlib.Path(verifier.__file__).parent)"
    )
    done = run(installed / "python", "-c", code, cwd=tmp_path)
    example, package = done.stdout.split()
    assert example.startswith(package)
    names = run("ls", Path(package).parent, cwd=tmp_path).stdout.split()
    assert not {"tests", "benchmarks", "checks", "alerts"} & set(names)
    run(installed / "landed", "--version", cwd=tmp_path)
    run(installed / "landed", "init", "--pack", "billing-close", cwd=tmp_path)
    run(installed / "landed-exec", "--job", "j", "--spool", tmp_path, "--", "true", cwd=tmp_path)


@pytest.mark.slow
def test_the_wheel_knows_its_types_of_source_without_what_hears_them(
    installed: Path, tmp_path: Path
) -> None:
    schema = json.loads(run(installed / "landed", "schema", cwd=tmp_path).stdout)
    types = {
        model["properties"]["type"]["const"]
        for model in schema["$defs"].values()
        if "const" in model.get("properties", {}).get("type", {})
    }
    assert types >= {"cron-log", "airflow", "celery"}
    celery = "sources: {q: {type: celery, broker: 'redis://127.0.0.1:1/0'}}"
    job = "{schedule: {every: 1h}, class: best-effort, scheduler: {source: q, task: t}}"
    (tmp_path / "landed.yaml").write_text(f"version: 1\n{celery}\njobs: {{t: {job}}}\n")
    run(installed / "landed", "validate", cwd=tmp_path)

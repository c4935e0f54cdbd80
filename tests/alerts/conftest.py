"""The jobs of the shipped example, and promtool to try rules with."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from verifier.alerts.inventory import Entry, inventory
from verifier.alerts.links import Links
from verifier.config.load import load

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def entries() -> tuple[Entry, ...]:
    jobs = load(ROOT / "checks/example.yaml", {}).jobs.values()
    return inventory(job.declaration for job in jobs)


@pytest.fixture(scope="session")
def links() -> Links:
    return Links(verifier="http://127.0.0.1:9877")


Promtool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def promtool(prometheus_tools: Any, tmp_path: Path) -> Promtool:
    """Writes files into a folder and runs promtool there."""

    def run(*words: str, **files: str) -> subprocess.CompletedProcess[str]:
        for name, text in files.items():
            (tmp_path / f"landed.{name}.yml").write_text(text, encoding="utf-8")
        return subprocess.run(
            [prometheus_tools.promtool, *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run

"""What Prometheus' own tools say of the shipped configuration and of the page."""

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_the_shipped_configuration_is_valid(prometheus_tools, tmp_path):
    shutil.copy(ROOT / "exporters" / "prometheus.yml", tmp_path)
    shutil.copy(ROOT / "alerts" / "landed.rules.yml", tmp_path)
    command = [prometheus_tools.promtool, "check", "config", tmp_path / "prometheus.yml"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "1 rule files found" in done.stdout


def test_the_page_is_what_prometheus_recommends(prometheus_tools):
    page = (ROOT / "tests" / "data" / "metrics.txt").read_bytes()
    command = [prometheus_tools.promtool, "check", "metrics"]
    done = subprocess.run(command, input=page, capture_output=True)
    assert done.stderr.decode().splitlines() == []

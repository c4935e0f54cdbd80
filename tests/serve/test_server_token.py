"""The operate token of a ``serve`` whose ledger is on a server: made where its user keeps state."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HOLD = ["act", "hold", "quarter", "--by", "ann", "--reason", "a test"]


def landed(*words: str, state: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LANDED_")}
    return subprocess.run(
        [sys.executable, "-m", "verifier.cli.entry", *words],
        env=environment | {"LANDED_STATE": str(state), "LANDED_SPOOL": str(state / "spool")},
        cwd=state.parent,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_commands_of_the_same_user_find_the_token_of_a_running_serve(
    tmp_path: Path, postgres_url: Callable[[], str], start
) -> None:
    state = tmp_path / "state"
    serve = start(postgres_url(), LANDED_STATE=str(state))
    (token,) = state.glob("*.token")
    assert token.stat().st_mode & 0o077 == 0
    assert state.stat().st_mode & 0o077 == 0
    assert landed(*HOLD, "--url", serve.url, state=tmp_path / "other").returncode == 2
    assert landed(*HOLD, "--url", serve.url, state=state).returncode == 0
    serve.process.kill()
    serve.process.wait()
    # Whoever listens there now is not told the token.
    other = start(postgres_url(), more="", LANDED_STATE=str(tmp_path / "elsewhere"))
    assert landed(*HOLD, "--url", other.url, state=state).returncode == 2


def test_a_serve_that_can_keep_no_token_serves_all_the_same(
    tmp_path: Path, postgres_url: Callable[[], str], start
) -> None:
    (tmp_path / "taken").write_text("a file, no folder")
    serve = start(postgres_url(), LANDED_STATE=str(tmp_path / "taken"))
    assert serve.is_ready()
    assert "no operate token is made" in serve.log.read_text()

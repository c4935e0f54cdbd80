"""A job's shell is killed, and the program that it had started lives on."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from verifier.exec import landed_exec

pytestmark = pytest.mark.slow

LIVES_ON = "sleep 3 & echo $! > child; echo $$ > shell; wait"


def pid_in(path: Path) -> int:
    return int(path.read_text())


def test_a_killed_shell_is_no_proof_while_its_program_lives(
    host: Any, verifier: Any, wait: Any, tmp_path: Path
) -> None:
    script = LIVES_ON.replace("> ", f"> {tmp_path}/")
    job = host.start("sh", "-c", script, options=["--attempt", "a1"])
    wait(lambda: (tmp_path / "shell").exists() and (tmp_path / "shell").read_text().strip())
    os.kill(pid_in(tmp_path / "shell"), signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL
    wait(lambda: "failed" in verifier.kinds())
    end = verifier.signals["nightly", "a1/end"]
    assert (end["end_proof"], end["exit_code"]) == ("none", 137)
    assert f"(pid {pid_in(tmp_path / 'child')})" in end["reason"]
    wait(lambda: ("nightly", "a1/gone") in verifier.signals)
    assert verifier.signals["nightly", "a1/gone"]["end_proof"] == "pid_gone"


def test_a_killed_job_that_left_nothing_is_proven_by_its_exit(
    host: Any, verifier: Any, wait: Any
) -> None:
    host.run("sh", "-c", "kill -9 $$", options=["--attempt", "a1"])
    wait(lambda: "failed" in verifier.kinds())
    assert verifier.signals["nightly", "a1/end"]["end_proof"] == "exit"


WAITING = """
import sys
from verifier.exec import landed_exec
landed_exec.rename(sys.argv[1]) if sys.argv[1:] else None
print("ready", flush=True)
input()
"""


@pytest.mark.parametrize(("name", "counts"), [([], True), (["landed-courier"], False)])
def test_what_delivers_a_signal_from_inside_the_job_does_none_of_its_work(
    name: list[str], counts: bool
) -> None:
    attempt = landed_exec.new_id()
    root = str(Path(landed_exec.__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, *name],
        env={"LANDED_ATTEMPT": attempt, "PYTHONPATH": root},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        found = [pid for pid, _ in landed_exec.survivors(attempt)]
        assert found == ([process.pid] if counts else [])
    finally:
        process.kill()
        process.communicate()

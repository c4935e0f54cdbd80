"""Clients of Healthchecks, as they are, against a real ``serve``."""

import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ONE = "c0ffee00-0000-4000-8000-000000000001"
DECORATED = """
import sys
from healthchecks_decorator import healthcheck

@healthcheck(url=sys.argv[1], send_start=True, send_diagnostics=True)
def job():
    if sys.argv[2] == "fails":
        raise OSError("disk full")
    return {"rows": 150}

job()
"""


def curl(*arguments: str) -> str:
    command = ["curl", "-fsS", "-m", "10", "--retry", "3", "--noproxy", "*", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def last_run(served: Any) -> dict[str, Any]:
    return served.get("/v1/runs?job=quarter").json()["runs"][0]


def test_curl_in_a_crontab_works_as_it_did(served: Any) -> None:
    url = f"{served.url}/ping/quarter"
    assert curl(f"{url}/start?rid={ONE}") == "OK"
    assert curl("--data-binary", "150 rows", f"{url}/0?rid={ONE}") == "OK"
    (attempt,) = last_run(served)["attempts"]
    assert (attempt["attempt"], attempt["state"], attempt["output"]) == (
        ONE,
        "succeeded",
        "150 rows",
    )


@pytest.mark.parametrize(("end", "state"), [("works", "succeeded"), ("fails", "failed")])
def test_a_client_library_works_as_it_did(served: Any, end: str, state: str) -> None:
    url = f"{served.url}/ping/my-old-ping-key/decorated-{end}"
    command = [sys.executable, "-c", DECORATED, url, end]
    subprocess.run(command, check=end == "works", timeout=30, capture_output=True)
    run = served.get(f"/v1/runs?job=decorated-{end}").json()["runs"][0]
    assert run["reported"] == state

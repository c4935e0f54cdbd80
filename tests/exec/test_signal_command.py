"""``landed signal``: what is said in one line of shell is what the verifier hears."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from verifier.exec import landed_exec
from verifier.exec.landed_exec import UsageError
from verifier.exec.signal_command import KINDS, read_signal
from verifier.runs.signal import EndProof, Kind, Lane, Signal

OUTER = {
    "LANDED_JOB": "outer",
    "LANDED_ATTEMPT": "a1",
    "LANDED_DUE": "2026-04-03T00:00:00Z",
}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LANDED_")]:
        monkeypatch.delenv(name)


def told(*argv: str) -> dict[str, Any]:
    signal, _ = read_signal(argv)
    decoded = msgspec.convert(signal, Signal)  # as the verifier reads it
    assert decoded.id
    assert decoded.at.tzinfo is not None
    return {name: value for name, value in signal.items() if name not in ("id", "at")}


def test_every_kind_and_word_of_the_verifier_can_be_told() -> None:
    assert set(KINDS) == set(Kind)
    for lane in Lane:
        assert told("started", "--job", "j", "--lane", lane)["lane"] == lane
    for proof in EndProof:
        assert told("lost", "--job", "j", "--end-proof", proof)["end_proof"] == proof


def test_everything_that_a_signal_can_carry_can_be_told() -> None:
    argv = [
        *("claimed", "--job", "j", "--attempt", "a", "--due", "2026-04-03T02:00:00+02:00"),
        *("--partition", "Zürich", "--lane", "rerun", "--worker", "w", "--reason", "r s"),
        *("--exit-code", "7", "--lease-until", "2026-04-03T01:00:00Z", "--end-proof", "operator"),
        *("--next-retry-at", "2026-04-03T02:00:00Z", "--done", "120", "--total", "150.5"),
        *("--checkpoint", "c", "--begun", "mail", "--label", "a=1", "--label", "b=x=y"),
    ]
    assert told(*argv) == {
        "job": "j",
        "kind": "claimed",
        "attempt": "a",
        "due": "2026-04-03T00:00:00Z",
        "partition": "Zürich",
        "lane": "rerun",
        "worker": "w",
        "reason": "r s",
        "exit_code": 7,
        "lease_until": "2026-04-03T01:00:00Z",
        "next_retry_at": "2026-04-03T02:00:00Z",
        "end_proof": "operator",
        "progress": {"done": 120, "total": 150.5, "checkpoint": "c"},
        "effect": {"begun": True, "surface": "mail"},
        "labels": {"a": "1", "b": "x=y"},
    }


def test_a_time_and_an_id_of_ones_own_are_kept() -> None:
    signal, _ = read_signal(["started", "--job=j", "--at=2026-04-03T02:00:00+02:00", "--id=x"])
    assert (signal["at"], signal["id"]) == ("2026-04-03T00:00:00Z", "x")
    signal, _ = read_signal(["started", "--job=j"])
    at = datetime.fromisoformat(signal["at"])
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60


@pytest.mark.parametrize(
    ("argv", "effect"),
    [
        (["--begun"], {"begun": True}),
        (["--begun", "mail"], {"begun": True, "surface": "mail"}),
        (["--begun=mail"], {"begun": True, "surface": "mail"}),
        (["--not-begun"], {"begun": False}),
        (["--not-begun", "--reason", "r"], {"begun": False}),
    ],
)
def test_an_effect_may_name_its_surface_or_none(argv: list[str], effect: dict[str, object]) -> None:
    assert told("effect", *argv, "--job", "j")["effect"] == effect


def test_inside_a_job_its_attempt_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OUTER.items():
        monkeypatch.setenv(name, value)
    known = {"job": "outer", "attempt": "a1", "due": "2026-04-03T00:00:00Z"}
    assert told("heartbeat") == {"kind": "heartbeat", **known}
    monkeypatch.setenv("LANDED_PARTITION", "p")
    assert told("heartbeat")["partition"] == "p"


def test_what_is_known_of_one_attempt_is_not_told_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in OUTER.items():
        monkeypatch.setenv(name, value)
    assert told("heartbeat", "--job", "other") == {"job": "other", "kind": "heartbeat"}
    another = told("heartbeat", "--attempt", "a2")
    assert another == {"job": "outer", "kind": "heartbeat", "attempt": "a2"}


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["heartbeat"], "--job is missing, and LANDED_JOB is not set"),
        (["beat", "--job", "j"], "KIND: expected created, dispatched, "),
        (["--job", "j"], "KIND: expected created, dispatched, "),
        (["heartbeat", "--job", "../../x"], "--job: expected 1 to 100 of A-Z"),
        (["heartbeat", "--job", "j", "more"], "unexpected 'more'"),
        (["heartbeat", "--job", "j", "--id", "silence/a"], "--id: expected an id that does not"),
        (["progress", "--job", "j"], "progress needs --done, --total or --checkpoint"),
        (["progress", "--job", "j", "--done", "-1"], "--done: expected a number of 0 or more"),
        (["progress", "--job", "j", "--done", "nan"], "--done: expected a number of 0 or more"),
        (["progress", "--job", "j", "--done", "inf"], "--done: expected a number of 0 or more"),
        (["effect", "--job", "j"], "effect needs --begun or --not-begun"),
        (["effect", "--job", "j", "--begun", "--not-begun"], "--begun and --not-begun contradict"),
        (["failed", "--job", "j", "--exit-code", "-9"], "--exit-code: expected 0 to 255"),
        (["failed", "--job", "j", "--label", "x"], "--label: expected KEY=VALUE, found 'x'"),
        (["failed", "--job", "j", "--at", "2026-04-03T00:00"], "--at: expected an instant with"),
    ],
)
def test_a_mistake_is_said_in_one_line(argv: list[str], text: str) -> None:
    with pytest.raises(UsageError) as error:
        read_signal(argv)
    assert str(error.value).startswith(text)
    assert "\n" not in str(error.value)


# The command itself

ROOT = Path(landed_exec.__file__).parents[2]
COMMAND = [
    *(sys.executable, "-c"),
    "import sys; from verifier.exec.signal_command import main; sys.exit(main())",
]


def signal(host: Any, *argv: str) -> subprocess.CompletedProcess[str]:
    environment = {**host.environment, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*COMMAND, *argv], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_signal_is_spooled_and_delivered(host: Any, verifier: Any, wait: Any) -> None:
    assert signal(host, "effect", "--begun", "mail", "--job", "j").returncode == 0
    assert signal(host, "progress", "--done", "3", "--job", "j").returncode == 0
    wait(lambda: sorted(verifier.kinds()) == ["effect", "progress"])
    wait(lambda: host.is_quiet() and not list(host.spool.glob("*.sig")))


@pytest.mark.slow
def test_a_signal_of_a_job_that_the_verifier_does_not_know_says_so_the_next_time(
    host: Any, verifier: Any, wait: Any
) -> None:
    verifier.rejections["effect"] = {"code": "unknown_job", "detail": "no", "retriable": True}
    words = ("effect", "--job", "j", "--begun", "mail")
    assert signal(host, *words).stderr == ""
    wait((host.spool / "j.unknown").exists, 60)
    again = signal(host, *words)
    assert again.returncode == 0
    assert again.stderr == (
        "landed signal: j: the verifier does not know this job, so nobody watches it: no\n"
    )


@pytest.mark.slow
def test_a_signal_from_inside_a_job_is_of_its_attempt(host: Any, verifier: Any, wait: Any) -> None:
    script = f"PYTHONPATH={ROOT} {' '.join(map(json.dumps, COMMAND))} effect --begun"
    host.run("sh", "-c", script, options=["--attempt", "a1", "--due", "2026-04-03T00:00:00Z"])
    wait(lambda: sorted(verifier.kinds()) == ["effect", "started", "succeeded"])
    (effect,) = (one for one in verifier.signals.values() if one["kind"] == "effect")
    assert (effect["attempt"], effect["due"]) == ("a1", "2026-04-03T00:00:00Z")


@pytest.mark.slow
def test_a_signal_that_can_be_kept_nowhere_is_tried_and_owned_up_to(
    host: Any, verifier: Any, wait: Any
) -> None:
    host.spool.write_text("a file where the folder should be")
    done = signal(host, "effect", "--begun", "--job", "j")
    assert done.returncode == 4
    assert done.stderr.startswith("landed signal: cannot spool to ")
    assert done.stderr.count("\n") == 1
    wait(lambda: verifier.kinds() == ["effect"])


@pytest.mark.slow
def test_a_usage_error_is_one_line_and_2_and_help_is_0(host: Any) -> None:
    done = signal(host, "effect", "--job", "../x")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "Traceback" not in done.stderr
    assert not host.spool.exists()
    assert signal(host, "--help").stdout.startswith("usage: landed signal KIND")
    assert signal(host).returncode == 2

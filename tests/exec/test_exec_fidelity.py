"""What a command finds and does under the wrapper is what it finds and does without."""

import os
import py_compile
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PROBE = r"""
pwd
umask
nice
ulimit -a
printf '<%s>' "$@"
tr '\0' '\n' </proc/self/environ | grep -v -e '^LANDED_JOB=' -e '^LANDED_ATTEMPT='
grep -E '^(Sig[^Q]|Shd|Cpus)' /proc/self/status
cut -d' ' -f 5-8 /proc/$$/stat
ls /proc/self/fd
cat -
exit 5
"""


def seen_by_the_probe(command: list[str], **how: Any) -> str:
    how = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, **how}
    process = subprocess.Popen(command, text=True, **how)
    text, _ = process.communicate("line on stdin\n" if process.stdin else None, timeout=20)
    text += f"exit {process.returncode}"
    return text.replace(str(process.pid), "WRAPPER")


def ignore(number: int) -> Callable[[], None]:
    return lambda: signal.signal(number, signal.SIG_IGN) and None


@pytest.mark.parametrize(
    ("change", "how"),
    [
        pytest.param(lambda: None, {}, id="as it is"),
        pytest.param(lambda: os.umask(0o027), {}, id="umask"),
        pytest.param(lambda: os.nice(3), {}, id="nice"),
        pytest.param(ignore(signal.SIGHUP), {}, id="nohup"),
        pytest.param(ignore(signal.SIGINT), {}, id="interrupt ignored"),
        pytest.param(ignore(signal.SIGCHLD), {}, id="children ignored"),
        pytest.param(
            lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM}),
            {},
            id="blocked signals",
        ),
        pytest.param(
            lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)), {}, id="few files"
        ),
        pytest.param(lambda: os.close(0), {"stdin": None}, id="stdin closed"),
        pytest.param(lambda: os.close(2), {}, id="stderr closed"),
        pytest.param(lambda: None, {"start_new_session": True}, id="session leader"),
        pytest.param(lambda: None, {"process_group": 0}, id="group leader"),
        pytest.param(lambda: None, {"stdin": subprocess.DEVNULL}, id="empty stdin"),
    ],
)
def test_a_command_finds_the_same_surroundings_as_without_the_wrapper(
    host: Any, tmp_path: Path, change: Callable[[], Any], how: dict[str, Any]
) -> None:
    probe = ["sh", "-c", PROBE, "probe", "one", "two words", "", "*", "$HOME", "--", "a\nb"]
    how = {"cwd": tmp_path, "env": host.environment, "preexec_fn": change, **how}

    bare = seen_by_the_probe(probe, **how)
    wrapped = seen_by_the_probe(host.command([], probe), **how)
    assert wrapped == bare

    probe = ["grep", "-E", "^(Sig[^Q]|Shd)", "/proc/self/status"]  # a shell clears its mask
    assert seen_by_the_probe(host.command([], probe), **how) == seen_by_the_probe(probe, **how)


def test_descriptors_that_the_caller_passes_on_reach_the_command(host: Any) -> None:
    reader, writer = os.pipe()
    host.run("sh", "-c", f"echo hello >/proc/self/fd/{writer}", pass_fds=[writer])
    os.close(writer)
    with os.fdopen(reader) as pipe:
        assert pipe.read() == "hello\n"


@pytest.mark.parametrize(
    "environment", [{}, {"LC_ALL": "C"}, {"LC_CTYPE": "C.UTF-8", "X": "\udcff"}]
)
def test_the_environment_is_as_it_was_and_four_names_more(
    host: Any, environment: dict[str, str]
) -> None:
    environment = {**environment, "LANDED_DELIVER_FOR": "0"}
    given = {**environment, "LANDED_DUE": "2001-01-01T00:00:00Z"}
    options = ["--spool", str(host.spool), "--attempt", "a1", "--due", "2026-04-03T02:00:00+02:00"]
    done = host.run("/usr/bin/env", "-0", options=options, env=given, errors="surrogateescape")
    assert dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry) == {
        **environment,
        "LANDED_JOB": "nightly",
        "LANDED_ATTEMPT": "a1",
        "LANDED_URL": "http://127.0.0.1:9877",
        "LANDED_DUE": "2026-04-03T00:00:00Z",
    }


def test_an_outer_jobs_due_does_not_reach_an_inner_job(host: Any) -> None:
    host.environment["LANDED_DUE"] = "2001-01-01T00:00:00Z"
    assert "LANDED_DUE" not in host.run("env").stdout
    assert "due" not in host.signals()[0]


def test_arguments_that_are_no_text_arrive_as_they_are(host: Any) -> None:
    command = [os.fsencode(word) for word in host.command([], ["printf", "%s"])]
    done = subprocess.run(
        [*command, b"\xff\xfe"], env=host.environment, capture_output=True, check=True
    )
    assert done.stdout == b"\xff\xfe"


def test_stdout_and_stderr_stay_apart(host: Any) -> None:
    done = host.run("sh", "-c", "echo out; echo err >&2")
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


@pytest.mark.parametrize("code", [0, 1, 2, 75, 126, 127, 128, 255])
def test_an_exit_code_is_kept(host: Any, code: int) -> None:
    assert host.run("sh", "-c", f"exit {code}").returncode == code
    end = host.signals()[-1]
    assert end["kind"] == ("failed" if code else "succeeded")
    assert (end["exit_code"], end["end_proof"]) == (code, "exit")
    assert "effect" not in end


@pytest.mark.parametrize("name", ["TERM", "KILL", "INT", "HUP", "QUIT", "SEGV", "USR1", "PIPE"])
def test_a_death_by_signal_is_the_wrappers_own_death(host: Any, tmp_path: Path, name: str) -> None:
    number = signal.Signals[f"SIG{name}"]
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

    def deadly() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, unlimited)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)  # whoever started the tests may ignore it

    done = host.run(
        *("sh", "-c", f"ulimit -Sc 0; kill -{name} $$"), cwd=tmp_path, preexec_fn=deadly
    )
    assert done.returncode == -number
    assert not list(tmp_path.glob("core*"))
    end = host.signals()[-1]
    assert (end["kind"], end["reason"]) == ("failed", f"signal SIG{name}")
    assert end["exit_code"] == 128 + number


@pytest.mark.parametrize(
    ("make", "code", "why"),
    [
        ("nothing", 127, "No such file or directory"),
        ("folder", 126, "Permission denied"),
        ("unreadable", 126, "Permission denied"),
        ("no interpreter", 127, "No such file or directory"),
    ],
)
def test_a_command_that_cannot_run_has_begun_nothing(
    host: Any, tmp_path: Path, make: str, code: int, why: str
) -> None:
    command = tmp_path / "command"
    if make == "folder":
        command.mkdir()
    elif make == "unreadable":
        command.write_text("echo hello")
    elif make == "no interpreter":
        command.write_text("#!/no/such/interpreter\n")
        command.chmod(0o755)
    done = host.run(str(command))
    assert done.returncode == code
    assert done.stderr == f"landed-exec: {why}: {command}\n"
    end = host.signals()[-1]
    assert end["kind"] == "failed"
    assert end["effect"] == {"begun": False}


def test_a_command_is_found_on_the_path_as_the_shell_finds_it(host: Any, tmp_path: Path) -> None:
    for name, mode in (("first", 0o644), ("second", 0o755)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "job").write_text(f"echo {name} $1\n")  # without #!: the shell's
        (folder / "job").chmod(mode)
    host.environment["PATH"] = f"{tmp_path}/none:{tmp_path}/first:{tmp_path}/second:/usr/bin:/bin"
    done = host.run("job", "word")
    assert (done.returncode, done.stdout) == (0, "second word\n")


def test_a_spool_that_cannot_be_written_changes_nothing_but_one_line(host: Any) -> None:
    host.spool.write_text("a file where the folder should be")
    done = host.run("sh", "-c", "echo out; exit 3", options=["--heartbeat", "100ms"])
    assert (done.returncode, done.stdout) == (3, "out\n")
    assert done.stderr.count("\n") == 1
    assert "cannot spool to" in done.stderr
    host.environment["LANDED_QUIET"] = "1"
    assert host.run("true").stderr == ""


def test_what_could_not_be_spooled_is_sent_all_the_same(
    host: Any, verifier: Any, wait: Any
) -> None:
    host.spool.write_text("a file where the folder should be")
    host.environment["LANDED_DELIVER_FOR"] = "5s"
    host.run("true")
    wait(lambda: sorted(verifier.kinds()) == ["started", "succeeded"])


def test_a_full_disk_changes_nothing_for_the_job(host: Any) -> None:
    done = host.run(
        *("sh", "-c", "exit 3"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
    )
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1


def test_a_job_runs_where_no_descriptor_is_left_for_the_wrapper(host: Any) -> None:
    done = host.run(
        *("sh", "-c", "exit 3"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (5, 5)),
    )
    assert done.returncode == 3


def test_who_waits_for_the_jobs_output_does_not_wait_for_the_courier(
    host: Any, raw_verifier: Any, wait: Any
) -> None:
    raw_verifier(lambda connection: time.sleep(2))  # holds the courier
    reader, writer = os.pipe()
    started = time.monotonic()
    done = host.run("true", pass_fds=[writer])
    os.close(writer)
    assert os.read(reader, 1) == b""  # nobody holds the descriptor, a lock on it neither
    os.close(reader)
    assert done.returncode == 0
    assert time.monotonic() - started < 1
    wait(host.couriers)


def test_who_looks_for_the_job_does_not_find_the_courier(
    host: Any, raw_verifier: Any, wait: Any
) -> None:
    raw_verifier(lambda connection: time.sleep(1))
    host.environment["SECRET_OF_THE_JOB"] = "hunter2"
    host.run("sh", "-c", "true revenue")
    wait(host.couriers)
    (courier,) = host.couriers()
    assert b"revenue" not in (courier / "cmdline").read_bytes()
    assert b"hunter2" not in (courier / "environ").read_bytes()
    assert (courier / "cwd").readlink() == Path("/")
    assert os.getsid(int(courier.name)) not in (os.getsid(0), int(courier.name))


def test_the_file_alone_is_enough(host: Any, verifier: Any, tmp_path: Path, wait: Any) -> None:
    copied = tmp_path / "landed-exec"
    shutil.copy(host.command([], [])[1], copied)
    copied.chmod(0o755)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("json.py", "http.py", "socket.py", "signal.py"):  # a job's own modules
        (elsewhere / name).write_text("raise SystemExit(99)")
    environment = {**host.environment, "PYTHONPATH": str(elsewhere)}
    compiled = py_compile.compile(str(copied), str(tmp_path / "landed_exec.pyc"), doraise=True)
    python = [sys.executable, "-I", "-S"]
    for start in ([*python, str(copied)], [str(copied)], [*python, str(compiled)]):
        for script, code in (("exit 7", 7), ("kill -QUIT $$", -signal.SIGQUIT)):
            command = [*start, "--job", "copied", "--", "sh", "-c", script]
            done = subprocess.run(command, cwd=elsewhere, env=environment, check=False)
            assert done.returncode == code
    wait(lambda: sorted(verifier.kinds()) == ["failed"] * 6 + ["started"] * 6)

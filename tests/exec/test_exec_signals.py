"""A signal reaches the command once, whoever sent it and however; and nothing is orphaned."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from verifier.exec import landed_exec

pytestmark = pytest.mark.slow

COUNTED = [
    *(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1),
    *(signal.SIGUSR2, signal.SIGALRM, signal.SIGWINCH, signal.SIGCONT, signal.SIGTSTP),
    *(signal.SIGTTIN, signal.SIGURG, signal.SIGIO, signal.SIGABRT, signal.SIGRTMIN + 1),
]

COUNT = """
import os, signal, sys
log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def heard(number, frame):
    os.write(log, b"%d\\n" % number)
for number in map(int, sys.argv[2].split(",")):
    signal.signal(number, heard)
os.write(log, b"ready\\n")
while True:
    signal.pause()
"""


class Counter:
    """A command that writes down each signal it gets."""

    def __init__(self, host: Any, wait: Callable[..., None]) -> None:
        self.log = host.folder / "log"
        numbers = ",".join(str(int(number)) for number in COUNTED)
        self.command = [sys.executable, "-c", COUNT, str(self.log), numbers]
        self.wait = wait

    def lines(self) -> list[str]:
        return self.log.read_text().split() if self.log.exists() else []

    def wait_until_ready(self) -> None:
        self.wait(lambda: "ready" in self.lines())

    def count(self, number: int) -> int:
        return self.lines().count(str(int(number)))

    def wait_for(self, number: int, count: int) -> None:
        self.wait(lambda: self.count(number) >= count)


@pytest.fixture
def counter(host: Any, wait: Callable[..., None]) -> Counter:
    return Counter(host, wait)


def status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_signal_reaches_the_command_once_whether_sent_to_the_wrapper_or_to_its_group(
    host: Any, counter: Counter
) -> None:
    wrapper = host.start(*counter.command)
    counter.wait_until_ready()
    for number in COUNTED:
        os.kill(wrapper.pid, number)
        counter.wait_for(number, 1)
        os.killpg(wrapper.pid, number)
        counter.wait_for(number, 2)
        counter.wait(lambda: "ShdPnd:\t0000000000000000" in status(wrapper.pid))
        if number in landed_exec.KEYS:
            time.sleep(landed_exec.ONE_KEY_SECONDS)  # else it is the same key again
        os.kill(wrapper.pid, number)
        counter.wait_for(number, 3)
    time.sleep(0.2)  # for one too many
    assert {number: counter.count(number) for number in COUNTED} == dict.fromkeys(COUNTED, 3)


def test_after_a_terminated_wrapper_no_command_is_left(host: Any, wait: Any) -> None:
    wrapper = host.start("sleep", "60")
    wait(lambda: "started" in host.kinds())
    family = children(wrapper.pid)
    wrapper.terminate()
    assert wrapper.wait(10) == -signal.SIGTERM
    wait(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family))
    assert host.signals()[-1]["reason"] == "signal SIGTERM"


def test_a_command_may_take_its_time_to_end_after_sigterm(host: Any, wait: Any) -> None:
    script = "trap 'sleep 0.3; exit 9' TERM; echo ready; while :; do sleep 0.05; done"
    wrapper = host.start("sh", "-c", script)
    assert wrapper.stdout.readline() == "ready\n"
    wrapper.terminate()
    assert wrapper.wait(10) == 9


def test_who_kills_the_job_by_its_name_reaches_the_command_once(
    host: Any, counter: Counter, wait: Any
) -> None:
    name = f"job-{os.getpid()}-{time.monotonic_ns()}"
    host.start(*counter.command, options=["--attempt", name])
    counter.wait_until_ready()
    subprocess.run(["pkill", "-TERM", "-f", name], check=True)
    counter.wait_for(signal.SIGTERM, 1)
    time.sleep(0.2)
    assert counter.count(signal.SIGTERM) == 1


def on_a_terminal() -> Callable[[], None]:
    """Makes a starting process the leader of a session with stdin as its terminal."""

    def take_it() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    return take_it


@pytest.mark.parametrize(("key", "number"), [(b"\x03", signal.SIGINT), (b"\x1c", signal.SIGQUIT)])
def test_a_key_on_the_terminal_interrupts_the_command_once(
    host: Any, counter: Counter, key: bytes, number: int
) -> None:
    keyboard, terminal = pty.openpty()
    host.start(
        *counter.command, stdin=terminal, start_new_session=False, preexec_fn=on_a_terminal()
    )
    os.close(terminal)
    counter.wait_until_ready()
    for times in (1, 2):
        os.write(keyboard, key)
        counter.wait_for(number, times)
    time.sleep(0.2)
    assert counter.count(number) == 2
    os.close(keyboard)


def test_a_terminal_that_hangs_up_tells_the_command_once(host: Any, counter: Counter) -> None:
    keyboard, terminal = pty.openpty()
    host.start(
        *counter.command, stdin=terminal, start_new_session=False, preexec_fn=on_a_terminal()
    )
    os.close(terminal)
    counter.wait_until_ready()
    os.close(keyboard)  # the kernel tells the session's leader, the wrapper, and nobody else
    counter.wait_for(signal.SIGHUP, 1)
    time.sleep(0.2)
    assert counter.count(signal.SIGHUP) == 1


SHELL = """
import os, signal, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = os.fork()
if job == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.argv[1], sys.argv[1:])
def report():
    _, status = os.waitpid(job, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        print("stopped", signal.Signals(os.WSTOPSIG(status)).name, flush=True)
    else:
        print("ended", os.waitstatus_to_exitcode(status), flush=True)
report()
os.tcsetpgrp(0, job)
os.killpg(job, signal.SIGCONT)
report()
"""


def test_ctrl_z_and_fg_work_as_in_a_shell_without_the_wrapper(host: Any, wait: Any) -> None:
    keyboard, terminal = pty.openpty()
    waiting = """if True:
        import signal, sys
        def interrupted(*_):
            print("interrupted", flush=True)
            sys.exit(4)
        signal.signal(signal.SIGINT, interrupted)
        print("ready", flush=True)
        signal.pause()
    """
    shell = subprocess.Popen(
        [sys.executable, "-c", SHELL, *host.command([], [sys.executable, "-c", waiting])],
        env=host.environment,
        stdin=terminal,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=on_a_terminal(),
    )
    os.close(terminal)
    bound = threading.Timer(10, shell.kill)  # its session ends with it
    bound.start()
    assert shell.stdout.readline() == "ready\n"
    os.write(keyboard, b"\x1a")
    assert shell.stdout.readline() == "stopped SIGTSTP\n"
    time.sleep(0.1)
    os.write(keyboard, b"\x03")
    assert shell.communicate()[0] == "interrupted\nended 4\n"
    bound.cancel()
    os.close(keyboard)


def test_a_command_stopped_and_continued_by_hand_is_still_waited_for(host: Any, wait: Any) -> None:
    wrapper = host.start("sh", "-c", "kill -STOP $$; exit 6")
    wait(lambda: len(children(wrapper.pid)) >= 1)
    command = children(wrapper.pid)[0]
    wait(lambda: Path(f"/proc/{command}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    os.kill(command, signal.SIGCONT)
    assert wrapper.wait(10) == 6


def test_an_alarm_set_before_the_wrapper_began_rings_in_the_command(
    host: Any, counter: Counter
) -> None:
    host.start(*counter.command, preexec_fn=lambda: signal.setitimer(signal.ITIMER_REAL, 0.4))
    counter.wait_until_ready()
    counter.wait_for(signal.SIGALRM, 1)


def test_a_signal_that_comes_before_the_command_runs_is_not_lost(host: Any) -> None:
    wrapper = host.start("sleep", "60")
    while b"--job" not in Path(f"/proc/{wrapper.pid}/cmdline").read_bytes():
        pass
    while True:  # as soon as the wrapper has blocked it
        blocked = int(status(wrapper.pid).partition("SigBlk:")[2].split()[0], 16)
        if blocked >> (signal.SIGTERM - 1) & 1:
            break
    wrapper.terminate()
    assert wrapper.wait(10) == -signal.SIGTERM

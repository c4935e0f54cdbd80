"""The processes of this host: cron's own, and what a job left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from verifier.signals.cron.session import Host, log_level


@pytest.fixture
def proc(tmp_path):
    """Makes processes, as ``/proc`` shows them."""

    def make(pid, *arguments, session=1, state="S", name="x"):
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "cmdline").write_bytes(b"".join(each.encode() + b"\0" for each in arguments))
        (folder / "stat").write_text(f"{pid} ({name}) {state} 1 {pid} {session} 0 -1 0\n")

    (tmp_path / "self").mkdir()
    return make


@pytest.fixture
def host(tmp_path):
    return Host("db1.example.com", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "level"),
    [
        ([], 1),
        (["-f"], 1),
        (["-f", "-L", "15"], 15),
        (["-L15"], 15),
        (["-fL", "0"], 0),
        (["-L"], 0),
    ],
)
def test_what_cron_logs_is_told_by_how_it_was_started(arguments, level):
    assert log_level(arguments) == level


def test_the_daemon_is_found_and_its_children_are_not_it(host, proc):
    proc(20, "/usr/sbin/CRON", "-f", "-L", "15")
    proc(21, "vi", "/usr/sbin/cron")
    assert host.daemon() is None
    proc(22, "/usr/sbin/cron", "-f", "-L", "15")
    assert (host.daemon().pid, host.daemon().log_level) == (22, 15)


def test_a_host_is_known_with_and_without_its_domain(host):
    assert host.is_here("db1")
    assert host.is_here("db1.example.com")
    assert not host.is_here("db2")


def test_a_session_with_a_process_lives_on_and_a_dead_one_does_not(host, proc):
    proc(22, "/usr/sbin/cron", "-f")
    proc(31, "sh", session=30, name="a) (b")
    proc(41, session=40, state="Z")
    assert host.may_live_on("db1", 30)
    assert not host.may_live_on("db1", 40)
    assert not host.may_live_on("db1", 50)


def test_nothing_is_ruled_out_where_the_processes_are_not_to_be_seen(host, proc):
    assert host.may_live_on("db1", 50)
    proc(22, "/usr/sbin/cron", "-f")
    assert host.may_live_on("db2", 50)


def test_a_folder_that_is_not_there_shows_no_process():
    assert Host("vm", Path("/nonexistent")).daemon() is None


def test_what_a_real_killed_script_had_started_is_found_by_its_session(tmp_path):
    script = "import subprocess, time; subprocess.Popen(['sleep', '60']); time.sleep(60)"
    leader = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)

    class Seen(Host):
        def daemon(self):
            return 1  # there is no cron here, and it does not matter

    host = Seen()
    try:
        while len(_children(leader.pid)) == 0:
            assert leader.poll() is None
        leader.kill()
        leader.wait()
        assert host.may_live_on(host.name, leader.pid)
    finally:
        os.killpg(leader.pid, signal.SIGKILL)
    while host.may_live_on(host.name, leader.pid):
        pass


def _children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

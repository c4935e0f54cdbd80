"""Debian's cron itself, with ``-L 15``, on a clock that runs twenty times as fast.

It runs in a mount namespace of its own, with its own crontabs and ``/dev/log``, and each
job writes down the pid it has: that is the truth that what was heard is compared with.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from verifier.runs.binding import RunKey
from verifier.runs.instant import format_instant
from verifier.signals.cron.session import Host

pytestmark = pytest.mark.slow

START = datetime(2026, 4, 3, 1, 59, 10, tzinfo=UTC)
SPEED = 20
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"

MINUTELY = "* * * * *"
COMMANDS = {
    "good": (MINUTELY, "echo $$ >> {truth}"),
    "failing": (MINUTELY, "echo $$ >> {truth}; exit 3%never read"),
    "killed": (MINUTELY, "echo $$ >> {truth}; kill -9 $$"),
    "surviving": ("0 2 * * *", "echo $$ >> {truth}; sleep 600 & kill -9 $$"),
    "long": (MINUTELY, "echo $$ >> {truth}; sleep 4"),
}

CONFIG = """
version: 1
ledger: "sqlite:///{{home}}/landed.db"
sources:
  hostcron: {{{{type: cron-log, path: "{{home}}/syslog", timezone: UTC}}}}
jobs: {jobs}
"""

JOB = """
  {name}:
    statement: Each minute has its row.
    scheduler: {{{{source: hostcron, command: "{command}", user: root}}}}
    schedule: {{{{cron: "{schedule}"}}}}
    class: one-result
    overlap: forbid
    effects: none
    start_within: 50s
    finish_within: 2m
    settle: 1s
"""

PRIVATE = """
set -e
mount --make-rprivate /
mount --bind {home}/crontabs /var/spool/cron/crontabs
mount --bind {home}/none /etc/cron.d
mount --bind {home}/empty /etc/crontab
mount -t tmpfs none /run
for name in null zero random urandom full; do
    : > {home}/dev/$name
    mount --bind /dev/$name {home}/dev/$name
done
mount --rbind {home}/dev /dev
exec env LD_PRELOAD={faketime} FAKETIME='@{at:%Y-%m-%d %H:%M:%S} x{speed}' TZ=UTC cron -f -L 15
"""


class Cron:
    """The daemon, its clock and the log that a syslog daemon would write."""

    def __init__(self, home):
        self.home = home
        self.began = None
        for name in ("crontabs", "none", "dev", "truth"):
            (home / name).mkdir()
        (home / "empty").touch()
        (home / "syslog").touch()
        table = home / "crontabs" / "root"
        entries = [f"{schedule} {command}" for schedule, command in self.commands().values()]
        table.write_text("\n".join([*entries, "* * * * * : nobody declared me", ""]))
        table.chmod(0o600)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # The path of a socket may be no longer than some 100 bytes.
        here = os.open(home / "dev", os.O_RDONLY)
        self.socket.bind(f"/proc/self/fd/{here}/log")
        os.close(here)
        Thread(target=self.listen, daemon=True).start()
        self.daemon = None

    def commands(self):
        """When each job is started, and what then, by its name."""
        return {
            name: (schedule, command.format(truth=self.home / "truth" / name))
            for name, (schedule, command) in COMMANDS.items()
        }

    def config(self):
        jobs = "".join(
            JOB.format(name=name, schedule=schedule, command=command)
            for name, (schedule, command) in self.commands().items()
        )
        return CONFIG.format(jobs=jobs)

    def now(self):
        """What cron's clock shows, told by when it first said something."""
        if self.began is None:
            return START
        return START + (time.monotonic() - self.began) * timedelta(seconds=SPEED)

    def listen(self):
        """As syslog daemons do: it stamps what it gets, in traditional form."""
        with (self.home / "syslog").open("ab", buffering=0) as log:
            while message := self.socket.recv(65_536):
                self.began = self.began or time.monotonic()
                said = message[message.index(b">") + 1 :][len("Apr  3 02:00:00 ") :]
                stamp = f"{self.now():%b %e %H:%M:%S} {socket.gethostname()} "
                log.write(stamp.encode() + said.rstrip(b"\0\n") + b"\n")

    def start(self):
        script = PRIVATE.format(home=self.home, faketime=FAKETIME, at=self.now(), speed=SPEED)
        command = ["unshare", "--mount", "sh", "-c", script]
        self.daemon = subprocess.Popen(command, stderr=subprocess.PIPE)
        while self.began is None:
            if self.daemon.poll() is not None:
                pytest.fail(f"cron does not start: {self.daemon.stderr.read().decode()}")
            time.sleep(0.01)

    def stop(self):
        """The daemon is ended; jobs that it started are left alone."""
        self.daemon.terminate()
        self.daemon.wait()
        self.daemon.stderr.close()

    def truth(self, job):
        """The pids that a job had, in their order."""
        path = self.home / "truth" / job
        return path.read_text().split() if path.exists() else []

    def end(self):
        if self.daemon.poll() is None:
            self.stop()
        for pid in self.truth("surviving"):
            os.killpg(int(pid), signal.SIGKILL)


@pytest.fixture
def cron(tmp_path, debian):
    debian("cron", "/usr/sbin/cron")
    debian("libfaketime", FAKETIME)
    private = ["unshare", "--mount", "mount", "--make-rprivate", "/"]
    if not shutil.which("unshare") or subprocess.run(private, capture_output=True).returncode:
        reason = "cron needs a mount namespace of its own, which only root may make"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    made = Cron(tmp_path)
    yield made
    made.end()


def minute(number):
    return datetime(2026, 4, 3, 2, tzinfo=UTC) + timedelta(minutes=number)


def test_what_cron_did_is_heard_to_the_pid_and_what_it_did_not_is_missing(cron, make_world):
    cron.start()
    world = make_world(cron.config(), cron.now(), Host())

    def hear_until(moment, *, heard=True):
        while (now := cron.now()) < moment:
            world.now = now
            if heard:
                world.turn()
            time.sleep(0.1)

    hear_until(minute(2) + timedelta(seconds=45))
    cron.stop()
    hear_until(minute(4) + timedelta(seconds=30))
    cron.start()
    hear_until(minute(5) + timedelta(seconds=30))
    world.close()
    hear_until(minute(10) + timedelta(seconds=30), heard=False)
    world.open()
    hear_until(minute(12) + timedelta(seconds=30))
    cron.stop()
    hear_until(minute(14) + timedelta(seconds=30))

    ran = [*range(3), *range(5, 13)]
    for job in ("good", "failing", "killed", "long"):
        runs = {number: world.run(minute(number), job) for number in range(13)}
        attempts = {number: runs[number]["attempts"] for number in runs}
        workers = [each["worker"].rpartition(":")[2] for number in ran for each in attempts[number]]
        assert workers == cron.truth(job), job
        assert [len(attempts[number]) for number in range(13)] == [1, 1, 1, 0, 0, *[1] * 8], job
        missing = [number for number, run in runs.items() if run["verdict"] == "missing"]
        assert missing == [3, 4], job
        said = [each["to"] for run in runs.values() for each in run["revisions"]]
        assert said.count("missing") == 2, job

    def ends(job):
        found = [world.run(minute(number), job)["attempts"][0] for number in ran]
        return {(each["state"], each["exit_code"], each["end_proof"]) for each in found}

    assert ends("good") == {("succeeded", 0, "exit")}
    assert ends("failing") == {("failed", 3, "exit")}
    assert ends("killed") == {("failed", 137, "exit")}
    assert ends("long") == {("succeeded", 0, "exit")}
    (surviving,) = world.run(minute(0), "surviving")["attempts"]
    assert surviving["worker"].rpartition(":")[2] == cron.truth("surviving")[0]
    assert (surviving["exit_code"], surviving["end_proof"]) == (137, "none")
    # A job of a minute and a half that is started each minute runs into itself.
    overlaps = {
        each.job: each.value for each in world.ledger.tallies("landed_overlap_violations_total")
    }
    assert overlaps.get("long", 0) >= len(ran) - 3, overlaps
    assert overlaps.get("good", 0) == 0, overlaps
    assert world.ledger.attempts(RunKey("good", format_instant(minute(3)))) == []
    refused = {
        row.labels: row.value for row in world.meters.rows()["landed_signals_rejected_total"]
    }
    assert refused[("hostcron", "unbound")] > 0
    assert refused[("hostcron", "unreadable")] == 0

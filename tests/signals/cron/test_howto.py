"""docs/how-to/cron.md, followed to the letter on a host made for it, with Debian's cron."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "cron.md"

HOST = """
set -e
mount --make-rprivate /
ip link set lo up 2>/dev/null || python3 -c '
import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 1))'
mount -t proc proc /proc
cp -a /etc {home}/etc
for folder in etc log spool srv; do mkdir -p {home}/$folder; done
mkdir -p {home}/etc/systemd/system
mkdir -p {home}/spool/cron/crontabs
mount --bind {home}/etc /etc
mount --bind {home}/log /var/log
mount --bind {home}/spool /var/spool
mount --bind {home}/srv /srv
mount -t tmpfs none /run
: > /etc/crontab
rm -rf /etc/cron.d/*
for name in null zero random urandom full; do
    : > {home}/dev/$name
    mount --bind /dev/$name {home}/dev/$name
done
mount --rbind {home}/dev /dev
export PATH={home}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
set +e
"""

SYSTEMCTL = """#!/bin/sh
# What systemd does of what the page asks for.
case "$1 $2" in
"restart cron") . /etc/default/cron; cron $EXTRA_OPTS;;
"daemon-reload ") ;;
"enable --now") sh -c "$(sed -n 's/^ExecStart=/exec /p' /etc/systemd/system/$3.service)" \
    >{home}/serve.log 2>&1 & echo $! >{home}/serve.pid
    until grep -q http {home}/serve.log; do sleep 0.1; done;;
"reload landed") kill -HUP $(cat {home}/serve.pid);;
*) echo "nobody taught me: $*" >&2; exit 1;;
esac
"""


class Page:
    """The commands of the page, and the host on which they are run."""

    def __init__(self, home):
        self.home = home
        for name in ("bin", "dev", "log"):
            (home / name).mkdir()
        (home / "bin" / "systemctl").write_text(SYSTEMCTL.format(home=home))
        (home / "bin" / "systemctl").chmod(0o755)
        for name in ("landed", "landed-exec"):
            (home / "bin" / name).symlink_to(Path(sys.executable).with_name(name))
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # The path of a socket may be no longer than some 100 bytes.
        here = os.open(home / "dev", os.O_RDONLY)
        self.socket.bind(f"/proc/self/fd/{here}/log")
        os.close(here)
        Thread(target=self.listen, daemon=True).start()
        self.shell = subprocess.Popen(
            ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.shell.stdin.write(HOST.format(home=home).encode())

    def listen(self):
        """As syslog daemons do."""
        with (self.home / "log" / "syslog").open("ab", buffering=0) as log:
            while message := self.socket.recv(65_536):
                said = message[message.index(b">") + 1 :][len("Apr  3 02:00:00 ") :]
                stamp = f"{datetime.now(UTC).isoformat()} {socket.gethostname()} "
                log.write(stamp.encode() + said.rstrip(b"\0\n") + b"\n")

    def run(self, commands, *, status=0):
        """Run commands on the host; what they print."""
        self.shell.stdin.write(f'{commands}\necho "::$?"\n'.encode())
        self.shell.stdin.flush()
        said = []
        while not (line := self.shell.stdout.readline().decode()).startswith("::"):
            assert line, "".join(said)
            said.append(line)
        assert line == f"::{status}\n", "".join(said)
        return "".join(said)

    def end(self):
        self.shell.kill()
        self.shell.wait()
        self.shell.stdin.close()
        self.shell.stdout.close()


@pytest.fixture
def page(tmp_path, debian):
    debian("cron", "/usr/sbin/cron")
    private = ["unshare", "--mount", "--net", "--pid", "--fork", "true"]
    if not shutil.which("unshare") or subprocess.run(private, capture_output=True).returncode:
        reason = "cron needs namespaces of its own, which only root may make"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    made = Page(tmp_path)
    yield made
    made.end()


def test_the_page_leads_from_nothing_to_verified_runs_in_both_ways(page):
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (job, restart, discover, declare, serve, doctor, first, wrap, second) = blocks
    page.run(job)
    page.run(restart)
    assert 'command: "/srv/shop/count.py orders", user: "root"' in page.run(discover)
    page.run(declare)
    page.run(serve)
    page.run(wrap)
    found = page.run(doctor)
    assert "logs starts, ends and failures (-L 15)" in " ".join(found.split())
    for name, command in (("count-orders", first), ("count-returns", second)):
        verified = wait_for(page, f"{command.strip()} --job {name} --json")
        (attempt,) = verified["attempts"]
        assert (attempt["state"], attempt["end_proof"]) == ("succeeded", "exit")
        assert attempt["attempt"].startswith("cron:") is (name == "count-orders")
        assert name in page.run(command)


def wait_for(page, command, seconds=150):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        runs = json.loads(page.run(command))["runs"]
        if runs:
            return runs[-1]
        time.sleep(2)
    pytest.fail(
        f"no verified run in {seconds} s: {page.run('landed runs; tail -n 30 /var/log/syslog')}"
    )

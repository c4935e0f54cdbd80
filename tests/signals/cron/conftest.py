"""Recordings of cron, and what is needed to hear them: jobs, a pairing, stamps."""

import json
import os
import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import gettempdir
from threading import Event
from zoneinfo import ZoneInfo

import pytest

from verifier.checks.stores.registry import Stores
from verifier.config.load import load
from verifier.engine.documents import document
from verifier.engine.engine import Engine
from verifier.engine.feed import SourceFeed
from verifier.engine.fleet import Fleet
from verifier.engine.hearing import bound_jobs
from verifier.exporters.meters import Meters
from verifier.ledger.ledger import Ledger
from verifier.runs.binding import RunKey
from verifier.runs.declaration import Cron, Declaration, Declared, History, Surface, SurfaceKind
from verifier.runs.instant import format_instant
from verifier.signals.cron.binding import Commands, CronBinding
from verifier.signals.cron.hearing import Hearing
from verifier.signals.cron.pairing import Pairing
from verifier.signals.cron.session import Host
from verifier.signals.cron.source import CronLogSource
from verifier.signals.cron.syslog import Stamps
from verifier.signals.source import BoundJob

DATA = Path(__file__).parents[2] / "data" / "cron"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
JOURNAL_REMOTE = "/lib/systemd/systemd-journal-remote"


class World:
    """A verifier that hears ``hostcron``, and may be stopped and started; its clock is ``now``."""

    def __init__(self, home, text, now, host):
        self.home = home
        self.now = now
        self.host = host
        with sqlite3.connect(home / "warehouse.db") as database:
            database.execute("create table done (day text)")
        database.close()
        (home / "landed.yaml").write_text(text.format(home=home))
        self.meters = Meters()
        self.stopping = Event()
        self.open()

    def open(self):
        config = load(self.home / "landed.yaml", {})
        self.ledger = Ledger.open(config.ledger, self.now)
        self.stores = Stores(config.stores)
        fleet = Fleet(config, self.ledger, self.stores)
        fleet.register(self.now)
        self.engine = Engine(self.ledger, fleet, lambda: self.now)
        self.source = CronLogSource(config.sources["hostcron"].settings, self.host)
        self.feed = SourceFeed(
            self.ledger,
            "hostcron",
            bound_jobs(config, self.ledger.histories())["hostcron"],
            self.source.contact_within,
            clock=lambda: self.now,
            stopping=self.stopping,
            watch=self.meters,
        )
        self.feed.look(self.now)

    def close(self):
        self.engine.close()
        self.stores.close()
        self.ledger.close()

    def poll(self):
        self.source.poll(self.feed, self.now)

    def turn(self):
        """One turn of each loop."""
        self.poll()
        self.feed.look(self.now)
        self.tick()

    def tick(self):
        for _ in range(4):
            self.engine.tick(self.now)
            self.engine.settle(10)
            if not self.ledger.awake(self.now, 1):
                return

    def run(self, due, job="minutely"):
        return document(self.ledger, RunKey(job, format_instant(due)), self.now)


@pytest.fixture
def make_world(tmp_path, unused_ledger):
    """Makes the world of a configuration and an instant; on no host, unless one is given."""
    shutil.copy(unused_ledger, tmp_path / "landed.db")
    made = []

    def make(text, now, host=None):
        made.append(World(tmp_path, text, now, host or Host("elsewhere")))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def job():
    """Makes a job by its name and command; further words are those of its binding."""

    def make(name, command, **more):
        declaration = Declaration(
            job=name,
            schedule=Cron(expression="* * * * *"),
            source="hostcron",
            surfaces=(Surface(name="table", kind=SurfaceKind.NONE),),
            finish_within=timedelta(minutes=30),
            verified_within=timedelta(hours=1),
            zombie_grace=timedelta(hours=1),
        )
        history = History((Declared(valid_from=NOON, declaration=declaration),))
        binding = CronBinding(source="hostcron", command=command, **more)
        return BoundJob(name=name, binding=binding, history=history)

    return make


@pytest.fixture
def hearing(job):
    """Makes a hearing of jobs, given as names and commands."""

    def make(commands, *, survivors=False, failures_told=True, open_=(), now=NOON, floor=None):
        jobs = [job(name, command) for name, command in commands.items()]
        pairing = Pairing(
            Commands(jobs).find,
            lambda host, session: survivors,
            lambda host: failures_told,
            open_,
        )
        hearing = Hearing(pairing, Stamps(ZoneInfo("UTC"), now, floor))
        hearing.pairing = pairing
        return hearing

    return make


@pytest.fixture(scope="session")
def debian():
    """Asks for a package of Debian by a file of it; on CI, and there alone, it is installed."""

    def need(package, file):
        if Path(file).exists():
            return
        if os.environ.get("CI") != "true":
            pytest.skip(f"{file} is not here: install the package {package}")
        for command in (["update"], ["install", "-y", "--no-install-recommends", package]):
            apt_get = ["flock", f"{gettempdir()}/landed-tests-apt.lock", "apt-get", "-q"]
            done = subprocess.run([*apt_get, *command], capture_output=True, timeout=300)
        if not Path(file).exists():
            pytest.fail(f"{file} is not here, and {package} cannot be installed: {done.stderr}")

    return need


@pytest.fixture
def recording():
    """The lines of a recording, by its name."""

    def read(name):
        if name.endswith(".json"):
            return [line.encode() for line in json.loads((DATA / name).read_text())["lines"]]
        return (DATA / name).read_bytes().splitlines()

    return read


@pytest.fixture
def exported():
    """An entry of a journal in systemd's export format, so many seconds after noon."""
    return _exported


def _exported(number, message, *, identifier="CRON", uid=0, start=NOON):
    at = int((start + timedelta(seconds=number)).timestamp() * 1_000_000)
    fields = {
        "__REALTIME_TIMESTAMP": at,
        "__MONOTONIC_TIMESTAMP": number * 1_000_000 + 1,
        "_BOOT_ID": "0123456789abcdef0123456789abcdef",
        "_UID": uid,
        "_PID": 100 + number,
        "SYSLOG_PID": 100 + number,
        "_HOSTNAME": "vm",
        "SYSLOG_IDENTIFIER": identifier,
    }
    head = "".join(f"{name}={value}\n" for name, value in fields.items()).encode()
    size = len(message).to_bytes(8, "little")
    return head + b"MESSAGE\n" + size + message + b"\n\n"


@pytest.fixture
def make_journal(tmp_path, debian):
    """Makes a journal of entries; what journalctl needs to read it."""
    debian("systemd", "/usr/bin/journalctl")
    debian("systemd-journal-remote", JOURNAL_REMOTE)

    def make(*entries, name="made"):
        path = tmp_path / f"{name}.journal"
        subprocess.run(
            [JOURNAL_REMOTE, "-o", str(path), "-"],
            input=b"".join(entries),
            check=True,
            capture_output=True,
        )
        return [f"--file={path}"]

    return make

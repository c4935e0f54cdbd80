"""Recordings of cron, and what is needed to hear them: jobs, a pairing, stamps."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from verifier.runs.declaration import Cron, Declaration, Declared, History, Surface, SurfaceKind
from verifier.signals.cron.binding import Commands, CronBinding
from verifier.signals.cron.hearing import Hearing
from verifier.signals.cron.pairing import Pairing
from verifier.signals.cron.syslog import Stamps
from verifier.signals.source import BoundJob

DATA = Path(__file__).parents[2] / "data" / "cron"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


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
            done = subprocess.run(["apt-get", "-q", *command], capture_output=True, timeout=300)
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

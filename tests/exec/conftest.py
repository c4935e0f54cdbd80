"""A host that runs jobs under the wrapper, and verifiers of every temper, on loopback."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from verifier.exec import landed_exec

WRAPPER = Path(landed_exec.__file__)


def eventually(holds: Callable[[], object], within: float = 8.0) -> None:
    """Waits for what other processes are about to do; fails if they do not."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


class RecordingVerifier:
    """Answers as the contract says, and remembers what it was told."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.signals: dict[tuple[str, str], dict[str, Any]] = {}
        self.rejections: dict[str, dict[str, Any]] = {}  # by kind of signal
        self.guard: dict[str, Any] = {}
        self.answer: tuple[int, dict[str, str], bytes] | None = None
        verifier = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                verifier.requests.append((self.path, dict(self.headers), body))
                status, headers, content = verifier.answer or verifier.respond(self.path, body)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def respond(self, path: str, body: Any) -> tuple[int, dict[str, str], bytes]:
        if path == "/v1/guard":
            return 200, {}, json.dumps(self.guard).encode()
        accepted, rejected = 0, []
        for index, signal in enumerate(body):
            if rejection := self.rejections.get(signal["kind"]):
                rejected.append({"index": index, "detail": "", **rejection})
                continue
            accepted += (signal["job"], signal["id"]) not in self.signals
            self.signals[signal["job"], signal["id"]] = signal
        duplicates = len(body) - accepted - len(rejected)
        told = {"accepted": accepted, "duplicates": duplicates, "rejected": rejected}
        return 200, {"Content-Type": "application/json"}, json.dumps(told).encode()

    def kinds(self) -> list[str]:
        return [signal["kind"] for signal in self.signals.values()]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class RawVerifier:
    """Speaks whatever bytes it is given, then goes on as ``after`` says."""

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.talk = talk
        self.asked = 0
        self.open = True
        self.connection: socket.socket | None = None
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                if not self.open:
                    return
                self.asked += 1
                self.connection = connection
                try:
                    connection.settimeout(5)
                    connection.recv(65536)
                    self.talk(connection)
                except OSError:
                    continue

    def close(self) -> None:
        self.open = False
        with contextlib.suppress(AttributeError, OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        socket.create_connection(self.listener.getsockname()).close()
        self.thread.join()
        self.listener.close()


class Host:
    """A host with a spool of its own and the wrapper on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spool = folder / "spool"
        self.environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANDED_SPOOL": str(self.spool),
            "LANDED_URL": "http://127.0.0.1:1",
            "LANDED_DELIVER_FOR": "0",
        }
        self.started: list[subprocess.Popen[str]] = []

    def command(self, options: Sequence[str], command: Sequence[str]) -> list[str]:
        return [sys.executable, str(WRAPPER), "--job", "nightly", *options, "--", *command]

    def run(
        self, *command: str, options: Sequence[str] = (), **how: Any
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command under the wrapper, to its end."""
        how = {"env": self.environment, "capture_output": True, "text": True, **how}
        return subprocess.run(self.command(options, command), timeout=20, check=False, **how)

    def start(
        self, *command: str, options: Sequence[str] = (), **how: Any
    ) -> subprocess.Popen[str]:
        """Starts a command under the wrapper, in a session of its own."""
        how = {"env": self.environment, "text": True, "start_new_session": True, **how}
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
        process = subprocess.Popen(self.command(options, command), **how)
        self.started.append(process)
        return process

    def records(self) -> list[dict[str, Any]]:
        """All that lies in the spool, in the order of the files' names."""
        names = sorted([*self.spool.glob("*.run"), *self.spool.glob("*.sig")])
        return [json.loads(line) for name in names for line in read(name).splitlines() if line]

    def signals(self) -> list[dict[str, Any]]:
        return [record["signal"] for record in self.records()]

    def kinds(self) -> list[str]:
        return [signal["kind"] for signal in self.signals()]

    def couriers(self) -> list[Path]:
        """The couriers of this host's spool that are at work."""
        return [
            process
            for process in processes()
            if b"--courier" in read(process / "cmdline")
            and os.fsencode(self.spool) in read(process / "environ")
        ]

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                try:
                    os.killpg(process.pid, 9)
                except ProcessLookupError:
                    process.kill()
            process.communicate()
        eventually(self.is_quiet_when_ended, within=15)

    def is_quiet_when_ended(self) -> bool:
        """Ends the couriers of this spool, whose work nobody waits for any more."""
        for courier in self.couriers():
            os.kill(int(courier.name), 9)
        return self.is_quiet()

    def is_quiet(self) -> bool:
        """Whether no courier is at work here, nor about to be."""
        for path in self.spool.glob("courier.*"):
            with path.open() as lock:
                if not landed_exec.try_lock(lock.fileno()):
                    return False
        return not self.couriers()


def processes() -> list[Path]:
    return [path for path in Path("/proc").iterdir() if path.name.isdigit()]


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    yield host
    host.close()


@pytest.fixture
def verifier(host: Host) -> Iterator[RecordingVerifier]:
    """A verifier that the host's wrappers reach."""
    verifier = RecordingVerifier()
    host.environment["LANDED_URL"] = verifier.url
    yield verifier
    verifier.close()


@pytest.fixture
def raw_verifier(host: Host) -> Iterator[Callable[[Callable[[socket.socket], None]], RawVerifier]]:
    """Makes a verifier that says just what it is told to say."""
    made: list[RawVerifier] = []

    def make(talk: Callable[[socket.socket], None]) -> RawVerifier:
        made.append(RawVerifier(talk))
        host.environment["LANDED_URL"] = made[-1].url
        return made[-1]

    yield make
    for raw in made:
        raw.close()


@pytest.fixture
def wait() -> Callable[..., None]:
    return eventually

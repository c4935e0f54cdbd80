"""What the wrapper adds to a job: the time around ``/bin/true``, whatever the verifier does.

    python benchmarks/exec_overhead.py [ROUNDS]      (some three minutes for 50)

Prints median and 95th percentile in milliseconds over ROUNDS (50) interleaved rounds: a
round times each case once, so that a busy moment of the machine meets all of them alike.
Real processes, verifiers on loopback, a spool in the temporary folder.
"""

import json
import os
import py_compile
import socket
import statistics
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WRAPPER = str(ROOT / "verifier" / "exec" / "landed_exec.py")
PYTHON = [sys.executable, "-I", "-S"]


class Up(BaseHTTPRequestHandler):
    """A verifier that takes everything and allows everything."""

    def do_POST(self):  # noqa: D102 (the name is the protocol's)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v1/guard":
            told = {"decision": "allow", "why": "", "due": None, "when_unsure": "open"}
        else:
            told = {"accepted": len(body), "duplicates": 0, "rejected": []}
        content = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):  # noqa: D102 (says nothing)
        pass


def garbage(listener):
    while True:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b"\x00\xff 220 smtp ready\r\n")
        connection.close()


def verifiers():
    """URL by temper; ``away`` is a port where nobody listens."""
    up = ThreadingHTTPServer(("127.0.0.1", 0), Up)
    threading.Thread(target=up.serve_forever, daemon=True).start()
    hanging = socket.create_server(("127.0.0.1", 0), backlog=512)  # never accepts
    babbling = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=garbage, args=(babbling,), daemon=True).start()
    with socket.create_server(("127.0.0.1", 0)) as gone:
        away = gone.getsockname()[1]
    ports = {
        "up": up.server_port,
        "away": away,
        "hanging": hanging.getsockname()[1],
        "garbage": babbling.getsockname()[1],
    }
    return {temper: f"http://127.0.0.1:{port}" for temper, port in ports.items()}, hanging


def milliseconds(command, environment):
    nowhere = [(os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    begun = time.perf_counter()
    pid = os.posix_spawn(command[0], command, environment, file_actions=nowhere)
    _, status = os.waitpid(pid, 0)
    took = (time.perf_counter() - begun) * 1000
    if status != 0:
        raise SystemExit(f"{command}: wait status {status}")
    return took


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    urls, _hanging = verifiers()
    with tempfile.TemporaryDirectory() as folder:
        base = {"PATH": os.environ["PATH"], "LANDED_DELIVER_FOR": "0", "LANDED_QUIET": "1"}
        cases = {
            "/bin/true": (["/bin/true"], base),
            "python3 -I -S -c pass": ([*PYTHON, "-c", "pass"], base),
        }
        wrapped = ["--job", "benchmark"]
        for temper, url in urls.items():
            environment = {**base, "LANDED_URL": url, "LANDED_SPOOL": f"{folder}/{temper}"}
            command = [*PYTHON, WRAPPER, *wrapped, "--", "/bin/true"]
            cases[f"exec, verifier {temper}"] = (command, environment)
        environment = {**base, "LANDED_URL": urls["up"], "LANDED_SPOOL": f"{folder}/guard"}
        guarded = [*PYTHON, WRAPPER, *wrapped, "--guard", "--", "/bin/true"]
        cases["exec --guard, verifier up"] = (guarded, environment)
        away = {**environment, "LANDED_URL": urls["away"], "LANDED_SPOOL": f"{folder}/guard-away"}
        cases["exec --guard, verifier away"] = (guarded, away)
        compiled = py_compile.compile(WRAPPER, f"{folder}/landed_exec.pyc", doraise=True)
        environment = {**base, "LANDED_URL": urls["up"], "LANDED_SPOOL": f"{folder}/compiled"}
        command = [*PYTHON, compiled, *wrapped, "--", "/bin/true"]
        cases["byte-compiled, verifier up"] = (command, environment)
        # As pip installs it: byte-compiled, but with site and the environment's paths.
        installed = [sys.executable, "-c", "from verifier.exec.landed_exec import main; main()"]
        environment = {**base, "LANDED_URL": urls["up"], "LANDED_SPOOL": f"{folder}/installed"}
        environment["PYTHONPATH"] = str(ROOT)
        cases["installed, verifier up"] = ([*installed, *wrapped, "--", "/bin/true"], environment)

        took = {name: [] for name in cases}
        for number in range(rounds + 3):
            for name, (command, environment) in cases.items():
                one = milliseconds(command, environment)
                if number >= 3:  # the first rounds warm the caches
                    took[name].append(one)
                time.sleep(0.25)  # the courier has its turn, and not the next case's

        bare = statistics.median(took["/bin/true"])
        print(f"{'':32}{'median':>9}{'p95':>9}{'added':>9}   (ms, {rounds} rounds)")
        for name, times in took.items():
            median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
            print(f"{name:32}{median:9.1f}{p95:9.1f}{median - bare:9.1f}")
        time.sleep(1)  # the last couriers end before their folder goes


if __name__ == "__main__":
    main()

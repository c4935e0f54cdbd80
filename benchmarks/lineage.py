"""How soon a task of Airflow has its answer: ``POST /api/v1/lineage`` beside ``GET /livez``.

    python benchmarks/lineage.py [--seconds S] [--rate EVENTS_PER_SECOND]

A whole ``serve`` on a SQLite ledger in a process of its own, engine included; the load comes from
this process over loopback. Events are recorded ones of a real Airflow under run ids of their
own, at a fixed rate over 16 connections; each is made durable before it is answered. At
the same time ``/livez`` is asked 50 times a second, which needs neither ledger nor intake.
Prints percentiles of both, in milliseconds, from when a request was to be sent, so that a server
that falls behind is not flattered; and those of ``/livez`` alone.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count, cycle
from pathlib import Path

RECORDED = Path(__file__).parents[1] / "tests/data/airflow/stream_scheduled_and_retried.ndjson"
CONNECTIONS = 16
LIVEZ_RATE = 50.0

CONFIG = """\
version: 1
ledger: sqlite:///{home}/landed.db
listen: 127.0.0.1:0
sources:
  airflow: {{type: airflow, url: "http://127.0.0.1:9", username: x, password: x, poll: 1m}}
jobs:
  whole: {{scheduler: {{source: airflow, dag: demo_sched}}, {common}}}
  flaky: {{scheduler: {{source: airflow, dag: demo_sched, task: flaky}}, {common}}}
"""
COMMON = 'schedule: {cron: "*/3 * * * *"}, class: best-effort, since: 2026-11-24'


@contextmanager
def serving() -> Iterator[int]:
    """The port of a ``serve`` with an Airflow and two of its jobs."""
    with tempfile.TemporaryDirectory() as home:
        config = Path(home, "landed.yaml")
        config.write_text(CONFIG.format(home=home, common=COMMON))
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LANDED_")}
        process = subprocess.Popen(
            [sys.executable, "-m", "verifier.cli.entry", "serve", "--config", str(config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment | {"LANDED_SPOOL": str(Path(home, "spool"))},
            text=True,
        )
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline().rsplit(":", 1)[1])
        finally:
            process.terminate()
            process.wait(30)


def events() -> Iterator[bytes]:
    """Requests with recorded events, each pass over them under a run id of its own."""
    lines = RECORDED.read_text().splitlines()
    for number in count():
        for line in lines:
            body = line.replace('"run_id": "scheduled__', f'"run_id": "{number}__').encode()
            yield (
                b"POST /api/v1/lineage HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Content-Type: application/json\r\n"
                b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
            )


LIVEZ = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@asynccontextmanager
async def asker(port: int) -> AsyncIterator[Callable[[bytes], Awaitable[bytes]]]:
    """Sends one request after another over one connection, and takes the whole answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def ask(request: bytes) -> bytes:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        (length,) = (
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        body = await reader.readexactly(length)
        assert head.startswith(b"HTTP/1.1 200"), head + body
        assert b"future_time" not in body, body
        return body

    yield ask
    writer.close()


async def load(
    port: int, requests: Iterator[bytes], rate: float, seconds: float, connections: int
) -> list[float]:
    """Milliseconds from when each request was to be sent until its answer was there."""
    began = time.perf_counter()
    numbers = iter(range(int(rate * seconds)))
    took: list[float] = []

    async def work() -> None:
        async with asker(port) as ask:
            for number in numbers:
                due = began + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                await ask(next(requests))
                took.append(1000 * (time.perf_counter() - due))

    await asyncio.gather(*(work() for _ in range(connections)))
    return took


def percentiles(took: list[float]) -> dict[str, float]:
    """The median, p95 and p99."""
    ranked = sorted(took)
    return {
        name: round(ranked[min(len(ranked) - 1, int(len(ranked) * part))], 2)
        for name, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    }


async def main(rate: float, seconds: float) -> None:
    with serving() as port:
        idle = await load(port, cycle([LIVEZ]), LIVEZ_RATE, seconds / 2, 1)
        lineage, livez = await asyncio.gather(
            load(port, events(), rate, seconds, CONNECTIONS),
            load(port, cycle([LIVEZ]), LIVEZ_RATE, seconds, 2),
        )
    print(f"load average {os.getloadavg()[0]:.1f}; {rate:g} events/s for {seconds:g} s")
    for name, took in (("livez alone", idle), ("livez", livez), ("lineage", lineage)):
        print(f"{name:12} {len(took):6} requests  {json.dumps(percentiles(took))} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=200.0)
    given = parser.parse_args()
    asyncio.run(main(given.rate, given.seconds))

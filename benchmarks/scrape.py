"""What a scrape takes, beside one of an empty prometheus-client registry.

    python benchmarks/scrape.py [ROUNDS]

Real servers on loopback, scraped as OpenMetrics over HTTP: one with 300 jobs, one with
5,000, and prometheus-client's own application with nothing in it. Each job has 4 checks, a
verified run, a false success and a running attempt. ROUNDS (30) are interleaved: each scrapes
every server once, so that a busy moment of the machine meets all of them alike.

Prints per server the median and 95th percentile in milliseconds, and the size and series of
the page; and per fleet what it takes to take the figures: the first time, when nothing
changed, and when one job in a hundred did.
"""

import gc
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry, make_asgi_app

from verifier.checks.stores.registry import Stores
from verifier.config.load import load
from verifier.engine.fleet import Fleet
from verifier.engine.guarding import Gatekeeper
from verifier.engine.service import Service
from verifier.exporters.exposition import Turns
from verifier.ledger.ledger import Ledger
from verifier.runs.binding import RunKey
from verifier.runs.declaration import (
    CheckTraits,
    Declaration,
    Every,
    JobClass,
    Overlap,
    Surface,
    SurfaceKind,
)
from verifier.runs.evaluation import Cause, CheckResult, Effect, Evaluation, Result
from verifier.runs.instant import format_instant
from verifier.runs.signal import Kind, Signal
from verifier.web.access import Access
from verifier.web.app import build_app
from verifier.web.server import Server, listen

NOW = datetime(2026, 4, 3, 12, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
ACCEPT = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}
CHECKS = tuple(
    CheckTraits(name=kind, type=kind, says_effect=kind != "reconcile")
    for kind in ("scope", "exactly_once", "row_count", "reconcile")
)
CONFIG = "version: 1\nledger: sqlite:///{path}\njobs: {{}}\n"
TURNS = {"metrics": Turns(timedelta(seconds=5), NOW), "tick": Turns(timedelta(seconds=1), NOW)}


def declaration(job):
    names = tuple(check.name for check in CHECKS)
    return Declaration(
        job=job,
        statement="Every region has its rows.",
        schedule=Every(period=HOUR),
        job_class=JobClass.ONE_RESULT,
        overlap=Overlap.FORBID,
        surfaces=(Surface(name="table", kind=SurfaceKind.APPEND, checks=names),),
        checks=CHECKS,
        finish_within=HOUR,
        verified_within=2 * HOUR,
        zombie_grace=2 * HOUR,
        owner="platform",
    )


def signals(job, hours, *kinds):
    due = NOW.replace(minute=0) - hours * HOUR
    return [
        Signal(
            job=job,
            kind=kind,
            at=due + timedelta(minutes=number),
            id=f"{hours}/{kind}",
            attempt=f"a{hours}",
            due=due,
        )
        for number, kind in enumerate(kinds)
    ]


def look(job, hours, seconds, complete):
    key = RunKey(job, format_instant(NOW.replace(minute=0) - hours * HOUR))
    at = key.due + timedelta(minutes=10, seconds=seconds)
    result = Result.HOLDS if complete else Result.VIOLATED
    effect = Effect.COMPLETE if complete else Effect.PARTIAL
    answers = tuple(
        CheckResult(
            name=check.name,
            type=check.type,
            result=result,
            effect=effect if check.says_effect else None,
            expected=150 if check.type == "scope" else None,
            done=150 if complete else 90,
            evaluated_at=at,
            duration_seconds=0.01,
        )
        for check in CHECKS
    )
    evaluation = Evaluation(
        evaluation_id=f"{key.run_id}/{seconds}",
        run_id=key.run_id,
        cause=Cause.END,
        started_at=at,
        finished_at=at,
        results=answers,
    )
    return key, evaluation


def filled(folder, count):
    """A ledger with ``count`` jobs, and the service on it."""
    folder.mkdir()
    (folder / "landed.yaml").write_text(CONFIG.format(path=folder / "landed.db"))
    config = load(folder / "landed.yaml", {})
    ledger = Ledger.open(config.ledger, NOW)
    raw = ledger._database._writer.raw_connection()
    raw.cursor().execute("PRAGMA synchronous = OFF")  # filling is no part of the measurement
    raw.close()
    names = [f"job-{number:04}" for number in range(count)]
    for name in names:
        ledger.declare(name, declaration(name), {}, NOW - 48 * HOUR)
        told = signals(name, 3, Kind.CREATED, Kind.STARTED, Kind.SUCCEEDED)
        told += signals(name, 2, Kind.CREATED, Kind.STARTED, Kind.SUCCEEDED)
        told += signals(name, 0, Kind.CREATED, Kind.STARTED, Kind.HEARTBEAT)
        ledger.append(told, source="native", received_at=NOW)
        for hours, seconds, complete in ((3, 0, True), (2, 0, False), (2, 20, False)):
            key, evaluation = look(name, hours, seconds, complete)
            ledger.record(key, evaluation, evaluation.finished_at)
    fleet = Fleet(config, ledger, Stores(config.stores))
    gatekeeper = Gatekeeper(ledger, fleet, lambda: NOW)
    return names, Service(ledger, fleet, gatekeeper, lambda: NOW, lambda _: None), config


def timed(call):
    gc.collect()
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def figures(names, service):
    """Seconds to take the figures: the first time, unchanged, with one job in 100 changed."""
    first = timed(lambda: service.take_figures(TURNS, NOW))
    same = timed(lambda: service.take_figures(TURNS, NOW))
    for name in names[:: max(1, min(100, len(names)))]:
        beat = signals(name, 0, Kind.HEARTBEAT)[0]
        service.ledger.append(
            [Signal(job=name, kind=beat.kind, at=NOW, id="more", attempt="a0")],
            source="native",
            received_at=NOW,
        )
    return first, same, timed(lambda: service.take_figures(TURNS, NOW))


def serving(app):
    listener = listen("127.0.0.1", 0)
    server = Server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener.socket]}, daemon=True)
    thread.start()
    return listener.url


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as folder:
        urls = {"empty registry": serving(make_asgi_app(CollectorRegistry())) + "/"}
        print(f"{'figures (ms)':16}{'first':>10}{'same':>10}{'1 % new':>10}")
        for count in (300, 5000):
            names, service, config = filled(Path(folder) / str(count), count)
            taken = [f"{1000 * each:10.1f}" for each in figures(names, service)]
            print(f"{f'{count} jobs':16}{''.join(taken)}")
            app = build_app(service, Access.of(config.listen, config.tokens, "made-token"))
            urls[f"{count} jobs"] = serving(app) + "/metrics"
        times = {name: [] for name in urls}
        pages = {}
        with httpx.Client(headers=ACCEPT, trust_env=False, timeout=60) as client:
            for _ in range(rounds):
                for name, url in urls.items():
                    began = time.perf_counter()
                    pages[name] = client.get(url)
                    times[name].append(1000 * (time.perf_counter() - began))
        print(f"\n{'scrape (ms)':16}{'median':>10}{'p95':>10}{'KiB':>10}{'series':>10}{'a job':>8}")
        for name, found in times.items():
            page = pages[name].raise_for_status()
            lines = [line for line in page.text.splitlines() if line and not line.startswith("#")]
            per_job = sum('job_name="job-0000"' in line for line in lines)
            p95 = statistics.quantiles(found, n=20)[-1]
            print(
                f"{name:16}{statistics.median(found):10.2f}{p95:10.2f}"
                f"{len(page.content) / 1024:10.0f}{len(lines):10}{per_job:8}"
            )


if __name__ == "__main__":
    main()

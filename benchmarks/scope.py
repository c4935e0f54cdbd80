"""How long a million keys in two stores take to compare, and how much memory that needs.

    python benchmarks/scope.py [--keys N] [--rounds N]

The expected keys are in a DuckDB file, the destination is a table of PostgreSQL: the server
that LANDED_TEST_POSTGRES_URL names, or one that is started here. Once both are equal; once
100 keys are absent, 100 are there twice and 100 nobody expected. Interleaved rounds, each
question in a process of its own, of

- sketches: a ``scope`` check, as it is asked where there are many keys
- one by one: the same check, made to hold all keys of both sides in memory
- sets: what a person would write: both sides fetched into sets of Python

Seconds are those of the question alone, and the processor's on this side; memory is what
the process came to hold at most, beside what it held before it asked. Prints medians, and
ratios with their gates; exits with 1 where a gate is missed, or an answer is not the one
that was planted.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import psycopg
from ingest import postgres
from pydantic import TypeAdapter
from rich.progress import Progress
from sqlalchemy import make_url

from verifier.checks import sides
from verifier.checks.evaluate import evaluate
from verifier.checks.question import Question
from verifier.checks.registry import Check
from verifier.checks.stores.registry import StoreConfig, Stores

DEFECTS = 100
CHUNK = 50_000
SITUATIONS = ("equal", "defects")
WAYS = ("sketches", "one by one", "sets")
NOW = datetime(2026, 4, 3, 3, tzinfo=UTC)
GATES = {"time": 0.5, "memory": 0.5}
"""Of sketches, as a part of what one by one takes."""

ROWS = """
INSERT INTO {schema}.{table}
SELECT date '2026-04-02', 'order-' || lpad(n::text, 9, '0')
FROM generate_series({start}, {end}) AS n WHERE {condition}
"""
# Of the keys from 1 on, some are absent, the next ones are there twice, and so many
# are above the last.
CONDITIONS = {"equal": "true", "defects": f"n > {DEFECTS}"}


@contextmanager
def planted(server: str, path: Path, keys: int) -> Iterator[str]:
    """Makes both stores, and gives the schema of the tables on ``server``."""
    schema = f"scope_{os.getpid()}"
    with psycopg.connect(plain(server), autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        try:
            with Progress() as progress, duckdb.connect(str(path)) as expected:
                bar = progress.add_task("keys", total=keys * (1 + len(SITUATIONS)))
                expected.execute("CREATE TABLE orders (key VARCHAR)")
                for table in SITUATIONS:
                    connection.execute(f"CREATE TABLE {schema}.{table} (day date, key text)")
                for start in range(1, keys + 1, CHUNK):
                    end = min(start + CHUNK - 1, keys)
                    expected.execute(
                        "INSERT INTO orders SELECT 'order-' || lpad(n::VARCHAR, 9, '0') "
                        f"FROM range({start}, {end + 1}) AS r(n)"
                    )
                    progress.advance(bar, end - start + 1)
                    for table in SITUATIONS:
                        fill(connection, schema, table, start, end, CONDITIONS[table])
                        progress.advance(bar, end - start + 1)
            fill(connection, schema, "defects", DEFECTS + 1, 2 * DEFECTS)
            fill(connection, schema, "defects", keys + 1, keys + DEFECTS)
            for table in SITUATIONS:
                connection.execute(f"VACUUM ANALYZE {schema}.{table}")
            yield schema
        finally:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


def fill(
    connection: psycopg.Connection[tuple[object, ...]],
    schema: str,
    table: str,
    start: int,
    end: int,
    condition: str = "true",
) -> None:
    """Writes the keys from ``start`` to ``end``."""
    connection.execute(
        ROWS.format(schema=schema, table=table, start=start, end=end, condition=condition)
    )


def plain(url: str) -> str:
    """``url`` as psycopg takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def by_check(way: str, url: str, path: str, table: str) -> tuple[int, ...]:
    """What a ``scope`` check finds: missing, surplus, unexpected."""
    check = TypeAdapter(Check).validate_python(
        {
            "type": "scope",
            "name": "orders",
            "store": "shop",
            "table": table,
            "key": ["key"],
            "where": "day = '2026-04-02'",
            "expected": {"store": "source", "sql": "SELECT key FROM orders"},
        }
    )
    read = TypeAdapter(StoreConfig).validate_python
    urls = {"shop": url, "source": f"duckdb:///{path}"}
    if way != "sketches":
        sides.FEW_ROWS = 10**9
    stores = {
        name: read({"type": "sql", "url": each, "statement_timeout": "10m"})
        for name, each in urls.items()
    }
    with Stores(stores) as opened:
        (answer,) = evaluate(
            [check], opened, Question(job="orders", run="orders"), NOW, max_keys=10**8
        )
    compared = answer.evidence["compared"]["by"]
    if answer.reason is not None or compared != ("sketches" if way == "sketches" else "keys"):
        raise SystemExit(f"{way}, {table}: {answer.reason} {answer.evidence}")
    return answer.missing, answer.surplus, answer.unexpected


def by_hand(url: str, path: str, table: str) -> tuple[int, ...]:
    """The same, by sets of Python."""
    with duckdb.connect(path, read_only=True) as source:
        rows = source.execute("SELECT key FROM orders")
        expected = set()
        while some := rows.fetchmany(5_000):
            expected.update(key for (key,) in some)
    with psycopg.connect(plain(url)) as shop:
        sql = f"SELECT key FROM {table} WHERE day = '2026-04-02'"
        stream = shop.cursor().stream(sql, size=5_000)
        found = Counter(key for (key,) in stream)
    surplus = found.total() - len(found)
    return len(expected - found.keys()), surplus, len(found.keys() - expected)


def child(way: str, url: str, path: str, table: str) -> None:
    """Answers one question; prints seconds, the processor's among them, and memory in MB."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    found = by_hand(url, path, table) if way == "sets" else by_check(way, url, path, table)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    memory = (after.ru_maxrss - before.ru_maxrss) / 1024
    print(json.dumps([seconds, busy, memory, after.ru_maxrss / 1024, list(found)]))


def measure(server: str, keys: int, rounds: int) -> bool:
    """Prints the figures; whether every gate is met."""
    figures: dict[tuple[str, str], list[list[float]]] = {}
    with tempfile.TemporaryDirectory(prefix="landed-scope-") as home:
        path = Path(home) / "source.duckdb"
        with planted(server, path, keys) as schema, Progress() as progress:
            questions = [(table, way) for table in SITUATIONS for way in WAYS]
            bar = progress.add_task("questions", total=rounds * len(questions))
            for _ in range(rounds):
                for table, way in questions:
                    figures.setdefault((table, way), []).append(
                        asked(way, server, str(path), f"{schema}.{table}")
                    )
                    progress.advance(bar)
    return told(figures, keys)


def asked(way: str, server: str, path: str, table: str) -> list[float]:
    """The figures of one question, asked in a process of its own."""
    command = [sys.executable, __file__, "--child", way, server, path, table]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    *figures, found = json.loads(said)
    planted_there = [DEFECTS] * 3 if table.endswith("defects") else [0] * 3
    if found != planted_there:
        raise SystemExit(f"{way}, {table}: found {found}, planted {planted_there}")
    return figures


def told(figures: dict[tuple[str, str], list[list[float]]], keys: int) -> bool:
    """Prints the medians, and whether the gates are met."""
    load = "  ".join(f"{each:.2f}" for each in os.getloadavg())
    rounds = len(next(iter(figures.values())))
    print(f"{keys:,} keys, medians of {rounds} rounds, load {load}")
    print(f"{'':22}{'seconds':>10}{'cpu here':>10}{'MB more':>10}{'MB':>8}")
    medians = {
        question: [statistics.median(each) for each in zip(*rows, strict=True)]
        for question, rows in figures.items()
    }
    for (table, way), (seconds, busy, more, whole) in medians.items():
        print(f"{table + ', ' + way:22}{seconds:10.2f}{busy:10.2f}{more:10.0f}{whole:8.0f}")
    met = True
    for table in SITUATIONS:
        sketched, held = medians[table, "sketches"], medians[table, "one by one"]
        for name, place in (("time", 0), ("memory", 2)):
            ratio = sketched[place] / held[place]
            met = met and ratio <= GATES[name]
            print(f"{table}: {name} of sketches is {ratio:.2f} of one by one (≤ {GATES[name]})")
    return met


def main() -> int:
    """Measures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return 0
    with postgres() as server:
        return 0 if measure(server, options.keys, options.rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
